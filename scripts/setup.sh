#!/bin/sh
# Makes .venv and installs the locked requirements into it. Needs python3 (3.11 or newer); the rest it fetches.
set -eu
cd "$(dirname "$0")/.."

python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "Vitrine needs Python 3.11 or newer; python3 here is $(python3 --version)." >&2
    exit 1
}

# Debian and Ubuntu ship python3 without the venv module's pip.
if ! python3 -c 'import ensurepip' 2>/dev/null; then
    if [ "$(id -u)" = 0 ]; then as_root=""; else as_root="sudo -n"; fi
    { $as_root apt-get update -qq && $as_root apt-get install -y -qq --no-install-recommends python3-venv; } >&2 || {
        echo "Python's venv module is missing. Install it with: sudo apt-get install python3-venv" >&2
        exit 1
    }
fi

[ -x .venv/bin/python ] || python3 -m venv .venv
echo "Installing the requirements into .venv. The first time, this downloads several gigabytes and takes some minutes."
.venv/bin/python -m uv --version >/dev/null 2>&1 || .venv/bin/python -m pip install --quiet uv
.venv/bin/python -m uv pip sync --quiet --compile-bytecode requirements-dev.txt
.venv/bin/python -m uv pip install --quiet --no-deps --editable .
touch .venv/ready
