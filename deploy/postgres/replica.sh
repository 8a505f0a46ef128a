#!/bin/bash
# The replica's entry point: copies the primary into an empty data directory, then follows it.
set -euo pipefail
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  mkdir -p "$PGDATA" && chmod 700 "$PGDATA"
  PGPASSWORD="$(cat /run/secrets/replicator-password)" pg_basebackup --pgdata="$PGDATA" --write-recovery-conf \
    --slot=replica --wal-method=stream --checkpoint=fast --dbname='host=postgres user=replicator application_name=replica'
fi
exec postgres -c hot_standby=on -c max_standby_streaming_delay=30s
