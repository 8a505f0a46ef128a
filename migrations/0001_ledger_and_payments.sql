-- The ledger: one row for every provider event, for ever. Its unique key is
-- what makes "exactly once" true; everything else may be rebuilt.
create table ledger (
  id                  bigint generated always as identity primary key,
  account             text        not null,
  provider_event_id   text        not null,
  endpoint            text        not null,
  provider            text        not null,
  job_id              text        not null,
  body_sha256         bytea       not null check (octet_length(body_sha256) = 32),
  -- received: stored, not finished · processed: effects committed
  -- ignored: nothing to apply · dead: will not be retried by itself
  state               text        not null default 'received' check (state in ('received', 'processed', 'ignored', 'dead')),
  attempts            integer     not null default 0 check (attempts >= 0),
  received_at         timestamptz not null,
  stored_at           timestamptz not null default now(),
  -- Moves with every attempt: the sweeper leaves what moved lately alone.
  touched_at          timestamptz not null default now(),
  finished_at         timestamptz,
  failure_code        text,
  failure_message     text,
  failure_fingerprint text,
  -- permanent_failure, retries_exhausted, malformed, abandoned
  failure_reason      text,
  first_failed_at     timestamptz,
  request_id          text        not null,
  traceparent         text,
  unique (account, provider_event_id),
  check ((state = 'received') = (finished_at is null)),
  check (state <> 'dead' or failure_code is not null)
);
create index ledger_unfinished on ledger (touched_at) where state = 'received';
create index ledger_dead on ledger (finished_at desc) where state = 'dead';

-- The facts as they came: exact bytes, what was proven about them, when.
create table events (
  id                bigint      primary key references ledger (id),
  account           text        not null,
  endpoint          text        not null,
  provider          text        not null,
  provider_event_id text        not null,
  type              text        not null,
  shape             text        not null check (shape in ('event', 'malformed')),
  occurred_at       timestamptz,
  received_at       timestamptz not null,
  recorded_at       timestamptz not null default now(),
  livemode          boolean,
  api_version       text,
  provider_account  text,
  tier              text        not null check (tier in ('full', 'body', 'partial', 'none')),
  key_id            text        not null,
  transmission_id   text,
  request_id        text        not null,
  content_type      text,
  origin            text        not null check (origin in ('webhook', 'sweep')),
  body_sha256       bytea       not null,
  body              bytea       not null
);

-- A delivery's id is bound to one body for ever: where the signature proves
-- less than the body, a second body under it is a forgery.
create table transmissions (
  account         text   not null,
  transmission_id text   not null,
  body_sha256     bytea  not null,
  ledger_id       bigint not null references ledger (id),
  primary key (account, transmission_id)
);

-- Genuine-looking events that contradict one already known. Never applied.
create table collisions (
  id                bigint generated always as identity primary key,
  ledger_id         bigint      not null references ledger (id),
  kind              text        not null check (kind in ('event_id', 'transmission_id')),
  account           text        not null,
  endpoint          text        not null,
  provider_event_id text        not null,
  type              text        not null,
  tier              text        not null,
  key_id            text        not null,
  transmission_id   text,
  request_id        text        not null,
  received_at       timestamptz not null,
  recorded_at       timestamptz not null default now(),
  body_sha256       bytea       not null,
  body              bytea       not null,
  unique (ledger_id, kind, provider_event_id, body_sha256)
);

create table attempts (
  id          bigint generated always as identity primary key,
  ledger_id   bigint      not null references ledger (id),
  attempt     integer     not null,
  failed_at   timestamptz not null default now(),
  duration_ms integer     not null,
  code        text        not null,
  message     text        not null,
  fingerprint text        not null,
  -- Milliseconds until the next attempt; null where there is none.
  retry_in_ms bigint
);
create index attempts_of_event on attempts (ledger_id, id);

-- What a payment is: the fold of its facts. Written by nothing else.
create table payments (
  key             bigint generated always as identity primary key,
  account         text        not null,
  provider        text        not null,
  id              text        not null,
  status          text        not null,
  amount          bigint,
  currency        text,
  amount_captured bigint      not null,
  amount_refunded bigint      not null,
  refund_state    text        not null check (refund_state in ('none', 'partial', 'full')),
  dispute_state   text        not null check (dispute_state in ('none', 'inquiry', 'open', 'won', 'lost')),
  failure_code    text,
  conflict        text,
  needs_fetch     boolean     not null,
  version         integer     not null,
  occurred_at     timestamptz not null,
  updated_at      timestamptz not null default now()
);
-- Not unique: a payment is known by its references, and PayPal numbers sales and
-- captures alike. The id is the most telling of them, for people.
create index payments_by_id on payments (account, id);
create index payments_by_time on payments (occurred_at desc, key desc);

