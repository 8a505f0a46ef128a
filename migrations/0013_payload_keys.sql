-- Bodies and messages may be sealed (packages/core/src/sealed-payload.ts). A
-- body stays in its column: a mark at its beginning says so. A message that is
-- sealed has JSON's null for a payload.
alter table outbox add column sealed bytea;

-- A fact stays what it is; how its bytes are kept may change with the keys.
-- Nothing but the body changes, and what takes its place is sealed, or has the
-- hash that the body came with. What a sealed one holds only its key can tell.
create function refuse_change_but_of_seal() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' and to_jsonb(new) - 'body' = to_jsonb(old) - 'body'
     and (substring(new.body from 1 for 4) = '\x00505301' or sha256(new.body) = new.body_sha256) then
    return new;
  end if;
  raise exception 'penstock: % of % is refused: facts are append-only', tg_op, tg_table_name
    using errcode = 'integrity_constraint_violation';
end
$$;

create or replace trigger events_append_only before update or delete on events
  for each row execute function refuse_change_but_of_seal();
create or replace trigger confirmations_append_only before update or delete on confirmations
  for each row execute function refuse_change_but_of_seal();
create or replace trigger collisions_append_only before update or delete on collisions
  for each row execute function refuse_change_but_of_seal();
