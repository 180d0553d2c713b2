#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Shows ColoWire in the place of QEMU's colo-compare, between two real guests: QEMU mirrors what the client sends to both and redirects
# what both answer, ColoWire takes and gives it on the very sockets that `-object colo-compare` had, and the client gets each byte.
# The guests are Debian's kernel and busybox under emulation, booted each for itself and alike; nobody makes checkpoints here.
#
#   in-place.sh [--comparer colowire|qemu] [--colowire PATH] [--vnet on|off]
#
# --comparer qemu: QEMU's own in the same place, to tell a fault of the set-up from one of ColoWire. --vnet on: the guests leave checksums
# to their NIC, and frames bear a vnet header. Needs root; half a minute once the guest is made.
# Last line: `N passed, N failed`.
set -euo pipefail
# shellcheck disable=SC2034 # read by lab.sh
colo=off qemu_release=7
# On a busy machine one guest can be without a CPU for longer than the default 3 s, which is a difference.
# shellcheck disable=SC2034 # read by machines.sh
compare_timeout_ms=20000
# shellcheck source=tests/qemu/lab.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lab.sh"
read_options comparer colowire vnet -- "$@"

prepare_lab
make_namespace
start_primary
if [ "$comparer" = colowire ]; then start_colowire; fi
start_secondary
wait_for_guest primary
wait_for_guest secondary
ok "both guests are up"

same "pings are answered" "$(inside ping -q -c 10 -i 0.2 -W 5 "$guest_address" | sed -n 's/.* \([0-9]*\) received.*/\1/p')" 10

for round in 1 2 3; do
    same "1 MiB arrives byte for byte, $round" "$(get large | sha256sum | cut -d ' ' -f 1)" "$large_sum"
done
same "40 small answers, a connection each" "$(get 'small?[1-40]' | sort | uniq -c | awk '{ print $1 }')" 40
same "100 answers of 1 MiB at four connections a time" "$(four_at_a_time large 100)" "100 $large_sum"

open_conversation
for round in 1 2 3 4 5; do same "a conversation goes on, $round" "$(say "line $round")" "line $round"; done

if [ "$comparer" = colowire ]; then
    at_least "ColoWire has verified frames" "$(settled_counter .released.verified)" 1000
    same "none left unverified" "$(counter .released.unverified)" 0
    same "no difference was found" "$(counter .divergences_total)" 0
    same "none is held at rest" "$(counter .held)" 0
    same "none was dropped on the way out" "$(counter '.output | .too_long + .failed')" 0

    # The answer bears a number of the guest's own: both say something else, there is nobody to ask, it is reported and leaves.
    same "an answer that differs is reported and leaves" "$(say 'own 1' | grep -Ec '^own 1 [0-9]{20}$')" 1
    same "the difference is counted" "$(settled_counter .divergence_reasons.payload)" 1
    same "the conversation goes on" "$(say 'line 6')" "line 6"
    same "other connections are compared as before" "$(get large | sha256sum | cut -d ' ' -f 1)" "$large_sum"
    same "they do not differ" "$(settled_counter .divergences_total)" 1

    # QEMU's sockets wait for whoever comes next, but one of its filters has to be told, and the secondary's QEMU finds out that nobody
    # reads on when it has something to send.
    end colowire
    start_colowire
    tell return_commands
    if until_true 30 protects_a_ping; then ok "ColoWire is killed and started again, and protects"; else not_ok "ColoWire protects again" "$(counter .protection)"; fi
    same "the conversation goes on after that" "$(say 'line 7' 30)" "line 7"
    same "1 MiB arrives after that" "$(get large | sha256sum | cut -d ' ' -f 1)" "$large_sum"
    same "nothing differs after that" "$(settled_counter .divergences_total)" 0
    at_least "frames are verified after that" "$(counter .released.verified)" 700
fi
finish
