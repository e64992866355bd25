#!/usr/bin/env bash
# Starts the gateway of the profile 'dev' (state in ~/.jarvis-dev, port 19001), apart from a gateway you really use,
# and tells what to do next as soon as it answers. JARVIS_RUN_PORT picks another port.
set -euo pipefail
binary="$1"
port="${JARVIS_RUN_PORT:-19001}"

# A gateway of another profile, or settings exported for one, must not leak into the trial.
unset JARVIS_STATE_DIR JARVIS_CONFIG_PATH JARVIS_GATEWAY_PORT JARVIS_PROFILE

announce() {
    for _ in $(seq 1 150); do
        if "$binary" --dev health >/dev/null 2>&1; then
            local url
            url="$("$binary" --dev dashboard --no-open 2>/dev/null | grep -Eo 'https?://[^ ]+' | head -n 1 || true)"
            cat <<TEXT

  JARVIS is running. Say hello:

    page       open ${url:-http://127.0.0.1:$port/}
    terminal   $binary --dev agent -m "hello"
    chat       $binary --dev chat

  It answers without any model; "connect a model" tells how to add one. Ctrl-C stops it.

TEXT
            return
        fi
        kill -0 "$1" 2>/dev/null || return
        sleep 0.1
    done
}

announce $$ &
exec "$binary" --dev gateway --allow-unconfigured --port "$port"
