#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Shows a COLO pair in QEMU 11 with ColoWire in the place of colo-compare. The client makes both guests say something different on the
# wire; ColoWire asks the primary's QEMU for a checkpoint (QMP), both guests stop, the secondary becomes the primary's copy, what was held
# leaves, and the TCP connection goes on, as often as that happens. While they say the same, nobody asks. Then one guest is killed,
# the secondary in one pair and the primary in another, and the client's connection lives on with what is left.
#
#   colo-pair.sh [--comparer colowire|qemu] [--colowire PATH] [--vnet on|off]
#
# --comparer qemu: QEMU's own in the same place, to tell a fault of the set-up from one of ColoWire; without the killed secondary, after
# which it cuts the client off. Needs root; a minute once the guest and QEMU 11 (qemu11.sh) are there. Last line: `N passed, N failed`.
set -euo pipefail
# shellcheck disable=SC2034 # read by lab.sh
colo=on qemu_release=11 requester=qmp
# shellcheck source=tests/qemu/lab.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lab.sh"
read_options comparer colowire vnet -- "$@"

start_pair() {
    start_primary
    if [ "$comparer" = colowire ]; then start_colowire; fi
    start_secondary
    wait_for_guest primary
    start_colo
    if [ "$comparer" = colowire ] && ! until_true 20 protects; then fatal "$1: ColoWire says $(counter .protection), not in_step, after 20 s"; fi
    ok "$1"
}

end_pair() {
    local name
    for name in conversation colowire primary primary.monitor secondary secondary.monitor; do end "$name"; done
}

check_download() {
    local name=$1 before after
    before=$(events primary STOP)
    same "1 MiB arrives byte for byte, $name" "$(get large | sha256sum | cut -d ' ' -f 1)" "$large_sum"
    same "20 small answers, $name" "$(get 'small?[1-20]' | sort | uniq -c | awk '{ print $1 }')" 20
    after=$(events primary STOP)
    if [ "$comparer" = colowire ]; then same "no checkpoint for it" $((after - before)) 0; fi
}

# differ NUMBER: the primary's answer arrives, after a checkpoint of its own
differ() {
    local stops resumes wanted=$1
    stops=$(events primary STOP) resumes=$(events secondary RESUME)
    same "the answer that differs arrives, $wanted" "$(say "own $wanted" | grep -Ec "^own $wanted [0-9]{20}\$")" 1
    at_least "the primary was stopped for a checkpoint" $(($(events primary STOP) - stops)) 1
    at_least "the secondary was made a copy" $(($(events secondary RESUME) - resumes)) 1
}

test_checkpoints() {
    local round
    start_pair "a COLO pair begins"
    check_download "before they differ"
    open_conversation
    same "a conversation begins" "$(say 'line 1')" "line 1"
    for round in 1 2 3 4 5; do
        differ "$round"
        same "the conversation goes on" "$(say "after $round")" "after $round"
    done
    check_download "after they differed"
    if [ "$comparer" = colowire ]; then
        same "ColoWire protects" "$(settled_counter .protection)" in_step
        at_least "it asked for checkpoints" "$(counter .checkpoints)" 5
        at_least "it verified frames" "$(counter .released.verified)" 100
        same "none is held at rest" "$(counter .held)" 0
        check_operator
    fi
}

# An operator's own checkpoint, and what the operator is told.
check_operator() {
    local before
    before=$(events primary STOP)
    if ctl checkpoint; then ok "an operator asks for a checkpoint"; else not_ok "an operator asks for a checkpoint" "$(tail -n 1 "$work/ctl.log")"; fi
    same "it is made" $(($(events primary STOP) - before)) 1
    ctl --json status || true
    same "the operator is told that both are in step" "$(jq -r .protection "$work/ctl.log")" in_step
}

# The primary goes on alone: ColoWire lets its frames pass as soon as the secondary's socket has gone.
test_secondary_killed() {
    end secondary
    same "the secondary is killed, the conversation goes on" "$(say 'line 2')" "line 2"
    same "1 MiB arrives from the primary alone" "$(get large | sha256sum | cut -d ' ' -f 1)" "$large_sum"
    same "ColoWire says that nothing protects it" "$(settled_counter .protection | grep -c in_step)" 0
    qmp primary x-colo-lost-heartbeat >/dev/null
    same "the primary is told, the conversation goes on" "$(say 'line 3')" "line 3"
}

# The secondary takes over: it speaks for itself from now on, on the tap that was not plugged in until now.
take_over() {
    tell take_over_commands
    inside ip link set taps master bridge
}

test_primary_killed() {
    start_pair "a second COLO pair begins"
    open_conversation
    same "a conversation begins" "$(say 'line 1')" "line 1"
    differ 1
    end primary
    until_true 20 saw secondary COLO_EXIT || not_ok "the secondary sees that the primary is gone" "no COLO_EXIT in 20 s"
    take_over
    same "the primary is killed, the conversation goes on" "$(say 'line 2' 30)" "line 2"
    same "with what the secondary alone says" "$(say 'own 2' | grep -Ec '^own 2 [0-9]{20}$')" 1
    same "1 MiB arrives from the secondary" "$(get large | sha256sum | cut -d ' ' -f 1)" "$large_sum"
}

prepare_lab
make_namespace
test_checkpoints
if [ "$comparer" = colowire ]; then test_secondary_killed; fi
end_pair
test_primary_killed
finish
