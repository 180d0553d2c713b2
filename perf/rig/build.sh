#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Compiles the programs that generate frames, time them, and forward them without comparing. Usage: build.sh FOLDER
set -euo pipefail
rig=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../../tests/tools/install.sh
. "$rig/../../tests/tools/install.sh"
[ $# = 1 ] || { echo 'build.sh: usage: build.sh FOLDER' >&2; exit 2; }
install_missing gcc:gcc '/usr/include/pcap/pcap.h:libpcap-dev'
mkdir -p "$1"
for program in forwarder feeder opener xdp-forwarder xdp-feeder prober; do
    libraries=()
    [ "$program" != forwarder ] || libraries=(-lpcap)
    gcc -std=gnu11 -O2 -Wall -Wextra -Werror -o "$1/$program" "$rig/$program.c" "${libraries[@]}"
done
