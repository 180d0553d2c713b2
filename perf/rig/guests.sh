#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Measures a live COLO pair: two real guests in QEMU 11, compared by ColoWire, and by QEMU's own colo-compare in the very same place. One
# round, each with a new pair; perf/run.sh runs several.
#
#   guests.sh --rows FILE --colowire PROGRAM [--idle "STRATEGY..."]
#
# Appends rows to FILE: small GETs per second, GET of 1 MiB, ping, checkpoints that nothing called for while it serves, and the time
# from a divergence on the wire to the QMP request and to the release of what was held. PROGRAM is a published `colowire`. --idle names the
# values of the option `idle` that are measured beside the default one: small GETs and 1 MiB only, because the question is what ColoWire's
# waiting takes from the guests on the CPUs that it shares with them. Needs root, and some 90 s once the guest and QEMU 11 are there
# (tests/qemu/guest.sh and qemu11.sh make them: a minute).
#
# A small GET is one connection from its SYN to the server's FIN, as ab counts it. A divergence is an answer in which each guest says a
# number of its own. Its times are those of one capture on lo, over which all sockets between QEMU and the comparer go: from the moment
# at which both differing frames were there, to the QMP command, and to the primary's frame on the way to outdev.
set -euo pipefail
export LC_ALL=C

readonly small_seconds=8 large_seconds=4 divergences=12
# shellcheck disable=SC2034 # read by lab.sh
colo=on qemu_release=11 requester=qmp sockets=tcp vnet=off checkpoint_share=0 # each divergence is to ask, however often one connection differs
# shellcheck source=tests/qemu/lab.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../../tests/qemu/lab.sh"
# shellcheck source=perf/rig/serving.sh
. "$root/perf/rig/serving.sh"

# fatal WHAT: replaces the one of the tests; there are no more figures, but those that were measured become rows
fatal() {
    tail -n 5 "$work"/*.log >&2
    echo "guests.sh: not so: $1" >&2
    add_rows
    exit 1
}

rows='' strategies=spin_then_poll
while [ $# -gt 0 ]; do
    case "$1" in
        --rows | --colowire | --idle)
            [ $# -ge 2 ] || wrong "$1: a value is missing"
            case "$1" in
                --idle) strategies=$2 ;;
                *) printf -v "${1#--}" %s "$2" ;;
            esac
            shift 2
            ;;
        *) wrong "$1: unknown; allowed are --rows FILE, --colowire PROGRAM and --idle STRATEGIES" ;;
    esac
done
[ -n "$rows" ] || wrong '--rows: missing; name the file that the rows are appended to'
[ -x "$colowire" ] || wrong "--colowire: '$colowire' is not a program"
install_missing ab:apache2-utils tcpdump:tcpdump

prepare_lab
version=$(chroot "$qemu_system" qemu-system-x86_64 --version | sed -n '1s/.*version \([0-9.]*\).*/\1/p')
make_namespace

# The figures by comparer and what was measured.
declare -A figures=()
# In this order; all but qemu are ColoWire, those after the first with that value of the option idle.
read -ra comparers <<<"colowire $strategies qemu"
# What ColoWire said of each checkpoint that was not needed.
reasons=''

start_pair() {
    start_primary
    # shellcheck disable=SC2034 # read by start_colowire
    case "$comparer" in
        colowire) idle='' ;;
        *) idle=$comparer ;;
    esac
    if [ "$comparer" != qemu ]; then start_colowire; fi
    start_secondary
    wait_for_guest primary
    start_colo
    if [ "$comparer" != qemu ]; then until_true 20 protects || fatal "ColoWire protects the pair: '$(counter .protection)'"; fi
    # The first frames teach the guests and the bridge where everybody is.
    get small >/dev/null || fatal "the guest answers"
}

end_pair() {
    local name
    for name in conversation colowire primary primary.monitor secondary secondary.monitor; do end "$name"; done
}

# add FIGURE WHAT
add() {
    [ -n "$1" ] || fatal "$comparer: a figure for $2"
    figures[$comparer $2]=$1
}

measure_serving() {
    local stops figure
    stops=$(events primary STOP)
    figure=$(small_gets "$small_seconds") || fatal "all small GETs are answered"
    add "$figure" small
    figure=$(large_gets "$large_seconds") || fatal "1 MiB arrives byte for byte"
    add "$figure" large
    stops=$(($(events primary STOP) - stops))
    add "$stops" needless
    if [ "$comparer" = colowire ] && [ "$stops" -gt 0 ]; then
        reasons+="; $(sed -n 's/.*warning: \(divergence: .*\|checkpoint cause: .*\)/\1/p' "$work/colowire.log" | tail -n "$stops" | paste -sd ';')"
    fi
    add "$(inside ping -q -c 20 -i 0.05 -W 5 "$guest_address" | sed -n 's|.* = [0-9.]*/\([0-9.]*\)/.*|\1|p')" ping
}

