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
passed=0 failed=0 skipped=0
# The program that runs, 0 for none.
program=0

[ "$(id -u)" -eq 0 ] || {
    echo "needs root, for a network namespace" >&2
    exit 2
}

cleanup() {
    if [ "$program" -ne 0 ]; then killed; fi
    ip netns del "$space" 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT

inside() {
    ip netns exec "$space" "$@"
}

pass() {
    passed=$((passed + 1))
    echo "ok: $1"
}

fault() {
    failed=$((failed + 1))
    echo "FAILED: $1"
    if [ -s "$work/out" ]; then sed 's/^/    /' "$work/out"; fi
}

# expect NAME STATUS COMMAND...: the exit status; what it printed stays in $work/out.
expect() {
    local name=$1 wanted=$2 status=0
    shift 2
    "$@" >"$work/out" 2>&1 || status=$?
    if [ "$status" -eq "$wanted" ]; then pass "$name"; else fault "$name: exit $status, wanted $wanted"; fi
}

# one_line NAME PATTERN COMMAND...: exit 2 and one line that matches.
one_line() {
    local name=$1 pattern=$2 status=0
    shift 2
    "$@" >"$work/out" 2>&1 || status=$?
    if [ "$status" -eq 2 ] && [ "$(wc -l <"$work/out")" -eq 1 ] && grep -Eq -- "$pattern" "$work/out"; then
        pass "$name"
    else
        fault "$name: exit $status, wanted 2 and one line with '$pattern'"
    fi
}

printed() {
    if grep -Eq -- "$2" "$work/out"; then pass "$1"; else fault "$1: no line with '$2'"; fi
}

not_printed() {
    if grep -Eq -- "$2" "$work/out"; then fault "$1: a line with '$2'"; else pass "$1"; fi
}

same() {
    if diff "$2" "$3" >"$work/out"; then pass "$1"; else fault "$1"; fi
}

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

settled() {
    local round
    for round in $(seq 50); do
        if [ -z "$(inside ip -6 addr show tentative)" ]; then return; fi
        sleep 0.1
    done
    echo "addresses still tentative after $round rounds" >&2
}

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

test_silence() {
    local before after
    make_interfaces
    inside ip link set cwo down
    before=$(inside cat /sys/class/net/cwo/statistics/tx_packets)
    expect "prepare a device that is down" 0 inside "$prepare" cwp cws cwo
    sleep 3
    after=$(inside cat /sys/class/net/cwo/statistics/tx_packets)
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

# A device with rings, flow control and interrupts, as far as the scripts can see: an ethtool that keeps those in files,
# and trees over /sys/class/net and /proc/irq, in a mount namespace that ends with the command.
make_stand_ins() {
    local directory=$work/fake
    mkdir -p "$directory/bin" "$directory/irq/77" "$directory/irq/78"
    printf '%s\n' 0-1 >"$directory/irq/77/smp_affinity_list"
    printf '%s\n' 1 >"$directory/irq/78/smp_affinity_list"
    printf '256\n512\n' >"$directory/rings"
    printf 'on\non\non\n' >"$directory/pause"
    cat >"$directory/bin/ethtool" <<'STAND_IN'
#!/usr/bin/env bash
set -euo pipefail
if [ "${2:-}" != cwp ]; then exec /usr/sbin/ethtool "$@"; fi
keep() { # FILE LINE VALUE
    sed -i "$2s/.*/$3/" "$FAKE/$1"
}
case $1 in
    -g)
        mapfile -t now <"$FAKE/rings"
        printf 'Ring parameters for cwp:\nPre-set maximums:\nRX:\t\t4096\nRX Mini:\tn/a\nRX Jumbo:\tn/a\nTX:\t\t2048\n'
        printf 'Current hardware settings:\nRX:\t\t%s\nRX Mini:\tn/a\nRX Jumbo:\tn/a\nTX:\t\t%s\n' "${now[@]}"
        printf 'RX Buf Len:\t\tn/a\nTX Push:\toff\n'
        ;;
    -G)
        echo "$*" >>"$FAKE/calls"
        shift 2
        while [ $# -gt 0 ]; do
            case $1 in rx) keep rings 1 "$2" ;; tx) keep rings 2 "$2" ;; *) exit 1 ;; esac
            shift 2
        done
        ;;
    -a)
        mapfile -t now <"$FAKE/pause"
        printf 'Pause parameters for cwp:\nAutonegotiate:\t%s\nRX:\t\t%s\nTX:\t\t%s\nRX negotiated: on\nTX negotiated: off\n' "${now[@]}"
        ;;
    -A)
        shift 2
        if [ -e "$FAKE/no-autoneg" ] && [ "$1" = autoneg ]; then exit 1; fi
        while [ $# -gt 0 ]; do
            case $1 in autoneg) keep pause 1 "$2" ;; rx) keep pause 2 "$2" ;; tx) keep pause 3 "$2" ;; *) exit 1 ;; esac
            shift 2
        done
        ;;
    *) exec /usr/sbin/ethtool "$@" ;;
