#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # what sources this has set what it uses
# To be sourced by lab.sh: QMP with the machines.
declare -A monitor_fds=()
qmp_number=0

# open_monitor NAME: a QMP monitor that stays open; all that it says, events among it, goes to $work/NAME.events
open_monitor() {
    local name=$1 fd
    until_true 20 test -S "$work/$name.qmp" || fatal "the $name's QEMU starts: no QMP socket after 20 s"
    rm -f "$work/$name.commands"
    mkfifo "$work/$name.commands"
    exec {fd}<>"$work/$name.commands"
    monitor_fds[$name]=$fd
    # A socket that is there is not yet one that listens.
    socat - "UNIX-CONNECT:$work/$name.qmp,retry=50,interval=0.1" <"$work/$name.commands" >"$work/$name.events" 2>"$work/$name.socat.log" &
    pids[$name.monitor]=$!
    disown "${pids[$name.monitor]}"
    qmp "$name" qmp_capabilities >/dev/null
}

answered() {
    grep -q "\"id\": *${2}[,}]" "$work/$1.events"
}

# qmp NAME COMMAND [ARGUMENTS]: prints what it returns; false, with QEMU's own words, when it is an error
qmp() {
    local name=$1 number reply
    number=$((++qmp_number))$RANDOM
    jq -nc --arg command "$2" --argjson arguments "${3:-null}" --argjson id "$number" \
        '{execute: $command, id: $id} + if $arguments then {arguments: $arguments} else {} end' >&"${monitor_fds[$name]}"
    until_true 20 answered "$name" "$number" || fatal "QMP $2 on the $name: no answer in 20 s"
    reply=$(grep "\"id\": *${number}[,}]" "$work/$name.events")
    if ! jq -ce '.return' <<<"$reply"; then
        jq -r '.error.desc // empty' <<<"$reply" >&2
        [ "$(jq 'has("return")' <<<"$reply")" = true ]
    fi
}

# events NAME EVENT: how many of them it has said
events() {
    grep -c "\"event\": *\"$2\"" "$work/$1.events" || true
}

# saw NAME EVENT
saw() {
    [ "$(events "$1" "$2")" -gt 0 ]
}