# times CAPTURE: of each divergence, microseconds to the request (- if there is none to see) and to the release
times() {
    tcpdump -n -tt -A -r "$1" 2>/dev/null | awk '
        / IP 127\.0\.0\.1\.[0-9]+ > / { at = $1; from = $3; to = $5 }
        /migrate-set-parameters/ && to ~ /\.9006:$/ { for (n in primary) if (n in secondary && !(n in asked)) asked[n] = at }
        match($0, /own [0-9]+ [0-9]+/) {
            split(substr($0, RSTART, RLENGTH), word, " ")
            n = word[2]
            if (from ~ /\.9001$/ && !(n in primary)) primary[n] = at
            if (to ~ /\.9004:$/ && !(n in secondary)) secondary[n] = at
            if (to ~ /\.9005:$/ && !(n in released)) released[n] = at
        }
        END {
            for (n in released) {
                if (!(n in primary) || !(n in secondary)) continue
                both = primary[n] > secondary[n] ? primary[n] : secondary[n]
                printf "%s %.0f\n", n in asked ? sprintf("%.0f", (asked[n] - both) * 1e6) : "-", (released[n] - both) * 1e6
            }
        }'
}

# has_all_times: whether the capture has each divergence, its request and its release
has_all_times() {
    times "$work/capture" >"$work/times"
    [ "$(wc -l <"$work/times")" = "$divergences" ] && { [ "$comparer" = qemu ] || ! grep -q '^-' "$work/times"; }
}

measure_divergences() {
    local number answer
    ip netns exec "$space" tcpdump -i lo -s 0 -B 65536 -U --immediate-mode -w "$work/capture" 'tcp and (port 9001 or port 9004 or port 9005 or port 9006)' 2>"$work/tcpdump.log" &
    pids[capture]=$!
    disown "${pids[capture]}"
    until_true 10 grep -qs 'listening on' "$work/tcpdump.log" || fatal "tcpdump captures on lo"
    open_conversation
    [ "$(say begin)" = begin ] || fatal "a conversation begins"
    for ((number = 100; number < 100 + divergences; number++)); do
        answer=$(say "own $number")
        [ -n "$answer" ] || fatal "an answer that differs arrives"
        # Both are in step again before the next.
        [ "$(say "after $number")" = "after $number" ] || fatal "the conversation goes on"
    done
    # What it has captured it writes a moment later.
    until_true 10 has_all_times || true
    kill -TERM "${pids[capture]}"
    until_true 5 gone capture || true
    end capture
    times "$work/capture" >"$work/times"
    [ "$(wc -l <"$work/times")" = "$divergences" ] || fatal "each of $divergences divergences is in the capture, not $(wc -l <"$work/times")"
    if [ "$comparer" = colowire ]; then
        ! grep -q '^-' "$work/times" || fatal "each divergence has its QMP request in the capture"
        add "$(quantile 1 50)" asked
        add "$(quantile 1 100)" asked-longest
    fi
    add "$(quantile 2 50)" released
    add "$(quantile 2 100)" released-longest
}

# quantile COLUMN PERCENT: of the times of the last capture
quantile() {
    cut -d ' ' -f "$1" "$work/times" | sort -n | awk -v p="$2" '{ v[NR] = $1 } END { i = int((NR * p + 99) / 100); print v[i < 1 ? 1 : i] }'
}

# add_row WHAT UNIT FIGURE BAR NOTE: ours, and QEMU's, but for the time to the request, which QEMU's own comparer does not make; no bar for
# null. No row where one of them was not measured.
add_row() {
    [ -n "${figures[$3]:-}" ] && [[ -n "${figures[qemu ${3#* }]:-}" || $3 == *asked* ]] || return 0
    jq -nc --arg what "$1" --arg unit "$2" --argjson ours "${figures[$3]}" --argjson qemu "${figures[qemu ${3#* }]:-null}" --argjson bar "$4" \
        --arg note "$5" --arg anchor "QEMU colo-compare $version" \
        '{group: "live guests", what: $what, unit: $unit, runs: [$ours]}
         + if $qemu != null then {anchor: $anchor, anchorRuns: [$qemu]} else {} end
         + if $bar then {bar: $bar} else {} end + if $note != "" then {note: $note} else {} end' | tee -a "$rows"
}

add_rows() {
    add_row 'small GETs, a connection each' 'GETs/s' 'colowire small' '{"of": "ratio", "least": 3}' "one after the other, each to the server's FIN"
    add_row 'GET of 1 MiB' 'MB/s' 'colowire large' '{"of": "ratio", "least": 1}' "each run: median of $large_seconds s"
    for comparer in "${comparers[@]}"; do
        case "$comparer" in
            colowire | qemu) continue ;;
        esac
        add_row "small GETs, idle $comparer" 'GETs/s' "$comparer small" null 'the default is above'
        add_row "GET of 1 MiB, idle $comparer" 'MB/s' "$comparer large" null ''
    done
    add_row 'ping, mean of 20' 'ms' 'colowire ping' null ''
    add_row "needless checkpoints in $((small_seconds + large_seconds)) s of serving" 'checkpoints' 'colowire needless' \
        '{"of": "each", "most": 0}' "STOP events of the primary$reasons"
    add_row 'divergence on the wire to QMP request, median' 'us' 'colowire asked' null "on lo, both frames in to command out; each run: $divergences divergences"
    add_row "divergence on the wire to QMP request, longest of $divergences" 'us' 'colowire asked-longest' null ''
    add_row 'divergence on the wire to release of held frames, median' 'us' 'colowire released' null \
        "the guests' checkpoint is most of it; each run: $divergences divergences"
    add_row "divergence on the wire to release of held frames, longest of $divergences" 'us' 'colowire released-longest' null ''
}

for comparer in "${comparers[@]}"; do
    start_pair
    measure_serving
    case "$comparer" in
        colowire | qemu) measure_divergences ;;
    esac
    end_pair
done
add_rows
