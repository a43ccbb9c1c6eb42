#!/usr/bin/env bash
# Lays the servers of PyPI and npm that the tests need under target/peers. What is there and unchanged stays.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
into=${CARGO_TARGET_DIR:-$here/../../../target}/peers
mkdir -p "$into"

# $1: what marks it as done; $2: the list; the rest: how.
once() {
    local mark=$into/$1.done list=$2
    shift 2
    cmp -s "$mark" "$list" && return
    "$@"
    cp "$list" "$mark"
}
python() {
    rm -rf "${into:?}/$1"
    python3 -m venv "$into/$1"
    "$into/$1/bin/pip" install --quiet --disable-pip-version-check -r "$2"
}
node() {
    rm -rf "$into/node"
    mkdir -p "$into/node"
    cp "$here"/package*.json "$into/node/"
    (cd "$into/node" && npm ci --no-audit --no-fund --loglevel=error)
}
once python "$here/python.txt" python python "$here/python.txt"
once tryton "$here/tryton.txt" python tryton "$here/tryton.txt"
once synapse "$here/synapse.txt" python synapse "$here/synapse.txt"
once node "$here/package.json" node
