-- What grows with every event and may go again is kept by month: the events
-- themselves, their deliveries, confirmations and failed attempts. A month is
-- made before it begins and dropped whole; there is no default partition, for
-- one with rows in it would have to be searched under lock whenever a month is
-- made. The ledger of ids is not partitioned and is kept: its unique key says
-- "exactly once" for ever, and a partition's could say so of one month only.

-- Makes the partition of a month, in UTC; false where it is there. It is filled
-- in aside and attached, which keeps no writer waiting, as "create table …
-- partition of" would.
create function create_month(parent text, month date) returns boolean language plpgsql as $$
declare
  name   text := parent || '_' || to_char(month, 'YYYY_MM');
  begins timestamptz := date_trunc('month', month::timestamp) at time zone 'UTC';
  ends   timestamptz := (date_trunc('month', month::timestamp) + interval '1 month') at time zone 'UTC';
begin
  -- "penstock months": two that make the same month at once wait for each other.
  perform pg_advisory_xact_lock(7365708);
  if to_regclass(quote_ident(name)) is not null then
    return false;
  end if;
  execute format('create table %I (like %I including all excluding identity)', name, parent);
  -- Triggers for rows are the parent's; one for the whole table is not handed down.
  execute format('create trigger %I before truncate on %I for each statement execute function refuse_change()',
                 name || '_no_truncate', name);
  execute format('alter table %I attach partition %I for values from (%L) to (%L)', parent, name, begins, ends);
  return true;
end
$$;

-- An event may be gone one day, what it told of payments may not.
alter table payment_facts drop constraint payment_facts_event_id_fkey;
alter table payment_facts add constraint payment_facts_event_id_fkey foreign key (event_id) references ledger (id);

-- events: by the time at which the ledger learned of the event, which is the
-- same for every attempt at it, so that a later one meets the row of the first.
-- No foreign keys in what follows: dropping a table that has one locks the
-- ledger. Rows are inserted from the ledger's own, which are never deleted.
alter table events rename to events_whole;
alter table events_whole rename constraint events_pkey to events_whole_pkey;
create table events (like events_whole including defaults including constraints) partition by range (recorded_at);
alter table events add primary key (id, recorded_at);

-- deliveries: every request of a provider that reached a worker, repetitions
-- included.
create table deliveries (
  ledger_id   bigint      not null,
  received_at timestamptz not null,
  delivery_id uuid        not null,
  -- first: it made the ledger's row · repeat: the same body again · other_body: another body under a known id
  kind        text        not null check (kind in ('first', 'repeat', 'other_body')),
  endpoint    text        not null,
  key_id      text        not null,
  request_id  text        not null,
  body_sha256 bytea       not null,
  -- received_at, but no more than a week ago and a day from now: another attempt
  -- at the delivery meets its row, and no clock elsewhere chooses the month.
  recorded_at timestamptz not null,
  primary key (ledger_id, recorded_at, delivery_id)
) partition by range (recorded_at);

alter table confirmations rename to confirmations_whole;
alter table confirmations_whole rename constraint confirmations_pkey to confirmations_whole_pkey;
create table confirmations (
  ledger_id    bigint      not null,
  confirmed_at timestamptz not null,
  source       text        not null,
  disagrees    boolean     not null,
  body_sha256  bytea       not null check (octet_length(body_sha256) = 32),
  body         bytea       not null,
  -- The ledger's stored_at, as with events.
  recorded_at  timestamptz not null,
  primary key (ledger_id, recorded_at)
) partition by range (recorded_at);

alter table attempts rename to attempts_whole;
alter table attempts_whole rename constraint attempts_pkey to attempts_whole_pkey;
alter index attempts_of_event rename to attempts_whole_of_event;
create table attempts (
  id          bigint generated always as identity,
  ledger_id   bigint      not null,
  attempt     integer     not null,
  failed_at   timestamptz not null default now(),
  duration_ms integer     not null,
  code        text        not null,
  message     text        not null,
  fingerprint text        not null,
  -- Milliseconds until the next attempt; null where there is none.
  retry_in_ms bigint,
  -- Which handler failed; null where the event itself did.
  handler     text,
  primary key (id, failed_at)
) partition by range (failed_at);
create index attempts_of_event on attempts (ledger_id, id);

-- The rows there are, each into its month.
select create_month(parent, month)
from (select 'events' as parent, date_trunc('month', stored_at at time zone 'UTC')::date as month
      from events_whole join ledger using (id)
      union select 'confirmations', date_trunc('month', stored_at at time zone 'UTC')::date
      from confirmations_whole join ledger on ledger.id = ledger_id
      union select 'attempts', date_trunc('month', failed_at at time zone 'UTC')::date from attempts_whole
      union select 'deliveries', date_trunc('month', stored_at at time zone 'UTC')::date
      from events_whole join ledger using (id)) as months;

insert into events (id, account, endpoint, provider, provider_event_id, type, shape, occurred_at, received_at,
                    recorded_at, livemode, api_version, provider_account, tier, key_id, transmission_id, request_id,
                    content_type, origin, body_sha256, body)
select event.id, event.account, event.endpoint, event.provider, event.provider_event_id, event.type, event.shape,
       event.occurred_at, event.received_at, ledger.stored_at, event.livemode, event.api_version,
       event.provider_account, event.tier, event.key_id, event.transmission_id, event.request_id,
       event.content_type, event.origin, event.body_sha256, event.body
from events_whole as event join ledger using (id);
-- Of the deliveries there were, each event's own is known.
insert into deliveries (ledger_id, received_at, delivery_id, kind, endpoint, key_id, request_id, body_sha256,
                        recorded_at)
select event.id, event.received_at, gen_random_uuid(), 'first', event.endpoint, event.key_id, event.request_id,
       event.body_sha256, ledger.stored_at
from events_whole as event join ledger using (id);
insert into confirmations (ledger_id, confirmed_at, source, disagrees, body_sha256, body, recorded_at)
select ledger_id, confirmed_at, source, disagrees, confirmation.body_sha256, body, stored_at
from confirmations_whole as confirmation join ledger on ledger.id = ledger_id;
insert into attempts (id, ledger_id, attempt, failed_at, duration_ms, code, message, fingerprint, retry_in_ms, handler)
overriding system value
select id, ledger_id, attempt, failed_at, duration_ms, code, message, fingerprint, retry_in_ms, handler
from attempts_whole;
select setval(pg_get_serial_sequence('attempts', 'id'), max(id)) from attempts_whole having max(id) is not null;

drop table events_whole, confirmations_whole, attempts_whole;

create trigger events_append_only before update or delete on events
  for each row execute function refuse_change();
create trigger events_no_truncate before truncate on events
  for each statement execute function refuse_change();
create trigger deliveries_append_only before update or delete on deliveries
  for each row execute function refuse_change();
create trigger deliveries_no_truncate before truncate on deliveries
  for each statement execute function refuse_change();
create trigger confirmations_append_only before update or delete on confirmations
  for each row execute function refuse_change();
create trigger confirmations_no_truncate before truncate on confirmations
  for each statement execute function refuse_change();
create trigger attempts_append_only before update or delete on attempts
  for each row execute function refuse_change();
create trigger attempts_no_truncate before truncate on attempts
  for each statement execute function refuse_change();
