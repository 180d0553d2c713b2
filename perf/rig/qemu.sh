#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Measures ColoWire against QEMU's own colo-compare: both get the very same two captures, ColoWire once as files (`colowire compare`) and
# once over sockets, from the same driver that gives them to QEMU.
#
#   qemu.sh --rows FILE [--colowire PATH]
#
# Appends rows to FILE: CPU time per pair (of a whole process from the first frame in to the last frame out, after a warm-up; of `colowire
# compare` with its start-up taken off), and frames lost while the secondary is behind. Run by run in turn, all on CPU 1; what feeds them is
# on CPU 0.
# --colowire is a published `colowire`; without it one is made. Needs 1 GB in /dev/shm, and at most 180 s after the builds.
set -euo pipefail
export LC_ALL=C

readonly runs=5 budget_seconds=180
readonly small_pairs=1000000 large_pairs=200000 few_pairs=64 burst_frames=100000 burst_behind=100 burst_gap_us=10
# Of the pairs a part is given first: both are at their final speed then. So many in flight that neither waits for the driver.
readonly warm_up_part=4 window=1000 batch=250
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
driven=''
stop_driven() {
  [ -n "$driven" ] || return 0
  # It has nothing to save.
  kill -KILL "$driven" 2>/dev/null || true
  wait "$driven" 2>/dev/null || true
  driven=''
}
clean_up() {
  stop_driven
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
  taskset -c 1 qemu-system-x86_64 "${arguments[@]}" -object "colo-compare,id=comparer,$objects" </dev/null >"$work/driven.log" 2>&1 &
  driven=$!
}

# start_colowire: in QEMU's place, idle as it is by default.
start_colowire() {
  local port
  local -a arguments=(--cores 1 --idle spin_then_poll --compare-timeout 600000 --send-retry-ms 10000)
  for port in primary_in secondary_in outdev; do
    rm -f "$work/$port"
    arguments+=("--${port//_/-}" "stream:unix:$work/$port,server")
  done
  taskset -c 1 "$colowire" run "${arguments[@]}" </dev/null >"$work/driven.log" 2>&1 &
  driven=$!
}

# drive NAME OPTION ...: gives what was started both captures; the result is in $work/result
drive() {
  local name=$1
  shift
  taskset -c 0 timeout 60 dotnet "$work/rig/ColoWire.Rig.dll" qemu "$work/$name.primary" "$work/$name.secondary" \
    --sockets "$work" --pid "$driven" "$@" >"$work/result" || {
    tail -n 5 "$work/driven.log" >&2
    fail "$name: no figure from what was driven"
  }
  stop_driven
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

# add_row WHAT UNIT OURS THEIRS NOTE [BAR]: the figures of all runs, separated by commas
add_row() {
  jq -nc --arg what "$1" --arg unit "$2" --argjson runs "[${3%,}]" --argjson anchorRuns "[${4%,}]" --arg note "$5" --argjson bar "${6:-null}" \
    --arg anchor "QEMU colo-compare $version" \
    '{group: "against QEMU", what: $what, unit: $unit, runs: $runs, anchor: $anchor, anchorRuns: $anchorRuns}
      + (if $bar then {bar: $bar} else {} end) + {note: $note}' >>"$rows"
  tail -n 1 "$rows"
}

# driven_ns: CPU time per pair of the last drive
driven_ns() { jq -r '"\(.cpuNs / .pairs | round),"' "$work/result"; }

# driven_busy: percent of the time for which it was on its CPU
driven_busy() { jq '.cpuNs / 1e7 / .seconds | round' "$work/result"; }

# measure_cpu WHAT PAIRS OPTION ...
measure_cpu() {
  local what=$1 count=$2 files='' streams='' theirs='' whole start busy least_busy=100 our_least_busy=100
  local -a pace=(--window "$window" --batch "$batch" --warm-up "$(($2 / warm_up_part))")
  shift 2
  pairs whole "$count" --flows 64 "$@"
  pairs few "$few_pairs" --flows 64 "$@"
  for ((run = 0; run < runs; run++)); do
    whole=$(colowire_cpu whole)
    start=$(colowire_cpu few)
    files+=$(awk -v w="$whole" -v s="$start" -v n="$((count - few_pairs))" 'BEGIN { printf "%.0f,", (w - s) * 1e6 / n }')
    start_colowire
    drive whole "${pace[@]}"
    streams+=$(driven_ns)
    busy=$(driven_busy)
    our_least_busy=$((busy < our_least_busy ? busy : our_least_busy))
    start_qemu primary_in secondary_in outdev
    drive whole "${pace[@]}"
    theirs+=$(driven_ns)
    busy=$(driven_busy)
    least_busy=$((busy < least_busy ? busy : least_busy))
  done
  add_row "$what" 'ns CPU/pair' "$files" "$theirs" "QEMU at least $least_busy % busy; it reads and writes sockets, colowire compare reads files"
  add_row "stream ports, $what" 'ns CPU/pair' "$streams" "$theirs" \
    "both over unix sockets from one driver; QEMU at least $least_busy % busy, ColoWire $our_least_busy %" '{"of": "ratio", "most": 0.1}'
}

measure_loss() {
  local files='' streams='' theirs='' frames_out requests flushed
  local what="$burst_frames UDP frames of one flow in $((burst_frames * burst_gap_us / 1000)) ms, secondary $burst_behind frames behind"
  pairs burst "$burst_frames" --protocol udp --flows 1 --gap-us "$burst_gap_us" --lag-us "$((burst_behind * burst_gap_us))"
  for ((run = 0; run < runs; run++)); do
    # 1 says that they differ: then what it did not let out is lost, and counted.
    timeout 60 taskset -c 1 "$colowire" compare "$work/burst.primary" "$work/burst.secondary" --json --out "$work/out" >"$work/compared" \
      || [ $? = 1 ] || fail 'burst: no figure from colowire'
    # All frames of a burst are equally long.
    frames_out=$(awk -v whole="$(stat -c %s "$work/burst.primary")" -v out="$(stat -c %s "$work/out")" -v n="$burst_frames" \
      'BEGIN { print (out - 24) * n / (whole - 24) }')
    files+=$((burst_frames - frames_out)),
    start_colowire
    drive burst --timed --no-notify-dev
    streams+=$(jq -r '"\(.pairs - .framesOut),"' "$work/result")
    start_qemu primary_in secondary_in outdev notify_dev
    drive burst --timed
    theirs+=$(jq -r '"\(.pairs - .framesOut),"' "$work/result")
  done
  requests=$(jq .checkpointRequests "$work/result")
  flushed=$(jq .framesFlushed "$work/result")
  add_row "$what" 'frames lost' "$files" "$theirs" \
    "checkpoints asked for: $(jq .checkpoints "$work/compared") by ColoWire, $requests by QEMU; none made until the end, where one freed $flushed frames of QEMU's"
  add_row "stream ports, $what" 'frames lost' "$streams" "$theirs" 'both over unix sockets from one driver' '{"of": "each", "most": 0}'
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
