#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2034 # machines.sh reads what is set here
# Prints the command lines that native-config/QEMU.md shows, from the functions with which the tests of this folder start the
# processes: those of a primary, a secondary and ColoWire, and the QMP commands that make a COLO pair of them.
#
#   command-lines.sh                 prints them, as Markdown
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
    heading "In place of colo-compare, on the primary's host"
    wire=sockets
    print_set_up
    heading 'On a bridge host, in both directions'
    wire=bridge inbound=mirror ports=pcap
    print_set_up
    heading "On a bridge host that mirrors the clients' frames"
    inbound=none ports=xdp
    print_set_up
    heading 'Start COLO, in all set-ups'
    print_commands colo_commands
    wire=sockets
    heading 'In place of colo-compare, after each restart of ColoWire'
    print_commands return_commands
    heading "In place of colo-compare, when the primary's host is lost"
    print_commands take_over_commands
}

heading() {
    printf '\n### %s\n\n' "$1"
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
