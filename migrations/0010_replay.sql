-- Discarded: dead, and somebody decided that it stays so. It is not tried again
-- when the provider repeats it; a replay that asks for it by its state can.
alter table ledger drop constraint ledger_state_check;
alter table ledger add constraint ledger_state_check
  check (state in ('received', 'processed', 'ignored', 'dead', 'discarded'));

-- Each time an event died, for ever: what the ledger says of a dead event is
-- gone from sight once a replay healed it.
create table deaths (
  id          bigint generated always as identity primary key,
  ledger_id   bigint      not null references ledger (id),
  died_at     timestamptz not null default now(),
  code        text        not null,
  message     text        not null,
  fingerprint text        not null,
  reason      text        not null
);
create index deaths_by_time on deaths (died_at);
create index deaths_of_event on deaths (ledger_id, id);
insert into deaths (ledger_id, died_at, code, message, fingerprint, reason)
  select id, finished_at, failure_code, coalesce(failure_message, ''), coalesce(failure_fingerprint, ''),
         coalesce(failure_reason, 'abandoned')
  from ledger where state = 'dead' order by id;
create trigger deaths_append_only before update or delete on deaths
  for each row execute function refuse_change();
create trigger deaths_no_truncate before truncate on deaths
  for each statement execute function refuse_change();

-- The handlers that the workers run, so that a plan can say what would run
-- without loading anybody's code. Written when a worker starts.
create table known_handlers (
  name     text        primary key,
  pattern  text        not null,
  version  integer     not null,
  seen_at  timestamptz not null default now()
);

-- A replay: planned first, applied by its id, moved by the workers.
create table replays (
  id          bigint generated always as identity primary key,
  -- planned: nothing happened yet · running · paused · cancelled: what was moved stays moved
  -- done: nothing is left to move, and what was moved has ended · expired: planned and never applied
  state       text        not null default 'planned'
              check (state in ('planned', 'running', 'paused', 'cancelled', 'done', 'expired')),
  planned_by  text        not null,
  reason      text        not null,
  filter      jsonb       not null,
  -- Null: the handlers that are not done. Else these and no others, on finished events as well.
  handlers    jsonb,
  per_second  integer     not null check (per_second > 0),
  events      integer     not null check (events >= 0),
  created_at  timestamptz not null default now(),
  applied_by  text,
  started_at  timestamptz,
  finished_at timestamptz,
  -- When the workers last held back, and why; null while they move.
  held_reason text,
  -- The pace is the fleet's, not each worker's: nobody moves before this.
  next_move_at timestamptz not null default now(),
  -- Counts by what became of the events, once it has ended.
  result      jsonb,
  check ((state in ('cancelled', 'done', 'expired')) = (finished_at is not null))
);
create index replays_open on replays (id) where state in ('planned', 'running', 'paused');

-- The events a plan selected, frozen: what is applied is what was counted.
create table replay_items (
  replay_id   bigint      not null references replays (id),
  ledger_id   bigint      not null references ledger (id),
  -- The event's state and cause when it was planned.
  was         text        not null,
  fingerprint text,
  -- planned · moved: given back to the workers · skipped: another state since, or nothing of it to run
  state       text        not null default 'planned' check (state in ('planned', 'moved', 'skipped')),
  moved_at    timestamptz,
  primary key (replay_id, ledger_id),
  check ((state = 'moved') = (moved_at is not null))
);
create index replay_items_planned on replay_items (replay_id, ledger_id) where state = 'planned';
create index replay_items_of_event on replay_items (ledger_id) where state = 'moved';

-- Handlers that a replay asked to run again for a finished event: these and no
-- others. The row goes in the transaction of the run that answers it.
create table asked_handlers (
  ledger_id bigint not null references ledger (id),
  handler   text   not null,
  replay_id bigint not null references replays (id),
  primary key (ledger_id, handler)
);

-- What people did, for ever.
create table operator_actions (
  id         bigint generated always as identity primary key,
  at         timestamptz not null default now(),
  operator   text        not null,
  action     text        not null,
  target     text        not null,
  reason     text,
  request_id text        not null,
  -- The filter, the counts, the result: what the action is about.
  details    jsonb       not null
);
create index operator_actions_of_target on operator_actions (target, id);
create trigger operator_actions_append_only before update or delete on operator_actions
  for each row execute function refuse_change();
create trigger operator_actions_no_truncate before truncate on operator_actions
  for each statement execute function refuse_change();
