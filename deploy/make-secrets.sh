#!/bin/sh
# Makes deploy/secrets for deploy/compose.yaml: random passwords, the URLs that hold them, Redis's and PgBouncer's users,
# and a certificate for a first try. Keeps every file that is there. Needs openssl.
#
#   sh deploy/make-secrets.sh [HOST]      the name that the certificate is for, and that the canary is sent to; localhost
set -eu
host=${1:-localhost}
cd "$(dirname "$0")"
mkdir -p secrets
# The folder is closed to others; the files are open to the user of whichever container they are mounted into.
chmod 700 secrets
cd secrets

random() { openssl rand -hex 24; }
keep() { [ -e "$1" ] || { cat >"$1" && chmod 444 "$1" && echo "made deploy/secrets/$1"; }; }

random | tr -d '\n' | keep postgres-password
random | tr -d '\n' | keep replicator-password
for role in owner worker console-database read; do random | tr -d '\n' | keep "$role-password"; done
random | tr -d '\n' | keep redis-password
random | tr -d '\n' | keep console-password
random | tr -d '\n' | keep console-operator-password
random | tr -d '\n' | keep mask-key
random | tr -d '\n' | keep grafana-password
# Its id is the day it was made; docs/SECURITY.md says how it is rotated. What it sealed is lost with it: keep a copy elsewhere.
printf '%s:%s' "$(date -u +%Y-%m-%d)" "$(openssl rand -base64 32)" | keep payload-keys
printf 'whsec_%s' "$(openssl rand -base64 24)" | keep canary-secret
# Where providers send, by the same way. There is none to localhost: there nginx is asked by its name in compose.
if [ "$host" = localhost ]; then canary=nginx:8443; else canary=$host; fi
printf 'https://%s/webhooks/canary' "$canary" | keep canary-url
redis=$(cat redis-password)
# The owner of the tables migrates; everybody else has a role of their own (docs/SECURITY.md).
printf 'postgres://penstock_owner:%s@postgres:5432/penstock' "$(cat owner-password)" | keep database-direct-url
printf 'postgres://penstock_worker:%s@pgbouncer:6432/penstock?pgbouncer=true' "$(cat worker-password)" | keep worker-database-url
printf 'postgres://penstock_console:%s@pgbouncer:6432/penstock?pgbouncer=true' "$(cat console-database-password)" |
  keep console-database-url
printf 'postgres://penstock_read:%s@postgres-replica:5432/penstock' "$(cat read-password)" | keep database-replica-url
printf 'redis://penstock:%s@redis:6379' "$redis" | keep redis-url
printf '"penstock_worker" "%s"\n"penstock_console" "%s"\n' "$(cat worker-password)" "$(cat console-database-password)" |
  keep pgbouncer-users
# Nobody but this user, no key but the queues' (BullMQ's, and beneath the same prefix our own), no channel, and of the
# dangerous commands the ones that ask (CLIENT LIST and INFO for BullMQ and metrics, CONFIG GET for proving that nothing
# acknowledged is lost).
hash=$(printf '%s' "$redis" | openssl dgst -sha256 -r | cut -d' ' -f1)
printf 'user default off\nuser penstock on #%s ~bull:* +@all -@dangerous +info +config|get +client|list +client|setname\n' "$hash" |
  keep redis-users.acl
if [ ! -e tls.crt ]; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj "/CN=$host" \
    -addext "subjectAltName=DNS:$host,DNS:localhost,DNS:nginx,IP:127.0.0.1" -keyout tls.key -out tls.crt 2>/dev/null
  chmod 444 tls.crt tls.key
  echo "made deploy/secrets/tls.crt: for a first try; providers want one of a known authority"
fi
# What only the provider can tell.
for provider in stripe-webhook-secret paypal-webhook-id paypal-client-id paypal-client-secret slack-url smtp-password; do
  [ -e "$provider" ] || { : >"$provider" && chmod 644 "$provider" && echo "fill in deploy/secrets/$provider"; }
done
