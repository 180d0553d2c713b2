#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Restores what prepare.sh recorded, and takes off the XDP program that ColoWire left on its interfaces. Where there is neither a
# record nor a program there is nothing to do, so it may be run again at any time.
set -euo pipefail
# shellcheck source=nic-values.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/nic-values.sh"

usage() {
    cat <<'USAGE'
Usage: undo.sh [IF...] [--dry-run]

  IF          interfaces to restore; where none is named, all that prepare.sh recorded and all that have ColoWire's XDP program
  --dry-run   say what would change, change nothing

Exit: 0 done, 1 a value could not be restored (its record is kept), 2 bad usage.
USAGE
}

dry_run=""
interfaces=()
# The name of ColoWire's XDP program.
PROGRAM=colowire_port
# Any value lists the interrupts; what they become is in the record.
IRQ_CPUS=recorded

parse_arguments() {
    while [ $# -gt 0 ]; do
        case $1 in
            --dry-run) dry_run=yes ;;
            -h | --help)
                usage
                exit 0
                ;;
            -*) fail "$1: unknown option; allowed: --dry-run --help" ;;
            *)
                if [ ! -e "$(state_file "$1")" ]; then need_interface "$1"; fi
                interfaces+=("$1")
                ;;
        esac
        shift
    done
}

recorded_interfaces() {
    local file
    for file in "$STATE_DIR"/*.state; do
        if [ -e "$file" ]; then basename "$file" .state; fi
    done
}

# Reads into CHANGES the values of a group that are not as recorded: NAME VALUE NAME VALUE ...
CHANGES=()
read_changes() {
    local interface=$1 group=$2 name current rest key value
    local -A now=()
    CHANGES=()
    read_group "$interface" "$group"
    while IFS=$'\t' read -r name current rest; do
        if [ -n "$name" ]; then now[$name]=$current; fi
    done <<<"$VALUES"
    while IFS=$'\t' read -r key value; do
        name=${key#"$group."}
        if [ "$name" != "$key" ] && [ "${now[$name]:-}" != "$value" ]; then CHANGES+=("$name" "$value"); fi
    done <"$(state_file "$interface")"
}

undo_group() {
    local interface=$1 group=$2 index
    read_changes "$interface" "$group"
    if [ "${#CHANGES[@]}" -eq 0 ]; then return; fi
    for ((index = 0; index < ${#CHANGES[@]}; index += 2)); do
        say "$interface" "$group ${CHANGES[index]}: $(describe "${CHANGES[index]}" "${CHANGES[index + 1]}")"
    done
    if [ -n "$dry_run" ]; then return; fi
    "write_$group" "$interface" "${CHANGES[@]}" || return 1
    if has_group_function record "$group"; then return; fi
    read_changes "$interface" "$group"
    [ "${#CHANGES[@]}" -eq 0 ]
}

describe() {
    local verb="restored to"
    if [ -n "$dry_run" ]; then verb="would be restored to"; fi
    if [[ $1 == saved/* ]]; then echo "$verb what was saved"; else echo "$verb $2"; fi
}

undo_interface() {
    local interface=$1 file index status=0
    file=$(state_file "$interface")
    if [ ! -e "$file" ]; then
        say "$interface" "no record, nothing to undo"
        return
    fi
    if [ ! -e "/sys/class/net/$interface" ] || [ "$(head -n 1 "$file")" != "identity $(identity "$interface")" ]; then
        forget_stale "$interface" "$file"
        return
    fi
    for ((index = ${#GROUPS_IN_ORDER[@]} - 1; index >= 0; index--)); do
        if ! undo_group "$interface" "${GROUPS_IN_ORDER[index]}"; then
            say "$interface" "${GROUPS_IN_ORDER[index]}: not all could be restored; the record stays in $file"
            status=1
        fi
    done
    if [ "$status" -eq 0 ] && [ -z "$dry_run" ]; then rm -f "$file"; fi
    return "$status"
}

# Settings die with their device, so the record of one that is gone has no use; one of another namespace has.
forget_stale() {
    local interface=$1 file=$2 word namespace
    read -r word namespace _ <"$file"
    if [ "$word $namespace" != "identity $(stat -L -c %i /proc/self/ns/net)" ]; then
        say "$interface" "$file was recorded in another network namespace: run undo.sh there"
        return 1
    fi
    say "$interface" "the interface that was prepared is gone: its record is dropped"
    if [ -z "$dry_run" ]; then rm -f "$file"; fi
}

# The program outlives ColoWire on purpose: it lets frames go past, or drops them. ip tells its name and, in the line of the
# flags, how it runs.
detach_program() {
    local interface=$1 shown hook=xdpdrv
    shown=$(ip link show dev "$interface" 2>/dev/null) || return 0
    if [[ $shown != *" name $PROGRAM "* ]]; then return; fi
    if [[ $shown == *" xdpgeneric "* ]]; then hook=xdpgeneric; fi
    if [ -n "$dry_run" ]; then
        say "$interface" "XDP program $PROGRAM: would be detached"
        return
    fi
    ip link set dev "$interface" "$hook" off || return 1
    say "$interface" "XDP program $PROGRAM: detached"
}

all_interfaces() {
    local path
    for path in /sys/class/net/*; do basename "$path"; done
}

need_tools
parse_arguments "$@"
need_root "$@"
status=0
carriers=("${interfaces[@]}")
if [ "${#carriers[@]}" -eq 0 ]; then mapfile -t carriers < <(all_interfaces); fi
for interface in "${carriers[@]}"; do detach_program "$interface" || status=1; done
if [ "${#interfaces[@]}" -eq 0 ]; then mapfile -t interfaces < <(recorded_interfaces); fi
if [ "${#interfaces[@]}" -eq 0 ]; then
    print "no record in $STATE_DIR, nothing to undo"
    exit "$status"
fi
for interface in "${interfaces[@]}"; do undo_interface "$interface" || status=1; done
exit "$status"
