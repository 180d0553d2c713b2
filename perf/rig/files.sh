#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Measures `colowire compare` on files, as a whole process: 64-byte frames in 64 connections. One round; perf/run.sh runs several.
#
#   files.sh --rows FILE --colowire PROGRAM --work FOLDER
#
# Appends rows to FILE: pairs per second of CPU time, that of the start (a run on a few pairs) taken off, beside what it costs `cat` to
# read the same files; and peak memory, that of ten million pairs beside that of one. PROGRAM is published as the README says. FOLDER keeps
# the captures, 2 GB, for the next round.
set -euo pipefail
export LC_ALL=C

readonly few_pairs=64 pairs=1000000 many_pairs=10000000 flows=64 least_rate=3000000
root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." && pwd)
# shellcheck source=perf/rig/round.sh
. "$root/perf/rig/round.sh"
read_round_options "$@"
install_missing '/usr/lib/*/libpcap.so.*:libpcap0.8' /usr/bin/time:time jq:jq
make_generator

# spend COMMAND ...: runs it; then cpu_ms, wall_ms and peak_mib say what it took
spend() {
    local TIMEFORMAT='%3U %3S %3R'
    { time /usr/bin/time -q -o "$work/peak" -f %M timeout 120 "$@" >"$work/said" 2>"$work/errors"; } 2>"$work/spent" || {
        cat "$work/errors" "$work/said" >&2
        fail "failed: $*"
    }
    read -r cpu_ms wall_ms < <(awk '{ printf "%d %d\n", ($1 + $2) * 1000, $3 * 1000 }' "$work/spent")
    peak_mib=$(awk 'END { printf "%.1f", $1 / 1024 }' "$work/peak")
}

compare() {
    spend "$colowire" compare "$work/$1.primary" "$work/$1.secondary" --json
}

# rate MILLISECONDS: pairs per second
rate() {
    awk -v ms="$1" -v pairs="$((pairs - few_pairs))" 'BEGIN { printf "%.0f", pairs * 1000 / (ms < 1 ? 1 : ms) }'
}

# measure_rate PROTOCOL
measure_rate() {
    local start_cpu start_wall ours
    make_pairs "few-$1" "$few_pairs" --protocol "$1" --flows "$flows"
    make_pairs "whole-$1" "$pairs" --protocol "$1" --flows "$flows"
    compare "few-$1"
    start_cpu=$cpu_ms start_wall=$wall_ms
    compare "whole-$1"
    ours=$(rate $((cpu_ms - start_cpu)))
    row "compare, a million 64-byte ${1^^} pairs, wall time" ms "$wall_ms" 'its start-up' "$start_wall"
    spend cat "$work/whole-$1.primary" "$work/whole-$1.secondary"
    row "compare, a million 64-byte ${1^^} pairs" 'pairs/s' "$ours" 'cat of both files' "$(rate "$cpu_ms")" \
        "{\"of\":\"value\",\"least\":$least_rate}" 'per second of CPU time, that of the start-up taken off'
}

# The captures of measure_rate must be there.
measure_memory() {
    local ours
    make_pairs many "$many_pairs" --protocol tcp --flows "$flows"
    compare many
    ours=$peak_mib
    compare whole-tcp
    row 'compare, peak memory, ten million TCP pairs' MiB "$ours" 'a million pairs' "$peak_mib" '{"of":"ratio","most":1.05}'
}

# shellcheck disable=SC2034 # read by round.sh
group=files
measure_rate udp
measure_rate tcp
measure_memory
