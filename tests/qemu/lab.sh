#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2034 # what sources this uses what it sets
# To be sourced: two guests in QEMU with netfilter objects as QEMU's docs/colo-proxy.txt sets them up, a client beside them, and what
# compares, in a network namespace of their own. Nothing is left behind: `clean_up` is set as the shell's trap.
#
# What it sets up, all in the namespace (the mirror and the secondary's frames take TCP: in real life they come from another host):
#
#   client 192.0.2.1 ── bridge ── tapp ── primary's QEMU          secondary's QEMU ── taps (in the bridge after a failover only)
#                                         │ filter-mirror  127.0.0.1:9003 ──────────► filter-redirector, filter-rewriter
#                                         │ filter-redirector  $work/primary_in ──► comparer ◄── 127.0.0.1:9004  filter-redirector
#                                         └ filter-redirector  $work/outdev ◄────── comparer
#
# With wire=bridge there are no netfilter sockets, and ColoWire captures and injects on three interfaces:
#
#   client 192.0.2.1 ── veth ── outside ── ColoWire ─┬─ tapp ── primary's QEMU
#                                                    └─ taps ── secondary's QEMU
#
root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." && pwd)
# shellcheck source=tests/tools/install.sh
. "$root/tests/tools/install.sh"
# shellcheck source=tests/qemu/machines.sh
. "$root/tests/qemu/machines.sh"
# shellcheck source=tests/qemu/monitor.sh
. "$root/tests/qemu/monitor.sh"

# sha256 of the guest's /large.
readonly large_sum=3cd72b11a41739372a3d0ceea0a54aacfaa94d27d270d127292fe7bb751944c2
space=cwq$$
work=$(mktemp -d "${TMPDIR:-/tmp}/colowire-qemu.XXXXXX")
passed=0 failed=0 skipped=0
# Processes by name: primary, secondary, colowire and what else was started.
declare -A pids=()

clean_up() {
    local name
    for name in "${!pids[@]}"; do kill -KILL "${pids[$name]}" 2>/dev/null || true; done
    for name in "${!pids[@]}"; do until_true 5 gone "$name" || true; done
    ip netns del "$space" 2>/dev/null || true
    # Where it was mounted, in mounts of the guests alone.
    if [ -n "${qemu_system:-}" ]; then rmdir "$qemu_system$work" 2>/dev/null || true; fi
    if [ -n "${KEEP:-}" ]; then
        echo "kept: $work" >&2
    else
        rm -rf "$work"
    fi
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# fatal CHECK: no other check makes sense without this one
fatal() {
    local file
    for file in "$work"/*.log "$work"/*.serial; do
        if [ -s "$file" ]; then
            echo "-- ${file##*/}, its end:" >&2
            tail -n 8 "$file" >&2
        fi
    done
    echo "not ok $1"
    failed=$((failed + 1))
    finish
}

ok() {
    passed=$((passed + 1))
    echo "ok $1"
}

not_ok() {
    failed=$((failed + 1))
    echo "not ok $1: $2"
}

# same NAME FOUND WANTED
same() {
    if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "'$2', wanted '$3'"; fi
}

# at_least NAME FOUND LEAST
at_least() {
    if [[ "$2" =~ ^[0-9]+$ ]] && [ "$2" -ge "$3" ]; then ok "$1 ($2)"; else not_ok "$1" "'$2', wanted at least $3"; fi
}

finish() {
    if [ "$skipped" -gt 0 ]; then echo "$passed passed, $failed failed, $skipped skipped"; else echo "$passed passed, $failed failed"; fi
    if [ "$failed" -gt 0 ]; then exit 1; fi
    exit 0
}

# until_true SECONDS COMMAND...: as soon as it is true; false when it is not in time
until_true() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        if [ "$SECONDS" -ge "$end" ]; then return 1; fi
        sleep 0.1
    done
}

