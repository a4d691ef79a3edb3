#!/bin/sh
# The database of the site checks and the user that owns it.
set -eu

secret() { # NAME: what the file says that NAME_FILE names, or else the value of NAME
    eval "file=\${$1_FILE:-}"
    if [ -n "$file" ]; then cat "$file"; else eval "printf '%s' \"\$$1\""; fi
}

psql --set ON_ERROR_STOP=1 --username postgres \
    --set password="$(secret DB_WRITER_POSTGRES_PASSWORD)" <<'SQL'
CREATE USER db_writer PASSWORD :'password';
CREATE DATABASE sites OWNER db_writer;
SQL
