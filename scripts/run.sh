#!/bin/sh
# Runs one of the project's TypeScript programs under the pinned Bun, after
# installing the pinned npm packages when they are missing or out of date.
#   scripts/run.sh PROGRAM.ts [ARGUMENT...]
set -eu
cd "$(dirname "$0")/.."
stamp=node_modules/.hvguest-installed
if ! cmp -s package-lock.json "$stamp"; then
    # Only one of several that start at once installs.
    exec 9>.npm-ci.lock
    flock 9
    if ! cmp -s package-lock.json "$stamp"; then
        npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2
        cp package-lock.json "$stamp"
    fi
    exec 9>&-
fi
program=$1
shift
bun=
for candidate in node_modules/@oven/bun-*/bin/bun; do
    [ -x "$candidate" ] && bun=$candidate && break
done
[ -n "$bun" ] || { echo "scripts/run.sh: the npm package of Bun for this machine is missing" >&2; exit 1; }
exec "$bun" "$program" "$@"