-- Every name a payment goes by; facts that share a name share a payment.
create table payment_references (
  account     text   not null,
  reference   text   not null,
  payment_key bigint not null references payments (key),
  primary key (account, reference)
);
create index payment_references_of_payment on payment_references (payment_key);

-- What each event says, in canonical terms: the set that is folded.
create table payment_facts (
  event_id          bigint      not null references events (id),
  ordinal           integer     not null,
  account           text        not null,
  provider_event_id text        not null,
  -- Null for a payout, which belongs to no payment.
  payment_key       bigint      references payments (key),
  payout_id         text,
  type              text        not null,
  occurred_at       timestamptz not null,
  fact              jsonb       not null,
  primary key (event_id, ordinal),
  check ((payment_key is null) = (payout_id is not null))
);
create index payment_facts_of_payment on payment_facts (payment_key) where payment_key is not null;
create index payment_facts_of_payout on payment_facts (account, payout_id) where payout_id is not null;

create table refunds (
  account     text        not null,
  id          text        not null,
  payment_key bigint      not null references payments (key),
  status      text        not null,
  amount      bigint,
  currency    text,
  reason      text,
  version     integer     not null,
  occurred_at timestamptz not null,
  updated_at  timestamptz not null default now(),
  primary key (account, id)
);
create index refunds_of_payment on refunds (payment_key);

-- PayPal disputes several payments at once: then each has its row.
create table disputes (
  account     text        not null,
  id          text        not null,
  payment_key bigint      not null references payments (key),
  status      text        not null,
  funds       text        not null,
  amount      bigint,
  currency    text,
  reason      text,
  version     integer     not null,
  occurred_at timestamptz not null,
  updated_at  timestamptz not null default now(),
  primary key (account, id, payment_key)
);
create index disputes_of_payment on disputes (payment_key);

create table payouts (
  account      text        not null,
  id           text        not null,
  provider     text        not null,
  status       text        not null,
  amount       bigint,
  currency     text,
  failure_code text,
  version      integer     not null,
  occurred_at  timestamptz not null,
  updated_at   timestamptz not null default now(),
  primary key (account, id)
);

-- Effects outside the database, promised in the event's own transaction.
create table outbox (
  id         bigint generated always as identity primary key,
  ledger_id  bigint      not null references ledger (id),
  topic      text        not null,
  key        text        not null,
  payload    jsonb       not null,
  created_at timestamptz not null default now(),
  sent_at    timestamptz
);
create index outbox_unsent on outbox (id) where sent_at is null;

-- Facts are appended; nothing that came in is changed or taken back.
create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'penstock: % of % is refused: facts are append-only', tg_op, tg_table_name
    using errcode = 'integrity_constraint_violation';
end
$$;

create trigger events_append_only before update or delete on events
  for each row execute function refuse_change();
create trigger events_no_truncate before truncate on events
  for each statement execute function refuse_change();
create trigger transmissions_append_only before update or delete on transmissions
  for each row execute function refuse_change();
create trigger transmissions_no_truncate before truncate on transmissions
  for each statement execute function refuse_change();
create trigger collisions_append_only before update or delete on collisions
  for each row execute function refuse_change();
create trigger collisions_no_truncate before truncate on collisions
  for each statement execute function refuse_change();
create trigger attempts_append_only before update or delete on attempts
  for each row execute function refuse_change();
create trigger attempts_no_truncate before truncate on attempts
  for each statement execute function refuse_change();

-- A ledger row lives for ever, and what it is about never changes.
create function refuse_ledger_identity_change() returns trigger language plpgsql as $$
begin
  if (new.id, new.account, new.provider_event_id, new.body_sha256)
     is distinct from (old.id, old.account, old.provider_event_id, old.body_sha256) then
    raise exception 'penstock: the identity of ledger row % is fixed', old.id
      using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end
$$;
create trigger ledger_identity_fixed before update on ledger
  for each row execute function refuse_ledger_identity_change();
create trigger ledger_no_delete before delete on ledger
  for each row execute function refuse_change();
create trigger ledger_no_truncate before truncate on ledger
  for each statement execute function refuse_change();
