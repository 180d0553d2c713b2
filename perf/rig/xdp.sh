#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Measures ColoWire on AF_XDP: CPU time per pair and the rate without loss beside those of a bare AF_XDP forwarder (xdp-forwarder.c) on
# the same kind of cables; the latency that it adds; what each way to idle costs and adds, on xdp and on pcap ports; what is lost when it
# is killed, ended and started again under load; its garbage; and how long it takes to start.
# Usage, as root: perf/rig/xdp.sh [--rows FILE] [--colowire FOLDER] [--colowire-aot FOLDER] [--only PART]. Takes up to 400 s.
#
# All of it lives in network namespaces of its own. The generator and the sink have CPU 0, what is measured has CPU 1. On virtual cables
# the receiver's softirq runs on the sender's CPU: the capture's on the generator's, the sink's on the appliance's.
#
# CPU time: a thread that polls takes its whole core at any rate, so what a pair costs shows only where there is nothing but work. Here,
# as in wire.sh, both are stopped while a burst comes in, one that half of the ring holds, and then have it to do. A stopped process has
# no heartbeat; the wire that survives it is closed meanwhile (failwire-timeout-ms 0), or the burst would pass it by.
#
# Latency added: one way through the appliance, less that over a cable with nothing on it, quantile by quantile. The generator puts the
# time into both twins and sends the secondary's first; the kernel stamps what arrives (prober.c).
set -euo pipefail
rig=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
root=$(cd "$rig/../.." && pwd)

# The same for both sides and for every run.
feeder_cpu=0 appliance_cpu=1
runs=5 sizes=(60 1500) strategies=(spin adaptive spin_then_poll block)
ring=2048
# Rings that hold a burst, so that the moment in which both wake up and fall asleep again is shared by many pairs.
burst_ring=8192 burst_pairs=4000 cycles=8
# Rates are searched as in RFC 2544, with short trials; a trial passes with at most one frame in 10,000 lost, at once or the second time.
trial_ms=150 search_steps=7 highest_rate=3600000
# One-way latency under load, and where a frame finds everybody idle.
fast_rate=50000 fast_pairs=15000 slow_rate=1000 slow_pairs=400
failwire_ms=20 death_rate=50000
idle_lines=4 load_lines=6 load_rate=100000

fail() {
    echo "xdp.sh: $*" >&2
    exit 1
}

usage() {
    echo "xdp.sh: $*; allowed are --rows FILE, --colowire FOLDER, --colowire-aot FOLDER, --only cpu|rate|latency|idle|death|gc|start" >&2
    exit 2
}

rows='' colowire='' aot='' only=''
while [ $# -gt 0 ]; do
    [ $# -ge 2 ] || usage "'$1' needs a value, or is no option"
    case "$1" in
        --rows) rows=$2 ;;
        --colowire) colowire=$2 ;;
        --colowire-aot) aot=$2 ;;
        --only) only=$2 ;;
        *) usage "'$1' is no option" ;;
    esac
    shift 2
done
[[ $only =~ ^(cpu|rate|latency|idle|death|gc|start|)$ ]] || usage "--only is '$only'"
[ "$(id -u)" = 0 ] || { echo "xdp.sh: needs root, for network namespaces and AF_XDP" >&2; exit 2; }
[ "$(nproc)" -ge 2 ] || { echo "xdp.sh: needs two CPUs, one for the generator and one for what is measured" >&2; exit 2; }
# shellcheck source-path=SCRIPTDIR source=../../tests/tools/install.sh
. "$root/tests/tools/install.sh"
install_missing gcc:gcc ip:iproute2 ethtool:ethtool jq:jq

wanted() {
    local part
    [ -n "$only" ] || return 0
    for part in "$@"; do
        [ "$only" != "$part" ] || return 0
    done
    return 1
}

