#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Measures a live COLO pair with ColoWire in the wire, in both directions (inbound: mirror): two real guests in QEMU 11 without netfilter
# objects, on three interfaces. One round, with a new pair; perf/run.sh runs several.
#
#   bridge.sh --rows FILE --colowire PROGRAM [--ports pcap|xdp] [--priority normal|realtime] [--keep FOLDER]
#
# Appends rows to FILE. In one pair, lockstep and observe in turn: small GETs per second, GET of 1 MiB, upload of 1 MiB. In lockstep, from
# captures of the three interfaces with the kernel's time stamps: the time from the later of both replicas' frames to the primary's frame
# on outdev, while the guests serve and while they are nearly idle, and what clients wait for because the primary's acknowledgments are
# held (R2). Checkpoints that nothing called for. Needs root, and some 90 s once the
# guest and QEMU 11 are there.
#
# --priority: realtime, the default, lets ColoWire run before the guests whenever it has work (SCHED_RR), as on a bridge host whose CPUs
# run no guests; normal lets it wait for a CPU as the guests do. --keep: the folder that the captures are left in. --ports xdp: no rows
# from captures, because tcpdump does not see what AF_XDP takes.
#
# In observe the primary's answer leaves before the secondary has chosen its sequence number, so the secondary resets most connections:
# observe is what the primary serves alone.
set -euo pipefail
export LC_ALL=C

readonly turns=2 small_seconds=4 large_seconds=3 uploads=6 upload_bytes=1048576 idle_gets=60 idle_pause=0.05
# shellcheck disable=SC2034 # read by lab.sh
colo=on qemu_release=11 requester=qmp wire=bridge inbound=mirror ports=pcap checkpoint_share=0 priority=realtime
# shellcheck source=tests/qemu/lab.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../../tests/qemu/lab.sh"
# shellcheck source=perf/rig/serving.sh
. "$root/perf/rig/serving.sh"
rig=$root/perf/ColoWire.Rig/bin/Release/net10.0/ColoWire.Rig

# fatal WHAT: replaces the one of the tests
fatal() {
    tail -n 5 "$work"/*.log >&2
    echo "bridge.sh: not so: $1" >&2
    exit 1
}

rows='' keep=''
while [ $# -gt 0 ]; do
    case "$1" in
        --rows | --colowire | --ports | --priority | --keep)
            [ $# -ge 2 ] || wrong "$1: a value is missing"
            printf -v "${1#--}" %s "$2"
            shift 2
            ;;
        *) wrong "$1: unknown; allowed are --rows FILE, --colowire PROGRAM, --ports KIND, --priority PRIORITY and --keep FOLDER" ;;
    esac
done
[ -n "$rows" ] || wrong '--rows: missing; name the file that the rows are appended to'
[ -x "$colowire" ] || wrong "--colowire: '$colowire' is not a program"
[ -x "$rig" ] || wrong 'is not built: dotnet build perf/ColoWire.Rig -c Release'
[[ "$ports" =~ ^(pcap|xdp)$ ]] || wrong "--ports is '$ports', neither pcap nor xdp"
[[ "$priority" =~ ^(normal|realtime)$ ]] || wrong "--priority is '$priority', neither normal nor realtime"
# The kernel refuses it now and then on some machines, and a moment later does not.
# shellcheck disable=SC2016 # the inner shell expands it
[ "$priority" = normal ] || colowire_launcher=(bash -c 'until chrt --rr --pid 1 $$; do sleep 0.1; done; exec "$@"' -)
install_missing chrt:util-linux ab:apache2-utils tcpdump:tcpdump

# The figures of each turn, by mode and what was measured, in lines.
declare -A figures=()
# Why checkpoints were requested in lockstep.
serving_causes='' upload_causes=''

# add MODE WHAT FIGURE
add() {
    [ -n "$3" ] || fatal "$1: a figure for $2"
    figures[$1 $2]+="$3"$'\n'
}

# mean MODE WHAT: of all turns
mean() { awk 'NF { s += $1; n++ } END { printf "%.3f", s / n }' <<<"${figures[$1 $2]}"; }

# switch_to MODE: and, of lockstep, waits for the checkpoint that makes both the same
switch_to() {
    ctl mode "$1" || fatal "ColoWire takes the mode $1"
    [ "$1" != lockstep ] || until_true 20 protects || fatal "ColoWire protects the pair: '$(counter .protection)'"
}

# upload_times TIMES: milliseconds of each
upload_times() {
    local i started
    for ((i = 0; i < $1; i++)); do
        started=${EPOCHREALTIME/./}
        [ "$(upload "$work/upload")" = "$upload_sum" ] || return 1
        echo $(((${EPOCHREALTIME/./} - started) / 1000))
    done
}

median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# causes FIRST_LINE: how often each cause of a checkpoint was logged since that line of ColoWire's log
causes() {
    tail -n "+$1" "$work/colowire.log" | sed -nE 's/.*warning: (divergence|checkpoint cause): ([a-z_]+).*/\2/p' | sort | uniq -c |
        awk '{ printf "%s%s %s", n++ ? ", " : "", $2, $1 }'
}

# measure_speeds MODE
measure_speeds() {
    local mode=$1 figure stops logged
    switch_to "$mode"
    logged=$(($(wc -l <"$work/colowire.log") + 1))
    stops=$(events primary STOP)
    figure=$(small_gets "$small_seconds") || fatal "all small GETs are answered, $mode"
    add "$mode" small "$figure"
    figure=$(large_gets "$large_seconds") || fatal "1 MiB arrives byte for byte, $mode"
    add "$mode" large "$figure"
    add "$mode" needless $(($(events primary STOP) - stops))
    [ "$mode" = observe ] || serving_causes+=" $(causes "$logged")"
    logged=$(($(wc -l <"$work/colowire.log") + 1))
    stops=$(events primary STOP)
    figure=$(upload_times "$uploads") || fatal "1 MiB reaches the guest byte for byte, $mode"
    add "$mode" upload "$(median <<<"$figure")"
    add "$mode" upload-needless $(($(events primary STOP) - stops))
    [ "$mode" = observe ] || upload_causes+=" $(causes "$logged")"
}

