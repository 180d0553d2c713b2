#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Makes the interfaces of a bridge host fit for a comparer: what arrives is what was on the wire, and the host itself is
# silent on it. Every value that was there before is kept, so that undo.sh can bring it back.
set -euo pipefail
# shellcheck source=nic-values.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/nic-values.sh"

usage() {
    cat <<'USAGE'
Usage: prepare.sh PRIMARY_IN SECONDARY_IN OUTDEV [--inbound none|mirror] [--irq-cpus LIST] [--dry-run]
       prepare.sh --check IF... [--inbound none|mirror] [--irq-cpus LIST]

  PRIMARY_IN    interface on which the primary guest's frames arrive
  SECONDARY_IN  interface on which the secondary guest's frames arrive
  OUTDEV        interface to the outside, on which verified frames leave
  --inbound     as the option of ColoWire. All values are the same for both; with mirror, a filter of tc that sends the frames
                of one of these interfaces to another one is refused, because the guests would get frames twice. Default: none
  --irq-cpus    CPUs for the interrupts of the interfaces, such as 2 or 2,4-5; left alone without it
  --dry-run     say what would change, change nothing
  --check       say of each value whether it is as wanted; exit 1 when one is not

Exit: 0 done, 1 a value is not as wanted (--check), 2 bad usage or an unusable interface.
USAGE
}

mode=prepare
interfaces=()
# The option inbound of ColoWire.
inbound=none
# Groups of values that were changed.
changes_made=0

parse_arguments() {
    local cpus=""
    while [ $# -gt 0 ]; do
        case $1 in
            --check) mode=check ;;
            --dry-run) mode=dry-run ;;
            --inbound)
                inbound=${2:-}
                [[ $inbound =~ ^(none|mirror)$ ]] || fail "--inbound '$inbound': allowed: none mirror, as inbound of ColoWire has it"
                shift
                ;;
            --irq-cpus)
                [ $# -ge 2 ] || fail "--irq-cpus: wants a list of CPUs, such as 2 or 2,4-5"
                cpus=$2
                shift
                IRQ_CPUS=$(canonical_cpus "$cpus") ||
                    fail "--irq-cpus $cpus: not a list of CPUs that are online ($(</sys/devices/system/cpu/online))"
                ;;
            -h | --help)
                usage
                exit 0
                ;;
            -*) fail "$1: unknown option; allowed: --check --dry-run --inbound none|mirror --irq-cpus LIST --help" ;;
            *) interfaces+=("$1") ;;
        esac
        shift
    done
}

check_arguments() {
    local interface
    local -A seen=()
    if [ "$mode" = check ]; then
        [ "${#interfaces[@]}" -gt 0 ] || fail "--check: wants at least one interface"
    else
        [ "${#interfaces[@]}" -eq 3 ] ||
            fail "wants three interfaces, PRIMARY_IN SECONDARY_IN OUTDEV, not ${#interfaces[@]} (--help tells more)"
    fi
    for interface in "${interfaces[@]}"; do
        need_interface "$interface"
        [ -z "${seen[$interface]:-}" ] || fail "$interface: named twice; the interfaces must be different ones"
        seen[$interface]=1
    done
}

# Faults that a script must not decide for the operator: they are told before anything is changed.
check_place() {
    local interface=$1 master
    if [ -n "$(ip -4 route show default dev "$interface")$(ip -6 route show default dev "$interface")" ]; then
        fail "$interface: carries the host's default route; a port of the appliance can have no address"
    fi
    master=$(master_of "$interface")
    if [ "$master" != none ] && [ ! -d "/sys/class/net/$master/bridge" ]; then
        fail "$interface: is a port of $master, which is no plain bridge: take it out first (ip link set dev $interface nomaster)"
    fi
    check_forwarding "$interface" || fail "$(forwarding_fault "$interface")"
}

# With inbound mirror, ColoWire alone carries frames between the three interfaces.
check_forwarding() {
    [ "$inbound" = none ] || [ -z "$(forwarded_to "$1")" ]
}

forwarding_fault() {
    local hook
    read -r hook _ < <(forwarded_to "$1")
    echo "$1: a filter of tc sends its frames to $(forwarded_to "$1" | awk '{ print $2 }' | paste -sd ' '), and with inbound mirror" \
        "ColoWire does that: remove the filter (tc filter del dev $1 $hook)"
}

mtu_of() {
    cat "/sys/class/net/$1/mtu"
}

mtus_equal() {
    local interface
    for interface in "${interfaces[@]}"; do
        [ "$(mtu_of "$interface")" = "$(mtu_of "${interfaces[0]}")" ] || return 1
    done
}

mtus() {
    local interface out=""
    for interface in "${interfaces[@]}"; do out+="$interface $(mtu_of "$interface"), "; done
    echo "${out%, }"
}

open_record() {
    local interface=$1 file
    file=$(state_file "$interface")
    mkdir -p "$STATE_DIR" 2>/dev/null || fail "$STATE_DIR: this folder for records cannot be made; $(changed_so_far)"
    if [ -e "$file" ] && [ "$(head -n 1 "$file")" != "identity $(identity "$interface")" ]; then
        say "$interface" "the record in $file is of another interface of this name: replaced"
        rm -f "$file"
    fi
    if [ ! -e "$file" ]; then
        # An empty record would be of no interface.
        (umask 077 && append "identity $(identity "$interface")" "$file") || rm -f "$file"
        [ -e "$file" ] || fail "$file: the record cannot be written (is the disk full?); $(changed_so_far)"
    fi
}

