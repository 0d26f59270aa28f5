#!/bin/sh
# Makes sure that Chromium is there for the browser tests; they fail, and say so, where it is not.
set -eu
for name in chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null 2>&1; then exit 0; fi
done
if [ "$(id -u)" = 0 ]; then as_root=""; else as_root="sudo -n"; fi
{ $as_root apt-get update -qq && $as_root apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core; } >&2 \
    || echo "Chromium could not be installed; the browser tests will fail. Try: sudo apt-get install chromium" >&2
