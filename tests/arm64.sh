#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Publishes the program for linux-arm64 on this machine, checks that each binary is for that processor, and runs two commands under QEMU's
# user-mode emulation of it: --version, and compare with two captures that are equal and two that differ. Live ports, AF_XDP and the XDP
# program need the kernel of an arm64 machine and are not run. Usage: tests/arm64.sh [FOLDER]; the program stays in FOLDER, if given.
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
# shellcheck source=tests/tools/install.sh
. "$root/tests/tools/install.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
folder=${1:-$work/colowire}

fail() {
  echo "arm64.sh: $1" >&2
  exit 1
}

# libraries FOLDER: the shared libraries that the program loads, from the suite that apt uses here; the package list of this system stays
# without a second architecture
libraries() {
  local apt="$work/apt" package
  mkdir -p "$apt/lists/partial" "$apt/archives/partial" "$work/packages"
  local -a options=(-qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Sandbox::User=root -o Dir::State::Lists="$apt/lists"
    -o Dir::State::status=/dev/null -o Dir::Cache="$apt" -o Dir::Cache::archives="$apt/archives")
  timeout 300 apt-get "${options[@]}" update
  (cd "$work/packages" && timeout 300 apt-get "${options[@]}" download libc6 libgcc-s1 libstdc++6 libpcap0.8 libdbus-1-3 libsystemd0 \
    libcap2 libgcrypt20 libgpg-error0 liblzma5 libzstd1 liblz4-1)
  for package in "$work"/packages/*.deb; do dpkg-deb -x "$package" "$1"; done
}

# compare CAPTURE CODE: compares mixed.pcap with CAPTURE, and expects this exit code
compare() {
  local code=0
  "${emulator[@]}" "$folder/colowire" compare "$root/tests/fixtures/mixed.pcap" "$root/tests/fixtures/$1" --json >"$work/$1.json" || code=$?
  [ "$code" = "$2" ] || fail "comparing mixed.pcap and $1 ends with $code, not $2"
  echo "compares mixed.pcap and $1: $(grep -o '"divergences_total":[0-9]*' "$work/$1.json")"
}

dotnet publish "$root/src/ColoWire" -c Release -r linux-arm64 --self-contained -o "$folder" --artifacts-path "$root/artifacts/arm64" -v quiet
# Each ELF file, programs and shared libraries: its first 4 bytes are 7f 45 4c 46, and its e_machine is EM_AARCH64, 183 (linux/elf-em.h).
binaries=0
while IFS= read -r -d '' file; do
  [ "$(od -An -t x1 -N 4 "$file" | tr -d ' ')" = 7f454c46 ] || continue
  [ "$(od -An -t u2 -j 18 -N 2 "$file" | tr -d ' ')" = 183 ] || fail "$file is no binary for arm64"
  binaries=$((binaries + 1))
done < <(find "$folder" -type f -print0)
if [ ! -x "$folder/colowire" ] || [ "$binaries" -lt 2 ]; then fail "$folder has not the program and its libraries"; fi
echo "published for linux-arm64: $binaries binaries, $(du -sm "$folder" | cut -f 1) MB"
if [ "$(uname -m)" = aarch64 ]; then
  emulator=(env)
elif [ "$(id -u)" = 0 ]; then
  install_missing qemu-aarch64-static:qemu-user-static
  libraries "$work/system"
  emulator=(timeout 120 qemu-aarch64-static -L "$work/system")
else
  echo 'not run: needs root, to install the emulator'
  exit
fi
echo "says $("${emulator[@]}" "$folder/colowire" --version)"
compare mixed.secondary.pcap 0
compare mixed.flipped.pcap 1
