#!/bin/sh
# Install the browser that the tests of the page drive, where that can be done without asking anybody.
# It never fails: without a browser those tests are skipped, and say so.

if command -v chromium >/dev/null; then
  exit 0
fi
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "The tests of the web page need Chromium (apt-get install chromium); without it they are skipped." >&2
  exit 0
fi
echo "Installing Chromium for the tests of the web page (once)"
export DEBIAN_FRONTEND=noninteractive
{ apt-get -qq update && apt-get -qq install --yes --no-install-recommends chromium >/dev/null; } ||
  echo "Chromium could not be installed; the tests of the web page are skipped." >&2
