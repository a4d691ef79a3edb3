#!/usr/bin/env bash
# A real rsync daemon, and a client that pulls its module at once and then every minute.
set -euo pipefail

readonly config=${RSYNCD_CONFIG:-/etc/rsyncd.conf}
readonly interval_seconds=${PULL_INTERVAL_SECONDS:-60}
readonly max_log_bytes=${MAX_LOG_BYTES:-5000000}
# The health check looks at its age.
readonly last_pull=${LAST_PULL_FILE:-/tmp/last-pull}

main() {
  trap stop TERM INT
  rsync --daemon --no-detach --config="$config" &
  daemon=$!
  while kill -0 "$daemon" 2>/dev/null; do
    rotate_log
    if pull; then
      touch "$last_pull"
      pause "$interval_seconds"
    else
      pause 1
    fi
  done
  echo "the rsync daemon ended" >&2
  exit 1
}

configured() { sed -n "s/^$1 = //p" "$config"; }

# Needs no signal: each session opens the log anew.
rotate_log() {
  local log
  log=$(configured "log file")
  if [[ -f $log && $(stat --format %s "$log") -gt $max_log_bytes ]]; then
    mv "$log" "$log.1"
  fi
}

pull() {
  local copy status=0
  copy=$(mktemp --directory)
  rsync -rav --timeout=30 "rsync://localhost:$(configured port)/exercise/" "$copy" &
  # Waiting, unlike a command in the foreground, lets a signal through at once.
  wait $! || status=$?
  rm -r "$copy"
  return "$status"
}

# Ends early when the daemon does.
pause() {
  sleep "$1" &
  wait -n "$daemon" $! || true
}

# shellcheck disable=SC2317 # called by the trap
stop() {
  trap '' TERM INT
  jobs -p | while read -r child; do kill "$child" 2>/dev/null || true; done
  wait
  echo "stopped"
  exit 0
}

main
