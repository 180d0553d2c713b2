#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Tests of native-config: prepare.sh and undo.sh on veth pairs in a network namespace of its own, with stand-ins for
# what veth lacks (rings, flow control, interrupts), the systemd unit, and the program with its capabilities. Needs root; its last line tells the numbers.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
prepare=$root/native-config/prepare.sh
undo=$root/native-config/undo.sh
space=cwnc$$
work=$(mktemp -d)
export COLOWIRE_PREPARE_STATE=$work/state
here=$root/tests/native-config
# shellcheck source-path=SCRIPTDIR source=checks.sh
. "$here/checks.sh"
# shellcheck source-path=SCRIPTDIR source=stand-ins.sh
. "$here/stand-ins.sh"
# shellcheck source-path=SCRIPTDIR source=program.sh
. "$here/program.sh"
# shellcheck source-path=SCRIPTDIR source=inbound.sh
. "$here/inbound.sh"

[ "$(id -u)" -eq 0 ] || {
    echo "needs root, for a network namespace" >&2
    exit 2
}

cleanup() {
    if [ "$program" -ne 0 ]; then killed; fi
    ip netns del "$space" 2>/dev/null || true
    ip netns del "${space}c" 2>/dev/null || true
    umount "$work/full" 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT

# Everything that prepare.sh could have changed, and what lies beside it.
snapshot() {
    local interface file
    for interface in "$@"; do
        ethtool -k "$interface"
        ip -d link show dev "$interface"
        ip addr show dev "$interface"
        ip -4 route show table all dev "$interface"
        ip -6 route show table all dev "$interface" | sort
        tc qdisc show dev "$interface"
        sysctl -a 2>/dev/null | grep -F ".conf.$interface."
        for file in "/sys/class/net/$interface"/queues/*/* "/sys/class/net/$interface"/brport/*; do
            # Timers run, and some files can only be written.
            case $file in *timer | */flush) continue ;; esac
            if [ -f "$file" ]; then echo "$file $(cat "$file" 2>/dev/null)"; fi
        done
    done
}

take() {
    inside bash -c "$(declare -f snapshot); snapshot cwp cws cwo" >"$work/$1"
}

no_address_is_tentative() { [ -z "$(inside ip -6 addr show tentative)" ]; }
settled() { until_true 20 no_address_is_tentative || echo "addresses are still tentative" >&2; }

make_interfaces() {
    local name
    ip netns del "$space" 2>/dev/null || true
    rm -rf "$work/state"
    ip netns add "$space"
    for name in cwp cws cwo; do
        inside ip link add "$name" numtxqueues 2 numrxqueues 2 type veth peer name "${name}x"
        # Both ends up once: a device that was never up names its queueing discipline otherwise.
        inside ip link set "$name" up
        inside ip link set "${name}x" up
    done
}

dress_interfaces() {
    inside ip addr add 192.0.2.1/24 dev cwp
    inside ip route add 198.51.100.0/24 via 192.0.2.2
    inside ip -6 addr add 2001:db8::1/64 dev cwp
    inside ip -6 route add 2001:db8:1::/64 via 2001:db8::2
    inside ip link add cwbr type bridge
    inside ip link set cws master cwbr
    inside bridge link set dev cws cost 77 learning off
    inside bash -c 'echo 3 >/sys/class/net/cwo/queues/rx-0/rps_cpus; echo 1 >/sys/class/net/cwo/queues/tx-1/xps_cpus'
    inside ip link set cwo down
    settled
}

test_bad_usage() {
    make_interfaces
    one_line "no arguments" "three interfaces.*not 0" inside "$prepare"
    one_line "two interfaces" "not 2" inside "$prepare" cwp cws
    one_line "unknown interface" "nosuch: no such interface.*cwp" inside "$prepare" cwp cws nosuch
    one_line "a path as interface" "no such interface" inside "$prepare" cwp cws ../net/cwo
    one_line "the same interface twice" "cwp: named twice" inside "$prepare" cwp cws cwp
    one_line "loopback" "lo: not an Ethernet" inside "$prepare" cwp cws lo
    one_line "unknown option" "--fast: unknown option" inside "$prepare" cwp cws cwo --fast
    one_line "irq-cpus without a list" "wants a list" inside "$prepare" cwp cws cwo --irq-cpus
    one_line "irq-cpus no list" "--irq-cpus 1;2: not a list" inside "$prepare" cwp cws cwo --irq-cpus '1;2'
    one_line "irq-cpus offline" "--irq-cpus 9999: .*online" inside "$prepare" cwp cws cwo --irq-cpus 9999
    one_line "check without interface" "at least one" inside "$prepare" --check
    one_line "undo of an unknown interface" "nosuch: no such interface" inside "$undo" nosuch
    one_line "undo with an unknown option" "--all: unknown option" inside "$undo" --all
    inside ip link set cwo mtu 9000
    one_line "MTUs differ" "cwp 1500, cws 1500, cwo 9000" inside "$prepare" cwp cws cwo
    inside ip link set cwo mtu 1500
    inside ip addr add 192.0.2.1/24 dev cwo
    inside ip route add default via 192.0.2.2
    one_line "the default route" "cwo: carries the host's default route" inside "$prepare" cwp cws cwo
    if [ -e "$work/state" ]; then fault "bad usage leaves no record"; else pass "bad usage leaves no record"; fi
    one_line "without root" "needs root" inside setpriv --reuid 65534 --clear-groups "$prepare" cwp cws cwox
}

