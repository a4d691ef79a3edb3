#!/bin/bash
# Starts the broker as its own user. RABBITMQ_DEFAULT_USER, _PASS and _VHOST are read by the broker itself.
set -euo pipefail

main() {
  [[ $1 != rabbitmq* || $EUID -ne 0 ]] || become_rabbitmq "$@"
  exec "$@"
}

become_rabbitmq() {
  chown -R rabbitmq:rabbitmq /var/lib/rabbitmq
  exec setpriv --reuid=rabbitmq --regid=rabbitmq --init-groups "$0" "$@"
}

main "$@"
