#!/bin/bash
# Run by the image of postgres once, in an empty data directory: the replica's role and slot, and the limits of time
# that a pooler in transaction mode cannot set for a session (docs/OPERATIONS-POSTGRES.md).
set -euo pipefail
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
  -v replicator="$(cat /run/secrets/replicator-password)" <<'SQL'
create role replicator with replication login password :'replicator';
select pg_create_physical_replication_slot('replica');
alter role penstock in database penstock set statement_timeout = 60000;
alter role penstock in database penstock set lock_timeout = 10000;
alter role penstock in database penstock set idle_in_transaction_session_timeout = 120000;
SQL
echo 'host replication replicator samenet scram-sha-256' >>"$PGDATA/pg_hba.conf"
