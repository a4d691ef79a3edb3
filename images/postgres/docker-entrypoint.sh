#!/bin/bash
# Starts postgres; on an empty volume creates the cluster first, as the official image does.
set -euo pipefail

main() {
  [[ ${1:-} != -* ]] || set -- postgres "$@"
  if [[ $1 == postgres ]]; then
    [[ $EUID -ne 0 ]] || become_postgres "$@"
    [[ -s $PGDATA/PG_VERSION ]] || create_cluster "$@"
  fi
  exec "$@"
}

become_postgres() {
  mkdir -p "$PGDATA"
  chown -R postgres:postgres "$PGDATA" /var/run/postgresql
  exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
}

create_cluster() {
  local name
  for name in POSTGRES_USER POSTGRES_PASSWORD POSTGRES_DB POSTGRES_INITDB_ARGS; do
    take_from_file "$name"
  done
  export POSTGRES_USER=${POSTGRES_USER:-postgres}
  export POSTGRES_DB=${POSTGRES_DB:-$POSTGRES_USER}
  if [[ -z ${POSTGRES_PASSWORD:-} && ${POSTGRES_HOST_AUTH_METHOD:-} != trust ]]; then
    fail "the database is uninitialized and POSTGRES_PASSWORD is not set"
  fi
  mkdir -p "$PGDATA"
  chmod 700 "$PGDATA"
  # shellcheck disable=SC2086 # POSTGRES_INITDB_ARGS is a list of words
  initdb --username="$POSTGRES_USER" --pwfile=<(printf '%s\n' "${POSTGRES_PASSWORD:-}") ${POSTGRES_INITDB_ARGS:-}
  echo "host all all all ${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}" >>"$PGDATA/pg_hba.conf"
  note "starting a temporary server without networking"
  pg_ctl --wait --options="$(printf '%q ' "${@:2}" -c listen_addresses=)" start
  [[ $POSTGRES_DB == postgres ]] || query postgres --command="CREATE DATABASE \"$POSTGRES_DB\""
  run_initialization_files
  pg_ctl --wait --mode=fast stop
}

# NAME_FILE names a file with the value of NAME.
take_from_file() {
  local name=$1 file=$1_FILE
  [[ -z ${!file:-} ]] || export "$name=$(<"${!file}")"
}

run_initialization_files() {
  local file
  for file in /docker-entrypoint-initdb.d/*; do
    case $file in
      *.sh) note "running $file" && run_script "$file" ;;
      *.sql) note "running $file" && query "$POSTGRES_DB" --file="$file" ;;
      *.sql.gz) note "running $file" && gunzip -c "$file" | query "$POSTGRES_DB" ;;
    esac
  done
}

# As in the official image: a script that is not executable is read in, and may use what is defined here.
run_script() {
  # shellcheck source=/dev/null
  if [[ -x $1 ]]; then "$1"; else . "$1"; fi
}

query() {
  local database=$1
  shift
  psql -v ON_ERROR_STOP=1 --no-psqlrc --username="$POSTGRES_USER" --no-password --dbname="$database" "$@"
}

note() { echo "entrypoint: $*"; }

fail() {
  echo "entrypoint: $*" >&2
  exit 1
}

main "$@"
