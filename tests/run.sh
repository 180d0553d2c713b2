#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Installs what the tests need and runs all of them; as root the wire tests too (they make network namespaces of their own). Tests that
# compute run beside those that wait for sockets, links and guests, and take what these leave of the CPUs.
# Usage: tests/run.sh [--no-build]; the option: what was built as below is tested.
# Last line: `N passed, N failed, N skipped`.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tests/tools/install.sh
source tests/tools/install.sh

# SharpPcap loads libpcap; the wire tests replay with tcpreplay, look with tcpdump, compile the XDP program, and ask QEMU's colo-compare.
install_missing '/usr/lib/*/libpcap.so.*:libpcap0.8' tcpreplay:tcpreplay tcpdump:tcpdump ip:iproute2 sysctl:procps ethtool:ethtool jq:jq systemd-analyze:systemd \
  setpriv:util-linux clang-14:clang-14 llvm-objdump-14:llvm-14 /usr/include/bpf/bpf_helpers.h:libbpf-dev tshark:tshark qemu-system-x86_64:qemu-system-x86 || [ "$(id -u)" != 0 ]

results=$(mktemp -d)
computing=''
# Whatever failed without naming a test leaves a line here.
broken=$results/broken
touch "$broken"
trap '[ -z "$computing" ] || kill -- "-$computing" 2>/dev/null || true; rm -rf "$results"' EXIT

# took WHAT COMMAND ...: runs it and says how long it took
took() {
  local what=$1 started=$SECONDS code=0
  shift
  "$@" || code=$?
  echo "-- $what: $((SECONDS - started)) s"
  return "$code"
}

# run_tests NAME PROJECT SETTINGS [ARGUMENT ...]: its results lie in $results/NAME/*.trx
run_tests() {
  local name=$1 project=$2 settings=$3
  shift 3
  took "$name" dotnet test "tests/$project" --no-build -s "runsettings/$settings.runsettings" --results-directory "$results/$name" --logger trx \
    "$@" || echo "$name" >>"$broken"
  compgen -G "$results/$name/*.trx" >/dev/null || echo "$name: no results" >>"$broken"
}

# run_script COMMAND ...: a script that ends with `N passed, N failed`, which it leaves in $results/NAME.last
run_script() {
  local name
  name=$(basename "$(dirname "$1")")-$(basename "$1" .sh)
  took "$name" "$@" 2>&1 | tee "$results/$name.out" || echo "$name" >>"$broken"
  grep -E '^[0-9]+ passed, [0-9]+ failed' "$results/$name.out" | tail -n 1 >"$results/$name.last" || true
  [ -s "$results/$name.last" ] || echo "$name: no count" >>"$broken"
}

# run_width BITS SWITCH: the engine's tests with vectors of at most so many bits (clrconfignames.h of .NET 10). Random cases, most of
# which are about order and time, are fewer than in the run with the widest vectors; all scenarios and units run.
run_width() (
  export "$2=0" COLOWIRE_VECTOR_BITS="$1"
  run_tests "engine-$1-bit-vectors" ColoWire.Engine.Tests default --blame-hang-timeout 10m \
    -- 'TestRunParameters.Parameter(name="cases",value="300")'
)

# compute: what needs a CPU and nothing else
compute() {
  # Each test makes an appliance, whose 16 MiB glibc would give back to the kernel and get again page by page, thousands of times.
  export MALLOC_MMAP_THRESHOLD_=1073741824 MALLOC_TRIM_THRESHOLD_=1073741824 MALLOC_ARENA_MAX=1
  run_tests engine ColoWire.Engine.Tests default --blame-hang-timeout 10m
  # Where the CPU has no wider ones, the run above was this one.
  if grep -qm 1 avx512vl /proc/cpuinfo; then run_width 256 DOTNET_EnableAVX512; fi
  if grep -qm 1 avx2 /proc/cpuinfo; then run_width 128 DOTNET_EnableAVX2; fi
  run_width 0 DOTNET_EnableHWIntrinsic
  run_tests simulation ColoWire.Simulation default --blame-hang-timeout 10m
  run_tests fuzz ColoWire.Fuzz default --blame-hang-timeout 10m
}

# Optimized, as the program is published, but with assertions.
[ "${1:-}" = --no-build ] || took build dotnet build ColoWire.sln -p:Optimize=true -v quiet -clp:NoSummary
export -f took run_tests run_width compute
export results broken
setsid nice -n 19 bash -c 'set -euo pipefail; compute' >"$results/computing" 2>&1 </dev/null &
computing=$!

run_tests program ColoWire.Tests default --blame-hang-timeout 5m
run_tests wire ColoWire.Wire.Tests wire --blame-hang-timeout 5m
run_script tests/fixtures/check.sh
if [ "$(id -u)" = 0 ]; then
  run_script tests/native-config/test.sh
  # With real guests: some three minutes, and as much again where they and QEMU 11 are still to be made.
  for script in in-place colo-pair bridge-host; do
    run_script "tests/qemu/$script.sh"
  done
fi
tests/qemu/command-lines.sh --check native-config/QEMU.md || echo command-lines >>"$broken"

took 'waiting for those that compute' wait "$computing" || echo 'those that compute' >>"$broken"
computing=''
cat "$results/computing"

passed=0 failed=0 skipped=0
# add PASSED FAILED SKIPPED
add() { passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3)); }
for trx in "$results"/*/*.trx; do
  # shellcheck disable=SC2046 # three numbers
  add $(sed -n 's/.*<Counters total="\([0-9]*\)" executed="\([0-9]*\)" passed="\([0-9]*\)" failed="\([0-9]*\)".*/\1 \2 \3 \4/p' "$trx" |
    awk '{ print $3, $4, $1 - $2 }')
done
for last in "$results"/*.last; do
  # shellcheck disable=SC2046 # two or three numbers
  add $(tr -cd '0-9 ' <"$last") 0
done
if [ -s "$broken" ]; then
  sed 's/^/ended badly: /' "$broken" >&2
  [ "$failed" != 0 ] || failed=1
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
