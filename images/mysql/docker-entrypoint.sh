#!/bin/bash
# Starts mysqld; on an empty volume creates the database first, as the official image does.
set -euo pipefail

readonly data=/var/lib/mysql
readonly socket=/var/run/mysqld/mysqld.sock

main() {
  [[ ${1:-} != -* ]] || set -- mysqld "$@"
  if [[ $1 == mysqld ]]; then
    [[ $EUID -ne 0 ]] || become_mysql "$@"
    [[ -d $data/mysql ]] || create_database "$@"
  fi
  exec "$@"
}

become_mysql() {
  chown -R mysql:mysql "$data" /var/run/mysqld
  exec setpriv --reuid=mysql --regid=mysql --init-groups "$0" "$@"
}

create_database() {
  local name
  for name in MYSQL_ROOT_PASSWORD MYSQL_ROOT_HOST MYSQL_DATABASE MYSQL_USER MYSQL_PASSWORD; do
    take_from_file "$name"
  done
  if [[ -z ${MYSQL_ROOT_PASSWORD:-}${MYSQL_ALLOW_EMPTY_PASSWORD:-} ]]; then
    fail "the database is uninitialized and no password option is set: MYSQL_ROOT_PASSWORD or MYSQL_ALLOW_EMPTY_PASSWORD"
  fi
  note "initializing the database files"
  "$@" --initialize-insecure
  start_temporary_server "$@"
  # Before the root password is set: afterwards only its owner may come in.
  accounts | as_root
  export MYSQL_PWD=${MYSQL_ROOT_PASSWORD:-}
  run_initialization_files
  note "stopping the temporary server"
  mysqladmin --user=root --socket="$socket" shutdown
  unset MYSQL_PWD
}

# NAME_FILE names a file with the value of NAME.
take_from_file() {
  local name=$1 file=$1_FILE
  [[ -z ${!file:-} ]] || printf -v "$name" %s "$(<"${!file}")"
}

start_temporary_server() {
  note "starting a temporary server without networking"
  "$@" --daemonize --skip-networking --mysqlx=OFF --socket="$socket" --log-error="$data/initialization.err" ||
    { cat "$data/initialization.err" >&2; fail "the temporary server does not start"; }
}

accounts() {
  local root_host=${MYSQL_ROOT_HOST:-%}
  if [[ $root_host != localhost ]]; then
    echo "CREATE USER 'root'@'$root_host' IDENTIFIED BY '$(quoted "${MYSQL_ROOT_PASSWORD:-}")';"
    echo "GRANT ALL ON *.* TO 'root'@'$root_host' WITH GRANT OPTION;"
  fi
  [[ -z ${MYSQL_DATABASE:-} ]] || echo "CREATE DATABASE IF NOT EXISTS \`$MYSQL_DATABASE\`;"
  if [[ -n ${MYSQL_USER:-} && -n ${MYSQL_PASSWORD:-} ]]; then
    echo "CREATE USER '$MYSQL_USER'@'%' IDENTIFIED BY '$(quoted "$MYSQL_PASSWORD")';"
    [[ -z ${MYSQL_DATABASE:-} ]] || echo "GRANT ALL ON \`${MYSQL_DATABASE//_/\\_}\`.* TO '$MYSQL_USER'@'%';"
  fi
  echo "ALTER USER 'root'@'localhost' IDENTIFIED BY '$(quoted "${MYSQL_ROOT_PASSWORD:-}")';"
}

quoted() {
  local value=${1//\\/\\\\}
  printf %s "${value//\'/\\\'}"
}

run_initialization_files() {
  local file
  for file in /docker-entrypoint-initdb.d/*; do
    case $file in
      *.sh) note "running $file" && run_script "$file" ;;
      *.sql) note "running $file" && as_root ${MYSQL_DATABASE:+"$MYSQL_DATABASE"} <"$file" ;;
      *.sql.gz) note "running $file" && gunzip -c "$file" | as_root ${MYSQL_DATABASE:+"$MYSQL_DATABASE"} ;;
    esac
  done
}

# As in the official image: a script that is not executable is read in, and may use what is defined here.
run_script() {
  # shellcheck source=/dev/null
  if [[ -x $1 ]]; then "$1"; else . "$1"; fi
}

as_root() { mysql --no-defaults --user=root --socket="$socket" --comments "$@"; }

note() { echo "entrypoint: $*"; }

fail() {
  echo "entrypoint: $*" >&2
  exit 1
}

main "$@"
