#!/usr/bin/env bash
# The long campaign of R-01: a thousand kills for each seed, one line of result each.
#
#   tests/faults/kills.sh [KILLS [SEED...]]      1000 kills, seed 1
#
# Ends with an error at the first seed that finds a loss, a double, or a fresh event that does not pass.
set -euo pipefail
cd "$(dirname "$0")/../.."
kills=${1:-1000}
shift || true
export PATH=$PATH:/usr/sbin

cargo test --locked --test it --no-run
for seed in "${@:-1}"; do
    PORTEVOIX_KILLS=$kills PORTEVOIX_SEED=$seed cargo test --quiet --locked --test it \
        kills::a_killed_program_loses_nothing_and_repeats_nothing
done
