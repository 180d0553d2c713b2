#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# To be sourced by nic-values.sh: what the device and its driver do, offloads, rings, flow control, steering, interrupts and queueing.

# --- feature: offloads that make a captured or injected frame differ from the one on the wire --------------------------

list_feature() {
    if ! ethtool -k "$1" >/dev/null 2>&1; then
        printf 'all\t-\toff\tthe device has no features to change\n'
        return
    fi
    ethtool -k "$1" 2>/dev/null | awk '
        { name = $1; sub(/:$/, "", name) }
        name ~ /^(rx-checksumming|tx-checksum-.*)$/ ||
        name ~ /^(generic-segmentation-offload|tx-.*-segmentation|tx-gso-(partial|list))$/ ||
        name ~ /^(generic-receive-offload|large-receive-offload|rx-gro-(hw|list)|rx-udp-gro-forwarding)$/ ||
        name ~ /^(rx-vlan-offload|tx-vlan-offload|rx-vlan-stag-hw-parse|tx-vlan-stag-hw-insert)$/ ||
        name ~ /^(rx-vlan-filter|rx-vlan-stag-filter|rx-fcs)$/ {
            fixed = ($2 == "on" && /\[fixed\]/) ? "\tthe device has it fixed" : ""
            printf "%s\t%s\toff%s\n", name, $2, fixed
        }'
}

write_feature() {
    ethtool -K "$@" >/dev/null 2>&1
}

# --- ring: the descriptors that bridge a pause of the capture thread ---------------------------------------------------

list_ring() {
    local lines
    lines=$(ethtool -g "$1" 2>/dev/null | awk '
        /^Pre-set maximums/ { part = "maximum" }
        /^Current hardware settings/ { part = "current" }
        /^(RX|RX Mini|RX Jumbo|TX):/ {
            name = tolower($0); sub(/:.*/, "", name); gsub(/ /, "-", name)
            if (part == "maximum") maximum[name] = $NF
            else if (maximum[name] ~ /^[1-9][0-9]*$/) printf "%s\t%s\t%s\n", name, $NF, maximum[name]
        }') || lines=""
    printf '%s\n' "${lines:-$(printf 'size\t-\tmaximum\tthe device has no rings to size')}"
}

write_ring() {
    ethtool -G "$@" >/dev/null 2>&1
}

# --- pause: a slow receiver must not stop the guests' or our transmitter -----------------------------------------------

list_pause() {
    local lines
    # With both directions off it no longer matters whether they were negotiated, and some drivers cannot change that.
    lines=$(ethtool -a "$1" 2>/dev/null | awk '
        /^(Autonegotiate|RX|TX):/ { value[$1] = $2 }
        END {
            if (!("RX:" in value)) exit
            negotiated = value["Autonegotiate:"]
            if (negotiated ~ /^(on|off)$/)
                printf "autoneg\t%s\t%s\n", negotiated,
                    (value["RX:"] == "off" && value["TX:"] == "off") ? negotiated : "off"
            printf "rx\t%s\toff\ntx\t%s\toff\n", value["RX:"], value["TX:"]
        }') || lines=""
    printf '%s\n' "${lines:-$(printf 'frames\t-\toff\tthe device has no flow control')}"
}

write_pause() {
    local interface=$1
    shift
    if ! ethtool -A "$interface" "$@" >/dev/null 2>&1; then
        # Some drivers refuse the whole call when it names the negotiation.
        if [ "$1" = autoneg ]; then shift 2; fi
        [ $# -gt 0 ] && ethtool -A "$interface" "$@" >/dev/null 2>&1 || return 1
    fi
    # Without a new negotiation some drivers take the old result up again when the link comes next.
    ethtool -r "$interface" >/dev/null 2>&1 || true
}

# --- queue: software steering, which moves frames to other CPUs than those chosen here ---------------------------------

list_queue() {
    local file value found=""
    for file in "/sys/class/net/$1/queues"/rx-*/rps_{cpus,flow_cnt} "/sys/class/net/$1/queues"/tx-*/xps_{cpus,rxqs}; do
        value=$(cat "$file" 2>/dev/null) || continue
        found=yes
        if [[ $value =~ ^[0,]*$ ]]; then printf '%s\t%s\t%s\n' "${file##*/queues/}" "$value" "$value"
        else printf '%s\t%s\t0\n' "${file##*/queues/}" "$value"; fi
    done
    [ -n "$found" ] || printf 'steering\t-\toff\tthe kernel has no RPS or XPS for it\n'
}

write_queue() {
    local interface=$1 status=0
    shift
    while [ $# -gt 0 ]; do
        put "/sys/class/net/$interface/queues/$1" "$2" || status=1
        shift 2
    done
    return "$status"
}

# --- irq: the interrupts of the device on the CPUs given ---------------------------------------------------------------

interrupts_of() {
    local device=/sys/class/net/$1/device file number=0
    # A virtio interface is the child of the PCI device that has the interrupts.
    if [ "$(basename "$(readlink "$device/subsystem" 2>/dev/null)")" = virtio ]; then device+=/..; fi
    for file in "$device"/msi_irqs/*; do
        if [ -e "$file" ]; then echo "${file##*/}"; fi
    done
    if [ ! -d "$device/msi_irqs" ] && [ -r "$device/irq" ]; then
        number=$(<"$device/irq")
        if [ "$number" -gt 0 ]; then echo "$number"; fi
    fi
}

list_irq() {
    local number found=""
    if [ -z "$IRQ_CPUS" ]; then return; fi
    for number in $(interrupts_of "$1"); do
        if [ ! -r "/proc/irq/$number/smp_affinity_list" ]; then continue; fi
        found=yes
        printf '%s\t%s\t%s\n' "$number" "$(<"/proc/irq/$number/smp_affinity_list")" "$IRQ_CPUS"
    done
    [ -n "$found" ] || printf 'affinity\t-\t%s\tthe device has no interrupt of its own\n' "$IRQ_CPUS"
}

write_irq() {
    local status=0
    shift
    while [ $# -gt 0 ]; do
        put "/proc/irq/$1/smp_affinity_list" "$2" || status=1
        shift 2
    done
    return "$status"
}

# --- qdisc: a frame that was released must leave, or its loss must be seen by who sends it -----------------------------

list_qdisc() {
    tc qdisc show dev "$1" | awk '
        $2 ~ /^(ingress|clsact)$/ { next }
        / root / { handle = $3; if (kind == "") kind = $2 }
        $2 !~ /^(noqueue|noop|mq|pfifo|bfifo|pfifo_fast)$/ { kind = $2; active = 1 }
        END {
            if (kind == "") kind = "none"
            why = (active && handle != "0:") ? "\tnot the default one, so it is left to who set it" : ""
            printf "root\t%s\t%s%s\n", kind, active ? "pfifo" : kind, why
        }'
}

record_qdisc() {
    list_qdisc "$1" | awk -F '\t' '$4 == "" && $2 != $3 { printf "%s\t%s\n", $1, $2 }'
}

write_qdisc() {
    if [ "$3" = pfifo ]; then
        tc qdisc replace dev "$1" root pfifo
    else
        # Only a default one is ever replaced, and the kernel puts the default one back.
        tc qdisc del dev "$1" root
    fi
}
