#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Shows a COLO pair in QEMU 11 on a bridge host that has three interfaces and ColoWire in both directions (inbound: mirror), and nothing
# else: no netfilter object in QEMU, no bridge. The client downloads, uploads, opens 200 connections and aborts others; answers that differ
# cause checkpoints, while the client is idle and while it downloads. Then the primary is killed, ColoWire is told so (colowire ctl failover
# secondary), and the connection that was open at the last checkpoint goes on with the secondary.
#
#   bridge-host.sh [--inbound mirror|none] [--ports pcap|xdp] [--colowire PATH]
#
# --inbound none: the host's bridge mirrors the client's frames, and filter-rewriter in the secondary's QEMU gives new connections the
# primary's TCP sequence numbers, to tell a fault of the inbound half from one of the rest. --ports: the kind of ColoWire's ports.
# Needs root; a minute once the guest and QEMU 11 (qemu11.sh) are there. Last line: `N passed, N failed`.
set -euo pipefail
# shellcheck disable=SC2034 # read by machines.sh
colo=on qemu_release=11 requester=qmp wire=bridge comparer=colowire
# On a busy machine ColoWire can be without a CPU for longer than the default 20 ms, and then frames pass it; and one guest can be without a
# CPU for longer than the default 3 s. Either costs a checkpoint.
# shellcheck disable=SC2034 # read by machines.sh
failwire_timeout_ms=10000 compare_timeout_ms=10000
# Room for a whole upload. Linux sizes the receive windows of the two guests differently, and the client fills the primary's: the secondary
# drops what is beyond its own window, and while its acknowledgment stays behind, those of the primary are held (R2).
# shellcheck disable=SC2034 # read by machines.sh
receive_bytes=4194304
# shellcheck source=tests/qemu/lab.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lab.sh"
read_options inbound ports colowire -- "$@"

# Longer than compare_timeout and a scan: a difference that no frame shows is found by then.
readonly settle_seconds=12 upload_bytes=1048576 connections=200 aborts=150 large_count=12

# no_checkpoint_by BEFORE: whether the primary was not stopped since its STOP events were counted
no_checkpoint_by() {
    sleep "$settle_seconds"
    same "no checkpoint for it" $(($(events primary STOP) - $1)) 0
    if [ "$(events primary STOP)" != "$1" ]; then grep -E 'divergence|checkpoint cause' "$work/colowire.log" | tail -n 5 >&2; fi
}

# differ NUMBER: the primary's answer arrives, after a checkpoint
differ() {
    local before
    before=$(events primary STOP)
    same "the answer that differs arrives, $1" "$(say "own $1" | grep -Ec "^own $1 [0-9]{20}\$")" 1
    at_least "the primary was stopped for a checkpoint" $(($(events primary STOP) - before)) 1
    same "the conversation goes on, $1" "$(say "after $1")" "after $1"
}

test_transfers() {
    local before
    before=$(events primary STOP)
    same "1 MiB arrives byte for byte" "$(get large | sha256sum | cut -d ' ' -f 1)" "$large_sum"
    head -c "$upload_bytes" /dev/urandom >"$work/upload"
    same "1 MiB reaches the guest byte for byte" "$(upload "$work/upload")" "$(sha256sum <"$work/upload" | cut -d ' ' -f 1)"
    same "$connections small answers, a connection each" \
        "$(get "small?[1-$connections]" | sort | uniq -c | awk '{ print $1 }')" "$connections"
    no_checkpoint_by "$before"
}

test_aborts() {
    local before
    before=$(events primary STOP)
    if abort "$aborts"; then ok "the client aborts $aborts connections"; else not_ok "the client aborts $aborts connections" "exit code $?"; fi
    same "a connection after them is answered" "$(get large | sha256sum | cut -d ' ' -f 1)" "$large_sum"
    no_checkpoint_by "$before"
}

test_checkpoints() {
    local round
    open_conversation
    same "a conversation begins" "$(say 'line 1')" "line 1"
    differ 1
    four_at_a_time large "$large_count" >"$work/large.sums" &
    for round in 2 3 4 5 6; do differ "$round"; done
    wait $!
    same "$large_count answers of 1 MiB arrive byte for byte during the checkpoints" "$(cat "$work/large.sums")" "$large_count $large_sum"
    same "1 MiB reaches the guest byte for byte after them" "$(upload "$work/upload")" "$(sha256sum <"$work/upload" | cut -d ' ' -f 1)"
    same "ColoWire protects" "$(settled_counter .protection)" in_step
    if [ "$inbound" = mirror ]; then
        at_least "the secondary received frames in its own numbers" "$(counter .inbound.frames.translated)" "$connections"
    fi
}

# What was open at the last checkpoint goes on: both replicas have had the same numbers since.
test_primary_killed() {
    differ 7
    end primary
    ctl failover secondary || not_ok "ColoWire is told" "$(tail -n 1 "$work/ctl.log")"
    until_true 20 saw secondary COLO_EXIT || not_ok "the secondary sees that the primary is gone" "no COLO_EXIT in 20 s"
    qmp secondary x-colo-lost-heartbeat >/dev/null
    same "the primary is killed, the conversation goes on" "$(say 'line 3' 30)" "line 3"
    same "the answer is the secondary's own" "$(say 'own 8' | grep -Ec '^own 8 [0-9]{20}$')" 1
    same "1 MiB arrives from the secondary" "$(get large | sha256sum | cut -d ' ' -f 1)" "$large_sum"
    same "1 MiB reaches the secondary" "$(upload "$work/upload")" "$(sha256sum <"$work/upload" | cut -d ' ' -f 1)"
}

prepare_lab
make_namespace
start_primary
start_colowire
start_secondary
wait_for_guest primary
start_colo
until_true 20 protects || true
same "ColoWire protects the pair" "$(counter .protection)" in_step
test_transfers
test_aborts
test_checkpoints
test_primary_killed
finish
