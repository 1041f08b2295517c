#!/bin/sh
# Install what stands around Planwright in docs/deployment.md, for its tests, where that can be done without asking anybody.
# It never fails: what is missing has its tests skipped. Where systemd runs, packages would start their servers: not there.

missing=""
for wanted in nginx:nginx caddy:caddy pgbouncer:pgbouncer kubectl:kubernetes-client; do
  command -v "${wanted%%:*}" >/dev/null || missing="$missing ${wanted#*:}"
done
if [ -z "$missing" ]; then
  exit 0
fi
if [ "$(id -u)" -ne 0 ] || [ -d /run/systemd/system ] || ! command -v apt-get >/dev/null; then
  echo "Tests of the deployment need$missing; without them they are skipped." >&2
  exit 0
fi
echo "Installing$missing for the tests of the deployment (once)"
export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
# shellcheck disable=SC2086
{ apt-get -qq update && apt-get -qq install --yes --no-install-recommends $missing >/dev/null; } ||
  echo "They could not be installed; the tests of the deployment are skipped." >&2
exit 0
