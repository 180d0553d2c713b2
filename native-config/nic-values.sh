#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What a comparer needs of a network interface: for each group of values how it is read, what it should be, how it is
# written. prepare.sh and undo.sh source this file, which has what all groups need; the groups are in the two files that it sources.
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

# A reader that ends early, as in "| head -1", must not end the script between two changes. The programs that it starts get
# the usual SIGPIPE, because a trap that is no "ignore" is not inherited.
trap : PIPE

print() {
    { printf '%s\n' "$1"; } 2>/dev/null || true
}

say() {
    print "$1: $2"
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

values=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source-path=SCRIPTDIR source=nic-values-host.sh
. "$values/nic-values-host.sh"
# shellcheck source-path=SCRIPTDIR source=nic-values-device.sh
. "$values/nic-values-device.sh"
