-- The workers' role may make no table and change no fact (docs/SECURITY.md, packages/db/src/roles.ts). What they do to
-- months they do by these functions, which have their owner's rights and do nothing else. One refuses a table that is
-- not kept by month; what drops refuses a month that ended less than 35 days ago, the least that EVENT_RETENTION_DAYS may be.

create function assert_monthly(parent text) returns void language plpgsql as $$
begin
  if parent not in ('events', 'deliveries', 'confirmations', 'attempts') then
    raise exception 'penstock: % is not kept by month', parent using errcode = 'insufficient_privilege';
  end if;
end
$$;

create or replace function create_month(parent text, month date) returns boolean
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  name   text := parent || '_' || to_char(month, 'YYYY_MM');
  begins timestamptz := date_trunc('month', month::timestamp) at time zone 'UTC';
  ends   timestamptz := (date_trunc('month', month::timestamp) + interval '1 month') at time zone 'UTC';
begin
  perform assert_monthly(parent);
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

-- The events whose rows stay when a month goes. Each part has an index of its own, as long as they are few.
create function unfinished_events() returns table (id bigint, since timestamptz) language sql stable as $$
  select ledger.id, touched_at from ledger where state = 'received'
  union all select ledger.id, finished_at from ledger where state = 'dead'
  union all select outbox.ledger_id, timestamptz 'infinity' from outbox_deliveries join outbox on outbox.id = outbox_id
            where outbox_deliveries.state in ('pending', 'queued')
$$;

create function month_to_drop(parent text, month date) returns text language plpgsql as $$
begin
  perform assert_monthly(parent);
  if (date_trunc('month', month::timestamp) + interval '1 month') at time zone 'UTC' > now() - interval '35 days' then
    raise exception 'penstock: % of % may not be dropped yet', to_char(month, 'YYYY-MM'), parent
      using errcode = 'insufficient_privilege';
  end if;
  return parent || '_' || to_char(month, 'YYYY_MM');
end
$$;

-- Whether anything in a month may go. One that was dropped before holds only what may not, and little of it.
create function month_may_go(parent text, month date) returns boolean
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  name  text := month_to_drop(parent, month);
  found boolean;
begin
  execute format('select not exists (select from %1$I)
                         or exists (select from %1$I as whole where not exists (
                                      select from unfinished_events() as unfinished where unfinished.id = whole.%2$I))',
                 name, case parent when 'events' then 'id' else 'ledger_id' end) into found;
  return found;
end
$$;

-- First half of a drop: what has to stay is copied aside, while everybody goes on.
create function set_month_aside(parent text, month date) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  name text := month_to_drop(parent, month);
begin
  execute format('create table %I (like %I including all excluding identity)', name || '_rest', parent);
  execute format('insert into %I select * from %I where %I in (select id from unfinished_events()) on conflict do nothing',
                 name || '_rest', name, case parent when 'events' then 'id' else 'ledger_id' end);
end
$$;

-- Second half, in the same transaction: under a lock that waits for a tenth of a second, what was made unfinished
-- since (a replay for example) is copied too, the month goes, and what stays takes its place. Returns how many rows that is.
create function replace_month(parent text, month date) returns bigint
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  name   text := month_to_drop(parent, month);
  rest   text := name || '_rest';
  begins timestamptz := date_trunc('month', month::timestamp) at time zone 'UTC';
  ends   timestamptz := (date_trunc('month', month::timestamp) + interval '1 month') at time zone 'UTC';
  kept   bigint;
begin
  -- How long writers may be kept waiting: an event's transaction takes some milliseconds, a rebuild's minutes.
  perform set_config('lock_timeout', '100ms', true);
  execute format('lock table only %I in access exclusive mode', parent);
  -- Ten minutes are longer than any transaction of a worker may be.
  execute format('insert into %I select * from %I where %I in (
                    select id from unfinished_events() where since >= now() - interval ''10 minutes'') on conflict do nothing',
                 rest, name, case parent when 'events' then 'id' else 'ledger_id' end);
  execute format('alter table %I detach partition %I', parent, name);
  execute format('drop table %I', name);
  execute format('select count(*) from %I', rest) into kept;
  if kept = 0 then
    execute format('drop table %I', rest);
    return kept;
  end if;
  execute format('alter table %I rename to %I', rest, name);
  -- As create_month makes it.
  execute format('create trigger %I before truncate on %I for each statement execute function refuse_change()',
                 name || '_no_truncate', name);
  execute format('alter table %I attach partition %I for values from (%L) to (%L)', parent, name, begins, ends);
  return kept;
end
$$;

revoke execute on function create_month, month_may_go, set_month_aside, replace_month from public;

-- From where somebody acted: an address, or a command on a host.
alter table operator_actions add column source text;
