#!/usr/bin/env bash
# Checks the configuration in this folder by the programs that will read it, where they are installed, and its form by
# schemas: nginx, Prometheus, Alertmanager, compose. The chart and the Dockerfile are checked by deploy/src/*.test.ts.
#
#   bash deploy/check.sh      needs nginx, promtool and amtool (Debian: nginx-light prometheus prometheus-alertmanager)
set -uo pipefail
cd "$(dirname "$0")"
temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT
failed=0
check() {
  local what=$1 output
  shift
  if output=$("$@" 2>&1); then printf '  ✓ %s\n' "$what"; else
    failed=1
    printf '  ✗ %s\n%s\n' "$what" "$output"
  fi
}

# The file itself, with the paths of a container led to where its secrets and temporary files may be here.
cp make-secrets.sh "$temporary" && sh "$temporary/make-secrets.sh" >/dev/null
mkdir -p "$temporary/allow"
printf 'allow 203.0.113.0/24;\n' >"$temporary/allow/stripe.conf"
cp nginx/trusted-proxies.conf.example "$temporary/trusted-proxies.conf"
for file in nginx.conf start.sh; do
  sed -e "s#\\([ =]\\)/tmp/#\\1$temporary/#; s#/run/secrets#$temporary/secrets#; s#/etc/nginx/penstock#$temporary#" \
    "nginx/$file" >"$temporary/$file"
done
PATH=$PATH:/usr/sbin check 'nginx -t by its start.sh, with every option on' \
  sh "$temporary/start.sh" -t -q -c "$temporary/nginx.conf"
rm -r "$temporary/allow" && mkdir "$temporary/allow"
PATH=$PATH:/usr/sbin check 'nginx -t by its start.sh, open to all' sh "$temporary/start.sh" -t -q -c "$temporary/nginx.conf"
for file in prometheus/prometheus.yml prometheus/prometheus.compose.yml; do
  check "promtool check config $file" promtool check config "$file"
done
check 'amtool check-config' amtool check-config alertmanager/alertmanager.yml
check 'compose: schema and rules' ./node_modules/.bin/dclint --config .dclintrc.json --max-warnings 0 compose.yaml
for script in assemble.sh make-secrets.sh nginx/start.sh postgres/primary.sh postgres/replica.sh; do
  check "syntax of $script" bash -n "$script"
done
exit "$failed"
