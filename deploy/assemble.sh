#!/bin/sh
# Makes the root file system of one image: Node, the libraries it is linked to,
# and of this repository only what one process runs.
#
#   sh deploy/assemble.sh ingest|worker|console DIRECTORY     (from the repository's root)
#
# deploy/Dockerfile runs it to build the images, and deploy/src/prove-images.ts to
# prove them where there is no engine. Needs node, npm and ldd; the directory must not exist.
set -eu

app=${1:?which app: ingest, worker or console}
root=${2:?which directory}
pnpm=${PNPM:-npx --yes pnpm@12.21.0}

case $app in
  # PostgreSQL's driver is the one optional dependency that matters, and ingest must not be able to reach the ledger.
  ingest) packages='core runtime' optional=--no-optional ;;
  worker | console) packages='core db runtime' optional= ;;
  *) echo "there is no app $app: ingest, worker or console" >&2; exit 64 ;;
esac
[ ! -e "$root" ] || { echo "$root exists already" >&2; exit 64; }
mkdir -p "$root/app"
root=$(cd "$root" && pwd)

# The manifests of every package, because the lockfile speaks of them all.
cp -r pnpm-lock.yaml pnpm-workspace.yaml package.json patches "$root/app"
for manifest in apps/*/package.json packages/*/package.json; do
  mkdir -p "$root/app/${manifest%/package.json}"
  cp "$manifest" "$root/app/$manifest"
done

# The root package is what penstock.config.ts may import: core, db, kysely.
(cd "$root/app" && CI=true $pnpm install --prod $optional --frozen-lockfile --ignore-scripts \
  --filter penstock --filter-prod "@penstock/$app..." >&2)

# Now what the process does not run goes, and what it runs comes: no tests, no fixtures, no types.
keep="apps/$app $(for package in $packages; do printf 'packages/%s ' "$package"; done)"
for folder in "$root"/app/apps/* "$root"/app/packages/*; do
  name=${folder#"$root/app/"}
  case " $keep " in *" $name "*) ;; *) rm -rf "$folder" ;; esac
done
for name in $keep; do
  tar -cf - --exclude=fixtures --exclude=testing --exclude='*.test.ts' "$name/src" | tar -xf - -C "$root/app"
done
case $app in
  # What a handler is declared with, for a configuration that has some; ingest loads it for its endpoints.
  ingest) mkdir -p "$root/app/packages/db/src" && cp packages/db/package.json "$root/app/packages/db/" &&
    cp packages/db/src/handler.ts "$root/app/packages/db/src/" ;;
  # By their names a process tells whether the schema is its own; `migrate` applies them.
  *) mkdir "$root/app/migrations" && cp migrations/[0-9]*.sql "$root/app/migrations/" ;;
esac
cp penstock.config.ts LICENSE "$root/app"
# Your own code, which the configuration imports; its packages are the root package's dependencies.
[ ! -d handlers ] || cp -R handlers "$root/app/"
rm -f "$root/app/pnpm-lock.yaml" "$root/app/pnpm-workspace.yaml" "$root/app/node_modules/.modules.yaml" \
  "$root"/app/node_modules/.pnpm-workspace-state*
rm -rf "$root/app/node_modules/.pnpm/node_modules" "$root/app/node_modules/.cache"
find "$root/app/node_modules" \( -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -name '*.map' -o -name '*.md' \) \
  -not -iname 'license*' -type f -delete

# Node and what it is linked to, by the paths the loader looks for. An engine mounts /proc, /dev and two files of /etc.
node=$(node -p 'process.execPath')
mkdir -p "$root/usr/local/bin" "$root/etc" "$root/tmp" "$root/proc" "$root/dev"
cp "$node" "$root/usr/local/bin/node"
ldd "$node" | grep -o '/[^ )]*' | while read -r library; do
  mkdir -p "$root$(dirname "$library")"
  cp -L "$library" "$root$library"
done
chmod 1777 "$root/tmp"
echo 'penstock:x:65532:65532::/app:/usr/sbin/nologin' >"$root/etc/passwd"
echo 'penstock:x:65532:' >"$root/etc/group"
: >"$root/etc/hosts" && : >"$root/etc/resolv.conf"
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
