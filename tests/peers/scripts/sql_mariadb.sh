#!/usr/bin/env bash
# Serves MariaDB on loopback out of the folder it is started in: sql_mariadb.sh PORT. The user erp (password s3cret)
# owns the database erp; the user reader (password r3ader) may only read.
set -euo pipefail
port=$1
here=$PWD
user=()
# A server that starts removes what it finds of others in a shared folder.
mkdir -p tmp
if [ "$(id -u)" = 0 ]; then
    user=(--user=mysql)
    chown mysql . tmp
fi
if [ ! -d data/mysql ]; then
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -keyout server.key -out server.crt \
        -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE
    chmod 644 server.key
    mariadb-install-db --no-defaults --datadir="$here/data" "${user[@]}" --skip-test-db --tmpdir="$here/tmp" \
        --auth-root-authentication-method=normal
    cat > init.sql <<'SQL'
create database if not exists erp;
create user if not exists erp@'127.0.0.1' identified by 's3cret';
grant all on erp.* to erp@'127.0.0.1';
create user if not exists reader@'127.0.0.1' identified by 'r3ader';
grant select on erp.* to reader@'127.0.0.1';
SQL
fi
exec mariadbd --no-defaults "${user[@]}" --datadir="$here/data" --port="$port" --bind-address=127.0.0.1 \
    --socket="$here/s" --pid-file="$here/pid" --skip-name-resolve --init-file="$here/init.sql" \
    --innodb-flush-log-at-trx-commit=2 --innodb-buffer-pool-size=32M --ssl-cert="$here/server.crt" \
    --ssl-key="$here/server.key" --tmpdir="$here/tmp"
