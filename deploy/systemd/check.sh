#!/usr/bin/env bash
# The gate of the unit: its exposure, as systemd measures it, is at most 1.5 of 10, with and without the drop-in.
set -euo pipefail
cd "$(dirname "$0")"
threshold=15

if ! command -v systemd-analyze >/dev/null; then
    as_root=""
    [ "$(id -u)" = 0 ] || as_root=sudo
    $as_root apt-get update -qq
    DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends systemd >/dev/null
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

measure() { # NAME UNIT
    systemd-analyze security --offline=true --no-pager --threshold=$threshold "$2" >"$work/table" || {
        cat "$work/table"
        echo "$1: more exposed than $((threshold / 10)).$((threshold % 10))" >&2
        exit 1
    }
    echo "$1: $(grep -o 'Overall exposure level.*: [0-9.]*' "$work/table" | grep -o '[0-9.]*$')"
}

# A unit is verified with a program that exists.
sed 's|^ExecStart=/usr/bin/portevoix|ExecStart=/bin/true|' portevoix.service >"$work/portevoix.service"
systemd-analyze verify --man=no "$work/portevoix.service"

measure "portevoix.service" "$PWD/portevoix.service"
# `--offline` reads no drop-in, so the drop-in's lines are put where systemd would.
cat portevoix.service <(grep -v '^#' plant-addresses.conf) >"$work/portevoix.service"
measure "with plant-addresses.conf" "$work/portevoix.service"
