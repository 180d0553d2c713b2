#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # what sources this has set what it uses
# To be sourced by test.sh: the systemd units, and the program with the capabilities that its unit gives it.
test_unit() {
    local unit
    if ! command -v systemd-analyze >/dev/null; then
        skipped=$((skipped + 1))
        echo "skipped: systemd-analyze is not installed"
        return
    fi
    # The program and the scripts at the place where the units expect them.
    mkdir -p "$work/root/opt/colowire" "$work/root/etc/systemd/system" "$work/root/usr/lib/systemd/system"
    cp -r "$root/native-config" "$work/root/opt/colowire/"
    printf '#!/bin/sh\n' >"$work/root/opt/colowire/colowire"
    chmod +x "$work/root/opt/colowire/colowire"
    for unit in /usr/lib/systemd/system/*.target /usr/lib/systemd/system/*.slice; do
        cp -P "$unit" "$work/root/usr/lib/systemd/system/"
    done
    cp "$root"/native-config/*.service "$work/root/etc/systemd/system/"
    for unit in "$root"/native-config/*.service; do
        expect "systemd-analyze verify ${unit##*/}" 0 systemd-analyze verify --root="$work/root" --man=no "${unit##*/}"
        not_printed "${unit##*/} has no unknown line" "${unit##*/}"
    done
    printf '%s/control.sock\n' "/run/$(sed -n 's/^RuntimeDirectory=//p' "$root/native-config/colowire.service")" >"$work/folder"
    sed -n 's/.*"control_socket": "\(.*\)".*/\1/p' "$root/native-config/colowire.json" >"$work/socket"
    same "the control socket is in the unit's folder" "$work/folder" "$work/socket"
    printf '/var/log/%s\n' "$(sed -n 's/^LogsDirectory=//p' "$root/native-config/colowire.service")" >"$work/folder"
    sed -n 's/.*"failure_folder": "\(.*\)".*/\1/p' "$root/native-config/colowire.json" >"$work/failures"
    same "what is saved of failures is in the unit's folder" "$work/folder" "$work/failures"
    expect "exposure of colowire.service is below 3.0" 0 \
        systemd-analyze security --offline=true --threshold=30 "$root/native-config/colowire.service"
}

# The program that runs, 0 for none.
program=0

# as_unit CAPABILITIES OPTION...: starts the program as nobody with no other capabilities, as the unit does; its id is $program.
# Little memory, since the limit on locked memory, which the unit lifts, may be a small one here.
as_unit() {
    local list=-all,+${1//,/,+}
    shift
    ip netns exec "$space" setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs \
        --inh-caps "$list" --ambient-caps "$list" --bounding-set "$list" \
        env DOTNET_EnableDiagnostics=0 "$work/program/colowire" run --slots 512 --large-slots 0 --fragment-memory 256 --xdp-ring 128 \
        "$@" >"$work/out" 2>&1 </dev/null &
    program=$!
}

# logged NAME PATTERN: the program says it in time.
logged() {
    until_true 20 grep -Eq -- "$2" "$work/out" || true
    printed "$1" "$2"
}

has_program() { inside ip link show dev "$1" | grep -q prog/xdp; }
attached() {
    if ! until_true 20 has_program "$1"; then
        echo "no program in time" >>"$work/out"
        return 1
    fi
}

killed() {
    kill -9 "$program" 2>/dev/null || true
    wait "$program" 2>/dev/null || true
}

stopped() {
    local status=0
    kill -TERM "$program" 2>/dev/null || true
    wait "$program" || status=$?
    if [ "$status" -eq 0 ]; then pass "$1"; else fault "$1: exit $status, wanted 0"; fi
}

test_capabilities() {
    local kind list end built=$root/src/ColoWire/bin/Debug/net10.0
    if [ ! -x "$built/colowire" ] || ! setpriv --reuid 65534 --clear-groups dotnet --list-runtimes >/dev/null 2>&1; then
        skipped=$((skipped + 1))
        echo "skipped: the program is not built, or the .NET runtime is not readable for all"
        return
    fi
    make_interfaces
    for end in cwpx cwsx cwox cwp cws cwo; do inside ethtool -L "$end" rx 1 tx 1; done
    for end in cwpx cwsx cwox; do inside ethtool -K "$end" gro on >/dev/null; done
    cp -r "$built" "$work/program"
    chmod 755 "$work"
    list=$(sed -n 's/^CapabilityBoundingSet=//p' "$root/native-config/colowire.service" | tr 'A-Z ' 'a-z,' | sed 's/cap_//g')
    for kind in xdp pcap; do
        as_unit "$list" --primary-in "$kind:cwp" --secondary-in "$kind:cws" --outdev "$kind:cwo"
        # Until then the program of the process before is the one that is attached.
        logged "$kind: starts with the unit's capabilities" "ready: frames come to ColoWire"
        printed "$kind: on_death wire is in force" "on_death wire: 20 ms"
        if attached cwp; then pass "$kind: its program is attached"; else fault "$kind: no program is attached"; fi
        killed
        as_unit "$list" --primary-in "$kind:cwp" --secondary-in "$kind:cws" --outdev "$kind:cwo"
        logged "$kind: comes back after kill -9" "ColoWire is back after"
        stopped "$kind: stops on SIGTERM"
        as_unit "$list" --primary-in "$kind:cwp" --secondary-in "$kind:cws" --outdev "$kind:cwo"
        logged "$kind: comes back after a clean stop" "ColoWire is back after"
        stopped "$kind: stops again"
    done
    as_unit "${list/,sys_admin/}" --primary-in xdp:cwp --secondary-in xdp:cws --outdev xdp:cwo
    logged "without CAP_SYS_ADMIN it cannot come back, and says so" "^colowire: .*CAP_SYS_ADMIN is needed"
    wait "$program" || true
    make_interfaces
    install -d -o 65534 "$work/run"
    as_unit net_raw --primary-in pcap:cwp --secondary-in pcap:cws --outdev pcap:cwo --on-death block \
        --control-socket "$work/run/control.sock"
    logged "pcap: ports with on_death block need CAP_NET_RAW alone" "memory (is locked|may be swapped)"
    logged "the control socket is there" "orders are taken at $work/run/control.sock"
    # Nothing of the program's own output comes in between: it logs none of these.
    one_line "who is neither user nor group gives no orders" "it may not be used: only root" \
        setpriv --reuid 65533 --regid 65533 --clear-groups "$work/program/colowire" ctl --socket "$work/run/control.sock" flush
    expect "root gives orders" 0 "$work/program/colowire" ctl --socket "$work/run/control.sock" status
    stopped "pcap: stops with CAP_NET_RAW alone"
    test_inbound_unit "$list"
}
