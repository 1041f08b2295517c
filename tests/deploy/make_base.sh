#!/bin/sh
# Pack what the machines and images of the tests begin as: Debian 12 with its Python 3.11, systemd and PostgreSQL. It stands in for the
# base that deploy/Containerfile names. Its pip knows the folder of wheels that containers are given, and no index.
# usage: make_base.sh FILE
set -eu
packages=""
for wanted in podman:podman runc:runc iptables:iptables mmdebstrap:mmdebstrap /usr/lib/cni/bridge:containernetworking-plugins; do
  command -v "${wanted%%:*}" >/dev/null || packages="$packages ${wanted#*:}"
done
if [ -n "$packages" ]; then
  if [ "$(id -u)" -ne 0 ] || [ -d /run/systemd/system ] || ! command -v apt-get >/dev/null; then
    echo "The tests of docs/deployment.md need$packages, and root." >&2
    exit 1
  fi
  echo "Installing$packages for the tests of docs/deployment.md (once)"
  export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
  apt-get -qq update
  # shellcheck disable=SC2086
  apt-get -qq install --yes --no-install-recommends $packages >/dev/null
fi
echo "Making Debian’s base of the tests’ machines (once)"
settings=$(mktemp)
trap 'rm -f "$settings"' EXIT
printf '[global]\nno-index = true\nfind-links = /wheels\n' >"$settings"
mkdir -p "$(dirname "$1")"
mmdebstrap --quiet --variant=minbase --format=tar \
  --include=dbus,libnss-systemd,postgresql,python-is-python3,python3-venv,systemd-sysv \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/man/*' \
  --customize-hook="upload $settings /etc/pip.conf" bookworm "$1.part"
mv "$1.part" "$1"
