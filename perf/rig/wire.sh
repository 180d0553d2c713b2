#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Measures ColoWire on the wire: CPU time per pair and the rate without loss, each beside those of a bare libpcap forwarder that moves
# the same frames between the same kind of ports (forwarder.c); the CPU time also beside one that reads what it drops; and, with
# --only gc, the garbage of a minute under load.
# Usage, as root: perf/rig/wire.sh [--rows FILE] [--colowire FOLDER] [--only cpu|rate|gc]. Takes up to 150 s, the garbage 90 s more.
#
# All of it lives in network namespaces of its own. The generator (feeder.c) has CPU 0, what is measured has CPU 1. On virtual cables
# the receiver's softirq runs on the sender's CPU: the capture's on the generator's, the sink's on the appliance's.
set -euo pipefail
rig=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
root=$(cd "$rig/../.." && pwd)

# The same for both sides and for every run.
feeder_cpu=0 appliance_cpu=1
runs=5
# A thread that polls takes its whole core at any rate, so that its CPU time over a steady rate says nothing of what a pair costs. Here
# it is stopped while a burst comes in, one that the kernel's buffer holds (16 MiB of 2 KiB frames), and then has it to do: all work,
# but for the third of a millisecond that both spin before they sleep.
burst_pairs=6000 cycles=14 full_rate=1000000000
# Rates are searched as in RFC 2544, with short trials; a trial passes with at most one frame in 10,000 lost.
trial_ms=250 search_steps=6 highest_rate=640000 steady_burst=32
sizes=(64 1500)
load_seconds=60 idle_seconds=20 load_rate=100000

fail() {
    echo "wire.sh: $*" >&2
    exit 1
}

rows='' colowire='' only=''
while [ $# -gt 0 ]; do
    case "$1" in
        --rows) rows=${2:?--rows needs a file} ;;
        --colowire) colowire=${2:?--colowire needs the folder of a publish} ;;
        --only) only=${2:?--only needs cpu, rate or gc} ;;
        *) echo "wire.sh: '$1' is no option; allowed are --rows FILE, --colowire FOLDER, --only cpu|rate|gc" >&2; exit 2 ;;
    esac
    shift 2
done
[[ $only =~ ^(cpu|rate|gc|)$ ]] || { echo "wire.sh: --only is '$only'; allowed are cpu, rate, gc" >&2; exit 2; }
[ "$(id -u)" = 0 ] || { echo "wire.sh: needs root, for network namespaces and raw sockets" >&2; exit 2; }
[ "$(nproc)" -ge 2 ] || { echo "wire.sh: needs two CPUs, one for the generator and one for what is measured" >&2; exit 2; }
# shellcheck source-path=SCRIPTDIR source=../../tests/tools/install.sh
. "$root/tests/tools/install.sh"
install_missing gcc:gcc '/usr/include/pcap/pcap.h:libpcap-dev' ip:iproute2 ethtool:ethtool jq:jq