append() {
    { printf '%s\n' "$1" >>"$2"; } 2>/dev/null
}

changed_so_far() {
    if [ "$changes_made" = 0 ]; then echo "nothing was changed"
    else echo "undo.sh ${interfaces[*]} restores what was changed so far"; fi
}

# The first value seen is the one to restore: a later run adds what is new and changes nothing that is there.
record() {
    local interface=$1 group=$2 file lines name value
    file=$(state_file "$interface")
    if has_group_function record "$group"; then lines=$("record_$group" "$interface")
    else lines=$(awk -F '\t' '$1 != "" && $4 == "" { printf "%s\t%s\n", $1, $2 }' <<<"$VALUES"); fi
    while IFS=$'\t' read -r name value; do
        if [ -n "$name" ] && ! has_record "$file" "$group.$name"; then
            append "$group.$name"$'\t'"$value" "$file" ||
                fail "$file: the record cannot be written (is the disk full?); $(changed_so_far)"
        fi
    done <<<"$lines"
}

has_record() {
    awk -F '\t' -v key="$2" '$1 == key { found = 1 } END { exit !found }' "$1"
}

prepare_group() {
    local interface=$1 group=$2 name current wanted why line changes=() announced=()
    read_group "$interface" "$group"
    while IFS=$'\t' read -r name current wanted why; do
        if [ "$current" = "$wanted" ]; then continue; fi
        if [ -n "$why" ]; then
            say "$interface" "$group $name: skipped, $why"
            continue
        fi
        changes+=("$name" "$wanted")
        if [ "$mode" = dry-run ]; then say "$interface" "$group $name: $current, would become $wanted"
        else announced+=("$group $name: $current -> $wanted"); fi
    done <<<"$VALUES"
    if [ "$mode" = dry-run ]; then return; fi
    record "$interface" "$group"
    for line in "${announced[@]}"; do say "$interface" "$line"; done
    if [ "${#changes[@]}" -eq 0 ]; then return; fi
    changes_made=$((changes_made + 1))
    "write_$group" "$interface" "${changes[@]}" || write_singly "$interface" "$group" "${changes[@]}"
    report_refused "$interface" "$group"
}

# One value that the device refuses must not keep the others from being set.
write_singly() {
    local interface=$1 group=$2
    shift 2
    while [ $# -gt 0 ]; do
        "write_$group" "$interface" "$1" "$2" 2>/dev/null || true
        shift 2
    done
}

report_refused() {
    local interface=$1 group=$2 name current wanted why
    read_group "$interface" "$group"
    while IFS=$'\t' read -r name current wanted why; do
        if [ -z "$why" ] && [ "$current" != "$wanted" ]; then
            say "$interface" "$group $name: skipped, the device keeps $current"
        fi
    done <<<"$VALUES"
}

check_group() {
    local interface=$1 group=$2 name current wanted why status=0
    read_group "$interface" "$group"
    while IFS=$'\t' read -r name current wanted why; do
        if [ -z "$name" ]; then
            continue
        elif [ "$current" = "$wanted" ]; then
            say "$interface" "$group $name: $current, as wanted"
        elif [ "$current" = - ]; then
            say "$interface" "$group $name: does not apply, $why"
        else
            say "$interface" "$group $name: $current, NOT as wanted ($wanted)${why:+: $why}"
            status=1
        fi
    done <<<"$VALUES"
    return "$status"
}

check_all() {
    local interface group status=0
    for interface in "${interfaces[@]}"; do
        for group in "${GROUPS_IN_ORDER[@]}"; do check_group "$interface" "$group" || status=1; done
        if ! check_forwarding "$interface"; then
            say "$interface" "tc filter: NOT as wanted (none that forwards): $(forwarding_fault "$interface")"
            status=1
        fi
    done
    if mtus_equal; then
        say mtu "$(mtus): as wanted"
    else
        say mtu "$(mtus): NOT as wanted (all equal)"
        status=1
    fi
    return "$status"
}

prepare_all() {
    local interface group
    for interface in "${interfaces[@]}"; do check_place "$interface"; done
    mtus_equal || fail "the MTUs differ ($(mtus)): a longer frame could not leave; ip link set dev IF mtu N makes them equal"
    if [ "$mode" = prepare ]; then need_root "${interfaces[@]}"; fi
    for interface in "${interfaces[@]}"; do
        if [ "$mode" = prepare ]; then open_record "$interface"; fi
        for group in "${GROUPS_IN_ORDER[@]}"; do prepare_group "$interface" "$group"; done
    done
    say mtu "$(mtus): equal"
    if [ "$mode" = prepare ]; then print "prepared; undo.sh ${interfaces[*]} restores what was before"; fi
}

need_tools
parse_arguments "$@"
check_arguments
if [ "$mode" = check ]; then check_all || exit 1; else prepare_all; fi
