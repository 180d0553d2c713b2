#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Measures ColoWire against QEMU's own colo-compare: both get the very same two captures, ColoWire once as files (`colowire compare`) and
# once over sockets, from the same driver that gives them to QEMU. One round; perf/run.sh runs several.
#
#   qemu.sh --rows FILE --colowire PROGRAM --work FOLDER
#
# Appends rows to FILE: CPU time per pair (of a whole process from the first frame in to the last frame out, after a warm-up; of `colowire
# compare` with its start-up taken off), how busy each kept its CPU, and frames lost while the secondary is behind. All on CPU 1; what feeds
# them is on CPU 0. FOLDER keeps the captures, 1 GB, for the next round; in /dev/shm no disk takes part.
set -euo pipefail
export LC_ALL=C

readonly small_pairs=1000000 large_pairs=200000 few_pairs=64 burst_frames=100000 burst_behind=100 burst_gap_us=10
# Of the pairs a part is given first: both are at their final speed then. So many in flight that neither waits for the driver.
readonly warm_up_part=4 window=1000 batch=250
root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." && pwd)
# shellcheck source=perf/rig/round.sh
. "$root/perf/rig/round.sh"
read_round_options "$@"
taskset -c 0,1 true 2>/dev/null || fail 'CPUs 0 and 1 are needed: one for the comparer, one for what feeds it' 2
rig=$root/perf/ColoWire.Rig/bin/Release/net10.0/ColoWire.Rig
[ -x "$rig" ] || fail "is not built: dotnet build perf/ColoWire.Rig -c Release" 2
install_missing qemu-system-x86_64:qemu-system-x86 jq:jq taskset:util-linux '/usr/lib/*/libpcap.so.*:libpcap0.8'

driven=''
stop_driven() {
    [ -n "$driven" ] || return 0
    # It has nothing to save.
    kill -KILL "$driven" 2>/dev/null || true
    wait "$driven" 2>/dev/null || true
    driven=''
}
trap stop_driven EXIT

# start_qemu CHARDEV ...: QEMU opens one socket after the other and waits at each until there is a client.
start_qemu() {
    local device objects=primary_in=primary_in,secondary_in=secondary_in,outdev=outdev,iothread=compare
    local -a arguments=(-machine none -nodefaults -display none -object 'iothread,id=compare')
    for device in "$@"; do
        rm -f "$work/$device"
        arguments+=(-chardev "socket,id=$device,path=$work/$device,server=on,wait=on")
        [ "$device" != notify_dev ] || objects+=,notify_dev=notify_dev
    done
    taskset -c 1 qemu-system-x86_64 "${arguments[@]}" -object "colo-compare,id=comparer,$objects" </dev/null >"$work/driven.log" 2>&1 &
    driven=$!
}

# start_colowire: in QEMU's place, idle as it is by default.
start_colowire() {
    local port
    local -a arguments=(--cores 1 --idle spin_then_poll --compare-timeout 600000 --send-retry-ms 10000)
    for port in primary_in secondary_in outdev; do
        rm -f "$work/$port"
        arguments+=("--${port//_/-}" "stream:unix:$work/$port,server")
    done
    taskset -c 1 "$colowire" run "${arguments[@]}" </dev/null >"$work/driven.log" 2>&1 &
    driven=$!
}

# drive NAME OPTION ...: gives what was started both captures; the result is in $work/result
drive() {
    local name=$1
    shift
    taskset -c 0 timeout 60 "$rig" qemu "$work/$name.primary" "$work/$name.secondary" \
        --sockets "$work" --pid "$driven" "$@" >"$work/result" || {
        tail -n 5 "$work/driven.log" >&2
        fail "$name: no figure from what was driven"
    }
    stop_driven
}

# colowire_cpu NAME: milliseconds of CPU, user and system, of the whole process
colowire_cpu() {
    local TIMEFORMAT='%3U %3S'
    { time taskset -c 1 timeout 60 "$colowire" compare "$work/$1.primary" "$work/$1.secondary" --json >"$work/compared" 2>"$work/errors"; } \
        2>"$work/cpu" || {
        cat "$work/errors" "$work/compared" >&2
        fail "$1: colowire does not find the captures equal"
    }
    awk '{ print ($1 + $2) * 1000 }' "$work/cpu"
}

