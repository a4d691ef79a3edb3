#!/bin/bash
# Starts the broker as its own user. RABBITMQ_DEFAULT_USER, _PASS and _VHOST are read by the broker itself.
set -euo pipefail

readonly cookie=/var/lib/rabbitmq/.erlang.cookie

main() {
  if [[ $1 == rabbitmq* ]]; then
    [[ -s $cookie ]] || create_cookie
    [[ $EUID -ne 0 ]] || become_rabbitmq "$@"
  fi
  exec "$@"
}

# Otherwise the first `docker exec rabbitmq-diagnostics` of root might, and the broker could not read it.
create_cookie() (
  umask 077
  od -An -N16 -tx1 /dev/urandom | tr -d ' \n' >"$cookie"
)

become_rabbitmq() {
  chown -R rabbitmq:rabbitmq /var/lib/rabbitmq
  exec setpriv --reuid=rabbitmq --regid=rabbitmq --init-groups "$0" "$@"
}

main "$@"
