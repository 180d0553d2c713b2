#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Measures all there is to measure, in some 45 minutes, and prints one table: what was measured, its median and spread, how many rounds
# were run, the ratio to its anchor in the same run, and whether the bar is met. The table, the rows it was made of and how they were taken
# go to perf/results/<cpu>/. perf/README.md says what each part measures and how to read the rows.
#
#   perf/run.sh [--only PART[:WORDS]] [--rounds N] [--results FOLDER]
#
# --only: one part, or what has these words in its name; it goes to no results unless a folder is named. --rounds: how often each row is
# measured. Each part says on the standard error how long it still needs, and runs fewer rounds, but three at least, when its time runs
# short. Exit code 1 when a part is missing or failed; the table has all rows that were measured. A missed bar is no failure: the table says it.
#
#   perf/run.sh --against FOLDER [--only shards[:WORDS]|hostile[:WORDS]] [--rounds N]
#
# Runs the benchmarks of an older clone of this repository in turn with those of this one, N times, and prints the ratio of each row with
# its interval. Exit code 1 when one is slower by more than 3 % in every turn.
#
# Run it on a machine that does nothing else, as root: the wire, AF_XDP and the guests need namespaces, and what is not installed is installed.
set -euo pipefail
perf=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
root=$(cd "$perf/.." && pwd)

# The parts in their order, each with the seconds in which it is to be done: fifty minutes with the builds.
parts=(shards hostile micro files qemu wire xdp inbound guests bridge)
declare -A budget=([shards]=200 [hostile]=60 [micro]=120 [files]=90 [qemu]=200 [wire]=220 [xdp]=420 [inbound]=480 [guests]=450 [bridge]=600)
# A part that does not end by itself is ended after so many times that long: on a slow machine three rounds may take longer than it has.
patience=3

# --against: how often each program runs, and the seconds that each run may take.
against_turns=7
against_seconds=600

usage() {
    echo "run.sh: $1; usage: perf/run.sh [--only PART[:WORDS]] [--rounds N] [--results FOLDER | --against FOLDER]; parts: ${parts[*]}" >&2
    exit 2
}

