#!/bin/sh
# One user a service, each with the least rights it needs. Safe to run again: passwords
# are then set to the current ones.
set -eu

secret() { # NAME: what the file says that NAME_FILE names, or else the value of NAME
    eval "file=\${$1_FILE:-}"
    if [ -n "$file" ]; then cat "$file"; else eval "printf '%s' \"\$$1\""; fi
}

sql_text() { # quotes a value for SQL
    printf "'%s'" "$(printf '%s' "$1" | sed "s/\\\\/\\\\\\\\/g; s/'/''/g")"
}

user() { # NAME SECRET GRANT...
    name=$1 password=$(sql_text "$(secret "$2")")
    shift 2
    echo "CREATE USER IF NOT EXISTS '$name'@'%';"
    echo "ALTER USER '$name'@'%' IDENTIFIED BY $password;"
    for grant in "$@"; do echo "GRANT $grant TO '$name'@'%';"; done
}

{
    user interceptor INTERCEPTOR_MYSQL_PASSWORD \
        "INSERT ON interceptor.connections" \
        "SELECT, INSERT, UPDATE ON interceptor.captures"
    user host_exporter HOST_EXPORTER_MYSQL_PASSWORD \
        "SELECT ON interceptor.connections"
    user esnet_user ESNET_MYSQL_PASSWORD \
        "SELECT, INSERT, UPDATE ON esnet.esnet_interfaces"
    user exporter MYSQLD_EXPORTER_PASSWORD \
        "PROCESS, REPLICATION CLIENT ON *.*" \
        "SELECT ON performance_schema.*"
} | MYSQL_PWD=$MYSQL_ROOT_PASSWORD mysql --user=root
