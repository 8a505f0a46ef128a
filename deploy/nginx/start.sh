#!/bin/sh
# Starts nginx, or signals the one that runs, after writing who may send to which endpoint (allow/README.md). The arguments
# are nginx's: `-g 'daemon off;'`, or `-s reload`.
#
# With no file in allow/ every endpoint is open. With one, the endpoints that have a file are open to the addresses it names,
# and those without are closed: a slip in a file's name closes an endpoint, which is noticed, and opens none. The canary is
# open unless it has a file, for it is our own and is worth nothing.
set -eu
LC_ALL=C
export LC_ALL
allow=/etc/nginx/penstock/allow
written=/tmp/webhooks.conf

fail() {
  echo "start.sh: $1" >&2
  exit 1
}
# What was matched is what is passed on, so that ingest cannot read another endpoint into the same address.
endpoint() {
  printf 'location = /webhooks/%s {\n%s  proxy_pass http://ingest/webhooks/%s;\n}\n' "$1" "$2" "$1"
}

[ -r "$allow" ] || fail "there is no $allow to read"
named=''
locations=''
for file in "$allow"/*; do
  name=$(basename "$file")
  case $name in
    README.md | '*') continue ;;
    *.conf) name=${name%.conf} ;;
    *) fail "allow/$name is not <endpoint>.conf" ;;
  esac
  case $name in
    '' | [!a-z]* | *[!a-z0-9-]*) fail "allow/$name.conf: no endpoint has such a name" ;;
  esac
  named="$named $name"
  locations="$locations$(endpoint "$name" "  include $file;
  deny all;
")
"
done

if [ -z "$named" ]; then
  locations='location /webhooks/ {
  proxy_pass http://ingest;
}'
else
  case "$named " in
    *' canary '*) ;;
    *) locations="$locations$(endpoint canary '')
" ;;
  esac
  locations="${locations}location /webhooks/ {
  deny all;
}"
  echo "start.sh: open to the addresses in allow/ alone:$named; closed: all others, but for the canary" >&2
fi
printf '%s\n' "$locations" >"$written.new"
mv "$written.new" "$written"
exec nginx "$@"
