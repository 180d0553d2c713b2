#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2034,SC2154 # what sources this uses what it sets, and has set what it uses
# To be sourced by test.sh: how a check is made and counted.
passed=0 failed=0 skipped=0

inside() {
    ip netns exec "$space" "$@"
}

pass() {
    passed=$((passed + 1))
    echo "ok: $1"
}

fault() {
    failed=$((failed + 1))
    echo "FAILED: $1"
    if [ -s "$work/out" ]; then sed 's/^/    /' "$work/out"; fi
}

# expect NAME STATUS COMMAND...: the exit status; what it printed stays in $work/out.
expect() {
    local name=$1 wanted=$2 status=0
    shift 2
    "$@" >"$work/out" 2>&1 || status=$?
    if [ "$status" -eq "$wanted" ]; then pass "$name"; else fault "$name: exit $status, wanted $wanted"; fi
}

# one_line NAME PATTERN COMMAND...: exit 2 and one line that matches.
one_line() {
    local name=$1 pattern=$2 status=0
    shift 2
    "$@" >"$work/out" 2>&1 || status=$?
    if [ "$status" -eq 2 ] && [ "$(wc -l <"$work/out")" -eq 1 ] && grep -Eq -- "$pattern" "$work/out"; then
        pass "$name"
    else
        fault "$name: exit $status, wanted 2 and one line with '$pattern'"
    fi
}

printed() {
    if grep -Eq -- "$2" "$work/out"; then pass "$1"; else fault "$1: no line with '$2'"; fi
}

not_printed() {
    if grep -Eq -- "$2" "$work/out"; then fault "$1: a line with '$2'"; else pass "$1"; fi
}

same() {
    if diff "$2" "$3" >"$work/out"; then pass "$1"; else fault "$1"; fi
}

# until_true SECONDS COMMAND...: as soon as it is true; false when it is not in time
until_true() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        if [ "$SECONDS" -ge "$end" ]; then return 1; fi
        sleep 0.1
    done
}
