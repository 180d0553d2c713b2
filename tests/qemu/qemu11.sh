#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Gets a QEMU whose COLO reaches its checkpoints: those of Debian 12 and 13 (7.2, 10.0) hang at the first or second one. It is a small
# Debian unstable in a folder, for chroot, from the mirror that apt uses. Prints the folder; what is there already is used again.
#
#   qemu11.sh [CACHE]       CACHE: the folder that keeps it, ${XDG_CACHE_HOME:-~/.cache}/colowire-qemu without it
#
# Needs root, 420 MB, and about a minute.
set -euo pipefail
# shellcheck source=tests/tools/install.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../tools/install.sh"

if [ $# -gt 1 ] || [[ ${1:-} == -* ]]; then
    echo "Usage: qemu11.sh [CACHE], not '$*'" >&2
    exit 2
fi
cache=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/colowire-qemu}
system=$cache/qemu11
if [ -x "$system/usr/bin/qemu-system-x86_64" ]; then
    echo "$system"
    exit
fi
if [ "$(id -u)" != 0 ]; then
    echo "qemu11.sh: needs root, for debootstrap" >&2
    exit 2
fi
install_missing debootstrap:debootstrap flock:util-linux >&2

mkdir -p "$cache"
exec 9>"$cache/qemu11.lock"
flock 9
if [ -x "$system/usr/bin/qemu-system-x86_64" ]; then
    echo "$system"
    exit
fi
# shellcheck disable=SC2016 # apt expands it
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -m 1 '/debian/*$' || true)
mirror=${mirror:-http://deb.debian.org/debian}
# debootstrap knows a suite by a script of its name, and all of Debian's are one.
script=/usr/share/debootstrap/scripts/unstable
[ -e "$script" ] || script=/usr/share/debootstrap/scripts/sid
work=$(mktemp -d "$cache/qemu11.XXXXXX")
trap 'rm -rf "$work"' EXIT
echo "qemu11.sh: debootstrap of unstable from $mirror" >&2
if ! timeout 600 debootstrap --variant=minbase --include=qemu-system-x86 unstable "$work" "$mirror" "$script" >"$work.log" 2>&1; then
    tail -n 20 "$work.log" >&2
    echo "qemu11.sh: debootstrap failed; all of it is in $work.log" >&2
    exit 1
fi
rm -f "$work.log"
rm -rf "$work/var/cache/apt/archives" "$work/usr/share/doc" "$work/var/lib/apt/lists"
chmod 755 "$work"
chroot "$work" qemu-system-x86_64 --version >&2
rm -rf "$system"
mv "$work" "$system"
echo "$system"