# driven_ns: CPU time per pair of the last drive
driven_ns() { jq -r '.cpuNs / .pairs | round' "$work/result"; }

# driven_busy: percent of the time for which it was on its CPU
driven_busy() { jq '.cpuNs / 1e7 / .seconds | round' "$work/result"; }

# measure_cpu WHAT NAME PAIRS OPTION ...
measure_cpu() {
    local what=$1 name=$2 count=$3 whole start files streams busy
    local -a pace=(--window "$window" --batch "$batch" --warm-up "$(($3 / warm_up_part))")
    shift 3
    make_pairs "$name" "$count" --flows 64 "$@"
    make_pairs "$name-few" "$few_pairs" --flows 64 "$@"
    whole=$(colowire_cpu "$name")
    start=$(colowire_cpu "$name-few")
    files=$(awk -v w="$whole" -v s="$start" -v n="$((count - few_pairs))" 'BEGIN { printf "%.0f", (w - s) * 1e6 / n }')
    start_colowire
    drive "$name" "${pace[@]}"
    streams=$(driven_ns) busy=$(driven_busy)
    start_qemu primary_in secondary_in outdev
    drive "$name" "${pace[@]}"
    row "$what" 'ns CPU/pair' "$files" "$qemu" "$(driven_ns)" null 'QEMU reads and writes sockets, colowire compare reads files'
    row "stream ports, $what" 'ns CPU/pair' "$streams" "$qemu" "$(driven_ns)" '{"of": "ratio", "most": 0.1}' \
        'both over unix sockets from one driver'
    row "stream ports, $what, how busy" '% of its CPU' "$busy" "$qemu" "$(driven_busy)"
}

measure_loss() {
    local frames_out files streams
    local what="$burst_frames UDP frames of one flow in $((burst_frames * burst_gap_us / 1000)) ms, secondary $burst_behind frames behind"
    make_pairs burst "$burst_frames" --protocol udp --flows 1 --gap-us "$burst_gap_us" --lag-us "$((burst_behind * burst_gap_us))"
    # 1 says that they differ: then what it did not let out is lost, and counted.
    timeout 60 taskset -c 1 "$colowire" compare "$work/burst.primary" "$work/burst.secondary" --json --out "$work/out" >"$work/compared" ||
        [ $? = 1 ] || fail 'burst: no figure from colowire'
    # All frames of a burst are equally long.
    frames_out=$(awk -v whole="$(stat -c %s "$work/burst.primary")" -v out="$(stat -c %s "$work/out")" -v n="$burst_frames" \
        'BEGIN { print (out - 24) * n / (whole - 24) }')
    files=$((burst_frames - frames_out))
    start_colowire
    drive burst --timed --no-notify-dev
    streams=$(jq '.pairs - .framesOut' "$work/result")
    start_qemu primary_in secondary_in outdev notify_dev
    drive burst --timed
    row "$what" 'frames lost' "$files" "$qemu" "$(jq '.pairs - .framesOut' "$work/result")" null 'no checkpoint is made until the end'
    row "stream ports, $what" 'frames lost' "$streams" "$qemu" "$(jq '.pairs - .framesOut' "$work/result")" '{"of": "each", "most": 0}' \
        'both over unix sockets from one driver'
    row "$what, requests" 'checkpoints asked for' "$(jq .checkpoints "$work/compared")" "$qemu" "$(jq .checkpointRequests "$work/result")"
}

qemu="QEMU colo-compare $(qemu-system-x86_64 --version | sed -n '1s/.*version \([0-9.]*\).*/\1/p')"
make_generator
# shellcheck disable=SC2034 # read by round.sh
group='against QEMU'
measure_cpu '64-byte UDP, 64 flows' udp "$small_pairs" --protocol udp
measure_cpu '64-byte TCP, 64 flows' tcp "$small_pairs" --protocol tcp
measure_cpu '1500-byte UDP, 64 flows' udp-1500 "$large_pairs" --protocol udp --bytes 1500
measure_loss
