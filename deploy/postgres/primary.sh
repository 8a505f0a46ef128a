#!/bin/bash
# Run by the image of postgres once, in an empty data directory: the owner of the tables and the roles of the fleet
# (docs/SECURITY.md), the replica's role and slot, and the limits of time that a pooler in transaction mode cannot set for
# a session (docs/OPERATIONS-POSTGRES.md).
set -euo pipefail
secret() { cat "/run/secrets/$1"; }
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
  -v replicator="$(secret replicator-password)" -v owner="$(secret owner-password)" -v worker="$(secret worker-password)" \
  -v console="$(secret console-database-password)" -v read="$(secret read-password)" <<'SQL'
create role penstock_owner login password :'owner';
create role penstock_worker login password :'worker';
create role penstock_console login password :'console';
create role penstock_read login password :'read';
alter database penstock owner to penstock_owner;
revoke connect, temporary on database penstock from public;
grant connect on database penstock to penstock_worker, penstock_console, penstock_read;
-- How far the replica is behind, which the alert ReplicationLag is made of, is shown to none but superusers otherwise.
grant pg_read_all_stats to penstock_worker;
create role replicator with replication login password :'replicator';
select pg_create_physical_replication_slot('replica');
alter role penstock in database penstock set statement_timeout = 60000;
alter role penstock in database penstock set lock_timeout = 10000;
alter role penstock in database penstock set idle_in_transaction_session_timeout = 120000;
alter role penstock_worker in database penstock set statement_timeout = 60000;
alter role penstock_worker in database penstock set lock_timeout = 10000;
alter role penstock_worker in database penstock set idle_in_transaction_session_timeout = 120000;
alter role penstock_console in database penstock set statement_timeout = 60000;
alter role penstock_console in database penstock set lock_timeout = 10000;
alter role penstock_console in database penstock set idle_in_transaction_session_timeout = 120000;
SQL
echo 'host replication replicator samenet scram-sha-256' >>"$PGDATA/pg_hba.conf"
