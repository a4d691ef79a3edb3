#!/bin/sh
# The database of the site checks and the user that owns it.
set -eu

psql --set ON_ERROR_STOP=1 --username postgres \
    --set password="$DB_WRITER_POSTGRES_PASSWORD" <<'SQL'
CREATE USER db_writer PASSWORD :'password';
CREATE DATABASE sites OWNER db_writer;
SQL