esac
STAND_IN
    chmod +x "$directory/bin/ethtool"
}

# with_stand_ins COMMAND...: cwp has the interrupts 77 and 78.
with_stand_ins() {
    # shellcheck disable=SC2016 # the inner shell expands it
    inside unshare --mount env FAKE="$work/fake" PATH="$work/fake/bin:$PATH" bash -c '
        set -e
        mkdir -p "$FAKE/net/cwp/device/msi_irqs"
        for path in /sys/class/net/*; do
            if [ "${path##*/}" != cwp ]; then ln -sfn "$(readlink -f "$path")" "$FAKE/net/${path##*/}"; fi
        done
        for path in /sys/class/net/cwp/*; do
            if [ "${path##*/}" != device ]; then ln -sfn "$(readlink -f "$path")" "$FAKE/net/cwp/${path##*/}"; fi
        done
        touch "$FAKE/net/cwp/device/msi_irqs/77" "$FAKE/net/cwp/device/msi_irqs/78"
        mount --bind "$FAKE/irq" /proc/irq
        mount --bind "$FAKE/net" /sys/class/net
        exec "$@"' with-stand-ins "$@"
}

fake_values() {
    head "$work/fake/rings" "$work/fake/pause" "$work/fake/irq"/*/smp_affinity_list
}

test_stand_ins() {
    make_interfaces
    make_stand_ins
    fake_values >"$work/before"
    expect "prepare a device with rings, flow control, interrupts" 0 with_stand_ins "$prepare" cwp cws cwo --irq-cpus 0
    printed "rings grow to the maximum" "cwp: ring rx: 256 -> 4096"
    printed "flow control goes off" "cwp: pause tx: on -> off"
    printed "interrupts move" "cwp: irq 77: 0-1 -> 0"
    fake_values | tr '\n' ' ' >"$work/out"
    printed "the device has what was wanted" "rings <== 4096 2048 .*pause <== off off off .*77/.* 0 .*78/.* 0"
    expect "check of such a device" 0 with_stand_ins "$prepare" --check cwp cws cwo --irq-cpus 0
    expect "check for other CPUs" 1 with_stand_ins "$prepare" --check cwp --irq-cpus 1
    echo "$(wc -l <"$work/fake/calls") calls" >"$work/out"
    printed "all rings are set by one call" "^1 calls"
    expect "undo of such a device" 0 with_stand_ins "$undo"
    fake_values >"$work/after"
    same "undo restores rings, flow control, interrupts" "$work/before" "$work/after"
    touch "$work/fake/no-autoneg"
    expect "prepare a device that cannot negotiate flow control" 0 with_stand_ins "$prepare" cwp cws cwo
    printed "what it refuses is skipped" "cwp: pause autoneg: on -> off"
    expect "check of flow control forced off" 0 with_stand_ins "$prepare" --check cwp
    expect "undo of it" 0 with_stand_ins "$undo"
    fake_values >"$work/after"
    same "undo restores flow control without the negotiation" "$work/before" "$work/after"
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

test_unit() {
    local unit
    if ! command -v systemd-analyze >/dev/null; then
        skipped=$((skipped + 1))
        echo "skipped: systemd-analyze is not installed"
        return
    fi
    # The program and the scripts at the place where the units expect them.
    mkdir -p "$work/root/opt/colowire" "$work/root/etc/systemd/system" "$work/root/usr/lib/systemd/system"
    cp -r "$root/native-config" "$work/root/opt/colowire/"
    printf '#!/bin/sh\n' >"$work/root/opt/colowire/colowire"
    chmod +x "$work/root/opt/colowire/colowire"
    for unit in /usr/lib/systemd/system/*.target /usr/lib/systemd/system/*.slice; do
        cp -P "$unit" "$work/root/usr/lib/systemd/system/"
    done
    cp "$root"/native-config/*.service "$work/root/etc/systemd/system/"
    for unit in "$root"/native-config/*.service; do
        expect "systemd-analyze verify ${unit##*/}" 0 systemd-analyze verify --root="$work/root" --man=no "${unit##*/}"
        not_printed "${unit##*/} has no unknown line" "${unit##*/}"
    done
    printf '%s/control.sock\n' "/run/$(sed -n 's/^RuntimeDirectory=//p' "$root/native-config/colowire.service")" >"$work/folder"
    sed -n 's/.*"control_socket": "\(.*\)".*/\1/p' "$root/native-config/colowire.json" >"$work/socket"
    same "the control socket is in the unit's folder" "$work/folder" "$work/socket"
    printf '/var/log/%s\n' "$(sed -n 's/^LogsDirectory=//p' "$root/native-config/colowire.service")" >"$work/folder"
    sed -n 's/.*"failure_folder": "\(.*\)".*/\1/p' "$root/native-config/colowire.json" >"$work/failures"
    same "what is saved of failures is in the unit's folder" "$work/folder" "$work/failures"
    expect "exposure of colowire.service is below 3.0" 0 \
        systemd-analyze security --offline=true --threshold=30 "$root/native-config/colowire.service"
}

