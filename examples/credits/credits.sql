-- What each payment has earned its customer. The row goes where its payment
-- goes: two that turn out to be one leave one row behind.
create table credits (
  payment_key bigint      primary key references payments (key) on delete cascade,
  payment     text        not null,
  amount      bigint      not null check (amount >= 0),
  currency    text,
  updated_at  timestamptz not null default now()
);