softirq_pid=$(pgrep -x "ksoftirqd/$appliance_cpu") || fail "there is no ksoftirqd/$appliance_cpu"
work=$(mktemp -d)
tag=cwrig$$
pids=()
# All but what is measured, which pins itself, keeps off its CPU.
taskset -cp "$feeder_cpu" $$ >/dev/null
cleanup() {
    local pid space
    for pid in "${pids[@]}"; do
        kill -CONT "$pid" 2>/dev/null || true
        kill -TERM "$pid" 2>/dev/null || true
    done
    wait 2>/dev/null || true
    for space in feed ours bare read sink; do
        ip netns del "$tag-$space" 2>/dev/null || true
    done
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

build() {
    local program
    for program in forwarder feeder; do
        gcc -std=gnu11 -O2 -Wall -Wextra -Werror -o "$work/$program" "$rig/$program.c" -lpcap
    done
    if [ -z "$colowire" ]; then
        colowire=$work/colowire
        dotnet publish "$root/src/ColoWire" -c Release -r linux-x64 --self-contained -o "$colowire" -v quiet >"$work/publish.log" 2>&1 ||
            { cat "$work/publish.log" >&2; fail 'ColoWire could not be published'; }
    fi
}

# Three appliances' namespaces, each with its two inputs and its output; the other ends lie with the generator and with the sink.
make_wires() {
    local space who cable
    for space in feed ours bare read sink; do
        ip netns add "$tag-$space"
        ip netns exec "$tag-$space" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
    done
    for who in ours bare read; do
        ip link add "$who-p" netns "$tag-feed" type veth peer name p0 netns "$tag-$who"
        ip link add "$who-s" netns "$tag-feed" type veth peer name s0 netns "$tag-$who"
        ip link add out0 netns "$tag-$who" type veth peer name "$who" netns "$tag-sink"
        for cable in "feed $who-p" "feed $who-s" "$who p0" "$who s0" "$who out0" "sink $who"; do
            ip netns exec "$tag-${cable% *}" ethtool -K "${cable#* }" tx off tso off gso off gro off >/dev/null 2>&1 || true
            ip -n "$tag-${cable% *}" link set "${cable#* }" arp off up
        done
    done
}

declare -A pid_of
# start WHO COMMAND ...: in the namespace of that name; waits until it says that it is ready, then stops it until it is measured
start() {
    local who=$1
    shift
    ip netns exec "$tag-$who" taskset -c "$feeder_cpu,$appliance_cpu" "$@" >"$work/$who.out" 2>"$work/$who.log" </dev/null &
    pid_of[$who]=$!
    pids+=("$!")
}

await_log() {
    local end=$((SECONDS + 20))
    until grep -q "$2" "$work/$1"; do
        [ "$SECONDS" -lt "$end" ] || { cat "$work/$1" >&2; fail "no '$2' in what $1 said"; }
        sleep 0.1
    done
}

start_all() {
    start bare "$work/forwarder" p0 s0 out0 "$appliance_cpu"
    await_log bare.log ready
    start read "$work/forwarder" p0 s0 out0 "$appliance_cpu" read
    await_log read.log ready
    # One that is stopped does not beat: its frames would go past it.
    start ours "$colowire/colowire" run --primary-in p0 --secondary-in s0 --outdev out0 --cores "$appliance_cpu" --on-death block --json
    await_log ours.out elapsed_ns
    local who bytes
    for who in ours bare read; do
        # Until every page has been touched and every method compiled for good, which the runtime puts off until the program is quiet.
        for bytes in 64 1500 64 1500 64 1500; do
            feed "$who" "$bytes" 100000 100000 "$steady_burst" >/dev/null
            sleep 0.5
        done
        pause "$who"
    done
}

pause() { kill -STOP "${pid_of[$1]}"; }
resume() { kill -CONT "${pid_of[$1]}"; }

# feed WHO BYTES PAIRS RATE BURST: says how many pairs a second it reached
feed() {
    ip netns exec "$tag-feed" "$work/feeder" "$1-p" "$1-s" "$2" "$3" "$4" "$5"
}

# cpu_ns WHO: user and system time of the threads that move frames, in ns. What the others do, a look at the counters now and then,
# goes by the clock and not by the pair. The CPU's softirq thread counts: when the kernel finds much to do for what was sent, it does
# it there.
cpu_ns() {
    local folder
    for folder in "/proc/${pid_of[$1]}"/task/* "/proc/$softirq_pid"; do
        [[ $(<"$folder/comm") =~ ^(colowire-|forwarder|ksoftirqd) ]] && cat "$folder/schedstat"
    done 2>/dev/null | awk '{ sum += $1 } END { printf "%.0f", sum }'
}
arrived() { ip -n "$tag-sink" -s -j link show "$1" | jq '.[0].stats64.rx.packets'; }

# await_arrival WHO COUNT LOOKS: until so many frames have come to the sink, or none has for so many looks; says how many have come
await_arrival() {
    local now before=-1 quiet=0
    while :; do
        now=$(arrived "$1")
        [ "$now" -lt "$2" ] || break
        quiet=$((now == before ? quiet + 1 : 0))
        [ "$quiet" -lt "$3" ] || break
        before=$now
        sleep 0.01
    done
    echo "$now"
}

# cpu_run WHO BYTES: ns of CPU time per pair
cpu_run() {
    local cpu cycle from came
    cpu=$(cpu_ns "$1")
    for ((cycle = 0; cycle < cycles; cycle++)); do
        from=$(arrived "$1")
        feed "$1" "$2" "$burst_pairs" "$full_rate" "$burst_pairs" >/dev/null
        resume "$1"
        came=$(($(await_arrival "$1" $((from + burst_pairs)) 50) - from))
        pause "$1"
        [ "$came" = "$burst_pairs" ] || fail "$1 lost $((burst_pairs - came)) of $burst_pairs frames that wait for it: this is no measurement"
    done
    cpu=$(($(cpu_ns "$1") - cpu))
    awk -v cpu="$cpu" -v pairs="$((cycles * burst_pairs))" 'BEGIN { printf "%.0f\n", cpu / pairs }'
}

# rate_run WHO BYTES: pairs a second at which the loss is small enough, by halving
rate_run() {
    local low=0 high=$highest_rate best=0 step rate pairs from reached came
    resume "$1"
    for ((step = 0; step < search_steps; step++)); do
        rate=$(((low + high) / 2))
        pairs=$((rate * trial_ms / 1000))
        from=$(arrived "$1")
        reached=$(feed "$1" "$2" "$pairs" "$rate" "$steady_burst")
        came=$(($(await_arrival "$1" $((from + pairs)) 5) - from))
        if [ $((pairs - came)) -le $((pairs / 10000)) ]; then
            [ "$reached" -le "$best" ] || best=$reached
            low=$rate
            # Beyond what the generator makes there is nothing to search.
            [ $((reached * 100)) -ge $((rate * 98)) ] || break
        else
            high=$rate
        fi
    done
    pause "$1"
    echo "$best"
}

# row WHAT UNIT BAR OURS THEIRS NOTE [ANCHOR]: lists are words; the bar is JSON or null
row() {
    local line
    line=$(jq -cn --arg what "$1" --arg unit "$2" --argjson bar "$3" --arg runs "$4" --arg anchors "$5" --arg note "$6" \
        --arg anchor "${7:-bare libpcap forwarder}" '
        def numbers: split(" ") | map(select(. != "") | tonumber);
        {group: "wire", what: $what, unit: $unit, runs: ($runs | numbers)}
        + (if $anchors == "" then {} else {anchor: $anchor, anchorRuns: ($anchors | numbers)} end)
        + (if $bar == null then {} else {bar: $bar} end) + (if $note == "" then {} else {note: $note} end)')
    echo "$line"
    [ -z "$rows" ] || echo "$line" >>"$rows"
}

# cpu_rows: interleaved runs of all three, for each length
cpu_rows() {
    local bytes run ours bare read note="the threads that move frames; bursts of $burst_pairs pairs"
    for bytes in "${sizes[@]}"; do
        ours='' bare='' read=''
        for ((run = 0; run < runs; run++)); do
            ours+="$(cpu_run ours "$bytes") "
            bare+="$(cpu_run bare "$bytes") "
            read+="$(cpu_run read "$bytes") "
        done
        row "pcap ports, $bytes-byte UDP, CPU time" 'ns CPU/pair' '{"of":"ratio","most":1.25}' "$ours" "$bare" "$note"
        row "the same beside one that reads what it drops" 'ns CPU/pair' null "$ours" "$read" "$note" 'reading forwarder'
    done
}

# both_rows MEASURE WHAT UNIT BAR NOTE: interleaved runs of both, for each length
both_rows() {
    local bytes run ours bare
    for bytes in "${sizes[@]}"; do
        ours='' bare=''
        for ((run = 0; run < runs; run++)); do
            ours+="$("$1" ours "$bytes") "
            bare+="$("$1" bare "$bytes") "
        done
        row "pcap ports, $bytes-byte UDP, $2" "$3" "$4" "$ours" "$bare" "$5"
    done
}

status() { tail -n 1 "$work/ours.out" | jq "$1"; }

# gc_rows: the garbage of a minute under load, and what of it comes with the frames: what is allocated beyond what an idle appliance
# allocates in as long, for its status lines and its looks at the links
gc_rows() {
    local run idle_bytes idle collections_before allocated frames seconds=$((load_seconds / runs)) collections='' bytes='' moved=0 loaded=0
    resume ours
    feed ours 64 100000 "$load_rate" "$steady_burst" >/dev/null
    sleep 2.5
    allocated=$(status .runtime.allocated_bytes)
    sleep "$idle_seconds"
    idle_bytes=$(($(status .runtime.allocated_bytes) - allocated))
    for ((run = 0; run < runs; run++)); do
        collections_before=$(status .runtime.garbage_collections) allocated=$(status .runtime.allocated_bytes)
        frames=$(status .output.frames)
        feed ours 64 $((load_rate * seconds)) "$load_rate" "$steady_burst" >/dev/null
        # A status line is a second old at most.
        sleep 1.1
        collections+="$(($(status .runtime.garbage_collections) - collections_before)) "
        allocated=$(($(status .runtime.allocated_bytes) - allocated))
        frames=$(($(status .output.frames) - frames))
        idle=$((idle_bytes * (seconds + 1) / idle_seconds))
        # To a tenth of a byte: a status line more or less is not the frames', and the least object for each batch of 64 would show as 0.4.
        bytes+="$(awk -v more=$((allocated - idle)) -v frames="$frames" 'BEGIN { printf "%.1f", (more > 0 ? more / frames : 0) }') "
        moved=$((moved + frames)) loaded=$((loaded + allocated))
    done
    pause ours
    [ "$moved" -ge $((load_rate * load_seconds * 9 / 10)) ] || fail "only $moved frames left in the minute under load"
    row "$runs times $seconds s at $((load_rate / 1000)) kpps a side" 'garbage collections' '{"of":"each","most":0}' "$collections" '' \
        "$moved frames moved"
    row "the same, beyond what is allocated idle" 'bytes allocated/frame' '{"of":"value","most":0}' "$bytes" '' \
        "$((loaded / load_seconds)) bytes/s loaded, $((idle_bytes / idle_seconds)) idle"
}

build
make_wires
start_all
if [[ $only =~ ^(cpu|)$ ]]; then
    cpu_rows
fi
if [[ $only =~ ^(rate|)$ ]]; then
    both_rows rate_run 'rate without loss' 'pairs/s' null "trials of $trial_ms ms, loss at most 0.01 %"
fi
if [[ $only =~ ^(gc|)$ ]]; then
    gc_rows
fi
