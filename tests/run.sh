#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Installs what the tests need and runs all of them; as root the wire tests too (they make network namespaces of their own).
# Last line: `N passed, N failed, N skipped`.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tests/tools/install.sh
source tests/tools/install.sh

# SharpPcap loads libpcap; the wire tests replay with tcpreplay, look with tcpdump, compile the XDP program, and ask QEMU's colo-compare.
install_missing '/usr/lib/*/libpcap.so.*:libpcap0.8' tcpreplay:tcpreplay tcpdump:tcpdump ip:iproute2 sysctl:procps ethtool:ethtool jq:jq systemd-analyze:systemd \
  setpriv:util-linux clang-14:clang-14 llvm-objdump-14:llvm-14 /usr/include/bpf/bpf_helpers.h:libbpf-dev tshark:tshark qemu-system-x86_64:qemu-system-x86 || [ "$(id -u)" != 0 ]

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
passed=0 failed=0 skipped=0 broken=0

# count_trx NAME COMMAND ...: a runner whose results lie in $results/NAME/*.trx
count_trx() {
  local name=$1 trx
  shift
  "$@" --results-directory "$results/$name" --logger trx || broken=1
  for trx in "$results/$name"/*.trx; do
    [ -e "$trx" ] || { broken=1; continue; }
    read -r p f s < <(sed -n 's/.*<Counters total="\([0-9]*\)" executed="\([0-9]*\)" passed="\([0-9]*\)" failed="\([0-9]*\)".*/\1 \2 \3 \4/p' "$trx" \
      | awk '{ print $3, $4, $1 - $2 }')
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  done
}

# count_script COMMAND ...: a script that ends with `N passed, N failed`
count_script() {
  local last
  echo "-- $*"
  "$@" | tee "$results/script" || broken=1
  last=$(tail -n 1 "$results/script")
  if [[ $last =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)?$ ]]; then
    passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2])) skipped=$((skipped + ${BASH_REMATCH[4]:-0}))
  else
    broken=1
  fi
}

dotnet build ColoWire.sln -v quiet -clp:NoSummary
for project in ColoWire.Engine.Tests ColoWire.Tests ColoWire.Simulation ColoWire.Fuzz; do
  count_trx "$project" dotnet test "tests/$project" --no-build -s runsettings/default.runsettings --blame-hang-timeout 5m
done
count_trx wire dotnet test tests/ColoWire.Wire.Tests --no-build -s runsettings/wire.runsettings --blame-hang-timeout 5m
count_script tests/fixtures/check.sh
if [ "$(id -u)" = 0 ]; then
  count_script tests/native-config/test.sh
  # With real guests: some three minutes, and as much again where they and QEMU 11 are still to be made.
  for script in in-place colo-pair bridge-host; do
    count_script "tests/qemu/$script.sh"
  done
fi
tests/qemu/command-lines.sh --check native-config/QEMU.md || broken=1

if [ "$broken" = 1 ] && [ "$failed" = 0 ]; then
  echo 'a runner ended badly without naming a failed test: see above' >&2
  failed=1
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
