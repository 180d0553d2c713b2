#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # what sources this has set root, the repository, and sets group, that of its rows
# To be sourced: what the scripts share that measure one round.
# shellcheck source=tests/tools/install.sh
. "$root/tests/tools/install.sh"

fail() {
    echo "${0##*/}: $1" >&2
    exit "${2:-1}"
}

rows='' colowire='' work=''

# read_round_options OPTION VALUE ...: sets rows, colowire and work; $more_options names those that the script has beside these
read_round_options() {
    local name allowed="rows colowire work ${more_options:-}"
    while [ $# -gt 0 ]; do
        name=${1#--}
        [[ $1 == --* && " $allowed " == *" $name "* ]] || fail "$1: unknown; allowed are --${allowed// / --}" 2
        [ $# -ge 2 ] || fail "$1: a value is missing" 2
        printf -v "$name" %s "$2"
        shift 2
    done
    [ -n "$rows" ] || fail '--rows: missing; name the file that the rows are appended to' 2
    [ -x "$colowire" ] || fail "--colowire: '$colowire' is not a program" 2
    [ -d "$work" ] || fail "--work: '$work' is not a folder" 2
}

# build NAME COMMAND ...: into $work/NAME, once; says what the compiler said only where it fails
build() {
    local name=$1
    shift
    [ ! -d "$work/$name" ] || return 0
    "$@" -c Release -o "$work/$name" -v quiet -nologo >"$work/build.log" 2>&1 || {
        cat "$work/build.log" >&2
        rm -rf "${work:?}/$name"
        fail "$name does not build"
    }
}

make_generator() {
    build make-pairs dotnet build "$root/perf/make-pairs.cs"
}

# make_pairs NAME FRAMES OPTION ...: $work/NAME.primary and $work/NAME.secondary, once
make_pairs() {
    local name=$1 frames=$2
    shift 2
    [ ! -e "$work/$name.secondary" ] || return 0
    dotnet "$work/make-pairs/make-pairs.dll" "$work/$name.primary" "$work/making" "$frames" "$@"
    mv "$work/making" "$work/$name.secondary"
}

# row WHAT UNIT OURS [ANCHOR THEIRS [BAR [NOTE]]]: one figure each; no anchor where it is empty, no bar for null. $group is the group.
row() {
    jq -cn --arg group "$group" --arg what "$1" --arg unit "$2" --argjson ours "$3" --arg anchor "${4:-}" --argjson theirs "${5:-null}" \
        --argjson bar "${6:-null}" --arg note "${7:-}" '
        {group: $group, what: $what, unit: $unit, runs: [$ours]}
        + (if $anchor == "" then {} else {anchor: $anchor, anchorRuns: [$theirs]} end)
        + (if $bar == null then {} else {bar: $bar} end) + (if $note == "" then {} else {note: $note} end)' | tee -a "$rows"
}
