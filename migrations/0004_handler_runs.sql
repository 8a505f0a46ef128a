-- What became of each handler at each event: one that succeeded is not run
-- again when another of the same event failed. Its row commits with its writes.
create table handler_runs (
  ledger_id           bigint      not null references ledger (id),
  handler             text        not null,
  -- The version that ran last.
  version             integer     not null,
  -- done: its writes are committed · failed: it will be tried again · dead: it will not by itself
  state               text        not null check (state in ('done', 'failed', 'dead')),
  attempts            integer     not null check (attempts > 0),
  duration_ms         integer     not null,
  failure_code        text,
  failure_message     text,
  failure_fingerprint text,
  updated_at          timestamptz not null default now(),
  primary key (ledger_id, handler),
  check ((state = 'done') = (failure_code is null))
);

-- Which handler failed; null where the event itself did.
alter table attempts add column handler text;
