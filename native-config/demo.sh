#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Shows ColoWire at work on live traffic: two guests, a bridge host between them and the outside, all of them namespaces of this
# machine. The guests replay two captures of the same conversations; what comes out must be exactly what the primary sent. Then
# once more, with one byte of the secondary flipped. All of it with pcap: ports, then with xdp: ports, where ColoWire is killed at
# the end, and the primary's frames go on. Cleans up after itself; exit 0 when everything was as it must be.
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)

case ${1:-both}:$# in
    both:[01]) all_kinds=(pcap xdp) ;;
    pcap:1) all_kinds=(pcap) ;;
    xdp:1) all_kinds=(xdp) ;;
    *)
        echo "Usage: demo.sh [pcap|xdp|both], not '$*': which ports to show; both without it" >&2
        exit 2
        ;;
esac

if [ "$(id -u)" != 0 ]; then
    echo "demo.sh: needs root, for network namespaces and raw sockets; try: sudo $0" >&2
    exit 2
fi
if ! command -v dotnet >/dev/null; then
    echo "demo.sh: needs the .NET 10 SDK: the command dotnet is not there" >&2
    exit 2
fi
# shellcheck source=../tests/tools/install.sh
. "$root/tests/tools/install.sh"
install_missing '/usr/lib/*/libpcap.so.*:libpcap0.8' tcpreplay:tcpreplay tcpdump:tcpdump ip:iproute2 sysctl:procps ethtool:ethtool jq:jq

primary_capture=$root/tests/fixtures/mixed.pcap
same_capture=$root/tests/fixtures/mixed.secondary.pcap
flipped_capture=$root/tests/fixtures/mixed.flipped.pcap
flipped_truth=$root/tests/fixtures/mixed.flipped.json
# The captures hold 1.3 s of traffic; a quarter of the speed leaves time to look.
speed=0.25

# What fail-to-wire is shown with: frames a second.
rate=5000

work=$(mktemp -d)
tag=cw$$
guest1=$tag-guest1 guest2=$tag-guest2 host=$tag-host outside=$tag-outside
pids=()

cleanup() {
    local pid space
    for pid in "${pids[@]}"; do
        kill "$pid" 2>/dev/null || true
    done
    wait 2>/dev/null || true
    for space in "$guest1" "$guest2" "$host" "$outside"; do
        ip netns del "$space" 2>/dev/null || true
    done
    rm -rf "$work"
}
trap cleanup EXIT
trap 'echo; echo "demo.sh: stopped"; exit 130' INT TERM

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
fail() {
    echo "demo.sh: FAILED: $*" >&2
    exit 1
}

make_wire() {
    local space
    for space in "$guest1" "$guest2" "$host" "$outside"; do
        ip netns add "$space"
        # No frame of these kernels' own may stand among the guests'.
        ip netns exec "$space" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
    done
    ip link add wire0 netns "$guest1" type veth peer name primary0 netns "$host"
    ip link add wire0 netns "$guest2" type veth peer name secondary0 netns "$host"
    ip link add wire0 netns "$outside" type veth peer name out0 netns "$host"
    for space in "$guest1" "$guest2" "$outside"; do
        ip -n "$space" link set wire0 arp off up
        ip netns exec "$space" ethtool -K wire0 tx off rx off tso off gso off gro off >/dev/null 2>&1
    done
    # The record of what was changed goes with the namespaces.
    COLOWIRE_PREPARE_STATE=$work/prepared ip netns exec "$host" "$root/native-config/prepare.sh" primary0 secondary0 out0 >"$work/prepare.log" 2>&1 ||
        { cat "$work/prepare.log"; fail 'the interfaces could not be prepared'; }
}

# start SPACE LOG COMMAND ...: in the background; its pid is the last of pids
start() {
    local space=$1 log=$2
    shift 2
    ip netns exec "$space" "$@" >"$log" 2>&1 </dev/null &
    pids+=($!)
}

# await SECONDS WHAT COMMAND ...: until the command succeeds
await() {
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || fail "$what did not happen within time"
        sleep 0.05
    done
}

