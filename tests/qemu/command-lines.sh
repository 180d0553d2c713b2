#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2034 # machines.sh reads what is set here
# Prints what the README says of QEMU: the command lines of a primary, a secondary and ColoWire, out of the very functions that the
# tests of this folder start them with, and the QMP commands that make a COLO pair of them.
#
#   command-lines.sh                 prints them
#   command-lines.sh --check FILE    exit code 1 when FILE lacks one of the lines
#
# PRIMARY, SECONDARY and COLOWIRE stand for the hosts; what is before the first -netdev is any guest, and the same for both.
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
qemu_release=11 comparer=colowire colo=on requester=qmp work=/run/colowire
# shellcheck source=tests/qemu/machines.sh
. "$here/machines.sh"
primary_host=PRIMARY secondary_host=SECONDARY colowire_host=COLOWIRE

# lines COMMAND: the command and its arguments, an option with its value on each line
lines() {
    local text="    $1" word
    for word in "${arguments[@]}"; do
        case $word in
            -*) text+=$' \\\n      '$word ;;
            *) text+=" $word" ;;
        esac
    done
    echo "$text"
}

print_set_up() {
    local arguments side command json
    echo "    # the primary"
    arguments=()
    guest_card tapp
    primary_network
    lines 'qemu-system-x86_64 ...'
    echo "    # the secondary"
    arguments=()
    guest_card taps
    secondary_network
    lines 'qemu-system-x86_64 ...'
    echo "    # ColoWire"
    colowire_arguments
    lines /opt/colowire/colowire
}

print_all() {
    echo '    ## In the place of colo-compare: on the host of the primary, on sockets of QEMU'
    wire=sockets
    print_set_up
    echo '    ## On a bridge host that mirrors: without sockets of QEMU'
    wire=bridge
    print_set_up
    echo '    ## A COLO pair of either: QMP, when the primary runs'
    print_commands colo_commands
    wire=sockets
    echo '    ## In the place of colo-compare: QMP, when ColoWire was started again'
    print_commands return_commands
    echo "    ## In the place of colo-compare: QMP, when the primary's host is lost; then plug in the secondary's tap"
    print_commands take_over_commands
}

# print_commands FUNCTION
print_commands() {
    local side command json
    while read -r side command json; do
        printf '    %-9s  {"execute": "%s", "arguments": %s}\n' "$side" "$command" "$json"
    done < <("$1")
}

case ${1:-}:$# in
    :0) print_all ;;
    --check:2)
        print_all | while IFS= read -r line; do
            if ! grep -qxF -- "$line" "$2"; then
                echo "command-lines.sh: $2 lacks what the tests run: $line" >&2
                exit 1
            fi
        done
        ;;
    *)
        echo "Usage: command-lines.sh [--check FILE], not '$*'" >&2
        exit 2
        ;;
esac
