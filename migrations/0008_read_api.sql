-- A key of the read API. What its holder sends is known to the holder alone;
-- kept here is its SHA-256: a secret of 256 random bits cannot be guessed from it.
create table api_keys (
  -- Part of the key itself, by which it is looked up and named.
  id            text        primary key check (id ~ '^[0-9a-f]{12}$'),
  name          text        not null check (length(name) between 1 and 100),
  secret_sha256 bytea       not null check (octet_length(secret_sha256) = 32),
  scopes        text[]      not null check (cardinality(scopes) > 0),
  created_at    timestamptz not null default now(),
  expires_at    timestamptz,
  revoked_at    timestamptz,
  -- Written at most once a minute.
  last_used_at  timestamptz
);

-- Lists are read newest first from any row on. A filter that picks few rows of
-- many has an index of its own; what picks many is found along the time.
create index ledger_by_time on ledger (received_at desc, id desc);
create index ledger_by_endpoint on ledger (endpoint, received_at desc, id desc);
create index ledger_dead_by_time on ledger (received_at desc, id desc) where state = 'dead';
create index ledger_by_fingerprint on ledger (failure_fingerprint, received_at desc, id desc)
  where failure_fingerprint is not null;
create index events_by_type on events (type, received_at desc, id desc);
create index payments_by_status on payments (status, occurred_at desc, key desc);
create index payments_by_amount on payments (currency, amount);
create index payments_by_account on payments (account, occurred_at desc, key desc);
create index refunds_by_time on refunds (occurred_at desc, account desc, id desc);
create index refunds_by_status on refunds (status, occurred_at desc, account desc, id desc);
create index disputes_by_time on disputes (occurred_at desc, account desc, id desc, payment_key desc);
create index disputes_by_status on disputes (status, occurred_at desc, account desc, id desc, payment_key desc);
create index payouts_by_time on payouts (occurred_at desc, account desc, id desc);
create index payouts_by_status on payouts (status, occurred_at desc, account desc, id desc);
create index refunds_by_amount on refunds (currency, amount);
create index disputes_by_amount on disputes (currency, amount);
create index payouts_by_amount on payouts (currency, amount);
create index outbox_of_event on outbox (ledger_id);
create index outbox_deliveries_by_destination on outbox_deliveries (destination, id desc);

-- Any id leads to its payment, whatever the account.
drop index payments_by_id;
create index payments_by_id on payments (id, account);
create index payment_references_by_name on payment_references (reference);
create index disputes_by_id on disputes (id);
