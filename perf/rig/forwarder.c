// SPDX-License-Identifier: GPL-2.0-or-later

// The bare wire: moves the frames of one interface to another with libpcap and compares nothing. It is what ColoWire's pcap ports
// are measured against, so it opens its interfaces as they do, reads both sides, and idles as the thread of an appliance does.
// It sends with pcap_inject, a call per frame, because that is what libpcap offers to whoever forwards with it: an anchor that
// sent in batches would be a packet socket's, not libpcap's.
//
// Usage: forwarder PRIMARY SECONDARY OUT CPU [read]. On SIGTERM or SIGINT it prints what it moved. With "read" it looks at every byte of
// the secondary's frames before it drops them: who compares cannot do with less.

#define _GNU_SOURCE
#include "shared.h"

#include <pcap/pcap.h>
#include <poll.h>

enum {
    // As ColoWire.Ports/PortLimits.cs: the buffer of a capture, and what an MTU of 1500 needs.
    CAPTURE_BUFFER_BYTES = 16 << 20,
    CAPTURE_SNAP_BYTES = 2048,
    // As ColoWire.Ports/Pcap/PcapInjectPort.cs: a handle that only sends captures next to nothing.
    INJECT_BUFFER_BYTES = 64 << 10,
    INJECT_SNAP_BYTES = 64,
    // As ColoWire.Engine/EngineLimits.cs: frames taken in one go.
    BATCH_FRAMES = 64,
    // As ColoWire/Hosting/DutyLoop.cs.
    EMPTY_ROUNDS_BEFORE_SLEEP = 256,
    WAIT_MS = 1,
    SLEEP_NS = 50000,
};

struct counters {
    pcap_t *out;
    unsigned long moved;
    unsigned long failed;
    unsigned long dropped;
    unsigned long sum;
};

static pcap_t *open_device(const char *name, int promiscuous, int snap_bytes, int buffer_bytes) {
    char error[PCAP_ERRBUF_SIZE];
    pcap_t *device = pcap_create(name, error);
    if (device == NULL)
        die(name, error);
    pcap_set_promisc(device, promiscuous);
    pcap_set_immediate_mode(device, 1);
    pcap_set_snaplen(device, snap_bytes);
    pcap_set_buffer_size(device, buffer_bytes);
    if (pcap_activate(device) < 0 || pcap_setnonblock(device, 1, error) < 0)
        die(name, pcap_geterr(device));
    return device;
}

static pcap_t *open_capture(const char *name) {
    pcap_t *device = open_device(name, 1, CAPTURE_SNAP_BYTES, CAPTURE_BUFFER_BYTES);
    int on = 1;
    setsockopt(pcap_get_selectable_fd(device), SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on);
    if (pcap_setdirection(device, PCAP_D_IN) < 0)
        die(name, pcap_geterr(device));
    return device;
}

static pcap_t *open_inject(const char *name) {
    pcap_t *device = open_device(name, 0, INJECT_SNAP_BYTES, INJECT_BUFFER_BYTES);
    struct bpf_program nothing;
    if (pcap_compile(device, &nothing, "ether proto 0xffff", 1, PCAP_NETMASK_UNKNOWN) < 0 || pcap_setfilter(device, &nothing) < 0)
        die(name, pcap_geterr(device));
    pcap_freecode(&nothing);
    return device;
}

static void forward(u_char *user, const struct pcap_pkthdr *header, const u_char *bytes) {
    struct counters *counters = (struct counters *)user;
    if (pcap_inject(counters->out, bytes, header->caplen) < 0)
        counters->failed++;
    else
        counters->moved++;
}

static void drop(u_char *user, const struct pcap_pkthdr *header, const u_char *bytes) {
    (void)header;
    (void)bytes;
    ((struct counters *)user)->dropped++;
}

static void read_and_drop(u_char *user, const struct pcap_pkthdr *header, const u_char *bytes) {
    struct counters *counters = (struct counters *)user;
    counters->sum += sum_of(bytes, header->caplen);
    counters->dropped++;
}

static void run(pcap_t *primary, pcap_t *secondary, pcap_handler secondary_handler, struct counters *counters) {
    struct pollfd inputs[] = {
        {.fd = pcap_get_selectable_fd(primary), .events = POLLIN},
        {.fd = pcap_get_selectable_fd(secondary), .events = POLLIN},
    };
    int empty_rounds = 0;
    int ready = 0;
    while (!ending) {
        int moved = pcap_dispatch(primary, BATCH_FRAMES, forward, (u_char *)counters);
        int dropped = pcap_dispatch(secondary, BATCH_FRAMES, secondary_handler, (u_char *)counters);
        if (moved < 0 || dropped < 0)
            die("cannot capture any more", pcap_geterr(moved < 0 ? primary : secondary));
        if (moved + dropped > 0) {
            empty_rounds = 0;
            ready = 0;
        } else if (++empty_rounds > EMPTY_ROUNDS_BEFORE_SLEEP) {
            empty_rounds = EMPTY_ROUNDS_BEFORE_SLEEP;
            if (ready)
                nanosleep(&(struct timespec){.tv_nsec = SLEEP_NS}, NULL);
            ready = !ready && poll(inputs, 2, WAIT_MS) > 0;
        }
    }
}

int main(int count, char **words) {
    int reads = count == 6 && strcmp(words[5], "read") == 0;
    if (count != 5 && !reads)
        die("usage", "forwarder PRIMARY SECONDARY OUT CPU [read]");
    pin_to(words[4]);
    end_on_signals();
    pcap_t *primary = open_capture(words[1]);
    pcap_t *secondary = open_capture(words[2]);
    struct counters counters = {.out = open_inject(words[3])};
    fprintf(stderr, "forwarder: ready\n");
    run(primary, secondary, reads ? read_and_drop : drop, &counters);
    printf("moved %lu failed %lu dropped %lu sum %lx\n", counters.moved, counters.failed, counters.dropped, counters.sum);
    pcap_close(primary);
    pcap_close(secondary);
    pcap_close(counters.out);
    return 0;
}
