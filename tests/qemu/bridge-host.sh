#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Shows a COLO pair in QEMU 11 without QEMU's netfilter between it and the comparer: the host's bridge mirrors the client's frames to
# both taps, ColoWire takes what the guests send off the taps (xdp:) and asks for checkpoints through QMP. Then the primary is killed,
# ColoWire is told so (colowire ctl failover secondary), and the client's connection goes on with the secondary.
# One object stays: filter-rewriter in the secondary, which gives new connections there the primary's TCP sequence numbers.
#
#   bridge-host.sh [--colowire PATH]
#
# Needs root; half a minute once the guest and QEMU 11 (qemu11.sh) are there. Last line: `N passed, N failed`.
set -euo pipefail
# shellcheck disable=SC2034 # read by machines.sh
colo=on qemu_release=11 requester=qmp wire=bridge comparer=colowire
# shellcheck source=tests/qemu/lab.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lab.sh"
read_options colowire -- "$@"

prepare_lab
make_namespace
start_primary
start_colowire
start_secondary
wait_for_guest primary
start_colo
until_true 20 protects || true
same "ColoWire protects the pair" "$(counter .protection)" in_step

before=$(events primary STOP)
same "1 MiB arrives byte for byte" "$(get large | sha256sum | cut -d ' ' -f 1)" "$large_sum"
same "20 small answers" "$(get 'small?[1-20]' | sort | uniq -c | awk '{ print $1 }')" 20
same "no checkpoint for it" $(($(events primary STOP) - before)) 0

open_conversation
same "a conversation begins" "$(say 'line 1')" "line 1"
before=$(events primary STOP)
same "the answer that differs arrives" "$(say 'own 1' | grep -Ec '^own 1 [0-9]{20}$')" 1
at_least "the primary was stopped for a checkpoint" $(($(events primary STOP) - before)) 1
same "the conversation goes on" "$(say 'line 2')" "line 2"

end primary
ctl failover secondary || not_ok "ColoWire is told" "$(tail -n 1 "$work/ctl.log")"
until_true 20 saw secondary COLO_EXIT || not_ok "the secondary sees that the primary is gone" "no COLO_EXIT in 20 s"
qmp secondary x-colo-lost-heartbeat >/dev/null
same "the primary is killed, the conversation goes on" "$(say 'line 3' 30)" "line 3"
same "with what the secondary alone says" "$(say 'own 2' | grep -Ec '^own 2 [0-9]{20}$')" 1
same "1 MiB arrives from the secondary" "$(get large | sha256sum | cut -d ' ' -f 1)" "$large_sum"
finish
