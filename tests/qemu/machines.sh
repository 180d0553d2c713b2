#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2034,SC2154 # what sources this uses what it sets, and has set what it uses
# To be sourced by lab.sh: the machines of the tests, what they are given on their command lines, and what starts COLO between them.
# command-lines.sh prints the same for native-config/QEMU.md.
#
# Choices, with what they are unless set before it is sourced:
qemu_release=${qemu_release:-7}   # 7: the machine's own QEMU; 11: the one of qemu11.sh
colowire=${colowire:-}            # the program, published or built; empty: the one that the tests build
comparer=${comparer:-colowire}    # colowire, or qemu for -object colo-compare in the very same place
vnet=${vnet:-off}                 # on: the guests leave checksums to their NIC, frames travel with a vnet header
colo=${colo:-off}                 # on: the secondary waits to become the primary's copy (needs 11)
wire=${wire:-sockets}             # bridge: a bridge host; QEMU has no netfilter sockets, and ColoWire captures on the taps
inbound=${inbound:-mirror}        # on a bridge host, mirror: ColoWire carries the clients' frames; none: the host's bridge does
ports=${ports:-pcap}              # the kind of ColoWire's ports on a bridge host: pcap or xdp
sockets=${sockets:-unix}          # tcp: the primary's sockets are TCP on lo too, so that a capture there sees all
receive_bytes=${receive_bytes:-}   # of each TCP receive buffer of the guests; empty: Linux sizes them
requester=${requester:-none}      # qmp: ColoWire asks the primary's QEMU for checkpoints; none: nobody

# What runs ColoWire, with its own arguments; empty: nothing.
declare -a colowire_launcher=()

readonly guest_address=192.0.2.10 client_address=192.0.2.1 guest_mac=52:54:00:12:34:56
declare -Ar socket_ports=([primary_in]=9001 [outdev]=9005 [primary.colowire.qmp]=9006)
# Where the secondary finds the others, and where those listen: all of it is one host here.
primary_host=127.0.0.1 secondary_host=127.0.0.1 colowire_host=127.0.0.1

# guest_arguments NAME TAP: what both guests have in common, the machine, the kernel, the network card
guest_arguments() {
    local name=$1 tap=$2
    arguments=(-name "$name" -nodefaults -no-user-config -no-reboot -display none -accel tcg -cpu max -m 128
        -kernel "$guest/vmlinuz" -initrd "$guest/initrd"
        -append "console=ttyS0 quiet panic=-1 ipv6.disable=1 colowire.ip=$guest_address/24${receive_bytes:+ colowire.receive=$receive_bytes}"
        -serial "file:$work/$name.serial"
        -qmp "unix:$work/$name.qmp,server=on,wait=off")
    guest_card "$tap"
}

guest_card() {
    local card=virtio-net-pci,netdev=net0,mac=$guest_mac,romfile=
    # Not segmentation: a frame of 64 KiB leaves when the secondary has sent all of it, but the secondary may send the rest only when
    # the client has acknowledged its beginning. Both wait then until a checkpoint ends it, with QEMU's comparer too.
    if [ "$vnet" = on ]; then card+=,host_tso4=off,host_tso6=off; fi
    arguments+=(-netdev "tap,id=net0,ifname=$1,script=no,downscript=no,vhost=off,vnet_hdr=$vnet" -device "$card")
}

vnet_option() {
    if [ "$vnet" = on ]; then echo ,vnet_hdr_support=on; fi
}

# endpoint_at NAME: a socket of the primary, as ColoWire names it; stream_at and chardev_at, as QEMU does
endpoint_at() {
    if [ "$sockets" = tcp ]; then echo "127.0.0.1:${socket_ports[$1]}"; else echo "unix:$work/$1"; fi
}

stream_at() {
    if [ "$sockets" = tcp ]; then echo "tcp:127.0.0.1:${socket_ports[$1]}"; else echo "unix:$work/$1"; fi
}

chardev_at() {
    if [ "$sockets" = tcp ]; then echo "host=127.0.0.1,port=${socket_ports[$1]}"; else echo "path=$work/$1"; fi
}

# primary_network: adds what mirrors, redirects and compares to the arguments of the primary
primary_network() {
    local header
    header=$(vnet_option)
    arguments+=(-qmp "$(stream_at primary.colowire.qmp),server=on,wait=off")
    if [ "$wire" = bridge ]; then return; fi
    arguments+=(-chardev "socket,id=mirror0,host=$primary_host,port=9003,server=on,wait=off"
        -chardev "socket,id=compare0,$(chardev_at primary_in),server=on,wait=off"
        -chardev "socket,id=compare_out,$(chardev_at outdev),server=on,wait=off"
        -object "filter-mirror,id=m0,netdev=net0,queue=tx,outdev=mirror0$header"
        -object "filter-redirector,id=redire0,netdev=net0,queue=rx,indev=compare_out$header"
        -object "filter-redirector,id=redire1,netdev=net0,queue=rx,outdev=compare0$header")
    if [ "$comparer" = qemu ]; then
        # shellcheck disable=SC2054 # QEMU's commas
        arguments+=(-chardev "socket,id=compare1,host=$colowire_host,port=9004,server=on,wait=off"
            -chardev "socket,id=compare0-0,$(chardev_at primary_in)"
            -chardev "socket,id=compare_out0,$(chardev_at outdev)"
            -object iothread,id=iothread1
            -object "colo-compare,id=comp0,primary_in=compare0-0,secondary_in=compare1,outdev=compare_out0,iothread=iothread1$header")
    fi
}

