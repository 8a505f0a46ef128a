-- What a dead letter tells beside its last failure: how it began.
alter table ledger add column first_failure_code text;
alter table ledger add column first_failure_message text;
alter table ledger add column first_failure_fingerprint text;

-- What the wait for the next attempt was made of, so that it can be explained.
-- The share of the wait that jitter took off, or put on where a service had asked for a time.
alter table attempts add column retry_jitter real check (retry_jitter between 0 and 1);
-- What the share was derived from.
alter table attempts add column retry_seed text;
-- How long the service that failed asked to be left alone; null where it did not.
alter table attempts add column retry_asked_ms bigint;

-- An event that lost its worker before is run alone. Its row stands here before
-- it is, and is taken away when it ends, however it ends: one that stays is a
-- crash that only this event can have caused. The ledger's failure_reason of an
-- event with too many of them is poison.
create table crashes (
  id         bigint generated always as identity primary key,
  ledger_id  bigint      not null references ledger (id),
  number     integer     not null check (number > 0),
  -- The host and process that ran it.
  worker     text        not null,
  started_at timestamptz not null default now(),
  unique (ledger_id, number)
);