# as_unit CAPABILITIES OPTION...: starts the program as nobody with no other capabilities, as the unit does; its id is $program.
# Little memory, since the limit on locked memory, which the unit lifts, may be a small one here.
as_unit() {
    local list=-all,+${1//,/,+}
    shift
    ip netns exec "$space" setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs \
        --inh-caps "$list" --ambient-caps "$list" --bounding-set "$list" \
        env DOTNET_EnableDiagnostics=0 "$work/program/colowire" run --slots 512 --large-slots 0 --fragment-memory 256 --xdp-ring 128 \
        "$@" >"$work/out" 2>&1 </dev/null &
    program=$!
}

# logged NAME PATTERN: the program says it within ten seconds.
logged() {
    local round
    for round in $(seq 100); do
        if grep -Eq -- "$2" "$work/out"; then break; fi
        sleep 0.1
    done
    printed "$1 (round $round)" "$2"
}

attached() {
    local round
    for round in $(seq 100); do
        if inside ip link show dev "$1" | grep -q prog/xdp; then return; fi
        sleep 0.1
    done
    echo "no program after $round rounds" >>"$work/out"
    return 1
}

killed() {
    kill -9 "$program" 2>/dev/null || true
    wait "$program" 2>/dev/null || true
}

stopped() {
    local status=0
    kill -TERM "$program" 2>/dev/null || true
    wait "$program" || status=$?
    if [ "$status" -eq 0 ]; then pass "$1"; else fault "$1: exit $status, wanted 0"; fi
}

test_capabilities() {
    local kind list end built=$root/src/ColoWire/bin/Debug/net10.0
    if [ ! -x "$built/colowire" ] || ! setpriv --reuid 65534 --clear-groups dotnet --list-runtimes >/dev/null 2>&1; then
        skipped=$((skipped + 1))
        echo "skipped: the program is not built, or the .NET runtime is not readable for all"
        return
    fi
    make_interfaces
    for end in cwpx cwsx cwox cwp cws cwo; do inside ethtool -L "$end" rx 1 tx 1; done
    for end in cwpx cwsx cwox; do inside ethtool -K "$end" gro on >/dev/null; done
    cp -r "$built" "$work/program"
    chmod 755 "$work"
    list=$(sed -n 's/^CapabilityBoundingSet=//p' "$root/native-config/colowire.service" | tr 'A-Z ' 'a-z,' | sed 's/cap_//g')
    for kind in xdp pcap; do
        as_unit "$list" --primary-in "$kind:cwp" --secondary-in "$kind:cws" --outdev "$kind:cwo"
        logged "$kind: starts with the unit's capabilities" "memory (is locked|may be swapped)"
        printed "$kind: on_death wire is in force" "on_death wire: 20 ms"
        if attached cwp; then pass "$kind: its program is attached"; else fault "$kind: no program is attached"; fi
        killed
        as_unit "$list" --primary-in "$kind:cwp" --secondary-in "$kind:cws" --outdev "$kind:cwo"
        logged "$kind: comes back after kill -9" "ColoWire is back after"
        stopped "$kind: stops on SIGTERM"
        as_unit "$list" --primary-in "$kind:cwp" --secondary-in "$kind:cws" --outdev "$kind:cwo"
        logged "$kind: comes back after a clean stop" "ColoWire is back after"
        stopped "$kind: stops again"
    done
    as_unit "${list/,sys_admin/}" --primary-in xdp:cwp --secondary-in xdp:cws --outdev xdp:cwo
    logged "without CAP_SYS_ADMIN it cannot come back, and says so" "^colowire: .*CAP_SYS_ADMIN is needed"
    wait "$program" || true
    make_interfaces
    install -d -o 65534 "$work/run"
    as_unit net_raw --primary-in pcap:cwp --secondary-in pcap:cws --outdev pcap:cwo --on-death block \
        --control-socket "$work/run/control.sock"
    logged "pcap: ports with on_death block need CAP_NET_RAW alone" "memory (is locked|may be swapped)"
    logged "the control socket is there" "orders are taken at $work/run/control.sock"
    # Nothing of the program's own output comes in between: it logs none of these.
    one_line "who is neither user nor group gives no orders" "it may not be used: only root" \
        setpriv --reuid 65533 --regid 65533 --clear-groups "$work/program/colowire" ctl --socket "$work/run/control.sock" flush
    expect "root gives orders" 0 "$work/program/colowire" ctl --socket "$work/run/control.sock" status
    stopped "pcap: stops with CAP_NET_RAW alone"
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
test_stand_ins
test_page
test_unit
test_capabilities
test_sysctl
if [ "$skipped" -gt 0 ]; then echo "$passed passed, $failed failed, $skipped skipped"; else echo "$passed passed, $failed failed"; fi
[ "$failed" -eq 0 ]