# read_options NAME... -- "$@": the script's options, each a variable of this name
read_options() {
    local allowed=()
    while [ "$1" != -- ]; do
        allowed+=("$1")
        shift
    done
    shift
    while [ $# -gt 0 ]; do
        if [[ "$1" != --* || " ${allowed[*]} " != *" ${1#--} "* ]]; then wrong "'$1' is no option; there are ${allowed[*]/#/--}"; fi
        if [ $# -lt 2 ]; then wrong "$1: a value is missing"; fi
        printf -v "${1#--}" %s "$2"
        shift 2
    done
    if [[ "$comparer" != colowire && "$comparer" != qemu ]]; then wrong "--comparer is '$comparer', neither colowire nor qemu"; fi
    if [[ "$vnet" != on && "$vnet" != off ]]; then wrong "--vnet is '$vnet', neither on nor off"; fi
    if [[ "$inbound" != mirror && "$inbound" != none ]]; then wrong "--inbound is '$inbound', neither mirror nor none"; fi
    if [[ "$ports" != pcap && "$ports" != xdp ]]; then wrong "--ports is '$ports', neither pcap nor xdp"; fi
    if [ "$comparer" = qemu ]; then return; fi
    if [ -z "$colowire" ]; then
        colowire=$root/src/ColoWire/bin/Debug/net10.0/colowire
        if [ ! -x "$colowire" ]; then dotnet build "$root/src/ColoWire" -v quiet -clp:NoSummary; fi
    fi
    if [ ! -x "$colowire" ]; then wrong "--colowire is '$colowire', which is no program"; fi
}

wrong() {
    echo "${0##*/}: $1" >&2
    exit 2
}

inside() {
    ip netns exec "$space" "$@"
}

make_namespace() {
    ip netns add "$space"
    # Nobody but the client and the guests is to say anything.
    inside sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
    inside ip link set lo up
    # Between two hosts an ACK is not late by 40 ms, which would lengthen each checkpoint.
    inside ip route replace table local local 127.0.0.1 dev lo src 127.0.0.1 quickack 1
    for tap in tapp taps; do
        inside ip tuntap add "$tap" mode tap
        inside ip link set "$tap" up
    done
    if [ "$wire" = bridge ]; then
        make_cable
        inside ip addr add "$client_address/24" dev client
    else
        make_bridge tapp
        inside ip addr add "$client_address/24" dev bridge
    fi
}

# make_bridge PORT...
make_bridge() {
    local port
    inside ip link add bridge type bridge
    inside ip link set bridge up
    for port in "$@"; do inside ip link set "$port" master bridge; done
}

# make_cable: from the client to the bridge host. The client leaves nothing to its NIC: a segment that is longer than the MTU, or has no
# checksum, is no frame of a cable.
make_cable() {
    local end
    inside ip link add client type veth peer name outside
    for end in client outside; do
        inside ethtool -K "$end" tx off tso off gso off gro off >/dev/null
        inside ip link set "$end" up
    done
    if [ "$inbound" = none ]; then
        # The mirror: a bridge that learns nothing sends each frame of the client to both guests.
        make_bridge tapp taps outside
        for end in tapp taps outside; do inside bridge link set dev "$end" learning off; done
    fi
}

# start NAME COMMAND...: in the namespace, in the background; what it prints goes to $work/NAME.out, its errors to $work/NAME.log
start() {
    local name=$1
    shift
    # No function of ours in the background: the process to end is the program itself.
    ip netns exec "$space" "$@" >>"$work/$name.out" 2>>"$work/$name.log" </dev/null &
    pids[$name]=$!
    disown "${pids[$name]}"
}

alive() {
    kill -0 "${pids[$1]}" 2>/dev/null
}

# end NAME: at once, as when its host dies
end() {
    if [ -z "${pids[$1]:-}" ]; then return; fi
    kill -KILL "${pids[$1]}" 2>/dev/null || true
    until_true 5 gone "$1" || true
    unset "pids[$1]"
}

gone() {
    ! alive "$1"
}

# start_qemu NAME ARGUMENT...: QEMU 11 runs in its own root, with the folders that it needs mounted for it alone
start_qemu() {
    local name=$1
    shift
    if [ "$qemu_release" = 7 ]; then
        start "$name" qemu-system-x86_64 "$@"
        return
    fi
    # shellcheck disable=SC2016 # the inner shell expands it
    start "$name" unshare --mount --propagation private bash -ec '
        system=$1 work=$2 guest=$3
        shift 3
        mkdir -p "$system$work" "$system$guest"
        for folder in /dev /proc /sys "$work" "$guest"; do mount --rbind "$folder" "$system$folder"; done
        exec chroot "$system" qemu-system-x86_64 "$@"' in-chroot "$qemu_system" "$work" "$guest" "$@"
}

guest_is_up() {
    grep -q 'colowire guest is up' "$work/$1.serial" 2>/dev/null
}

wait_for_guest() {
    until_true "${2:-180}" guest_is_up "$1" || fatal "the $1 guest boots: not up after ${2:-180} s"
}

# counter JQ: of the last whole object that ColoWire printed, which it does once a second
counter() {
    { grep '}$' "$work/colowire.out" || echo '{}'; } | tail -n 1 | jq -r "$1"
}

# protects: whether ColoWire has both in step
protects() {
    [ "$(counter .protection)" = in_step ]
}

# protects_a_ping: the same, while there is traffic
protects_a_ping() {
    inside ping -q -c 1 -W 1 "$guest_address" >/dev/null || true
    protects
}

# settled_counter JQ: of an object that it prints from now on
settled_counter() {
    local lines
    lines=$(wc -l <"$work/colowire.out")
    until_true 10 longer_than "$work/colowire.out" $((lines + 1)) || true
    counter "$1"
}

longer_than() {
    [ "$(wc -l <"$1")" -gt "$2" ]
}

# get PATH [OPTION...]: from the guest, by the client
get() {
    local path=$1
    shift
    inside curl --silent --show-error --max-time 30 "$@" "http://$guest_address/$path"
}

# four_at_a_time PATH TIMES: as many answers, and the sum that they all have
four_at_a_time() {
    # shellcheck disable=SC2016 # the inner shell expands it
    seq "$2" | inside xargs -P 4 -I{} sh -c 'curl --silent --max-time 60 "$1" | sha256sum' - "http://$guest_address/$1" |
        sort | uniq -c | awk '{ print $1, $2 }'
}

# upload FILE: to the guest, by the client; prints the sha256 sum that the guest answers with
upload() {
    inside timeout 60 socat -t 30 - "TCP:$guest_address:9,connect-timeout=20" <"$1" | cut -d ' ' -f 1
}

# abort TIMES: connections on which the client requests /large and closes with unread bytes, which makes the kernel send a reset (RFC 1122
# section 4.2.2.13): at once, and after some of the answer, in turn
abort() {
    # shellcheck disable=SC2016 # the inner shell expands it
    inside timeout 120 bash -c '
        for ((i = 0; i < $2; i++)); do
            exec {fd}<>"/dev/tcp/$1/80" || exit 1
            printf "GET /large HTTP/1.0\r\n\r\n" >&"$fd"
            if [ $((i % 3)) != 0 ]; then head -c $((i % 3 * 1000)) <&"$fd" >/dev/null; fi
            exec {fd}>&-
        done' - "$guest_address" "$1"
}

# open_conversation: a connection to the guest's port 7 that stays open
open_conversation() {
    rm -f "$work/conversation.in"
    mkfifo "$work/conversation.in"
    touch "$work/conversation.out"
    exec {conversation_fd}<>"$work/conversation.in"
    # shellcheck disable=SC2016 # the inner shell expands it
    start conversation bash -c 'exec socat -d - "TCP:$1:7,connect-timeout=20" <"$2"' - "$guest_address" "$work/conversation.in"
}

# say LINE [SECONDS]: on that connection; prints the answer, nothing when none comes in time
say() {
    local lines
    lines=$(wc -l <"$work/conversation.out")
    echo "$1" >&"$conversation_fd"
    if until_true "${2:-20}" longer_than "$work/conversation.out" "$lines"; then tail -n "+$((lines + 1))" "$work/conversation.out"; fi
}

# prepare_lab: installs, downloads, and makes the guest and QEMU 11 where they are not there yet
prepare_lab() {
    if [ "$(id -u)" != 0 ]; then
        echo "${0##*/}: needs root, for a network namespace and taps" >&2
        exit 2
    fi
    install_missing ip:iproute2 ping:iputils-ping ethtool:ethtool sysctl:procps jq:jq socat:socat curl:curl unshare:util-linux qemu-system-x86_64:qemu-system-x86
    guest=$("$root/tests/qemu/guest.sh")
    if [ "$qemu_release" = 11 ]; then qemu_system=$("$root/tests/qemu/qemu11.sh"); fi
}
