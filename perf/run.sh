#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Measures all there is to measure, in some twenty minutes and never more than 35, and prints one table: what was measured, its median
# and spread, the ratio to its anchor in the same run, and whether the bar is met. The table, the rows it was made of and how they were
# taken go to perf/results/<cpu>/. Usage: perf/run.sh [--only GROUP] [--results FOLDER]; a part alone goes nowhere unless a folder is named.
# Exit code 1 when a part is missing or failed; the table has the others. A missed bar is no failure: the table says it.
#
# perf/run.sh --against FOLDER [--only shards|hostile]: runs the benchmarks of an older clone of this repository in turn with those of this
# one, and prints the ratio of each row with its interval. Exit code 1 when one is slower by more than 3 % in every turn.
#
# Run it on a machine that does nothing else, as root: the wire, AF_XDP and the guests need namespaces, and what is not installed is installed.
set -euo pipefail
perf=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
root=$(cd "$perf/.." && pwd)

# The parts in their order, each with the seconds it may take; with the build, less than 35 minutes.
parts=(shards hostile micro files qemu wire xdp guests)
declare -A budget=([build]=60 [shards]=150 [hostile]=90 [micro]=110 [files]=60 [qemu]=300 [wire]=230 [xdp]=500 [guests]=700)

# --against: how often each program runs, and the seconds that it may take.
against_turns=7
against_seconds=180

usage() {
    echo "run.sh: $1; usage: perf/run.sh [--only $(IFS='|'; echo "${parts[*]}")] [--results FOLDER | --against FOLDER]" >&2
    exit 2
}

only='' results='' against=''
while [ $# -gt 0 ]; do
    case "$1" in
        --only) [ $# -ge 2 ] || usage '--only needs a group'; only=$2 ;;
        --results) [ $# -ge 2 ] || usage '--results needs a folder'; results=$2 ;;
        --against) [ $# -ge 2 ] || usage '--against needs a folder'; against=$2 ;;
        *) usage "'$1' is no option" ;;
    esac
    shift 2
done
if [ -n "$only" ] && [[ " ${parts[*]} " != *" $only "* ]]; then
    usage "--only is '$only'"
fi
if [ -n "$against" ]; then
    [[ "${only:=shards}" =~ ^(shards|hostile)$ ]] || usage "--against takes --only shards or hostile, and --only is '$only'"
    [ -z "$results" ] || usage '--against writes no results'
    [ -d "$against/perf/ColoWire.Benchmarks" ] || usage "--against $against: has no perf/ColoWire.Benchmarks"
fi
if ! command -v dotnet >/dev/null; then
    echo 'run.sh: needs the .NET 10 SDK: the command dotnet is not there' >&2
    exit 2
fi
# shellcheck source=tests/tools/install.sh
. "$root/tests/tools/install.sh"
install_missing taskset:util-linux lscpu:util-linux timeout:coreutils

cpu_model=$(LC_ALL=C lscpu | sed -n 's/^Model name: *//p' | head -n 1)
cpu_count=$(nproc --all)
# Measuring threads have CPU 1: CPU 0 has the machine's own work.
measuring_cpu=$((cpu_count > 1 ? 1 : 0))
load_at_start=$(cut -d ' ' -f 1-3 /proc/loadavg)

