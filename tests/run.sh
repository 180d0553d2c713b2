#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Installs what the tests need and runs them all; as root the wire tests too (they make network namespaces of their own). Tests that only
# compute run beside the tests that wait for sockets, links and guests, at the lowest priority.
# Usage: tests/run.sh [--no-build] [--widths]
#   --no-build  test what is already built, as below
#   --widths    only the tests of the engine, but all of them, with vectors of each width that this CPU has
# Last line: `N passed, N failed, N skipped`.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tests/tools/install.sh
source tests/tools/install.sh

# SharpPcap loads libpcap; the wire tests replay with tcpreplay, look with tcpdump, compile the XDP program, and ask QEMU's colo-compare.
install_missing '/usr/lib/*/libpcap.so.*:libpcap0.8' tcpreplay:tcpreplay tcpdump:tcpdump ip:iproute2 sysctl:procps ethtool:ethtool jq:jq systemd-analyze:systemd \
  setpriv:util-linux clang-14:clang-14 llvm-objdump-14:llvm-14 /usr/include/bpf/bpf_helpers.h:libbpf-dev tshark:tshark qemu-system-x86_64:qemu-system-x86 || [ "$(id -u)" != 0 ]

build=1 only_widths=''
for option in "$@"; do
  case $option in
    --no-build) build='' ;;
    --widths) only_widths=1 ;;
    *) echo "run.sh: '$option' is no option: --no-build and --widths are" >&2; exit 2 ;;
  esac
done

results=$(mktemp -d)
computing=''
# One line for each runner that failed without naming a test.
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

# run_width BITS VARIABLE [ARGUMENT ...]: tests of the engine with vectors of at most BITS bits; VARIABLE=0 tells the runtime to use no
# wider ones (clrconfignames.h of .NET 10, which calls EnableAVX512F of earlier versions EnableAVX512). VectorWidthTests fails when the
# vectors are wider than BITS, and must be among the tests that passed.
run_width() (
  export "$2=0" COLOWIRE_VECTOR_BITS="$1"
  name=engine-$1-bit-vectors
  shift 2
  run_tests "$name" ColoWire.Engine.Tests default --blame-hang-timeout 10m "$@"
  grep -q 'testName="The_vectors_are_as_wide_as_was_asked_for".* outcome="Passed"' "$results/$name"/*.trx ||
    echo "$name: the width was not checked" >>"$broken"
)

# run_widths [ARGUMENT ...]: with each width that is narrower than the widest vectors of this CPU, which an ordinary run has
run_widths() {
  if grep -qm 1 avx512vl /proc/cpuinfo; then run_width 256 DOTNET_EnableAVX512 "$@"; fi
  if grep -qm 1 avx2 /proc/cpuinfo; then run_width 128 DOTNET_EnableAVX2 "$@"; fi
  run_width 0 DOTNET_EnableHWIntrinsic "$@"
}

# Tests that reach the code with vectors: comparing bytes and headers, checksums, hashes of flows, the parser, and whole shards.
vector_tests=''
for class in VectorWidthTests ByteEqualityTests HeaderDifferencesTests InternetChecksumTests PartialChecksum FlowTableTests FrameParserTests \
  TcpScenarios DatagramScenarios ReplicaProperties; do
  vector_tests+="${vector_tests:+|}FullyQualifiedName~$class"
done

# compute: the tests that need a CPU and nothing else
compute() {
  # Each test makes an appliance, whose 16 MiB glibc would return to the kernel and get again page by page, thousands of times.
  export MALLOC_MMAP_THRESHOLD_=1073741824 MALLOC_TRIM_THRESHOLD_=1073741824 MALLOC_ARENA_MAX=1
  run_tests engine ColoWire.Engine.Tests default --blame-hang-timeout 10m
  if [ -n "$only_widths" ]; then
    run_widths
    return
  fi
  run_widths --filter "$vector_tests" -- 'TestRunParameters.Parameter(name="cases",value="200")'
  run_tests simulation ColoWire.Simulation default --blame-hang-timeout 10m
  run_tests fuzz ColoWire.Fuzz default --blame-hang-timeout 10m
}

# wait_for_others: the tests that need sockets, links, namespaces or guests
wait_for_others() {
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
}

# Optimized, as the program is published, but with assertions.
[ -z "$build" ] || took build dotnet build ColoWire.sln -p:Optimize=true -v quiet -clp:NoSummary
export -f took run_tests run_width run_widths compute
export results broken only_widths vector_tests
setsid nice -n 19 bash -c 'set -euo pipefail; compute' >"$results/computing" 2>&1 </dev/null &
computing=$!
if [ -z "$only_widths" ]; then wait_for_others; fi

took 'waiting for the tests that compute' wait "$computing" || echo 'the tests that compute' >>"$broken"
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
  [ -e "$last" ] || continue
  # shellcheck disable=SC2046 # two or three numbers
  add $(tr -cd '0-9 ' <"$last") 0
done
if [ -s "$broken" ]; then
  sed 's/^/ended badly: /' "$broken" >&2
  [ "$failed" != 0 ] || failed=1
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