test_round_trip() {
    make_interfaces
    dress_interfaces
    take before
    expect "check finds an unprepared host" 1 inside "$prepare" --check cwp cws cwo
    printed "check names an offload" "cwp: feature generic-segmentation-offload: on, NOT as wanted \(off\)"
    printed "check names a bridge" "cws: bridge master: cwbr, NOT as wanted"
    expect "dry run" 0 inside "$prepare" cwp cws cwo --dry-run
    printed "dry run says what would change" "cwp: link promisc: off, would become on"
    take dry
    same "dry run changes nothing" "$work/before" "$work/dry"

    expect "prepare" 0 inside "$prepare" cwp cws cwo --irq-cpus 0
    printed "prepare says what it takes out of a bridge" "cws: bridge master: cwbr -> none"
    printed "prepare skips what a device lacks" "cwp: ring size: skipped"
    printed "prepare turns steering off" "cwo: queue rx-0/rps_cpus: .*3 -> 0"
    expect "check finds all as wanted" 0 inside "$prepare" --check cwp cws cwo
    prepared_facts

    cp -r "$work/state" "$work/first"
    expect "prepare again" 0 inside "$prepare" cwp cws cwo
    not_printed "prepare again changes nothing" " -> "
    same_records "prepare again keeps the records"

    inside ethtool -K cwp gso on >/dev/null
    inside ip addr add 203.0.113.9/24 dev cws
    expect "check finds a drift" 1 inside "$prepare" --check cwp cws cwo
    printed "check names the drift" "cwp: feature generic-segmentation-offload: on, NOT"
    expect "prepare mends a drift" 0 inside "$prepare" cwp cws cwo
    same_records "a drift does not replace the records"
    expect "check finds the drift mended" 0 inside "$prepare" --check cwp cws cwo

    take prepared
    expect "undo, dry" 0 inside "$undo" --dry-run
    take dry
    same "undo --dry-run changes nothing" "$work/prepared" "$work/dry"
    expect "undo" 0 inside "$undo"
    settled
    take after
    same "undo restores everything" "$work/before" "$work/after"
    expect "undo again" 0 inside "$undo" cwp cws cwo
    printed "undo again has nothing to do" "cwp: no record, nothing to undo"
    expect "undo without any record" 0 inside "$undo"
}

same_records() {
    if diff -r "$work/first" "$work/state" >"$work/out"; then pass "$1"; else fault "$1"; fi
}

prepared_facts() {
    local interface flags on
    for interface in cwp cws cwo; do
        flags=$(inside ip -o link show dev "$interface")
        echo "$flags" >"$work/out"
        printed "$interface is promiscuous, without ARP, up" "<.*NOARP,PROMISC.*UP"
        not_printed "$interface has no master" "master"
        inside ip addr show dev "$interface" >"$work/out"
        not_printed "$interface has no address" "inet"
        on=$(inside ethtool -k "$interface" | grep -Ev 'scatter|highdma|fixed' | grep -c ': on' || true)
        if [ "$on" -eq 0 ]; then pass "$interface has no offload on"; else fault "$interface has $on offloads on"; fi
    done
}

sent_by() { inside cat "/sys/class/net/$1/statistics/tx_packets"; }
has_sent() { [ "$(sent_by "$1")" -ge "$2" ]; }

test_silence() {
    local before after
    make_interfaces
    inside ip link set cwo down
    before=$(sent_by cwo)
    expect "prepare a device that is down" 0 inside "$prepare" cwp cws cwo
    # One that is not prepared comes up then: when the host has asked for its neighbours and routers, it is through with the other, too.
    inside ip link add cwtalk type veth peer name cwtalkx
    inside ip link set cwtalkx up
    inside ip link set cwtalk up
    until_true 20 has_sent cwtalk 3 || fault "a device that is not prepared has not sent 3 frames"
    after=$(sent_by cwo)
    if [ "$before" = "$after" ]; then pass "the host sends nothing"; else fault "the host sent $((after - before)) frames"; fi
    expect "undo takes it down again" 0 inside "$undo" cwo
    inside ip -o link show dev cwo >"$work/out"
    not_printed "it is down again" "<.*[,<]UP"
}

