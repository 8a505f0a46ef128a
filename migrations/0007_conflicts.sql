-- What does not add up, with a reason: what a payment's facts leave
-- contradictory or unknown, two bodies under one id, a body that its provider
-- contradicts. Opened and closed in the transaction of the event that does it.
create table conflicts (
  id                  bigint generated always as identity primary key,
  account             text        not null,
  provider            text        not null,
  -- illegal_transition, amounts_disagree, missing_parent: of a payment's fold
  -- collision, unsigned_disagreement: of one event
  kind                text        not null check (kind in ('illegal_transition', 'amounts_disagree', 'missing_parent', 'collision', 'unsigned_disagreement')),
  -- Stable, for machines; docs/ERRORS.md lists them.
  code                text        not null,
  -- What the reason names in this case: statuses, amounts in minor units.
  detail              text        not null default '',
  -- What it is about, once for each code: `payment:<key>`, `collision:<id>`, `event:<ledger id>`.
  subject             text        not null,
  payment_key         bigint,
  ledger_id           bigint      references ledger (id),
  state               text        not null default 'open' check (state in ('open', 'resolved', 'dismissed')),
  opened_at           timestamptz not null default now(),
  -- The event with which it came to light; null where a rebuild found it.
  opened_by           bigint      references ledger (id),
  closed_at           timestamptz,
  -- The event that made it consistent, or the person or command that closed it.
  closed_by_event     bigint      references ledger (id),
  closed_by           text,
  close_reason        text,
  -- idle: not asked · requested: to be fetched at once · fetched: the answer is an event · failed: it will not be asked by itself
  fetch_state         text        not null default 'idle' check (fetch_state in ('idle', 'requested', 'fetched', 'failed')),
  fetch_attempts      integer     not null default 0 check (fetch_attempts >= 0),
  fetch_after         timestamptz not null default now(),
  fetch_event_id      text,
  fetch_error_code    text,
  fetch_error_message text,
  unique (subject, code),
  check ((payment_key is null) <> (ledger_id is null)),
  check ((state = 'open') = (closed_at is null)),
  check (state <> 'dismissed' or (closed_by is not null and close_reason is not null))
);
create index conflicts_of_payment on conflicts (payment_key) where payment_key is not null;
create index conflicts_of_event on conflicts (ledger_id) where ledger_id is not null;
create index conflicts_open on conflicts (id desc) where state = 'open';
create index conflicts_to_fetch on conflicts (fetch_after) where state = 'open' and fetch_state in ('idle', 'requested');

-- How a provider's object stands, fetched: an event of its own.
alter table events drop constraint events_origin_check;
alter table events add constraint events_origin_check check (origin in ('webhook', 'sweep', 'fetch'));
alter table events drop constraint events_tier_check;
alter table events add constraint events_tier_check check (tier in ('full', 'body', 'partial', 'none', 'fetched'));

-- What was known before this table.
insert into conflicts (account, provider, kind, code, detail, subject, payment_key)
select account, provider,
       case when code = 'payment_unknown' then 'missing_parent'
            when code in ('refunded_more_than_captured', 'currency_mismatch') then 'amounts_disagree'
            else 'illegal_transition' end,
       code, '', 'payment:' || key, key
from (select key, account, provider, split_part(unnest(string_to_array(conflict, ', ')), ': ', 1) as code from payments
      union
      select key, account, provider, 'payment_unknown' from payments where needs_fetch) as told;

insert into conflicts (account, provider, kind, code, subject, ledger_id, opened_at, opened_by)
select collisions.account, ledger.provider, 'collision', collisions.kind || '_collision', 'collision:' || collisions.id,
       collisions.ledger_id, collisions.recorded_at, collisions.ledger_id
from collisions join ledger on ledger.id = collisions.ledger_id;

insert into conflicts (account, provider, kind, code, subject, ledger_id, opened_at, opened_by)
select ledger.account, ledger.provider, 'unsigned_disagreement', 'body_disagrees', 'event:' || ledger.id,
       ledger.id, confirmations.confirmed_at, ledger.id
from confirmations join ledger on ledger.id = confirmations.ledger_id
where confirmations.disagrees;