only='' words='' rounds='' results='' against=''
while [ $# -gt 0 ]; do
    [[ $1 =~ ^--(only|rounds|results|against)$ ]] || usage "'$1' is no option"
    [ $# -ge 2 ] || usage "$1 needs a value"
    printf -v "${1#--}" %s "$2"
    shift 2
done
if [[ $only == *:* ]]; then
    words=${only#*:} only=${only%%:*}
fi
[ -z "$only" ] || [[ " ${parts[*]} " == *" $only "* ]] || usage "--only is '$only'"
[ -z "$words" ] || [[ ! $only =~ ^(files|qemu|guests|bridge)$ ]] || usage "the part $only is measured as a whole, without '$words'"
[ -z "$rounds" ] || [[ $rounds =~ ^[1-9][0-9]?$ ]] || usage "--rounds is '$rounds'; allowed are 1 to 99"
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
case "$(uname -m)" in aarch64) runtime=linux-arm64 ;; *) runtime=linux-x64 ;; esac

# AMD EPYC on two CPUs: amd-epyc-2cpu
folder_name() {
    printf '%s %scpu' "${cpu_model:-unknown}" "$cpu_count" | sed -E 's/\((R|TM)\)//Ig; s/@.*[GM]Hz//' |
        tr '[:upper:]' '[:lower:]' | tr -cs 'a-z0-9' '-' | sed 's/^-//; s/-$//'
}

work=$(mktemp -d) memory=''
trap 'rm -rf "$work" ${memory:+"$memory"}' EXIT
trap 'echo; echo "run.sh: stopped" >&2; exit 130' INT TERM
rows=$work/rows.jsonl
touch "$rows"
failures=()

say() { printf '\n== %s\n' "$*"; }

missing() {
    failures+=("$1")
    echo "run.sh: $1" >&2
}

# take PART COMMAND ...: runs one part within its time. What it says on its standard error is shown; what it prints goes to a file, of which
# the end is shown when it fails.
take() {
    local part=$1 started=$SECONDS code=0 most
    shift
    most=$((budget[$part] * patience))
    say "$part (${budget[$part]} s)"
    timeout -k 10 "$most" "$@" >"$work/$part.log" </dev/null || code=$?
    if [ "$code" = 0 ]; then
        echo "$((SECONDS - started)) s"
        return
    fi
    tail -n 15 "$work/$part.log" >&2
    [ "$code" != 124 ] || code="124: not done in $most s"
    missing "$part: exit code $code"
}

wanted() { [ -z "$only" ] || [ "$only" = "$1" ]; }

# The options that each part is given: its time, and what the user has asked for.
measure_options() {
    printf '%s\n' --rows "$rows" --seconds "${budget[$1]}"
    [ -z "$rounds" ] || printf '%s\n' --rounds "$rounds"
    [ -z "$words" ] || printf '%s\n' --only "$words"
}

# take_benchmark PART OPTION ...: in memory, on the measured CPU
take_benchmark() {
    local part=$1 options
    shift
    wanted "$part" || return 0
    mapfile -t options < <(measure_options "$part")
    take "$part" taskset -c "$measuring_cpu" "$benchmarks" "$part" "${options[@]}" "$@"
}

# take_live PART OPTION ...: on virtual cables, by a rig that keeps off the measured CPU
take_live() {
    local part=$1 options
    shift
    wanted "$part" || return 0
    if [ "$(id -u)" != 0 ]; then
        missing "$part: needs root; try: sudo $0"
        return 0
    fi
    mapfile -t options < <(measure_options "$part")
    take "$part" taskset -c 0 "$rig" "$part" "${options[@]}" --colowire "$colowire" --tools "$work/tools" "$@"
}

# take_script PART OPTION ...: a script of perf/rig that measures one round
take_script() {
    local part=$1
    shift
    wanted "$part" || return 0
    if [[ "$part" =~ ^(guests|bridge)$ ]] && [ "$(id -u)" != 0 ]; then
        missing "$part: needs root; try: sudo $0"
        return 0
    fi
    take "$part" "$rig" repeat --part "$part" --seconds "${budget[$part]}" ${rounds:+--rounds "$rounds"} -- \
        "$perf/rig/$part.sh" --rows "$rows" --colowire "$colowire" "$@"
}

# build_all: the programs that measure and those that are measured, each once
build_all() {
    dotnet build "$perf/ColoWire.Benchmarks" -c Release -v quiet -clp:NoSummary || return 1
    [[ ! $only =~ ^(shards|hostile|micro)$ ]] || return 0
    dotnet build "$perf/ColoWire.Rig" -c Release -v quiet -clp:NoSummary || return 1
    # In a folder of its own, which is kept: what is built for one runtime must not take the place of what the tests use.
    dotnet publish "$root/src/ColoWire" -c Release -r "$runtime" --self-contained -o "$work/colowire" --artifacts-path "$root/artifacts/perf" -v quiet || return 1
    if wanted wire || wanted xdp || wanted inbound; then
        install_missing ip:iproute2 ethtool:ethtool pgrep:procps || return 1
        "$perf/rig/build.sh" "$work/tools" || return 1
    fi
    if wanted xdp; then
        install_missing clang:clang '/usr/include/zlib.h:zlib1g-dev' || return 1
        dotnet publish "$root/src/ColoWire" -c Release -r "$runtime" -p:PublishAot=true -o "$work/aot" --artifacts-path "$root/artifacts/perf" -v quiet || return 1
    fi
}

# run_against: an older program in turn with this one, which comes first in every other turn
run_against() {
    local turn order which started=$SECONDS old=$against/perf/ColoWire.Benchmarks turns=${rounds:-$against_turns}
    dotnet build "$old" -c Release -v quiet -clp:NoSummary
    old=$old/bin/Release/net10.0/ColoWire.Benchmarks
    for ((turn = 1; turn <= turns; turn++)); do
        order='old new'
        [ $((turn % 2)) = 1 ] || order='new old'
        for which in $order; do
            if [ "$which" = old ]; then program=$old; else program=$benchmarks; fi
            timeout -k 10 "$against_seconds" taskset -c "$measuring_cpu" "$program" "$only" --rounds 1 --rows "$work/$which.jsonl" \
                ${words:+--only "$words"} >"$work/$which.log" 2>&1 </dev/null ||
                { tail -n 5 "$work/$which.log" >&2; echo "run.sh: $program failed" >&2; return 1; }
        done
        echo "turn $turn of $turns, $(((SECONDS - started) * (turns - turn) / turn)) s to go"
    done
    "$benchmarks" against "$work/old.jsonl" "$work/new.jsonl"
}

benchmarks=$perf/ColoWire.Benchmarks/bin/Release/net10.0/ColoWire.Benchmarks
rig=$perf/ColoWire.Rig/bin/Release/net10.0/ColoWire.Rig
colowire=$work/colowire/colowire

say 'build'
build_all >"$work/build.log" || {
    tail -n 15 "$work/build.log" >&2
    echo 'run.sh: something does not build' >&2
    exit 1
}
if [ -n "$against" ]; then
    code=0
    run_against || code=$?
    exit "$code"
fi
take_benchmark shards
take_benchmark hostile
take_benchmark micro --report "$work/micro.md"
mkdir "$work/files"
take_script files --work "$work/files"
if wanted qemu; then
    # No disk takes part.
    memory=$(mktemp -d -p /dev/shm colowire-qemu.XXXXXX)
    take_script qemu --work "$memory"
fi
take_live wire
take_live xdp --colowire-aot "$work/aot/colowire"
take_live inbound
take_script guests
take_script bridge

# how_taken: what the figures depend on, beside the code
how_taken() {
    local governor=/sys/devices/system/cpu/cpu$measuring_cpu/cpufreq/scaling_governor changed=''
    [ -z "$(git -C "$root" status --porcelain -- src perf 2>/dev/null)" ] || changed=', with changes that are not committed'
    cat <<END
# How these figures were taken

| | |
| --- | --- |
| command | \`perf/run.sh${only:+ --only $only}${words:+:$words}${rounds:+ --rounds $rounds}\` |
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
their clock; each figure is the median of as many rounds as the table says, in turn with the anchor's.
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
