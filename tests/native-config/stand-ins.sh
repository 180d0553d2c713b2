#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # what sources this has set what it uses
# To be sourced by test.sh: the scripts on a device that has what veth lacks.

# A device with rings, flow control and interrupts, as far as the scripts can see: an ethtool that keeps those in files,
# and trees over /sys/class/net and /proc/irq, in a mount namespace that ends with the command.
make_stand_ins() {
    local directory=$work/fake
    mkdir -p "$directory/bin" "$directory/irq/77" "$directory/irq/78"
    printf '%s\n' 0-1 >"$directory/irq/77/smp_affinity_list"
    printf '%s\n' 1 >"$directory/irq/78/smp_affinity_list"
    printf '256\n512\n' >"$directory/rings"
    printf 'on\non\non\n' >"$directory/pause"
    cat >"$directory/bin/ethtool" <<'STAND_IN'
#!/usr/bin/env bash
set -euo pipefail
if [ "${2:-}" != cwp ]; then exec /usr/sbin/ethtool "$@"; fi
keep() { # FILE LINE VALUE
    sed -i "$2s/.*/$3/" "$FAKE/$1"
}
case $1 in
    -g)
        mapfile -t now <"$FAKE/rings"
        printf 'Ring parameters for cwp:\nPre-set maximums:\nRX:\t\t4096\nRX Mini:\tn/a\nRX Jumbo:\tn/a\nTX:\t\t2048\n'
        printf 'Current hardware settings:\nRX:\t\t%s\nRX Mini:\tn/a\nRX Jumbo:\tn/a\nTX:\t\t%s\n' "${now[@]}"
        printf 'RX Buf Len:\t\tn/a\nTX Push:\toff\n'
        ;;
    -G)
        echo "$*" >>"$FAKE/calls"
        shift 2
        while [ $# -gt 0 ]; do
            case $1 in rx) keep rings 1 "$2" ;; tx) keep rings 2 "$2" ;; *) exit 1 ;; esac
            shift 2
        done
        ;;
    -a)
        mapfile -t now <"$FAKE/pause"
        printf 'Pause parameters for cwp:\nAutonegotiate:\t%s\nRX:\t\t%s\nTX:\t\t%s\nRX negotiated: on\nTX negotiated: off\n' "${now[@]}"
        ;;
    -A)
        shift 2
        if [ -e "$FAKE/no-autoneg" ] && [ "$1" = autoneg ]; then exit 1; fi
        while [ $# -gt 0 ]; do
            case $1 in autoneg) keep pause 1 "$2" ;; rx) keep pause 2 "$2" ;; tx) keep pause 3 "$2" ;; *) exit 1 ;; esac
            shift 2
        done
        ;;
    *) exec /usr/sbin/ethtool "$@" ;;
esac
STAND_IN
    chmod +x "$directory/bin/ethtool"
}

# with_stand_ins COMMAND...: cwp has the interrupts 77 and 78.
with_stand_ins() {
    # shellcheck disable=SC2016 # the inner shell expands it
    inside unshare --mount env FAKE="$work/fake" PATH="$work/fake/bin:$PATH" bash -c '
        set -e
        mkdir -p "$FAKE/net/cwp/device/msi_irqs"
        for path in /sys/class/net/*; do
            if [ "${path##*/}" != cwp ]; then ln -sfn "$(readlink -f "$path")" "$FAKE/net/${path##*/}"; fi
        done
        for path in /sys/class/net/cwp/*; do
            if [ "${path##*/}" != device ]; then ln -sfn "$(readlink -f "$path")" "$FAKE/net/cwp/${path##*/}"; fi
        done
        touch "$FAKE/net/cwp/device/msi_irqs/77" "$FAKE/net/cwp/device/msi_irqs/78"
        mount --bind "$FAKE/irq" /proc/irq
        mount --bind "$FAKE/net" /sys/class/net
        exec "$@"' with-stand-ins "$@"
}

fake_values() {
    head "$work/fake/rings" "$work/fake/pause" "$work/fake/irq"/*/smp_affinity_list
}

test_stand_ins() {
    make_interfaces
    make_stand_ins
    fake_values >"$work/before"
    expect "prepare a device with rings, flow control, interrupts" 0 with_stand_ins "$prepare" cwp cws cwo --irq-cpus 0
    printed "rings grow to the maximum" "cwp: ring rx: 256 -> 4096"
    printed "flow control goes off" "cwp: pause tx: on -> off"
    printed "interrupts move" "cwp: irq 77: 0-1 -> 0"
    fake_values | tr '\n' ' ' >"$work/out"
    printed "the device has what was wanted" "rings <== 4096 2048 .*pause <== off off off .*77/.* 0 .*78/.* 0"
    expect "check of such a device" 0 with_stand_ins "$prepare" --check cwp cws cwo --irq-cpus 0
    expect "check for other CPUs" 1 with_stand_ins "$prepare" --check cwp --irq-cpus 1
    echo "$(wc -l <"$work/fake/calls") calls" >"$work/out"
    printed "all rings are set by one call" "^1 calls"
    expect "undo of such a device" 0 with_stand_ins "$undo"
    fake_values >"$work/after"
    same "undo restores rings, flow control, interrupts" "$work/before" "$work/after"
    touch "$work/fake/no-autoneg"
    expect "prepare a device that cannot negotiate flow control" 0 with_stand_ins "$prepare" cwp cws cwo
    printed "what it refuses is skipped" "cwp: pause autoneg: on -> off"
    expect "check of flow control forced off" 0 with_stand_ins "$prepare" --check cwp
    expect "undo of it" 0 with_stand_ins "$undo"
    fake_values >"$work/after"
    same "undo restores flow control without the negotiation" "$work/before" "$work/after"
}
