-- A message of the outbox on its way to one destination. It is promised in the
-- event's own transaction; what became of it is written here after.
create table outbox_deliveries (
  id           bigint generated always as identity primary key,
  outbox_id    bigint      not null references outbox (id),
  destination  text        not null,
  -- What must arrive one after the other; null where order does not matter.
  order_key    text,
  -- pending: promised · queued: in the second queue · delivered: answered 2xx · dead: will not be tried again by itself
  state        text        not null default 'pending' check (state in ('pending', 'queued', 'delivered', 'dead')),
  attempts     integer     not null default 0,
  last_status  integer,
  last_error   text,
  created_at   timestamptz not null default now(),
  touched_at   timestamptz not null default now(),
  finished_at  timestamptz,
  unique (outbox_id, destination),
  check ((state in ('delivered', 'dead')) = (finished_at is not null))
);
create index outbox_deliveries_pending on outbox_deliveries (id) where state = 'pending';
create index outbox_deliveries_queued on outbox_deliveries (touched_at) where state = 'queued';
create index outbox_deliveries_in_order on outbox_deliveries (destination, order_key, id)
  where order_key is not null and finished_at is null;
create index outbox_deliveries_dead on outbox_deliveries (finished_at desc) where state = 'dead';

-- What is sent stands in outbox; where it stands with each destination, above.
drop index outbox_unsent;
alter table outbox drop column sent_at;
-- The event itself is forwarded, or a message that a handler wrote.
alter table outbox add column kind text not null default 'message' check (kind in ('message', 'event'));