received() { [ "$(counter .primary.frames)" = "$1" ] && [ "$(counter .secondary.frames)" = "$2" ]; }
# 0 until ColoWire has written its first object.
counter() {
    local value
    value=$(tail -n 1 "$work/run.json" 2>/dev/null | jq -r "$1" 2>/dev/null) || true
    echo "${value:-0}"
}
frames() { tcpdump -r "$1" 2>/dev/null | wc -l; }
# One line per frame: its time, and its bytes in hexadecimal.
hex_with_time() { tcpdump -r "$1" --nano -tt -n -q -xx 2>/dev/null | awk '/^\t0x/ { sub(/^[^:]*: */, ""); gsub(/ /, ""); line = line $0; next }
    { if (line != "") print time, line; time = $1; line = "" } END { if (line != "") print time, line }'; }
hex() { hex_with_time "$1" | cut -d ' ' -f 2; }

nothing_is_held() { [ "$(counter .held)" = 0 ]; }
all_is_captured() { [ "$(frames "$work/wire0.pcap")" -ge "$(counter .output.frames)" ]; }
# waits_for_input PID PID: both are tcpreplay by now, and sleep
waits_for_input() { [ "$(grep -cs '(tcpreplay) S ' "/proc/$1/stat" "/proc/$2/stat" | grep -c ':1$')" = 2 ]; }

show_counters() {
    jq -r '"  primary \(.primary.frames)  secondary \(.secondary.frames)  verified \(.released.verified)  passed \(.released.passed)  " +
        "unverified \(.released.unverified)  held \(.held)  divergences \(.divergences_total)"' <<<"$(tail -n 1 "$work/run.json")" 2>/dev/null || true
}

ready() { grep -qs 'ready: ' "$work/run.log"; }

# run_colowire OPTION ...: in the background, on ports of this kind; its pid is the last of pids
run_colowire() {
    rm -f "$work"/run.*
    ip netns exec "$host" "$work/colowire/colowire" run --primary-in "$kind:primary0" --secondary-in "$kind:secondary0" \
        --outdev "$kind:out0" --json "$@" >"$work/run.json" 2>"$work/run.log" </dev/null &
    pids+=($!)
}

# replay SECONDARY_CAPTURE: the whole run; leaves run.json, run.log and the taps' captures in $work
replay() {
    local secondary_capture=$1 sent1 sent2 pid side space direction tap taps=()
    sent1=$(frames "$primary_capture") sent2=$(frames "$secondary_capture")
    rm -f "$work"/run.* "$work"/*.pcap "$work"/replay[12]
    # A busy machine is not to be taken for a death, which is shown at the end, nor for a secondary that says nothing.
    run_colowire --trace --failwire-timeout-ms 1000 --compare-timeout 20000
    pid=${pids[-1]}
    # At the guests' ends: what an xdp: port takes is never seen by a tap on the port.
    while read -r space direction tap; do
        start "$space" "$work/$tap.log" tcpdump -i wire0 -Q "$direction" -s 0 -U -B 8192 --time-stamp-precision=nano -w "$work/$tap.pcap"
        taps+=("${pids[-1]}")
    done <<<"$guest1 out primary0
$guest2 out secondary0
$outside in wire0"
    await 20 'the start of colowire' ready
    for tap in primary0 secondary0 wire0; do
        await 10 'the start of the captures' grep -q 'listening on' "$work/$tap.log"
    done

    # Both wait for their capture at a pipe, so that they start together.
    for side in 1 2; do
        mkfifo "$work/replay$side"
        ip netns exec "$tag-guest$side" tcpreplay -i wire0 --multiplier="$speed" - <"$work/replay$side" >"$work/replay$side.log" 2>&1 &
        pids+=($!)
    done
    exec 3>"$work/replay1" 4>"$work/replay2"
    await 10 'the start of the replays' waits_for_input "${pids[@]: -2}"
    cat "$primary_capture" >&3 &
    cat "$secondary_capture" >&4 &
    exec 3>&- 4>&-
    while kill -0 "${pids[-1]}" 2>/dev/null; do
        show_counters
        sleep 1
    done
    await 10 'the arrival of all frames' received "$sent1" "$sent2"
    await 10 'the end of what is held' nothing_is_held
    show_counters

    # A stop that takes longer than 5 s ends with the exit code 1.
    kill -TERM "$pid"
    wait "$pid" || { cat "$work/run.log"; fail "colowire ended with exit code $?"; }
    await 10 'the end of the captures' all_is_captured
    kill -INT "${taps[@]}" 2>/dev/null || true
    wait "${taps[@]}" 2>/dev/null || true
}

# quantiles: of the numbers on standard input, the median and the 99th percentile
quantiles() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)], v[int((NR * 99 + 99) / 100)] }'; }

# From the primary's frame in until it is out, the wait for the secondary included, in us.
held() {
    awk 'NR == FNR { when[$2] = when[$2] " " $1; next }
        ($2 in when) { split(when[$2], t, " "); printf "%.0f\n", ($1 - t[1]) * 1e6; sub(/^ [^ ]*/, "", when[$2]) }' \
        <(hex_with_time "$work/primary0.pcap") <(hex_with_time "$work/wire0.pcap") | quantiles
}

# From the last frame in, of either side, that came before it, until a frame is out: ColoWire's own share, in us.
added() {
    {
        hex_with_time "$work/primary0.pcap" | awk '{ print $1, "in" }'
        hex_with_time "$work/secondary0.pcap" | awk '{ print $1, "in" }'
        hex_with_time "$work/wire0.pcap" | awk '{ print $1, "out" }'
    } | sort -n | awk '$2 == "in" { last = $1; next } { printf "%.0f\n", ($1 - last) * 1e6 }' | quantiles
}

