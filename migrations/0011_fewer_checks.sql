-- What every event pays for, and what it does not need (docs/decisions/0024-what-an-event-costs.md).

-- No row of the ledger can be deleted or have another id, whoever asks (ledger_no_delete, ledger_identity_fixed), and
-- both tables are written by the transaction that has the ledger's row in hand. The checks locked that row once more each.
alter table payment_facts drop constraint payment_facts_event_id_fkey;
alter table handler_runs drop constraint handler_runs_ledger_id_fkey;

-- A name is looked up with its account, and without (`pnpm payment`, the read API): by (reference, account) both are.
-- On a large table make this index first, by hand: create unique index concurrently.
create unique index if not exists payment_references_names on payment_references (reference, account);
alter table payment_references drop constraint payment_references_pkey;
alter table payment_references add constraint payment_references_pkey primary key using index payment_references_names;
drop index payment_references_by_name;
