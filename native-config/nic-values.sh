#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What a comparer needs of a network interface: for each group of values how it is read, what it should be, how it is
# written. prepare.sh and undo.sh source this file.
#
# list_GROUP IF              one line per value: name TAB current TAB wanted [TAB why it cannot be had]
# write_GROUP IF NAME VALUE ...   sets several values at once (a driver may reset its link for every call)
# record_GROUP IF            only where the lines of list_GROUP are not enough to restore what was before
set -euo pipefail

# Prepared in this order and undone in the reverse: nothing of ours is sent before addresses and IPv6 are gone, and
# link-up comes late, so that a ring or an offload changes while the device is still down where it was down.
# shellcheck disable=SC2034 # used by the scripts that source this file
readonly GROUPS_IN_ORDER=(bridge address ipv6 link pause feature ring queue irq state qdisc)

# Not under /run/colowire: a RuntimeDirectory= of that name would take the records along when the service stops.
readonly STATE_DIR=${COLOWIRE_PREPARE_STATE:-/run/colowire-prepare}

# The lines of the group that read_group read last.
# shellcheck disable=SC2034 # read by the scripts that source this file
VALUES=""

# CPUs for the interrupts, in the kernel's spelling; empty leaves them where they are.
# shellcheck disable=SC2034 # set by the scripts that source this file
IRQ_CPUS=""

fail() {
    printf '%s: %s\n' "${0##*/}" "$1" >&2
    exit 2
}

say() {
    printf '%s: %s\n' "$1" "$2"
}

need_tools() {
    local tool
    for tool in ip:iproute2 tc:iproute2 bridge:iproute2 ethtool:ethtool base64:coreutils; do
        command -v "${tool%%:*}" >/dev/null || fail "${tool%%:*} is missing: apt-get install ${tool##*:}"
    done
}

need_root() {
    [ "$(id -u)" -eq 0 ] || fail "changing a network interface needs root: sudo $0 $*"
}

need_interface() {
    local interface=$1 type
    [[ $interface =~ ^[^/[:space:]]{1,15}$ && $interface != . && $interface != .. && -e /sys/class/net/$interface ]] ||
        fail "$interface: no such interface here; there are: $(interface_names)"
    type=$(<"/sys/class/net/$interface/type")
    [ "$type" = 1 ] || fail "$interface: not an Ethernet interface (type $type, wanted 1)"
}

interface_names() {
    local path names=()
    for path in /sys/class/net/*; do
        if [ -e "$path/type" ] && [ "$(<"$path/type")" = 1 ]; then names+=("${path##*/}"); fi
    done
    echo "${names[*]:-none}"
}

# The same name may belong to another device later (a card plugged again) or elsewhere (a network namespace).
identity() {
    printf '%s %s\n' "$(stat -L -c %i /proc/self/ns/net)" "$(<"/sys/class/net/$1/ifindex")"
}

state_file() {
    printf '%s/%s.state\n' "$STATE_DIR" "$1"
}

# Writes VALUE into a file of /proc or /sys; false where the kernel refuses it.
put() {
    { printf '%s\n' "$2" >"$1"; } 2>/dev/null
}

# Reads a group into VALUES: a group that cannot be read must never pass for one that is as wanted.
read_group() {
    # shellcheck disable=SC2034 # as above
    VALUES=$("list_$2" "$1") || fail "$1: $2 cannot be read"
}

has_group_function() {
    declare -F "$1_$2" >/dev/null
}

# "3,1-2" -> "1-3", as the kernel prints it; fails on anything that is no list of CPUs that are online.
canonical_cpus() {
    local -A set=() online=()
    local cpu first=-1 last=-1 out=""
    for cpu in $(expand_cpus "$(</sys/devices/system/cpu/online)"); do online[$cpu]=1; done
    [[ $1 =~ ^[0-9]{1,4}(-[0-9]{1,4})?(,[0-9]{1,4}(-[0-9]{1,4})?)*$ ]] || return 1
    for cpu in $(expand_cpus "$1"); do
        [ -n "${online[$cpu]:-}" ] || return 1
        set[$cpu]=1
    done
    [ "${#set[@]}" -gt 0 ] || return 1
    while read -r cpu; do
        if [ "$last" -ge 0 ] && [ "$cpu" -eq $((last + 1)) ]; then
            last=$cpu
            continue
        fi
        if [ "$first" -ge 0 ]; then out+="$(cpu_range "$first" "$last"),"; fi
        first=$cpu last=$cpu
    done < <(printf '%s\n' "${!set[@]}" | sort -n)
    printf '%s%s\n' "$out" "$(cpu_range "$first" "$last")"
}

