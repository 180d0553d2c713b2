#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # what sources this has set what it uses
# To be sourced by test.sh: what inbound mirror needs of the three interfaces, where ColoWire sends on each of them.

# forward FROM TO HOOK: a filter of tc, as an operator has it who mirrors without ColoWire
forward() {
    inside tc qdisc add dev "$1" clsact
    inside tc filter add dev "$1" "$3" protocol ip u32 match u32 0 0 action mirred egress mirror dev "$2"
}

test_forwarding() {
    make_interfaces
    one_line "inbound is none or mirror" "--inbound 'both': allowed: none mirror" inside "$prepare" cwp cws cwo --inbound both
    one_line "inbound without a value" "--inbound '': allowed: none mirror" inside "$prepare" cwp cws cwo --inbound
    if ! forward cwo cwp ingress 2>"$work/out"; then
        skipped=$((skipped + 1))
        echo "skipped: the kernel has no mirred action"
        return
    fi
    one_line "a filter that mirrors beside ColoWire" \
        "cwo: a filter of tc sends its frames to cwp, and with inbound mirror ColoWire does that: .*tc filter del dev cwo ingress" \
        inside "$prepare" cwp cws cwo --inbound mirror
    if [ -e "$work/state" ]; then fault "the refusal leaves no record"; else pass "the refusal leaves no record"; fi
    expect "such a filter is right with inbound none" 0 inside "$prepare" cwp cws cwo
    expect "check with inbound none" 0 inside "$prepare" --check cwp cws cwo
    expect "check with inbound mirror finds the filter" 1 inside "$prepare" --check cwp cws cwo --inbound mirror
    printed "check says which" "cwo: tc filter: NOT as wanted .*cwp.*tc filter del dev cwo ingress"
    not_printed "the others have none" "cw[ps]: tc filter"
    inside tc filter del dev cwo ingress
    expect "without the filter it is as wanted" 0 inside "$prepare" --check cwp cws cwo --inbound mirror
    forward cws cwo egress
    one_line "a filter on the way out" "cws: a filter of tc sends its frames to cwo, .*tc filter del dev cws egress" \
        inside "$prepare" cwp cws cwo --inbound mirror
    inside tc filter del dev cws egress
    expect "prepare for inbound mirror" 0 inside "$prepare" cwp cws cwo --inbound mirror
    expect "undo it" 0 inside "$undo"
}

# asks NAME: whether the far end NAME still waits for the answer to its ARP request; neighbours says how it ends
neighbours() { ip -n "${space}c" neigh show to 192.0.2.1; }
all_have_failed() { [ "$(neighbours | grep -c FAILED)" = 3 ]; }
one_has_answered() { neighbours | grep -q lladdr; }

# ask: each far end sends an ARP request for the host's address, which is that of another interface. Linux answers for any of
# its addresses on every interface that has ARP (arp_ignore in the kernel's networking/ip-sysctl).
ask() {
    local name
    for name in cwpx cwsx cwox; do
        ip -n "${space}c" neigh flush dev "$name" 2>/dev/null || true
        ip -n "${space}c" route replace 192.0.2.1 dev "$name" metric 7
        ip netns exec "${space}c" bash -c "exec 2>/dev/null; echo >/dev/udp/192.0.2.1/9" || true
    done
}

test_no_answers() {
    local name before after
    make_interfaces
    inside sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
    inside ip link add cwm type veth peer name cwmx
    inside ip addr add 192.0.2.1/24 dev cwm
    inside ip link set cwmx up
    inside ip link set cwm up
    ip netns add "${space}c"
    for name in cwpx cwsx cwox; do
        inside ip link set "$name" netns "${space}c"
        ip -n "${space}c" addr add "192.0.2.9/32" dev "$name"
        ip -n "${space}c" link set "$name" up
    done
    ask
    if until_true 10 one_has_answered; then pass "the host answers before it is prepared"
    else fault "no request was answered before"; fi
    expect "prepare for both directions" 0 inside "$prepare" cwp cws cwo --inbound mirror
    before="$(sent_by cwp) $(sent_by cws) $(sent_by cwo)"
    ask
    until_true 20 all_have_failed || true
    neighbours >"$work/out"
    if all_have_failed; then pass "it answers on none of the three afterwards"; else fault "it answers"; fi
    after="$(sent_by cwp) $(sent_by cws) $(sent_by cwo)"
    if [ "$before" = "$after" ]; then pass "and it sends nothing on them"; else fault "sent $before before, $after after"; fi
    ip netns del "${space}c"
}

# mirrors NAME: a client's frame leaves on both guests' interfaces
mirrors() {
    local primary secondary
    primary=$(sent_by cwp) secondary=$(sent_by cws)
    inside ip neigh flush dev cwox
    inside bash -c "exec 2>/dev/null; echo >/dev/udp/203.0.113.2/9" || true
    if until_true 10 has_sent cwp $((primary + 1)) && until_true 10 has_sent cws $((secondary + 1)); then
        pass "$1: a client's frame leaves on both guests' interfaces"
    else
        fault "$1: a client's frame has not left"
    fi
}

# test_inbound_unit CAPABILITIES: with no more permissions than the unit gives, ColoWire sends on all three interfaces
test_inbound_unit() {
    local kind list=$1 end ports
    make_interfaces
    for end in cwpx cwsx cwox cwp cws cwo; do inside ethtool -L "$end" rx 1 tx 1; done
    for end in cwpx cwsx cwox; do inside ethtool -K "$end" gro on >/dev/null; done
    # An address for the far end only, whose kernel then asks for a neighbour.
    inside ip addr add 203.0.113.1/24 dev cwox
    expect "prepare for both directions" 0 inside "$prepare" cwp cws cwo --inbound mirror
    as_unit net_raw --primary-in pcap:cwp --secondary-in pcap:cws --outdev pcap:cwo --inbound mirror --on-death block
    logged "inbound mirror starts with CAP_NET_RAW alone" "ready: frames come to ColoWire"
    mirrors "with CAP_NET_RAW alone"
    stopped "inbound mirror stops"
    for kind in xdp pcap; do
        ports=(--primary-in "$kind:cwp" --secondary-in "$kind:cws" --outdev "$kind:cwo" --inbound mirror)
        as_unit "$list" "${ports[@]}"
        logged "$kind: inbound mirror starts with the unit's capabilities" "ready: frames come to ColoWire"
        mirrors "$kind"
        killed
        as_unit "$list" "${ports[@]}"
        logged "$kind: inbound mirror comes back after kill -9" "ColoWire is back after"
        mirrors "$kind, after kill -9"
        stopped "$kind: inbound mirror stops"
    done
}
