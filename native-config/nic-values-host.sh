#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# To be sourced by nic-values.sh: what the host does with an interface, its bridge, addresses, IPv6, flags and state.

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

# --- forwarding: filters of tc that send frames to another interface (tc-mirred(8)) -----------------------------------

# One line per target: the hook of the filter (ingress or egress), and the interface that gets the frames. The operator's own
# filters are reported and never changed.
forwarded_to() {
    local hook
    for hook in ingress egress; do
        tc filter show dev "$1" "$hook" 2>/dev/null |
            awk -v hook="$hook" '/ mirred / && match($0, /to device [^)]*/) { print hook, substr($0, RSTART + 10, RLENGTH - 10) }'
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

# --- state ------------------------------------------------------------------------------------------------------------

list_state() {
    local state=down
    if has_flag "$1" UP; then state=up; fi
    printf 'link\t%s\tup\n' "$state"
}

write_state() {
    ip link set dev "$1" "$3"
}