softirq_pid=$(pgrep -x "ksoftirqd/$appliance_cpu") || fail "there is no ksoftirqd/$appliance_cpu"
work=$(mktemp -d)
tag=cwxdp$$
declare -A pid_of
# All but what is measured, which pins itself, keeps off its CPU.
taskset -cp "$feeder_cpu" $$ >/dev/null
cleanup() {
    local who space
    for who in "${!pid_of[@]}"; do
        kill -KILL "${pid_of[$who]}" 2>/dev/null || true
    done
    wait 2>/dev/null || true
    for space in feed ours bare read; do
        ip netns del "$tag-$space" 2>/dev/null || true
    done
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# publish FOLDER PROPERTY ...
publish() {
    local folder=$1
    shift
    dotnet publish "$root/src/ColoWire" -c Release -r linux-x64 "$@" -o "$folder" -v quiet >"$work/publish.log" 2>&1 ||
        { cat "$work/publish.log" >&2; fail "ColoWire could not be published ($*)"; }
}

build() {
    local program
    for program in xdp-forwarder xdp-feeder prober; do
        gcc -std=gnu11 -O2 -Wall -Wextra -Werror -o "$work/$program" "$rig/$program.c"
    done
    if [ -z "$colowire" ]; then
        colowire=$work/colowire
        publish "$colowire" --self-contained
    fi
    if wanted start && [ -z "$aot" ]; then
        install_missing clang:clang '/usr/include/zlib.h:zlib1g-dev'
        # In folders of its own: another runtime's build must not take the place of the one that the tests use.
        aot=$work/aot
        publish "$aot" -p:PublishAot=true --artifacts-path "$work/artifacts"
    fi
}

# Three appliances' namespaces, each with its two inputs and its output; the other ends, and a cable without an appliance, in "feed".
make_wires() {
    local space who cable
    echo "$appliance_cpu" >"$work/isolated"
    for space in feed ours bare read; do
        ip netns add "$tag-$space"
        ip netns exec "$tag-$space" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
    done
    for who in ours bare read; do
        ip link add "$who-p" netns "$tag-feed" type veth peer name p0 netns "$tag-$who"
        ip link add "$who-s" netns "$tag-feed" type veth peer name s0 netns "$tag-$who"
        ip link add "$who-o" netns "$tag-feed" type veth peer name out0 netns "$tag-$who"
        for cable in "feed $who-p" "feed $who-s" "feed $who-o" "$who p0" "$who s0" "$who out0"; do
            raise "${cable% *}" "${cable#* }"
        done
    done
    ip link add direct-p netns "$tag-feed" type veth peer name direct-o netns "$tag-feed"
    ip link add direct-s netns "$tag-feed" type veth peer name direct-end netns "$tag-feed"
    for cable in direct-p direct-o direct-s direct-end; do
        raise feed "$cable"
    done
}

raise() {
    ip netns exec "$tag-$1" ethtool -K "$2" tx off tso off gso off gro off >/dev/null 2>&1 || true
    ip -n "$tag-$1" link set "$2" arp off up
}

# start WHO COMMAND ...: in the namespace of that name
start() {
    local who=$1
    shift
    ip netns exec "$tag-$who" taskset -c "$feeder_cpu,$appliance_cpu" "$@" >"$work/$who.out" 2>"$work/$who.log" </dev/null &
    pid_of[$who]=$!
}

await_log() {
    local end=$((SECONDS + 20))
    until grep -qs "$2" "$work/$1"; do
        [ "$SECONDS" -lt "$end" ] || { cat "$work/${1%.*}.log" >&2; fail "no '$2' in what $1 said"; }
        sleep 0.05
    done
}

# options_of PORTS STRATEGY FAILWIRE_MS: how ColoWire is run, a word a line
options_of() {
    local death=wire
    [ "$3" != 0 ] || death=block
    printf '%s\n' run --primary-in "$1:p0" --secondary-in "$1:s0" --outdev "$1:out0" --cores "$appliance_cpu" \
        --idle "$2" --failwire-timeout-ms "$3" --on-death "$death" --json
    [ "$1" != xdp ] || printf '%s\n' --xdp-mode native --xdp-ring "$ring"
}

start_ours() {
    local words
    mapfile -t words < <(options_of "$@")
    # The measured CPU is ColoWire's alone here, though no boot parameter says so: `adaptive` looks at the file that would.
    # shellcheck disable=SC2016 # the inner shell expands these
    start ours sh -c 'mount --bind "$0" /sys/devices/system/cpu/isolated && exec "$@"' "$work/isolated" "$colowire/colowire" "${words[@]}"
    await_log ours.out elapsed_ns
}

# start_bare WHO STRATEGY [read]
start_bare() {
    start "$1" "$work/xdp-forwarder" p0 s0 out0 "$appliance_cpu" "$ring" $((2 * ring)) "${@:2}"
    await_log "$1.log" ready
}

# halt WHO SIGNAL: until it is gone
halt() {
    kill -CONT "${pid_of[$1]}" 2>/dev/null || true
    kill "-$2" "${pid_of[$1]}"
    wait "${pid_of[$1]}" 2>/dev/null || true
    unset "pid_of[$1]"
}

pause() { kill -STOP "${pid_of[$1]}"; }
resume() { kill -CONT "${pid_of[$1]}"; }

# feed WHO BYTES PAIRS RATE: says how many pairs it sent and how many a second
feed() { ip netns exec "$tag-feed" "$work/xdp-feeder" "$1-p" "$1-s" "$2" "$3" "$4"; }
# probe WHO PAIRS RATE [first]: says what became of them
probe() { ip netns exec "$tag-feed" "$work/prober" "$1-p" "$1-s" "$1-o" 60 "${@:2}"; }
arrived() { ip -n "$tag-feed" -s -j link show "$1-o" | jq '.[0].stats64.rx.packets'; }

# warm WHO: until every page has been touched and every method compiled for good, which the runtime puts off until the program is quiet
warm() {
    local bytes
    for bytes in 60 1500 60 1500; do
        feed "$1" "$bytes" 50000 100000 >/dev/null
        sleep 0.2
    done
}

# cpu_ns WHO PATTERN [PID]: user and system time of the threads whose names fit, in ns
cpu_ns() {
    local folder
    for folder in "/proc/${pid_of[$1]}"/task/* ${3:+"/proc/$3"}; do
        [[ $(<"$folder/comm") =~ $2 ]] && cat "$folder/schedstat"
    done 2>/dev/null | awk '{ sum += $1 } END { printf "%.0f", sum }'
}
# Of the threads that move frames. What the others do, a look at the counters now and then, goes by the clock and not by the pair. The
# CPU's softirq thread counts: when the kernel finds much to do for what was sent, it does it there.
moving_ns() { cpu_ns "$1" '^(colowire-|xdp-forwarder|ksoftirqd)' "$softirq_pid"; }

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
    cpu=$(moving_ns "$1")
    for ((cycle = 0; cycle < cycles; cycle++)); do
        from=$(arrived "$1")
        feed "$1" "$2" "$burst_pairs" 0 >/dev/null
        resume "$1"
        came=$(($(await_arrival "$1" $((from + burst_pairs)) 50) - from))
        pause "$1"
        [ "$came" = "$burst_pairs" ] || fail "$1 lost $((burst_pairs - came)) of $burst_pairs frames that wait for it: this is no measurement"
    done
    awk -v cpu="$(($(moving_ns "$1") - cpu))" -v pairs="$((cycles * burst_pairs))" 'BEGIN { printf "%.0f\n", cpu / pairs }'
}

# rate_run WHO BYTES: pairs a second at which the loss is small enough, by halving
rate_run() {
    local low=0 high=$highest_rate best=0 step attempt rate from sent reached came
    resume "$1"
    for ((step = 0; step < search_steps; step++)); do
        rate=$(((low + high) / 2))
        # A host that takes the CPU away for some milliseconds overruns any ring: a trial that fails is made once more, for both sides.
        for attempt in 1 2; do
            from=$(arrived "$1")
            read -r sent reached < <(feed "$1" "$2" $((rate * trial_ms / 1000)) "$rate")
            came=$(($(await_arrival "$1" $((from + sent)) 5) - from))
            [ "$attempt" = 2 ] || [ $((sent - came)) -gt $((sent / 10000)) ] || break
        done
        if [ $((sent - came)) -le $((sent / 10000)) ]; then
            [ "$reached" -le "$best" ] || best=$reached
            low=$rate
            # Beyond what the generator makes there is nothing to search.
            if [ $((reached * 100)) -lt $((rate * 98)) ]; then
                echo "$1, $2 bytes: $reached pairs/s are the generator's best" >>"$work/bound"
                break
            fi
        else
            high=$rate
        fi
    done
    pause "$1"
    echo "$best"
}

# row WHAT UNIT BAR OURS [THEIRS ANCHOR [NOTE]]: lists are words; the bar is JSON or null
row() {
    local line
    line=$(jq -cn --arg what "$1" --arg unit "$2" --argjson bar "$3" --arg runs "$4" --arg anchors "${5:-}" --arg anchor "${6:-}" \
        --arg note "${7:-}" '
        def numbers: split(" ") | map(select(. != "") | tonumber);
        {group: "kernel bypass", what: $what, unit: $unit, runs: ($runs | numbers)}
        + (if $anchors == "" then {} else {anchor: $anchor, anchorRuns: ($anchors | numbers)} end)
        + (if $bar == null then {} else {bar: $bar} end) + (if $note == "" then {} else {note: $note} end)')
    echo "$line"
    [ -z "$rows" ] || echo "$line" >>"$rows"
}

median() { tr ' ' '\n' <<<"$1" | grep . | sort -g | awk '{ value[NR] = $1 } END { print value[int((NR + 1) / 2)] }'; }

forwarder='bare AF_XDP forwarder' reader='reading forwarder'

# start_three STRATEGY: what is measured and its two anchors, warm and paused
start_three() {
    local who
    start_bare bare "$1"
    start_bare read "$1" read
    start_ours xdp "$1" 0
    for who in ours bare read; do
        warm "$who"
        pause "$who"
    done
}

halt_three() {
    local who
    for who in ours bare read; do
        halt "$who" TERM
    done
}

# both_rows MEASURE WHAT UNIT BAR NOTE: interleaved runs of all three, for each length
both_rows() {
    local bytes run ours bare read note
    for bytes in "${sizes[@]}"; do
        ours='' bare='' read='' note=$5
        : >"$work/bound"
        for ((run = 0; run < runs; run++)); do
            ours+="$("$1" ours "$bytes") " bare+="$("$1" bare "$bytes") " read+="$("$1" read "$bytes") "
        done
        [ ! -s "$work/bound" ] || note+="; bounded by the generator $(wc -l <"$work/bound") times"
        row "xdp ports, $bytes-byte UDP, $2" "$3" "$4" "$ours" "$bare" "$forwarder" "$note"
        row "the same, $bytes bytes, beside one that reads both frames" "$3" null "$ours" "$read" "$reader" "$note"
    done
}

# cpu_rows: who spins would count what he waits
cpu_rows() {
    local ring=$burst_ring
    start_three spin_then_poll
    both_rows cpu_run 'CPU time' 'ns CPU/pair' '{"of":"ratio","most":1.25}' "the threads that move frames; bursts of $burst_pairs pairs, rings of $ring"
    halt_three
}

# rate_rows: nobody sleeps, for a virtual CPU that sleeps may be woken milliseconds late by its host
rate_rows() {
    start_three spin
    both_rows rate_run 'rate without loss' 'pairs/s' '{"of":"ratio","least":0.8}' "trials of $trial_ms ms, loss at most 0.01 %, rings of $ring, all spin"
    halt_three
}

# idle_run WHO: percent of a core that it takes while nothing comes
idle_run() {
    local cpu start_us
    cpu=$(cpu_ns "$1" .) start_us=${EPOCHREALTIME/./}
    sleep 0.4
    awk -v cpu="$(($(cpu_ns "$1" .) - cpu))" -v us="$((${EPOCHREALTIME/./} - start_us))" 'BEGIN { printf "%.2f\n", cpu / us / 10 }'
}

# latency_run WHO PAIRS RATE: p50 and p99 in us
latency_run() {
    probe "$@" >"$work/probe"
    jq -e '.came * 2 >= .sent' "$work/probe" >/dev/null || fail "of what $1 was sent too little came: $(<"$work/probe")"
    jq .lost "$work/probe" >>"$work/lost"
    jq -r '"\(.p50 / 1000) \(.p99 / 1000)"' "$work/probe"
}

less() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a - b }'; }

# strategy_rows PORTS STRATEGY: CPU when idle; latency added at both rates, in turn with the cable alone and with the bare forwarder
strategy_rows() {
    local run half ninety direct_half direct_ninety idle='' slow='' slow_ninety='' slow_direct='' half_bar=null ninety_bar=null
    local fast='' fast_ninety='' through='' through_ninety='' direct='' direct_nineties='' bare='' bare_ninety='' bare_idle='' note lost
    : >"$work/lost"
    start_ours "$1" "$2" 0
    probe ours "$fast_pairs" "$fast_rate" >/dev/null
    if [ "$1" = xdp ]; then
        # The forwarder has no adaptive wait; it is compared with the one that always looks on before it sleeps.
        start_bare bare "${2/adaptive/spin_then_poll}"
        pause bare
    fi
    for ((run = 0; run < runs; run++)); do
        if wanted idle; then
            idle+="$(idle_run ours) "
        fi
        if wanted latency; then
            read -r half ninety < <(latency_run ours "$slow_pairs" "$slow_rate")
            read -r direct_half direct_ninety < <(latency_run direct "$slow_pairs" "$slow_rate")
            slow+="$(less "$half" "$direct_half") " slow_ninety+="$(less "$ninety" "$direct_ninety") " slow_direct+="$direct_half "
            read -r half ninety < <(latency_run ours "$fast_pairs" "$fast_rate")
            read -r direct_half direct_ninety < <(latency_run direct "$fast_pairs" "$fast_rate")
            fast+="$(less "$half" "$direct_half") " fast_ninety+="$(less "$ninety" "$direct_ninety") "
            through+="$half " through_ninety+="$ninety " direct+="$direct_half " direct_nineties+="$direct_ninety "
        fi
        if [ "$1" = xdp ]; then
            pause ours
            resume bare
            if wanted idle; then
                bare_idle+="$(idle_run bare) "
            fi
            if wanted latency; then
                read -r half ninety < <(latency_run bare "$fast_pairs" "$fast_rate")
                bare+="$(less "$half" "$direct_half") " bare_ninety+="$(less "$ninety" "$direct_ninety") "
            fi
            pause bare
            resume ours
        fi
    done
    halt ours TERM
    [ "$1" != xdp ] || halt bare TERM
    if wanted idle; then
        row "$1 ports, idle $2, CPU when nothing comes" '% of a core' null "$idle" "$bare_idle" 'bare AF_XDP forwarder'
    fi
    if wanted latency; then
        if [ "$1 $2" = 'xdp spin' ]; then
            half_bar='{"of":"value","most":10}' ninety_bar='{"of":"value","most":40}'
        fi
        lost=$(awk '{ sum += $1 } END { if (sum > 0) printf "; %d frames lost in all", sum }' "$work/lost")
        note="all in all $(median "$through"), over the cable alone $(median "$direct")$lost"
        row "$1 ports, idle $2, latency added at $((fast_rate / 1000)) kpps, p50" us "$half_bar" "$fast" "$bare" 'bare AF_XDP forwarder' "$note"
        note="all in all $(median "$through_ninety"), over the cable alone $(median "$direct_nineties")"
        row "$1 ports, idle $2, latency added at $((fast_rate / 1000)) kpps, p99" us "$ninety_bar" "$fast_ninety" "$bare_ninety" \
            'bare AF_XDP forwarder' "$note"
        note="p99 $(median "$slow_ninety"); over the cable alone p50 is $(median "$slow_direct")"
        row "$1 ports, idle $2, latency added at $((slow_rate / 1000)) kpps, p50" us null "$slow" '' '' "$note"
    fi
}

# lost_while MILLISECONDS COMMAND ...: frames that did not arrive of those sent meanwhile, the command given after the first quarter
lost_while() {
    local ms=$1 prober
    shift
    probe ours $((death_rate * ms / 1000)) "$death_rate" >"$work/death" &
    prober=$!
    sleep "$(awk -v ms="$ms" 'BEGIN { print ms / 4000 }')"
    "$@"
    wait "$prober" || fail 'the prober failed'
    jq -e '.repeated == 0' "$work/death" >/dev/null || fail "frames came twice: $(<"$work/death")"
    lost=$(jq .lost "$work/death")
}

death_rows() {
    local run lost ended='' restarted='' killed='' beyond='' per_ms=$((death_rate / 1000)) load
    load="at $per_ms kpps"
    # The kernel drops in silence what it redirects into a virtual cable whose other end does not poll.
    ip netns exec "$tag-feed" ethtool -K ours-o gro on
    start_ours xdp spin_then_poll "$failwire_ms"
    for ((run = 0; run < runs; run++)); do
        lost_while 1000 halt ours TERM
        ended+="$lost "
        lost_while 2400 start_ours xdp spin_then_poll "$failwire_ms"
        restarted+="$lost "
        lost_while 1000 halt ours KILL
        killed+="$lost "
        beyond+="$(awk -v ms="$(less "$(awk -v lost="$lost" -v per_ms="$per_ms" 'BEGIN { print lost / per_ms }')" "$failwire_ms")" \
            'BEGIN { print (ms > 0 ? ms : 0) }') "
        start_ours xdp spin_then_poll "$failwire_ms"
    done
    halt ours TERM
    ip netns exec "$tag-feed" ethtool -K ours-o gro off
    row "kill -9 $load, lost beyond failwire_timeout_ms ($failwire_ms)" 'ms of traffic' '{"of":"value","most":5}' "$beyond" '' '' \
        "frames lost: $killed"
    row "SIGTERM $load" 'frames lost' '{"of":"each","most":0}' "$ended"
    row "started again $load" 'frames lost' '{"of":"each","most":0}' "$restarted"
}

# next_line: waits for a status line, which come once a second, and says when it was made, and what had been allocated, collected, sent
next_line() {
    local count
    count=$(wc -l <"$work/ours.out")
    until [ "$(wc -l <"$work/ours.out")" -gt "$count" ]; do
        sleep 0.02
    done
    tail -n 1 "$work/ours.out" | jq -r '"\(.elapsed_ns) \(.runtime.allocated_bytes) \(.runtime.garbage_collections) \(.output.frames)"'
}

# gc_rows: the garbage that comes with the frames: what is allocated beyond what an idle appliance allocates in as long, for its status
# lines and its looks at the links. From status line to status line, so that each has as many as the other.
gc_rows() {
    local run line idle_ns idle_bytes from_ns from_bytes from_count from_frames ns bytes count frames feeder collections='' more='' moved=0
    start_ours xdp spin_then_poll 0
    warm ours
    sleep 1
    read -r from_ns from_bytes from_count from_frames < <(next_line)
    for ((line = 0; line < idle_lines; line++)); do
        read -r ns bytes count frames < <(next_line)
    done
    idle_ns=$((ns - from_ns)) idle_bytes=$((bytes - from_bytes))
    feed ours 60 $((load_rate * (runs + 1) * (load_lines + 1))) "$load_rate" >/dev/null &
    feeder=$!
    next_line >/dev/null
    read -r from_ns from_bytes from_count from_frames < <(next_line)
    for ((run = 0; run < runs; run++)); do
        for ((line = 0; line < load_lines; line++)); do
            read -r ns bytes count frames < <(next_line)
        done
        collections+="$((count - from_count)) " moved=$((moved + frames - from_frames))
        more+="$(awk -v bytes=$((bytes - from_bytes)) -v ns=$((ns - from_ns)) -v idle_bytes="$idle_bytes" -v idle_ns="$idle_ns" \
            -v frames=$((frames - from_frames)) 'BEGIN { more = bytes - idle_bytes * ns / idle_ns; printf "%.1f", (more > 0 ? more / frames : 0) }') "
        from_ns=$ns from_bytes=$bytes from_count=$count from_frames=$frames
    done
    kill -ALRM "$feeder" 2>/dev/null || true
    wait "$feeder" 2>/dev/null || true
    halt ours TERM
    [ "$moved" -ge $((load_rate * runs * load_lines * 9 / 10)) ] || fail "only $moved frames left under load"
    row "xdp ports, $((runs * load_lines)) s at $((load_rate / 1000)) kpps a side" 'garbage collections' '{"of":"each","most":0}' \
        "$collections" '' '' "$moved frames moved"
    row 'the same, beyond what is allocated idle' 'bytes allocated/frame' '{"of":"value","most":0}' "$more"
}

# start_run PROGRAM: ms from its exec to the first frame at the sink; the wire is closed, so that nobody else forwards
start_run() {
    local prober stamp words
    mapfile -t words < <(options_of xdp spin 0)
    probe ours 50000 10000 first >"$work/first" &
    prober=$!
    sleep 0.2
    # shellcheck disable=SC2016 # what the inner shell expands
    ip netns exec "$tag-ours" taskset -c "$feeder_cpu,$appliance_cpu" bash -c 'echo "${EPOCHREALTIME/./}" >"$0"; exec "$@"' \
        "$work/stamp" "$1" "${words[@]}" >"$work/ours.out" 2>"$work/ours.log" </dev/null &
    pid_of[ours]=$!
    wait "$prober" || fail 'the prober failed'
    stamp=$(<"$work/stamp")
    halt ours TERM
    jq -e '.came > 0' "$work/first" >/dev/null || { cat "$work/ours.log" >&2; fail "nothing came through $1 within 5 s"; }
    awk -v first="$(jq .first_at "$work/first")" -v stamp="$stamp" 'BEGIN { printf "%.1f\n", first / 1000000 - stamp / 1000 }'
}

start_rows() {
    local run compiled='' native=''
    for ((run = 0; run < runs; run++)); do
        compiled+="$(start_run "$colowire/colowire") "
        native+="$(start_run "$aot/colowire") "
    done
    row 'start-up, exec to the first forwarded frame' ms null "$compiled" "$native" NativeAOT 'at 10 kpps'
}

build
make_wires
if wanted cpu; then
    cpu_rows
fi
if wanted rate; then
    rate_rows
fi
if wanted latency idle; then
    for strategy in "${strategies[@]}"; do
        strategy_rows xdp "$strategy"
        strategy_rows pcap "$strategy"
    done
fi
if wanted death; then
    death_rows
fi
if wanted gc; then
    gc_rows
fi
if wanted start; then
    start_rows
fi