expand_cpus() {
    local part
    for part in ${1//,/ }; do seq "$((10#${part%-*}))" "$((10#${part#*-}))"; done
}

cpu_range() {
    if [ "$1" -eq "$2" ]; then echo "$1"; else echo "$1-$2"; fi
}

# --- bridge: a port of a bridge gives its frames to the bridge, and spanning tree may block it -----------------------

master_of() {
    local master
    master=$(readlink "/sys/class/net/$1/master" 2>/dev/null) || master=none
    echo "${master##*/}"
}

list_bridge() {
    printf 'master\t%s\tnone\n' "$(master_of "$1")"
}

record_bridge() {
    local interface=$1 file
    printf 'master\t%s\n' "$(master_of "$interface")"
    for file in "/sys/class/net/$interface/brport"/*; do
        if [ -f "$file" ] && [[ $(stat -c %a "$file") == 6* ]]; then
            printf 'port/%s\t%s\n' "${file##*/}" "$(<"$file")"
        fi
    done
    # One line per VLAN, its flags or '-'; nothing where the bridge knows no VLANs.
    bridge vlan show dev "$interface" 2>/dev/null | awk 'NR > 1 {
        vid = (NF && $1 ~ /^[0-9]/) ? $1 : $2
        if (vid !~ /^[0-9]/) next
        flags = (/PVID/ ? " pvid" : "") (/Untagged/ ? " untagged" : "")
        printf "vlan/%s\t%s\n", vid, flags == "" ? "-" : substr(flags, 2) }'
}

write_bridge() {
    local interface=$1 vlans_cleared=""
    shift
    while [ $# -gt 0 ]; do
        case $1 in
            master)
                if [ "$2" = none ]; then ip link set dev "$interface" nomaster
                else ip link set dev "$interface" master "$2"; fi
                ;;
            port/*)
                # Some read as a name but are written as a number, and keep their default then.
                put "/sys/class/net/$interface/brport/${1#port/}" "$2" || true
                ;;
            vlan/*)
                if [ -z "$vlans_cleared" ]; then
                    bridge vlan del dev "$interface" vid 1-4094 2>/dev/null || true
                    vlans_cleared=yes
                fi
                # shellcheck disable=SC2086 # the flags are words
                bridge vlan add dev "$interface" vid "${1#vlan/}" ${2#-}
                ;;
        esac
        shift 2
    done
}

# --- address: the host must not speak on a guest's wire ---------------------------------------------------------------

list_address() {
    ip -o addr show dev "$1" | awk '
        { printf "%s\tpresent\tabsent\n", $4; found = 1 }
        END { if (!found) print "any\tabsent\tabsent" }'
}

record_address() {
    printf 'saved/address\t%s\n' "$(ip addr save dev "$1" | base64 -w 0)"
    printf 'saved/route4\t%s\n' "$(ip -4 route save table main dev "$1" | base64 -w 0)"
    printf 'saved/route6\t%s\n' "$(ip -6 route save table main dev "$1" | base64 -w 0)"
}

write_address() {
    local interface=$1
    shift
    if [[ $1 != saved/* ]]; then
        ip addr flush dev "$interface"
        return
    fi
    # What came since goes; the link-local address that the kernel has just made again is among those to restore.
    ip addr flush dev "$interface" scope global
    while [ $# -gt 0 ]; do
        case $1 in
            saved/address) restore_dump addr "$2" || return 1 ;;
            saved/route*) restore_dump route "$2" || return 1 ;;
        esac
        shift 2
    done
}

# A file, since ip reads the routes three times over; what it complains of is what the kernel has made again by itself.
restore_dump() {
    local file status=0
    file=$(mktemp)
    base64 -d <<<"$2" >"$file"
    ip "$1" restore <"$file" 2>/dev/null || status=1
    rm -f "$file"
    return "$status"
}

# --- ipv6: no link-local address, no neighbour discovery, no router solicitation --------------------------------------

list_ipv6() {
    local directory=/proc/sys/net/ipv6/conf/$1 name
    if [ ! -d "$directory" ]; then
        printf 'all\t-\toff\tthe interface has no IPv6\n'
        return
    fi
    for name in addr_gen_mode disable_ipv6; do
        printf '%s\t%s\t1\n' "$name" "$(<"$directory/$name")"
    done
}

write_ipv6() {
    local interface=$1 status=0
    shift
    while [ $# -gt 0 ]; do
        put "/proc/sys/net/ipv6/conf/$interface/$1" "$2" || status=1
        shift 2
    done
    return "$status"
}

# --- link flags -------------------------------------------------------------------------------------------------------

has_flag() {
    [[ $(ip -o link show dev "$1") =~ \<([^>]*,)?$2[,\>] ]]
}

list_link() {
    local promiscuous=off arp=on
    if has_flag "$1" PROMISC; then promiscuous=on; fi
    if has_flag "$1" NOARP; then arp=off; fi
    printf 'promisc\t%s\ton\narp\t%s\toff\n' "$promiscuous" "$arp"
}

write_link() {
    local interface=$1
    shift
    ip link set dev "$interface" "$@"
}

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

# --- state ------------------------------------------------------------------------------------------------------------

list_state() {
    local state=down
    if has_flag "$1" UP; then state=up; fi
    printf 'link\t%s\tup\n' "$state"
}

write_state() {
    ip link set dev "$1" "$3"
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
