#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Makes the guest that the QEMU tests run: Debian's cloud kernel with the modules of virtio-net, and busybox as all the rest.
# Prints the folder that holds vmlinuz and initrd; what is there already is used again.
#
#   guest.sh [CACHE]        CACHE: the folder that keeps it, ${XDG_CACHE_HOME:-~/.cache}/colowire-qemu without it
#
# The kernel's command line tells the guest its address: colowire.ip=ADDRESS/BITS, and, with colowire.receive=BYTES, the size of each TCP
# receive buffer instead of Linux's automatic one. The guest serves
#   port 80     HTTP: /small (64 bytes), /large (1 MiB, the same bytes in every guest), /cgi-bin/own (see below)
#   port 9      the sha256 sum of what a client has sent until its FIN
#   port 7      one answer for each line: "own WORDS" gets "own WORDS" and a number of this guest alone, other lines come back as they are
# The number is the guest's own clock in nanoseconds: two replicas that are not one machine never say the same, and it has 20 digits
# in both. HTTP answers bear no real date: two replicas read their clocks some milliseconds apart, and would differ at some seconds' ends.
set -euo pipefail
# shellcheck source=tests/tools/install.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../tools/install.sh"

if [ $# -gt 1 ] || [[ ${1:-} == -* ]]; then
    echo "Usage: guest.sh [CACHE], not '$*'" >&2
    exit 2
fi
cache=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/colowire-qemu}
# The number rises with every change of what is below: an older guest in a cache is not used.
guest=$cache/guest-4
if [ -e "$guest/initrd" ]; then
    echo "$guest"
    exit
fi

install_missing dpkg-deb:dpkg cpio:cpio gzip:gzip xz:xz-utils awk:mawk sha256sum:coreutils flock:util-linux >&2
mkdir -p "$cache"
exec 9>"$cache/guest.lock"
flock 9
if [ -e "$guest/initrd" ]; then
    echo "$guest"
    exit
fi
work=$(mktemp -d "$cache/guest.XXXXXX")
trap 'rm -rf "$work"' EXIT

# unpack PACKAGE FOLDER: out of the archive that apt knows, without installing it
unpack() {
    echo "guest.sh: downloading $1" >&2
    mkdir -p "$work/$2"
    (cd "$work" && timeout 300 apt-get download -qq -o APT::Sandbox::User=root "$1" >&2)
    dpkg-deb -x "$work/$1"_*.deb "$work/$2"
}

# The kernel of this release, else the newest one that there is.
find_kernel() {
    local name
    name=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)$/\1/p' | head -n 1)
    if [ -z "$name" ]; then
        name=$(apt-cache --names-only search '^linux-image-[0-9].*-cloud-amd64$' | cut -d ' ' -f 1 | sort -V | tail -n 1)
    fi
    echo "$name"
}

kernel=$(find_kernel)
if [ -z "$kernel" ]; then
    timeout 300 apt-get update -qq >&2
    kernel=$(find_kernel)
fi
if [ -z "$kernel" ]; then
    echo "guest.sh: apt knows no linux-image-*-cloud-amd64; this needs Debian's archive for amd64" >&2
    exit 1
fi
unpack "$kernel" kernel
unpack busybox-static busybox

tree=$work/tree
mkdir -p "$tree"/{bin,dev,proc,sys,modules,www/cgi-bin}
cp "$work"/busybox/*/busybox "$tree/bin/" 2>/dev/null || cp "$work"/busybox/usr/bin/busybox "$tree/bin/"
# As many bytes as before.
sed -i 's/%a, %d %b %Y %H:%M:%S GMT/Thu, 01 Jan 2026 00:00:00/' "$tree/bin/busybox"
if ! grep -qaF 'Thu, 01 Jan 2026 00:00:00' "$tree/bin/busybox"; then
    echo "guest.sh: this busybox writes the date of HTTP answers in a way that is not known here" >&2
    exit 1
fi

# In the order in which they need each other; what a kernel has built in has no file.
for module in virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci failover net_failover virtio_net; do
    file=$(find "$work/kernel" -name "$module.ko*" | head -n 1)
    case $file in
        *.xz) xz -dc "$file" >"$tree/modules/$module.ko" ;;
        *.ko) cp "$file" "$tree/modules/$module.ko" ;;
        *) continue ;;
    esac
    echo "$module" >>"$tree/modules/order"
done

printf '%-63s\n' 'A small answer of the guest, the same from every replica.' >"$tree/www/small"
# Numbers from a generator that every awk computes alike, as text: 16 to a line of 64 bytes.
awk 'BEGIN {
    for (x = 1; line < 16384; line++) {
        for (i = 0; i < 15; i++) { x = (x * 1103 + 12345) % 65536; printf "%04x", x }
        printf "%03x\n", line % 4096
    }
}' >"$tree/www/large"

cat >"$tree/bin/own" <<'OWN'
#!/bin/sh
# "now at 123456789 nsecs"
set -- $(grep -m 1 '^now at' /proc/timer_list)
printf '%020d\n' "$3"
OWN

cat >"$tree/bin/answer" <<'ANSWER'
#!/bin/sh
while read -r line; do
    case $line in
        own*) echo "$line $(own)" ;;
        *) echo "$line" ;;
    esac
done
ANSWER

cat >"$tree/www/cgi-bin/own" <<'CGI'
#!/bin/sh
printf 'Content-Type: text/plain\r\n\r\n'
own
CGI

cat >"$tree/init" <<'INIT'
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
while read -r module; do insmod "/modules/$module.ko"; done </modules/order
address=$(sed -n 's/.*colowire\.ip=\([0-9./]*\).*/\1/p' /proc/cmdline)
ip link set lo up
ip addr add "$address" dev eth0
ip link set eth0 up
# A kernel with little memory remembers few closed connections, and resets what still comes of the others: two replicas would differ.
sysctl -q -w net.ipv4.tcp_max_tw_buckets=65536
receive=$(sed -n 's/.*colowire\.receive=\([0-9]*\).*/\1/p' /proc/cmdline)
[ -z "$receive" ] || sysctl -q -w net.ipv4.tcp_rmem="$receive $receive $receive"
httpd -h /www
nc -ll -p 7 -e answer &
nc -ll -p 9 -e sha256sum &
echo "colowire guest is up"
while :; do sleep 1000; done
INIT
chmod +x "$tree/init" "$tree/bin/own" "$tree/bin/answer" "$tree/www/cgi-bin/own" "$tree/bin/busybox"

mkdir "$work/guest"
cp "$work"/kernel/boot/vmlinuz-* "$work/guest/vmlinuz"
(cd "$tree" && find . -print0 | sort -z | cpio --null --create --format=newc --quiet) | gzip -9 >"$work/guest/initrd"
rm -rf "$guest"
mv "$work/guest" "$guest"
echo "$guest"