start_primary() {
    local arguments=()
    guest_arguments primary tapp
    primary_network
    start_qemu primary "${arguments[@]}"
    open_monitor primary
}

# secondary_network: the same of the secondary
secondary_network() {
    local header again=reconnect-ms=200
    header=$(vnet_option)
    if [ "$qemu_release" = 7 ]; then again=reconnect=1; fi
    if [ "$wire" = sockets ]; then
        arguments+=(-chardev "socket,id=red0,host=$primary_host,port=9003,$again"
            -chardev "socket,id=red1,host=$colowire_host,port=9004,$again"
            -object "filter-redirector,id=f1,netdev=net0,queue=tx,indev=red0$header"
            -object "filter-redirector,id=f2,netdev=net0,queue=rx,outdev=red1$header")
    fi
    # A secondary chooses TCP sequence numbers of its own for a new connection: this gives it the primary's. With inbound: mirror
    # ColoWire translates them.
    if [ "$wire" = sockets ] || [ "$inbound" = none ]; then
        arguments+=(-object "filter-rewriter,id=rew0,netdev=net0,queue=all$header")
    fi
    if [ "$colo" = on ]; then arguments+=(-incoming "tcp:$secondary_host:9998"); fi
}

start_secondary() {
    local arguments=()
    guest_arguments secondary taps
    secondary_network
    start_qemu secondary "${arguments[@]}"
    open_monitor secondary
}

colowire_arguments() {
    local header=() asked=none
    if [ "$vnet" = on ]; then header=(--vnet-hdr-support true); fi
    if [ "$requester" = qmp ]; then asked=qmp:$(endpoint_at primary.colowire.qmp); fi
    if [ "$wire" = bridge ]; then
        arguments=(run --primary-in "$ports:tapp" --secondary-in "$ports:taps" --outdev "$ports:outside" --requester "$asked")
        if [ "$inbound" = mirror ]; then arguments+=(--inbound mirror); fi
        if [ "$ports" = xdp ]; then arguments+=(--xdp-mode generic); fi
        return
    fi
    arguments=(run --primary-in "stream:$(endpoint_at primary_in)" --secondary-in "stream:$colowire_host:9004,server,peer=$secondary_host"
        --outdev "stream:$(endpoint_at outdev)" --requester "$asked" "${header[@]}")
}

# start_colowire: with $idle, $checkpoint_share, $compare_timeout_ms and $failwire_timeout_ms, where they are set, as options
start_colowire() {
    local arguments
    colowire_arguments
    if [ -n "${idle:-}" ]; then arguments+=(--idle "$idle"); fi
    if [ -n "${checkpoint_share:-}" ]; then arguments+=(--checkpoint-share "$checkpoint_share"); fi
    if [ -n "${compare_timeout_ms:-}" ]; then arguments+=(--compare-timeout "$compare_timeout_ms"); fi
    if [ -n "${failwire_timeout_ms:-}" ]; then arguments+=(--failwire-timeout-ms "$failwire_timeout_ms"); fi
    # What one that ran before has counted is not its own.
    : >"$work/colowire.out"
    # Its counters go to colowire.out, one JSON object a second, what it has to say to colowire.log.
    start colowire "${colowire_launcher[@]}" "$colowire" "${arguments[@]}" --control-socket "$work/control" --json
    until_true 60 longer_than "$work/colowire.out" 0 || fatal "ColoWire starts: no counters after 60 s"
}

migration_is() {
    [ "$(qmp primary query-migrate | jq -r .status)" = "$1" ]
}

# ctl ORDER...: to ColoWire by its control socket; what it says is in $work/ctl.log
ctl() {
    inside timeout 30 "$colowire" ctl --socket "$work/control" "$@" >"$work/ctl.log" 2>&1
}

# colo_commands: which QEMU is told what by QMP, so that the secondary becomes the primary's copy, and again at each checkpoint; there are
# none but those that are asked for
colo_commands() {
    local capabilities='{"capabilities": [{"capability": "x-colo", "state": true}, {"capability": "return-path", "state": true}, {"capability": "events", "state": true}]}'
    cat <<END
secondary migrate-set-capabilities $capabilities
primary migrate-set-capabilities $capabilities
primary migrate-set-parameters {"x-checkpoint-delay": 600000, "max-bandwidth": 4000000000}
primary migrate {"uri": "tcp:$secondary_host:9998"}
END
}

# return_commands: what the primary's QEMU is told when ColoWire has come back: a filter-redirector whose indev was closed never reads
# again, though the socket is open. Before redire1, as it was: what it lets out is not to be redirected once more.
return_commands() {
    cat <<END
primary object-del {"id": "redire0"}
primary object-add {"qom-type": "filter-redirector", "id": "redire0", "netdev": "net0", "queue": "rx", "indev": "compare_out", "position": "id=redire1", "insert": "before"$(if [ "$vnet" = on ]; then echo ', "vnet_hdr_support": true'; fi)}
END
}

# take_over_commands: what the secondary's QEMU is told when the primary is lost: to speak for itself on its own tap
take_over_commands() {
    cat <<END
secondary object-del {"id": "f2"}
secondary object-del {"id": "f1"}
secondary x-colo-lost-heartbeat {}
END
}

# tell FUNCTION: both QEMUs what it prints
tell() {
    local side command json
    while read -r side command json; do qmp "$side" "$command" "$json" >/dev/null; done < <("$1")
}

start_colo() {
    tell colo_commands
    until_true 60 migration_is colo || fatal "COLO begins: query-migrate says '$(qmp primary query-migrate | jq -r .status)' after 60 s"
}
