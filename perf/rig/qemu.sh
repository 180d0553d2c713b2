#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Measures ColoWire against QEMU's own colo-compare: both get the very same two captures.
#
#   qemu.sh --rows FILE [--colowire PATH]
#
# Appends rows to FILE: CPU time per pair (of QEMU from the first frame in to the last frame out, of `colowire compare` with its start-up
# taken off), and frames lost while the secondary is behind. Run by run in turn, both on CPU 1; what feeds QEMU is on CPU 0.
# --colowire is a published `colowire`; without it one is made. Needs 1 GB in /dev/shm, and at most 90 s after the builds.
set -euo pipefail
export LC_ALL=C

readonly runs=5 budget_seconds=90
readonly small_pairs=1000000 large_pairs=200000 few_pairs=64 burst_frames=20000 burst_behind=100 burst_gap_us=50
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
# shellcheck source=tests/tools/install.sh
source "$root/tests/tools/install.sh"

fail() {
  echo "qemu.sh: $1" >&2
  exit "${2:-1}"
}

rows='' colowire=''
while [ $# -gt 0 ]; do
  case "$1" in
    --rows | --colowire)
      [ $# -ge 2 ] || fail "$1: a path is missing" 2
      if [ "$1" = --rows ]; then rows=$2; else colowire=$2; fi
      shift 2
      ;;
    *) fail "$1: unknown; allowed are --rows FILE and --colowire PATH" 2 ;;
  esac
done
[ -n "$rows" ] || fail '--rows: missing; name the file that the rows are appended to' 2
[ -z "$colowire" ] || [ -x "$colowire" ] || fail "--colowire: '$colowire' is not a program" 2
taskset -c 0,1 true 2>/dev/null || fail 'CPUs 0 and 1 are needed: one for the comparer, one for what feeds it' 2

work=$(mktemp -d -p /dev/shm colowire-qemu.XXXXXX)
qemu=''
stop_qemu() {
  [ -n "$qemu" ] || return 0
  # It has nothing to save.
  kill -KILL "$qemu" 2>/dev/null || true
  wait "$qemu" 2>/dev/null || true
  qemu=''
}
clean_up() {
  stop_qemu
  rm -rf "$work"
}
trap clean_up EXIT

# build NAME COMMAND ...: into $work/NAME
build() {
  local name=$1
  shift
  "$@" -c Release -o "$work/$name" -v quiet -nologo >"$work/build.log" 2>&1 || {
    cat "$work/build.log" >&2
    fail "$name does not build"
  }
}

# pairs NAME FRAMES OPTION ...: makes $work/NAME.primary and $work/NAME.secondary
pairs() {
  local name=$1 frames=$2
  shift 2
  dotnet "$work/make-pairs/make-pairs.dll" "$work/$name.primary" "$work/$name.secondary" "$frames" "$@"
}

# start_qemu CHARDEV ...: QEMU opens one socket after the other and waits at each until there is a client.
start_qemu() {
  local device objects=primary_in=primary_in,secondary_in=secondary_in,outdev=outdev,iothread=compare
  local -a arguments=(-machine none -nodefaults -display none -object 'iothread,id=compare')
  for device in "$@"; do
    rm -f "$work/$device"
    arguments+=(-chardev "socket,id=$device,path=$work/$device,server=on,wait=on")
    [ "$device" != notify_dev ] || objects+=,notify_dev=notify_dev
  done
  taskset -c 1 qemu-system-x86_64 "${arguments[@]}" -object "colo-compare,id=comparer,$objects" </dev/null >"$work/qemu.log" 2>&1 &
  qemu=$!
}

# drive NAME OPTION ...: gives QEMU both captures; the result is in $work/result
drive() {
  local name=$1
  shift
  taskset -c 0 timeout 60 dotnet "$work/rig/ColoWire.Rig.dll" qemu "$work/$name.primary" "$work/$name.secondary" \
    --sockets "$work" --pid "$qemu" "$@" >"$work/result" || {
    tail -n 5 "$work/qemu.log" >&2
    fail "$name: no figure from QEMU"
  }
  stop_qemu
}

# colowire_cpu NAME: milliseconds of CPU, user and system, of the whole process
colowire_cpu() {
  local TIMEFORMAT='%3U %3S'
  { time taskset -c 1 timeout 60 "$colowire" compare "$work/$1.primary" "$work/$1.secondary" --json >"$work/compared" 2>"$work/errors"; } \
    2>"$work/cpu" || {
    cat "$work/errors" "$work/compared" >&2
    fail "$1: colowire does not find the captures equal"
  }
  awk '{ print ($1 + $2) * 1000 }' "$work/cpu"
}

