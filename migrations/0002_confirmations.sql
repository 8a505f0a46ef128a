-- What a provider's API said about an event whose signature proves too little
-- to act upon. It is what was acted upon instead of the event's own body, so it
-- is kept as the bytes that came, and never changes.
create table confirmations (
  ledger_id    bigint      primary key references ledger (id),
  confirmed_at timestamptz not null,
  source       text        not null,
  -- True where the event's own body says something else about payments than the answer does.
  disagrees    boolean     not null,
  body_sha256  bytea       not null check (octet_length(body_sha256) = 32),
  body         bytea       not null
);

create trigger confirmations_append_only before update or delete on confirmations
  for each row execute function refuse_change();
create trigger confirmations_no_truncate before truncate on confirmations
  for each statement execute function refuse_change();