# captured NAME COMMAND...: with a capture of the three interfaces, while the command runs; what they say is in $work/NAME.json
captured() {
    local name=$1 interface
    shift
    for interface in tapp taps outside; do
        ip netns exec "$space" tcpdump -i "$interface" -s 128 -B 65536 -j adapter_unsynced --time-stamp-precision nano \
            -w "$work/$name.$interface" tcp 2>"$work/tcpdump.$interface.log" </dev/null &
        pids[capture.$interface]=$!
        disown "${pids[capture.$interface]}"
    done
    for interface in tapp taps outside; do
        until_true 10 grep -qs 'listening on' "$work/tcpdump.$interface.log" || fatal "tcpdump captures on $interface"
    done
    "$@" || fatal "$name"
    # What it has captured it reads a moment later.
    sleep 1
    for interface in tapp taps outside; do
        kill -TERM "${pids[capture.$interface]}"
        until_true 10 gone "capture.$interface" || true
        end "capture.$interface"
        grep -q '^0 packets dropped by kernel' "$work/tcpdump.$interface.log" || fatal "the capture of $interface is whole"
    done
    if [ -n "$keep" ]; then cp "$work/$name".{tapp,taps,outside} "$keep/"; fi
    "$rig" pair "$work/$name.tapp" "$work/$name.taps" "$work/$name.outside" --guest "$guest_address" >"$work/$name.json" ||
        fatal "$name: figures from the captures"
}

serve() { small_gets "$small_seconds" >/dev/null && large_gets "$large_seconds" >/dev/null; }

serve_seldom() {
    local i
    for ((i = 0; i < idle_gets; i++)); do
        get small >/dev/null || return 1
        sleep "$idle_pause"
    done
}

# captured_figure NAME MEMBER
captured_figure() { jq -r ".$2" "$work/$1.json"; }

# row WHAT UNIT OURS [OBSERVE [BAR [NOTE]]]: no anchor where OBSERVE is null, no bar for null
row() {
    jq -nc --arg what "$1" --arg unit "$2" --argjson ours "$3" --argjson observe "${4:-null}" --argjson bar "${5:-null}" --arg note "${6:-}" \
        --arg group "live pair in the wire, $ports ports, $priority priority" '
        {group: $group, what: $what, unit: $unit, runs: [$ours]}
        + (if $observe == null then {} else {anchor: "observe", anchorRuns: [$observe]} end)
        + (if $bar == null then {} else {bar: $bar} end) + (if $note == "" then {} else {note: $note} end)' | tee -a "$rows"
}

# speed_row WHAT UNIT FIGURE
speed_row() { row "$1" "$2" "$(mean lockstep "$3")" "$(mean observe "$3")" null "${4:-}"; }

# delay_rows NAME WHEN
delay_rows() {
    local frames
    frames="$(captured_figure "$1" frames) frames, $(captured_figure "$1" unmatched) without a counterpart"
    row "later replica to outdev, $2, p50" us "$(captured_figure "$1" p50Us)"
    row "later replica to outdev, $2, p99" us "$(captured_figure "$1" p99Us)" null '{"of": "value", "most": 200}' "$frames"
}

# wait_rows NAME WHAT: what R2 costs
wait_rows() {
    row "client's retransmission timeouts, $2" timeouts "$(captured_figure "$1" timeouts)" null null \
        "of $(captured_figure "$1" retransmissions) retransmissions $(captured_figure "$1" spurious) of what both replicas had acknowledged"
    row "time in which the client is idle while acknowledgments are held, $2" ms "$(captured_figure "$1" idleHeldMs)" null null \
        "$(captured_figure "$1" connections) connections; $(captured_figure "$1" heldForAck) frames held for the acknowledgment alone"
}

prepare_lab
make_namespace
start_primary
start_colowire
start_secondary
wait_for_guest primary
start_colo
until_true 20 protects || fatal "ColoWire protects the pair: '$(counter .protection)'"
head -c "$upload_bytes" /dev/urandom >"$work/upload"
upload_sum=$(sha256sum <"$work/upload" | cut -d ' ' -f 1)
get small >/dev/null || fatal "the guest answers"

for ((turn = 0; turn < turns; turn++)); do
    measure_speeds lockstep
    measure_speeds observe
done
switch_to lockstep
if [ "$ports" = pcap ]; then
    captured serving serve
    captured seldom serve_seldom
    captured uploads upload_times "$uploads"
fi

speed_row 'small GETs, a connection each' GETs/s small
speed_row 'GET of 1 MiB' MB/s large
speed_row 'upload of 1 MiB, median' ms upload "of $uploads"
row "needless checkpoints in $((turns * (small_seconds + large_seconds))) s of serving" checkpoints \
    "$(awk 'NF { s += $1 } END { print s }' <<<"${figures[lockstep needless]}")" null '{"of": "each", "most": 0}' "${serving_causes# }"
row "needless checkpoints in $((turns * uploads)) uploads" checkpoints \
    "$(awk 'NF { s += $1 } END { print s }' <<<"${figures[lockstep upload-needless]}")" null null "${upload_causes# }"
if [ "$ports" = pcap ]; then
    delay_rows serving 'while the guests serve'
    delay_rows seldom 'nearly idle'
    wait_rows serving 'GETs'
    wait_rows uploads "$uploads uploads of 1 MiB"
fi
