-- Which signing key proved a delivery when first and when last, so that one
-- knows when an old one can go. A hint, gathered by the workers and written
-- every few seconds; the events themselves say it exactly.
create table key_uses (
  endpoint      text        not null,
  key_id        text        not null,
  first_used_at timestamptz not null,
  last_used_at  timestamptz not null,
  primary key (endpoint, key_id),
  check (first_used_at <= last_used_at)
);