# AMD EPYC on two CPUs: amd-epyc-2cpu
folder_name() {
    printf '%s %scpu' "${cpu_model:-unknown}" "$cpu_count" | sed -E 's/\((R|TM)\)//Ig; s/@.*[GM]Hz//' |
        tr '[:upper:]' '[:lower:]' | tr -cs 'a-z0-9' '-' | sed 's/^-//; s/-$//'
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'echo; echo "run.sh: stopped" >&2; exit 130' INT TERM
rows=$work/rows.jsonl
touch "$rows"
failures=()

say() { printf '\n== %s\n' "$*"; }

# take PART COMMAND ...: runs one part within its time; what it prints goes to a file, of which the end is shown when it fails
take() {
    local part=$1 started=$SECONDS code=0
    shift
    say "$part (at most ${budget[$part]} s)"
    timeout -k 10 "${budget[$part]}" "$@" >"$work/$part.log" 2>&1 </dev/null || code=$?
    if [ "$code" = 0 ]; then
        echo "$((SECONDS - started)) s"
        return
    fi
    tail -n 15 "$work/$part.log" >&2
    [ "$code" != 124 ] || code="124: not done in ${budget[$part]} s"
    failures+=("$part: exit code $code")
    echo "run.sh: ${failures[-1]}" >&2
}

# take_rig PART: one of the scripts of perf/rig
take_rig() {
    if [ ! -x "$perf/rig/$1.sh" ]; then
        failures+=("$1: perf/rig/$1.sh is not there")
        echo "run.sh: ${failures[-1]}" >&2
    elif [[ $1 =~ ^(wire|xdp|guests)$ ]] && [ "$(id -u)" != 0 ]; then
        failures+=("$1: needs root")
        echo "run.sh: ${failures[-1]}; try: sudo $0" >&2
    else
        take "$1" "$perf/rig/$1.sh" --rows "$rows"
    fi
}

wanted() { [ -z "$only" ] || [ "$only" = "$1" ]; }

# run_against: an older program in turn with this one, which comes first in every other turn
run_against() {
    local turn order which started=$SECONDS old=$against/perf/ColoWire.Benchmarks
    dotnet build "$old" -c Release -v quiet -clp:NoSummary
    old=$old/bin/Release/net10.0/ColoWire.Benchmarks
    for ((turn = 1; turn <= against_turns; turn++)); do
        order='old new'
        [ $((turn % 2)) = 1 ] || order='new old'
        for which in $order; do
            if [ "$which" = old ]; then program=$old; else program=$benchmarks; fi
            timeout -k 10 "$against_seconds" taskset -c "$measuring_cpu" "$program" "$only" --rounds 1 --rows "$work/$which.jsonl" \
                >"$work/$which.log" 2>&1 </dev/null || { tail -n 5 "$work/$which.log" >&2; echo "run.sh: $program failed" >&2; return 1; }
        done
        echo "turn $turn of $against_turns, $(((SECONDS - started) * (against_turns - turn) / turn)) s to go"
    done
    "$benchmarks" against "$work/old.jsonl" "$work/new.jsonl"
}

benchmarks=$perf/ColoWire.Benchmarks/bin/Release/net10.0/ColoWire.Benchmarks
take build dotnet build "$perf/ColoWire.Benchmarks" -c Release -v quiet -clp:NoSummary
if [ ${#failures[@]} != 0 ]; then
    exit 1
fi
if [ -n "$against" ]; then
    code=0
    run_against || code=$?
    exit "$code"
fi
! wanted shards || take shards taskset -c "$measuring_cpu" "$benchmarks" shards --rows "$rows"
! wanted hostile || take hostile taskset -c "$measuring_cpu" "$benchmarks" hostile --rows "$rows"
! wanted micro || take micro taskset -c "$measuring_cpu" "$benchmarks" micro --rows "$rows" --report "$work/micro.md"
for part in files qemu wire xdp guests; do
    ! wanted "$part" || take_rig "$part"
done

# how_taken: what the figures depend on, beside the code
how_taken() {
    local governor=/sys/devices/system/cpu/cpu$measuring_cpu/cpufreq/scaling_governor changed=''
    [ -z "$(git -C "$root" status --porcelain -- src perf 2>/dev/null)" ] || changed=', with changes that are not committed'
    cat <<END
# How these figures were taken

| | |
| --- | --- |
| command | \`perf/run.sh${only:+ --only $only}\` |
| date | $(date -u '+%Y-%m-%d %H:%M UTC') |
| commit | $(git -C "$root" rev-parse --short=12 HEAD 2>/dev/null || echo unknown)$changed |
| CPU | ${cpu_model:-unknown} |
| CPUs | $cpu_count, $(LC_ALL=C lscpu | sed -n 's/^Thread(s) per core: *//p') thread(s) per core; measuring threads on CPU $measuring_cpu |
| caches | $(LC_ALL=C lscpu | sed -nE 's/^(L[0-9][di]?)( cache)?: *(.*)/\1 \3/p' | paste -sd ',' | sed 's/,/, /g') |
| hypervisor | $(LC_ALL=C lscpu | sed -n 's/^Hypervisor vendor: *//p' | grep . || echo none) |
| frequency governor | $(cat "$governor" 2>/dev/null || echo 'none to be seen') |
| memory | $(awk '/^MemTotal/ { printf "%.1f GiB", $2 / 1048576 }' /proc/meminfo) |
| kernel | $(uname -sr) |
| .NET | runtime $(dotnet --list-runtimes | sed -n 's/^Microsoft.NETCore.App \([^ ]*\).*/\1/p' | tail -n 1), SDK $(dotnet --version) |
| load average at start | $load_at_start |
| took | $took |

Shards, hostile and micro benchmarks count CPU time of their thread, so that other work on the machine disturbs their caches, but not
their clock; each figure is the median of at least five runs, those of \`shards\` and \`hostile\` in turn with the anchor's.
END
    if [ ${#failures[@]} != 0 ]; then
        printf '\nNot in the table:\n\n'
        printf -- '- %s\n' "${failures[@]}"
    fi
}

took="$((SECONDS / 60)) min $((SECONDS % 60)) s"
say "$cpu_model, $cpu_count CPUs: $took in all"
if [ ! -s "$rows" ]; then
    echo 'run.sh: nothing was measured' >&2
    exit 1
fi
table_code=0
"$benchmarks" table "$rows" --markdown "$work/table.md" || { table_code=$?; failures+=("table: exit code $table_code"); }
if [ -z "$only" ] && [ -z "$results" ]; then
    results=$perf/results/$(folder_name)
fi
if [ -n "$results" ]; then
    mkdir -p "$results"
    how_taken >"$work/how.md"
    for file in rows.jsonl table.md micro.md how.md; do
        # What this run does not have must not stand beside its figures.
        if [ -s "$work/$file" ]; then cp "$work/$file" "$results/$file"; else rm -f "$results/$file"; fi
    done
    echo "written to $results"
fi
for failure in "${failures[@]}"; do
    echo "run.sh: not in the table: $failure" >&2
done
[ ${#failures[@]} = 0 ]