# check WANTED_DIVERGENCES: what came out is what the primary sent, frame by frame; then the table
check() {
    local wanted=$1 median p99 held_median held_p99
    read -r median p99 < <(added)
    read -r held_median held_p99 < <(held)
    printf '  %-34s %10s\n' \
        'frames in, primary' "$(counter .primary.frames)" \
        'frames in, secondary' "$(counter .secondary.frames)" \
        'released, verified' "$(counter .released.verified)" \
        'released, not comparable (ARP, ND)' "$(counter .released.passed)" \
        'released, unverified' "$(counter .released.unverified)" \
        'divergences' "$(counter .divergences_total)" \
        'lost by the kernel' "$(counter '.primary.kernel_dropped + .secondary.kernel_dropped')" \
        'latency added, median' "$median us" \
        'latency added, p99' "$p99 us" \
        'with the wait for the twin, median' "$held_median us" \
        'with the wait for the twin, p99' "$held_p99 us"
    diff <(hex "$primary_capture" | sort) <(hex "$work/wire0.pcap" | sort) >"$work/diff" ||
        { head -5 "$work/diff"; fail 'what came out is not what the primary sent'; }
    echo "  what came out is what the primary sent: $(frames "$work/wire0.pcap") frames, byte for byte"
    [ "$(counter .divergences_total)" = "$wanted" ] || { cat "$work/run.log"; fail "expected $wanted divergences"; }
    [ "$(counter .final)" = true ] || fail 'no final report'
}

say 'Building'
case $(uname -m) in
    aarch64) runtime=linux-arm64 ;;
    *) runtime=linux-x64 ;;
esac
dotnet publish "$root/src/ColoWire" -c Release -r "$runtime" --self-contained false -o "$work/colowire" --artifacts-path "$root/artifacts/demo" \
    -v quiet -clp:NoSummary
make_wire

demonstrate() {
    say "$kind: both guests send the same data, with other IP IDs, timestamps, windows and segments: all of it is verified"
    replay "$same_capture"
    check 0
    [ "$(counter .released.unverified)" = 0 ] || fail 'frames left unverified'

    say "$kind: the same, with one byte of the secondary flipped: it is found and reported, and only that flow leaves unverified"
    replay "$flipped_capture"
    check 1
    grep -v '"final"' "$work/run.log" | grep -A 24 -m 1 'divergence: payload' || fail 'no divergence report in the log'
    grep -q "offset $(jq -r .offset "$flipped_truth")" "$work/run.log" || fail "the report does not name the offset $(jq -r .offset "$flipped_truth")"
}

# Frames that have come to the outside's interface since it was made.
arrived() { ip netns exec "$outside" cat /sys/class/net/wire0/statistics/rx_packets; }
arrived_since() { [ "$(arrived)" -gt $(($1 + $2)) ]; }
looks=('')
# Whether none has arrived since the last look.
has_settled() { looks+=("$(arrived)") && [ "${looks[-1]}" = "${looks[-2]}" ]; }
verified() { [[ $(counter .released.verified) =~ ^[1-9] ]]; }

survive() {
    local before replays=() side sent lost
    say "$kind: killed while $rate frames arrive each second: the kernel sends the primary's frames on until ColoWire is back"
    # Without it a virtual cable takes nothing that XDP sends in native mode.
    ip netns exec "$outside" ethtool -K wire0 gro on >/dev/null 2>&1
    run_colowire
    await 20 'the start of colowire' ready
    before=$(arrived)
    for side in 1 2; do
        start "$tag-guest$side" "$work/steady$side.log" tcpreplay -i wire0 --preload-pcap --pps="$rate" --loop=0 "$root/tests/fixtures/dns4.pcap"
        replays+=("${pids[-1]}")
    done
    await 10 'the first frames' arrived_since "$before" "$rate"
    kill -KILL "${pids[-3]}"
    wait "${pids[-3]}" 2>/dev/null || true
    echo "  killed after $(($(arrived) - before)) frames"
    await 10 'the frames after the kill' arrived_since "$(arrived)" "$((rate / 2))"
    echo "  frames go on; started again"
    run_colowire
    await 20 'the restart of colowire' ready
    await 10 'the comparison after the restart' verified
    # They say what they have sent, and end.
    kill -INT "${replays[@]}"
    wait "${replays[@]}" || true
    sent=$(awk '/Successful packets:/ { print $3 }' "$work/steady1.log")
    await 10 'the last frames' has_settled
    lost=$((sent - ($(arrived) - before)))
    printf '  %-34s %10s\n' 'frames of the primary' "$sent" 'came out' "$((sent - lost))" 'lost' "$lost" \
        'of these past ColoWire' "$(counter .fail_wire.to_wire)" 'verified after the restart' "$(counter .released.verified)"
    grep 'ColoWire is back after' "$work/run.log" || fail 'the log does not say how long it was away'
    # A hundred times the timeout of 20 ms, because this machine may be busy: without the program it would be all.
    if [ "$lost" -lt 0 ] || [ "$lost" -gt $((rate * 2)) ]; then
        fail "$lost frames lost"
    fi
    kill -TERM "${pids[-1]}"
    wait "${pids[-1]}" || { cat "$work/run.log"; fail "colowire ended with exit code $?"; }
}

for kind in "${all_kinds[@]}"; do
    demonstrate
done
if [ "$kind" = xdp ]; then survive; fi

say 'Everything was as expected.'