# add_row WHAT UNIT OURS THEIRS NOTE: the figures of all runs, separated by commas
add_row() {
  jq -nc --arg what "$1" --arg unit "$2" --argjson runs "[${3%,}]" --argjson anchorRuns "[${4%,}]" --arg note "$5" --arg anchor "QEMU colo-compare $version" \
    '{group: "against QEMU", what: $what, unit: $unit, runs: $runs, anchor: $anchor, anchorRuns: $anchorRuns, note: $note}' >>"$rows"
  tail -n 1 "$rows"
}

# measure_cpu WHAT PAIRS OPTION ...
measure_cpu() {
  local what=$1 count=$2 ours='' theirs='' whole start busy least_busy=100
  shift 2
  pairs whole "$count" --flows 64 "$@"
  pairs few "$few_pairs" --flows 64 "$@"
  for ((run = 0; run < runs; run++)); do
    whole=$(colowire_cpu whole)
    start=$(colowire_cpu few)
    ours+=$(awk -v w="$whole" -v s="$start" -v n="$((count - few_pairs))" 'BEGIN { printf "%.0f,", (w - s) * 1e6 / n }')
    start_qemu primary_in secondary_in outdev
    drive whole
    theirs+=$(jq -r '"\(.cpuNs / .pairs | round),"' "$work/result")
    busy=$(jq '.cpuNs / 1e7 / .seconds | round' "$work/result")
    least_busy=$((busy < least_busy ? busy : least_busy))
  done
  add_row "$what" 'ns CPU/pair' "$ours" "$theirs" "QEMU at least $least_busy % busy; it reads and writes sockets, colowire compare reads files"
}

measure_loss() {
  local ours='' theirs='' frames_out requests flushed
  pairs burst "$burst_frames" --protocol udp --flows 1 --gap-us "$burst_gap_us" --lag-us "$((burst_behind * burst_gap_us))"
  for ((run = 0; run < runs; run++)); do
    # 1 says that they differ: then what it did not let out is lost, and counted.
    timeout 60 taskset -c 1 "$colowire" compare "$work/burst.primary" "$work/burst.secondary" --json --out "$work/out" >"$work/compared" \
      || [ $? = 1 ] || fail 'burst: no figure from colowire'
    # All frames of a burst are equally long.
    frames_out=$(awk -v whole="$(stat -c %s "$work/burst.primary")" -v out="$(stat -c %s "$work/out")" -v n="$burst_frames" \
      'BEGIN { print (out - 24) * n / (whole - 24) }')
    ours+=$((burst_frames - frames_out)),
    start_qemu primary_in secondary_in outdev notify_dev
    drive burst --timed
    theirs+=$(jq -r '"\(.pairs - .framesOut),"' "$work/result")
  done
  requests=$(jq .checkpointRequests "$work/result")
  flushed=$(jq .framesFlushed "$work/result")
  add_row "$burst_frames UDP frames of one flow in $((burst_frames * burst_gap_us / 1000)) ms, secondary $burst_behind frames behind" 'frames lost' "$ours" "$theirs" \
    "checkpoints asked for: $(jq .checkpoints "$work/compared") by ColoWire, $requests by QEMU; none made until the end, where one freed $flushed frames of QEMU's"
}

install_missing qemu-system-x86_64:qemu-system-x86 jq:jq taskset:util-linux '/usr/lib/*/libpcap.so.*:libpcap0.8'
version=$(qemu-system-x86_64 --version | sed -n '1s/.*version \([0-9.]*\).*/\1/p')
build make-pairs dotnet build "$root/perf/make-pairs.cs"
build rig dotnet build "$root/perf/ColoWire.Rig/ColoWire.Rig.csproj"
if [ -z "$colowire" ]; then
  build colowire dotnet publish "$root/src/ColoWire/ColoWire.csproj" -r linux-x64 --no-self-contained
  colowire=$work/colowire/colowire
fi

SECONDS=0
measure_cpu '64-byte UDP, 64 flows' "$small_pairs" --protocol udp
measure_cpu '64-byte TCP, 64 flows' "$small_pairs" --protocol tcp
measure_cpu '1500-byte UDP, 64 flows' "$large_pairs" --protocol udp --bytes 1500
measure_loss
echo "qemu.sh: took $SECONDS s of $budget_seconds s"
