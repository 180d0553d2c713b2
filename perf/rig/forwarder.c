// SPDX-License-Identifier: GPL-2.0-or-later

// The bare wire: moves the frames of one interface to another with libpcap and compares nothing. It is what ColoWire's pcap ports
// are measured against, so it opens its interfaces as they do, reads both sides, and idles as the thread of an appliance does.
// It sends with pcap_inject, a call per frame, because that is what libpcap offers to whoever forwards with it: an anchor that
// sent in batches would be a packet socket's, not libpcap's.
//
// Usage: forwarder PRIMARY SECONDARY OUT CPU [read|mirror]. On SIGTERM or SIGINT it prints what it moved. With "read" it looks at every byte
// of the secondary's frames before it drops them: who compares cannot do with less. With "mirror" it sends each frame of OUT to PRIMARY and
// to SECONDARY, and captures nothing else.

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
    MOST_DEVICES = 2,
};

struct input {
    pcap_t *device;
    pcap_handler handler;
};

struct counters {
    pcap_t *outs[MOST_DEVICES];
    int out_count;
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
    for (int i = 0; i < counters->out_count; i++)
        if (pcap_inject(counters->outs[i], bytes, header->caplen) < 0)
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

static void run(const struct input *inputs, int input_count, struct counters *counters) {
    struct pollfd polled[MOST_DEVICES];
    for (int i = 0; i < input_count; i++)
        polled[i] = (struct pollfd){.fd = pcap_get_selectable_fd(inputs[i].device), .events = POLLIN};
    int empty_rounds = 0;
    int ready = 0;
    while (!ending) {
        int work = 0;
        for (int i = 0; i < input_count; i++) {
            int taken = pcap_dispatch(inputs[i].device, BATCH_FRAMES, inputs[i].handler, (u_char *)counters);
            if (taken < 0)
                die("cannot capture any more", pcap_geterr(inputs[i].device));
            work += taken;
        }
        if (work > 0) {
            empty_rounds = 0;
            ready = 0;
        } else if (++empty_rounds > EMPTY_ROUNDS_BEFORE_SLEEP) {
            empty_rounds = EMPTY_ROUNDS_BEFORE_SLEEP;
            if (ready)
                nanosleep(&(struct timespec){.tv_nsec = SLEEP_NS}, NULL);
            ready = !ready && poll(polled, (nfds_t)input_count, WAIT_MS) > 0;
        }
    }
}

int main(int count, char **words) {
    int reads = count == 6 && strcmp(words[5], "read") == 0;
    int mirrors = count == 6 && strcmp(words[5], "mirror") == 0;
    if (count != 5 && !reads && !mirrors)
        die("usage", "forwarder PRIMARY SECONDARY OUT CPU [read|mirror]");
    pin_to(words[4]);
    end_on_signals();
    struct input inputs[MOST_DEVICES];
    struct counters counters = {.out_count = mirrors ? 2 : 1};
    int input_count = mirrors ? 1 : 2;
    if (mirrors) {
        inputs[0] = (struct input){open_capture(words[3]), forward};
        counters.outs[0] = open_inject(words[1]);
        counters.outs[1] = open_inject(words[2]);
    } else {
        inputs[0] = (struct input){open_capture(words[1]), forward};
        inputs[1] = (struct input){open_capture(words[2]), reads ? read_and_drop : drop};
        counters.outs[0] = open_inject(words[3]);
    }
    fprintf(stderr, "forwarder: ready\n");
    run(inputs, input_count, &counters);
    printf("moved %lu failed %lu dropped %lu sum %lx\n", counters.moved, counters.failed, counters.dropped, counters.sum);
    for (int i = 0; i < input_count; i++)
        pcap_close(inputs[i].device);
    for (int i = 0; i < counters.out_count; i++)
        pcap_close(counters.outs[i]);
    return 0;
}
