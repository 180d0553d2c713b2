#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Measures `colowire compare` on files, as a whole process: 64-byte frames in 64 connections.
#
#   files.sh --rows FILE [--published FOLDER]
#
# Appends rows to FILE: pairs per second of CPU time, that of the start (a run on a few pairs) taken off, beside what it costs `cat` to
# read the same files; and peak memory, that of ten million pairs beside that of one. Run by run in turn. --published is a folder that
# `dotnet publish` has made as the README says; without it one is made. Needs 2 GB in TMPDIR, and at most 60 s after the builds.
set -euo pipefail
export LC_ALL=C

readonly runs=5 budget_seconds=60
readonly few_pairs=64 pairs=1000000 many_pairs=10000000 flows=64 least_rate=3000000
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
# shellcheck source=tests/tools/install.sh
source "$root/tests/tools/install.sh"

fail() {
  echo "files.sh: $1" >&2
  exit "${2:-1}"
}

rows='' published=''
while [ $# -gt 0 ]; do
  case "$1" in
    --rows | --published)
      [ $# -ge 2 ] || fail "$1: a path is missing" 2
      if [ "$1" = --rows ]; then rows=$2; else published=$2; fi
      shift 2
      ;;
    *) fail "$1: unknown; allowed are --rows FILE and --published FOLDER" 2 ;;
  esac
done
[ -n "$rows" ] || fail '--rows: missing; name the file that the rows are appended to' 2
[ -z "$published" ] || [ -x "$published/colowire" ] || fail "--published: there is no program colowire in '$published'" 2

install_missing '/usr/lib/*/libpcap.so.*:libpcap0.8' /usr/bin/time:time jq:jq
work=$(mktemp -d "${TMPDIR:-/tmp}/colowire-files.XXXXXX")
trap 'rm -rf "$work"' EXIT

# build COMMAND ...: says what the compiler said only where it fails
build() {
  "$@" -v quiet -nologo >"$work/build.log" 2>&1 || {
    cat "$work/build.log" >&2
    fail "does not build: $*"
  }
}

# make_pairs NAME FRAMES PROTOCOL: $work/NAME.primary and $work/NAME.secondary
make_pairs() {
  dotnet "$work/make-pairs/make-pairs.dll" "$work/$1.primary" "$work/$1.secondary" "$2" --protocol "$3" --flows "$flows"
}

# spend COMMAND ...: runs it; then cpu_ms, wall_ms and peak_mib say what it took
spend() {
  local TIMEFORMAT='%3U %3S %3R'
  { time /usr/bin/time -q -o "$work/peak" -f %M timeout 60 "$@" >"$work/said" 2>"$work/errors"; } 2>"$work/spent" || {
    cat "$work/errors" "$work/said" >&2
    fail "failed: $*"
  }
  read -r cpu_ms wall_ms < <(awk '{ printf "%d %d\n", ($1 + $2) * 1000, $3 * 1000 }' "$work/spent")
  peak_mib=$(awk 'END { printf "%.1f", $1 / 1024 }' "$work/peak")
}

compare() {
  spend "$published/colowire" compare "$work/$1.primary" "$work/$1.secondary" --json
}

median() {
  tr ' ' '\n' <<<"$1" | awk NF | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# row WHAT UNIT OURS ANCHOR ANCHORS BAR NOTE: the figures are words
row() {
  jq -cn --arg what "$1" --arg unit "$2" --arg runs "$3" --arg anchor "$4" --arg anchors "$5" --argjson bar "$6" --arg note "$7" '
    def numbers: split(" ") | map(select(. != "") | tonumber);
    {group: "files", what: $what, unit: $unit, runs: ($runs | numbers), anchor: $anchor, anchorRuns: ($anchors | numbers), bar: $bar}
    + (if $note == "" then {} else {note: $note} end)
  ' | tee -a "$rows"
}

# rate MILLISECONDS: pairs per second
rate() {
  awk -v ms="$1" -v pairs="$((pairs - few_pairs))" 'BEGIN { printf "%.0f", pairs * 1000 / (ms < 1 ? 1 : ms) }'
}

# measure_rate PROTOCOL
measure_rate() {
  local run start_cpu ours='' bare='' walls='' starts='' start_walls=''
  make_pairs few "$few_pairs" "$1"
  make_pairs whole "$pairs" "$1"
  for ((run = 0; run < runs; run++)); do
    compare few
    start_cpu=$cpu_ms
    starts+="$cpu_ms " start_walls+="$wall_ms "
    compare whole
    ours+="$(rate $((cpu_ms - start_cpu))) " walls+="$wall_ms "
    spend cat "$work/whole.primary" "$work/whole.secondary"
    bare+="$(rate "$cpu_ms") "
  done
  row "compare, a million 64-byte ${1^^} pairs" 'pairs/s' "$ours" 'cat of both files' "$bare" "{\"of\":\"value\",\"least\":$least_rate}" \
    "per second of CPU time, that of the start, $(median "$starts") ms, taken off; wall time $(median "$walls") ms, the start $(median "$start_walls") ms of it"
}

# The captures of measure_rate must be there.
measure_memory() {
  local run ours='' bare=''
  make_pairs many "$many_pairs" tcp
  for ((run = 0; run < runs; run++)); do
    compare many
    ours+="$peak_mib "
    compare whole
    bare+="$peak_mib "
  done
  row 'compare, peak memory, ten million TCP pairs' MiB "$ours" 'a million pairs' "$bare" '{"of":"ratio","most":1.05}' ''
}

[ -n "$published" ] || {
  published=$work/colowire
  build dotnet publish "$root/src/ColoWire" -c Release -r linux-x64 --self-contained -o "$published"
}
build dotnet build "$root/perf/make-pairs.cs" -c Release -o "$work/make-pairs"
SECONDS=0
measure_rate udp
measure_rate tcp
measure_memory
[ "$SECONDS" -le "$budget_seconds" ] || echo "files.sh: took $SECONDS s, more than its $budget_seconds: the machine is busy" >&2