test_other_device_of_the_name() {
    make_interfaces
    expect "prepare a device that goes" 0 inside "$prepare" cwp cws cwo
    inside ip link del cwo
    inside ip link add cwo type veth peer name cwox
    inside ip link set cwox up
    expect "undo drops the record of a device that is gone" 0 inside "$undo" cwo
    printed "undo says so" "cwo: the interface that was prepared is gone"
    expect "prepare the new device" 0 inside "$prepare" cwp cws cwo
    inside ip link del cwo
    inside ip link add cwo type veth peer name cwox
    expect "prepare replaces the record of another device" 0 inside "$prepare" cwp cws cwo
    printed "prepare says so" "cwo: the record in .* is of another interface"
    ip netns add "${space}b"
    expect "undo in another namespace keeps the record" 1 ip netns exec "${space}b" "$undo" cwp
    ip netns del "${space}b"
    printed "undo tells where it belongs" "another network namespace"
    expect "undo where it was prepared" 0 inside "$undo"
}

test_qdisc() {
    make_interfaces
    inside tc qdisc add dev cwo root tbf rate 1gbit burst 100k latency 10ms
    expect "prepare beside a shaper" 0 inside "$prepare" cwp cws cwo
    printed "an operator's own queueing discipline is left" "cwo: qdisc root: skipped, not the default"
    inside tc qdisc show dev cwo >"$work/out"
    printed "the shaper is still there" "tbf"
    expect "undo beside a shaper" 0 inside "$undo"
}

test_bond() {
    make_interfaces
    if ! inside ip link add cwvrf type vrf table 10 2>/dev/null && ! inside ip link add cwvrf type bond 2>/dev/null; then
        skipped=$((skipped + 1))
        echo "skipped: the kernel has neither bonds nor VRFs to be a port of"
        return
    fi
    inside ip link set cwo down
    inside ip link set cwo master cwvrf
    one_line "a port of a bond" "cwo: is a port of cwvrf, which is no plain bridge" inside "$prepare" cwp cws cwo
}

# A reader that ends early, and a disk without room for the records.
test_no_room() {
    make_interfaces
    inside "$prepare" cwp cws cwo | head -n 1 >"$work/out" || true
    expect "a reader that ends early does not end the work" 0 inside "$prepare" --check cwp cws cwo
    inside "$undo" | head -n 1 >"$work/out" || true
    if [ -e "$work/state/cwo.state" ]; then fault "nor that of undo.sh"; else pass "nor that of undo.sh"; fi
    mkdir -p "$work/full"
    mount -t tmpfs -o size=4k,nr_inodes=16 none "$work/full"
    head -c 4096 /dev/zero >"$work/full/filler"
    COLOWIRE_PREPARE_STATE=$work/full one_line "a full disk" "cwp.state: the record cannot be written.*nothing was changed" \
        inside "$prepare" cwp cws cwo
    if [ -e "$work/full/cwp.state" ]; then fault "no empty record is left"; else pass "no empty record is left"; fi
    COLOWIRE_PREPARE_STATE=$work/full/filler/state one_line "no folder" "folder for records cannot be made" \
        inside "$prepare" cwp cws cwo
    umount "$work/full"
}

# The commands of the page on interfaces that have the page's names, with interrupts on CPU 0, which every machine has.
test_page() {
    local name renamed command
    make_interfaces
    while read -r name renamed; do
        inside ip link set "$name" down
        inside ip link set "$name" name "$renamed" up
    done <<<"cwp eth1
cws eth2
cwo eth3"
    while read -r command; do
        expect "as the page says: $command" 0 inside bash -c "cd '$root/native-config' && ${command//--irq-cpus 1/--irq-cpus 0}"
    done < <(sed -n '/^## Prepare the interfaces/,/^|/s/^    //p' "$root/native-config/README.md")
    printed "the page's last command undoes it all" "eth3: .*restored"
}

test_sysctl() {
    local file=$root/native-config/sysctl.d/90-colowire.conf key
    while read -r key; do
        # shellcheck disable=SC2016 # the inner shell expands it
        expect "sysctl $key is absent or may be set" 0 inside bash -c '
            path=/proc/sys/${1//./\/}; [ ! -e "$path" ] || [ -w "$path" ]' check "$key"
    done < <(sed -n 's/^-\{0,1\}\([a-z0-9_.-]*\) *=.*/\1/p' "$file")
}

test_bad_usage
test_round_trip
test_silence
test_other_device_of_the_name
test_qdisc
test_bond
test_no_room
test_forwarding
test_no_answers
test_stand_ins
test_page
test_unit
test_capabilities
test_sysctl
if [ "$skipped" -gt 0 ]; then echo "$passed passed, $failed failed, $skipped skipped"; else echo "$passed passed, $failed failed"; fi
[ "$failed" -eq 0 ]
