#!/usr/bin/env bash
# Serves PostgreSQL on loopback out of the folder it is started in: sql_postgres.sh PORT. The user erp (password s3cret)
# owns the database erp; the user reader (password r3ader) may only read.
set -euo pipefail
port=$1
bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)
as=()
if [ "$(id -u)" = 0 ]; then
    # PostgreSQL refuses to run as root.
    as=(setpriv --reuid=postgres --regid=postgres --clear-groups)
    chown postgres .
fi
if [ ! -e data/PG_VERSION ]; then
    echo s3cret > password
    "${as[@]}" "$bin/initdb" -D data -U erp -A scram-sha-256 --pwfile=password --no-sync -E UTF8 --locale=C
    "${as[@]}" openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -keyout data/server.key \
        -out data/server.crt -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE
    # One statement on each line.
    "${as[@]}" "$bin/postgres" --single -D data postgres <<'SQL'
create database erp
create role reader login password 'r3ader'
grant pg_read_all_data to reader
SQL
fi
exec "${as[@]}" "$bin/postgres" -D data -p "$port" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
    -c fsync=off -c max_connections=20 -c ssl=on -c ssl_cert_file=server.crt -c ssl_key_file=server.key
