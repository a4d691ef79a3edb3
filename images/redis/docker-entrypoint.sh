#!/bin/bash
# Starts redis-server as its own user, open to the container's network as in the official image.
set -euo pipefail

main() {
  [[ ${1:-} != -* && ${1:-} != *.conf ]] || set -- redis-server "$@"
  if [[ $1 == redis-server ]]; then
    [[ $EUID -ne 0 ]] || become_redis "$@"
    # A configuration file speaks for itself.
    [[ ${2:-} == *.conf ]] || set -- redis-server --protected-mode no "${@:2}"
  fi
  exec "$@"
}

become_redis() {
  chown -R redis:redis /data
  exec setpriv --reuid=redis --regid=redis --init-groups "$0" "$@"
}

main "$@"
