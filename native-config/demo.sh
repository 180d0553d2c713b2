#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Shows ColoWire at work in namespaces of this machine: two guests that run the same server, a client, and ColoWire in the wire
# between them, in both directions. The client downloads, uploads and aborts connections, and no checkpoint is needed. Then the
# secondary gives one answer that differs: the difference is reported and a checkpoint is requested. Then ColoWire is killed amid
# a download, and started again. All of it with pcap: ports, then with xdp: ports. Last, ColoWire compares two captures. Cleans up
# after itself; exit 0 when everything was as it must be.
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)

case ${1:-both}:$# in
    both:[01]) all_kinds=(pcap xdp) ;;
    pcap:1 | xdp:1) all_kinds=("$1") ;;
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
install_missing '/usr/lib/*/libpcap.so.*:libpcap0.8' ip:iproute2 sysctl:procps ethtool:ethtool jq:jq python3:python3

guest_mac=52:54:00:c0:10:01 guest_address=10.77.0.2 client_address=10.77.0.1
file_bytes=$((1 << 20))
aborts=300

work=$(mktemp -d)
tag=cw$$
guest1=$tag-guest1 guest2=$tag-guest2 host=$tag-host client=$tag-client
pids=()

# Ends all programs, and removes the namespaces with the cables.
clear_away() {
    local pid space
    for pid in "${pids[@]}"; do
        kill "$pid" 2>/dev/null || true
    done
    wait 2>/dev/null || true
    pids=()
    for space in "$guest1" "$guest2" "$host" "$client"; do
        ip netns del "$space" 2>/dev/null || true
    done
}
trap 'clear_away; rm -rf "$work"' EXIT
trap 'echo; echo "demo.sh: stopped"; exit 130' INT TERM

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
row() { printf '  %-46s %s\n' "$@"; }
fail() {
    echo "demo.sh: FAILED: $*" >&2
    exit 1
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

# ---------------------------------------------------------------------------------------------- the cables and the guests

make_wire() {
    local space port
    for space in "$guest1" "$guest2" "$host" "$client"; do
        ip netns add "$space"
        # No frame of these kernels' own may stand among those that the demo counts.
        ip netns exec "$space" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
    done
    while read -r space port; do
        ip link add wire0 netns "$space" type veth peer name "$port" netns "$host"
        # Without GRO at its far end a virtual cable takes nothing that XDP sends in native mode.
        ip netns exec "$space" ethtool -K wire0 tx off rx off tso off gso off gro on >/dev/null 2>&1
    done <<<"$guest1 primary0
$guest2 secondary0
$client out0"
    for space in "$guest1" "$guest2"; do
        ip -n "$space" link set wire0 address "$guest_mac"
        ip -n "$space" addr add "$guest_address/24" dev wire0
        # Room for a whole upload: on a busy machine one server reads later, its window closes, and the client waits for that.
        ip netns exec "$space" sysctl -qw net.ipv4.tcp_rmem="$((4 << 20)) $((4 << 20)) $((4 << 20))"
    done
    ip -n "$client" addr add "$client_address/24" dev wire0
    for space in "$guest1" "$guest2" "$client"; do ip -n "$space" link set wire0 up; done
    # The record of what was changed goes with the namespaces.
    COLOWIRE_PREPARE_STATE=$work/prepared ip netns exec "$host" "$root/native-config/prepare.sh" --inbound mirror primary0 secondary0 out0 \
        >"$work/prepare.log" 2>&1 || { cat "$work/prepare.log"; fail 'the interfaces could not be prepared'; }
}

talk=$root/native-config/demo-talk.py
listens() { grep -qs '^ready' "$1"; }

make_servers() {
    head -c "$file_bytes" /dev/urandom >"$work/file"
    file_sum=$(sha256sum <"$work/file" | cut -d ' ' -f 1)
    start "$guest1" "$work/server1.log" "$talk" serve "$work/file"
    # Its price differs until the first checkpoint; the client asks for it in the second part only.
    start "$guest2" "$work/server2.log" "$talk" serve "$work/file" --price 43
    # What a hypervisor would do, which copies the primary: here only the server's price needs that.
    cat >"$work/checkpoint" <<CHECKPOINT
#!/bin/sh
echo "\$COLOWIRE_REASON" >>'$work/checkpoints'
kill -USR1 ${pids[-1]}
CHECKPOINT
    chmod +x "$work/checkpoint"
    : >"$work/checkpoints"
    await 20 'the start of the servers' listens "$work/server1.log"
    await 20 'the start of the servers' listens "$work/server2.log"
}

# ask COMMAND ...: a command of the client; prints the answer
ask() { timeout 60 ip netns exec "$client" "$talk" "$@" || fail "the client's '$1' has failed"; }

# ---------------------------------------------------------------------------------------------- ColoWire

ready() { grep -qs 'orders are taken' "$work/run.log"; }

# run_colowire: in the background, on ports of this kind; its pid is $colowire
run_colowire() {
    rm -f "$work"/run.* "$work/control.sock"
    # A busy machine is not to be taken for a death, which is shown later, nor for a secondary that sends nothing.
    ip netns exec "$host" "$work/colowire/colowire" run --primary-in "$kind:primary0" --secondary-in "$kind:secondary0" \
        --outdev "$kind:out0" --inbound mirror --failwire-timeout-ms 1000 --compare-timeout 20000 --trace \
        --requester "command:$work/checkpoint" --command-timeout-ms 20000 --control-socket "$work/control.sock" \
        --json >"$work/run.json" 2>"$work/run.log" </dev/null &
    colowire=$!
    pids+=("$colowire")
    await 20 'the start of colowire' ready
}

stop_colowire() {
    kill -TERM "$colowire"
    # A stop that takes longer than 5 s ends with the exit code 1.
    wait "$colowire" || { cat "$work/run.log"; fail "colowire ended with exit code $?"; }
}

# Of the last object of ColoWire's counters; 0 until there is one.
counter() {
    local value
    value=$(tail -n 1 "$work/run.json" 2>/dev/null | jq -r "$1" 2>/dev/null) || true
    echo "${value:-0}"
}

status() { "$work/colowire/colowire" ctl --socket "$work/control.sock" status "$@"; }
look() { status --json >"$work/status"; }
# seen FILTER: of the counters at the last look
seen() { jq -r "$1" "$work/status"; }
nothing_is_held() { look && [ "$(seen .held)" = 0 ]; }
checkpoint_is_done() { look && [ "$(seen .requester.completed)" = 1 ]; }

# expect WHAT WANTED FOUND: one row; ends the demo when they differ
expect() {
    row "$1" "$3"
    [ "$2" = "$3" ] || { cat "$work/run.log"; fail "$1: '$3', expected '$2'"; }
}

# ---------------------------------------------------------------------------------------------- the parts

show_both_directions() {
    say "$kind: three cables and one program: two guests, a client, ColoWire between them in both directions"
    cat <<PICTURE

  primary guest   $guest_address  $guest_mac ── primary0 ───┐
                                                              ├ ColoWire ── out0 ── client $client_address
  secondary guest $guest_address  $guest_mac ── secondary0 ─┘

  Both guests run the same server, each on a TCP stack of its own. ColoWire gives each frame of the client to both, and
  sends an answer of the primary to the client when the secondary has given the same one. There is no bridge and no mirror.

PICTURE
    run_colowire
    row "a file of $file_bytes bytes, its SHA-256 checksum" "$file_sum"
    expect 'what the client has after a download' "$file_sum" "$(ask download)"
    expect 'what the guest has after an upload' "$file_sum" "$(ask upload "$work/file")"
    expect 'connections that the client aborted (RST)' "$aborts" "$(ask abort "$aborts")"
    await 20 'the end of what is held' nothing_is_held
    expect 'answers of the guests that differ' 0 "$(seen .divergences_total)"
    expect 'checkpoints that were needed' 0 "$(seen .checkpoints)"
    echo
    status
    [ "$(seen .inbound.frames.translated)" -gt 0 ] || fail 'no frame was translated: both guests have chosen the same sequence numbers'
    echo '  translated: the two guests chose different sequence numbers, so the secondary got these frames of the client in its own.'
    echo '  client_reset: frames of connections that the client had aborted, which are no longer compared.'
    [ "$(seen '.inbound.primary_missed + .inbound.secondary_missed')" = 0 ] || fail 'a guest missed frames of the client'
}

show_a_difference() {
    local verified
    say "$kind: one answer differs: the primary says 42, the secondary 43"
    expect 'the client is told' 'the price is 42 EUR' "$(ask price)"
    await 20 'the checkpoint' checkpoint_is_done
    grep -A 24 -m 1 'divergence: payload' "$work/run.log" | awk 'NR == 1 || /^ / { print; next } { exit }' >"$work/report"
    [ -s "$work/report" ] || fail 'no report of the divergence in the log'
    grep -q 'payload: tcp 10.77.0.2:80 > 10.77.0.1:[0-9]*, frames [0-9/]*, offset 14,' "$work/report" || fail 'the report does not say where it is'
    echo '  What ColoWire says of it in its log: the connection, and the offset in the payload ([] marks the byte):'
    sed 's/^/  /' "$work/report"
    expect 'answers of the guests that differ' 1 "$(seen .divergences_total)"
    expect 'the requester was told to make a checkpoint' payload "$(paste -sd ' ' "$work/checkpoints")"
    echo '  The requester here is a script: it makes the servers equal, as a hypervisor would copy the whole primary.'
    verified=$(seen .released.verified)
    expect 'the client is told, after the checkpoint' 'the price is 42 EUR' "$(ask price)"
    expect 'what the client has after another download' "$file_sum" "$(ask download)"
    await 20 'the end of what is held' nothing_is_held
    [ "$(seen .released.verified)" -gt "$verified" ] || fail 'nothing was verified after the checkpoint'
    expect 'answers that differ, since the checkpoint' 0 "$(($(seen .divergences_total) - 1))"
}

half_has_come() { grep -qs half "$work/halves"; }
log_tells_absence() { grep -q 'ColoWire is back after' "$work/run.log"; }

survive() {
    local download
    say "$kind: ColoWire is killed amid a download: the kernel carries the primary's and the client's frames until it is back"
    rm -f "$work/halves" "$work/go_on"
    start "$client" "$work/halves" "$talk" download-in-halves $((file_bytes / 2)) "$work/go_on"
    download=${pids[-1]}
    await 20 'the first half of a download' half_has_come
    kill -KILL "$colowire"
    wait "$colowire" 2>/dev/null || true
    echo '  half of the file has arrived; ColoWire is killed'
    touch "$work/go_on"
    wait "$download" || fail 'the download has failed'
    expect 'what the client has after the download' "$file_sum" "$(tail -n 1 "$work/halves")"
    expect 'what the guest has after an upload' "$file_sum" "$(ask upload "$work/file")"
    run_colowire
    await 20 'the checkpoint' checkpoint_is_done
    await 20 'the line of the log' log_tells_absence
    echo '  started again; ColoWire says in its log:'
    grep 'ColoWire is back after' "$work/run.log" | sed 's/^/  /'
    expect 'the requester was told to make a checkpoint' 'payload absence' "$(paste -sd ' ' "$work/checkpoints")"
    expect 'what the client has after another download' "$file_sum" "$(ask download)"
    await 20 'the end of what is held' nothing_is_held
    expect 'answers of the guests that differ' 0 "$(seen .divergences_total)"
    stop_colowire
    row "frames that passed a dead ColoWire: the primary's" "$(counter .fail_wire.to_wire)" "  the client's" "$(counter .fail_wire.to_primary)" \
        'frames of the primary verified afterwards' "$(counter .released.verified)"
    [ "$(counter '[.fail_wire.to_wire, .fail_wire.to_primary] | min')" -gt 0 ] || fail 'no frame passed ColoWire'
    [ "$(counter .released.verified)" -gt 0 ] || fail 'nothing was verified after the restart'
    [ "$(counter .final)" = true ] || fail 'no final report'
}

show_captures() {
    local fixtures=$root/tests/fixtures code=0
    say 'Two captures compared, without a network: one byte of the second differs'
    echo '  colowire compare mixed.pcap mixed.flipped.pcap'
    "$work/colowire/colowire" compare "$fixtures/mixed.pcap" "$fixtures/mixed.flipped.pcap" >"$work/compare" || code=$?
    grep -E '^(diverged|payload): ' "$work/compare" | sed 's/^/  /'
    [ "$code" = 1 ] || fail "compare ended with exit code $code, not 1"
    grep -q "offset $(jq -r .offset "$fixtures/mixed.flipped.json")" "$work/compare" || fail 'compare does not name the offset'
}

say 'Building'
case $(uname -m) in
    aarch64) runtime=linux-arm64 ;;
    *) runtime=linux-x64 ;;
esac
dotnet publish "$root/src/ColoWire" -c Release -r "$runtime" --self-contained false -o "$work/colowire" --artifacts-path "$root/artifacts/demo" \
    -v quiet -clp:NoSummary
built=$SECONDS
for kind in "${all_kinds[@]}"; do
    make_wire
    make_servers
    show_both_directions
    show_a_difference
    survive
    clear_away
done
show_captures

say "Everything was as expected, $((SECONDS - built)) s after the build."
