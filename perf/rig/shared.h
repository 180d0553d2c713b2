// SPDX-License-Identifier: GPL-2.0-or-later

// What the programs of the rig share: errors, lists and numbers on the command line, time, signals, packet sockets, bpf(2), and the frames
// that they send: UDP over IPv4, of a number of flows. To be included after _GNU_SOURCE is defined.

#ifndef COLOWIRE_RIG_SHARED_H
#define COLOWIRE_RIG_SHARED_H

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    // Many, so that what came for one side before the other was open holds up few of them.
    FLOWS = 256,
    FIRST_PORT = 40000,
    SERVER_PORT = 53,
    ETHERNET_BYTES = 14,
    SOURCE_PORT_AT = ETHERNET_BYTES + 20,
    HEADER_BYTES = 42,
    MOST_BYTES = 1514,
    NS_PER_SECOND = 1000000000,
};

static inline void die(const char *what, const char *why) {
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, why);
    exit(2);
}

static inline long number_of(const char *word, long least, long most) {
    char *rest;
    long number = strtol(word, &rest, 10);
    if (*rest != 0 || number < least || number > most) {
        fprintf(stderr, "%s: '%s' must be a number from %ld to %ld\n", program_invocation_short_name, word, least, most);
        exit(2);
    }
    return number;
}

// Splits a list at its commas, in place. Returns how many names it has.
static inline int split_list(char *list, const char **names, int most) {
    int count = 0;
    for (char *name = strtok(list, ","); name != NULL; name = strtok(NULL, ",")) {
        if (count == most)
            die(name, "too many interfaces in this list");
        names[count++] = name;
    }
    if (count == 0)
        die("an interface", "is missing");
    return count;
}

static inline int64_t time_ns(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

// Set by SIGTERM and SIGINT once end_on_signals was called.
static volatile sig_atomic_t ending;

static inline void end(int number) {
    (void)number;
    ending = 1;
}

static inline void end_on_signals(void) {
    signal(SIGTERM, end);
    signal(SIGINT, end);
}

static inline void pin_to(const char *cpu) {
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(number_of(cpu, 0, CPU_SETSIZE - 1), &cpus);
    if (sched_setaffinity(0, sizeof cpus, &cpus) < 0)
        die(cpu, "cannot run on this CPU");
}

static inline unsigned index_of(const char *name) {
    unsigned index = if_nametoindex(name);
    if (index == 0)
        die(name, strerror(errno));
    return index;
}

static inline void bind_packet_socket(int descriptor, const char *name, int protocol) {
    struct sockaddr_ll address = {
        .sll_family = AF_PACKET, .sll_protocol = htons((uint16_t)protocol), .sll_ifindex = (int)index_of(name)};
    if (bind(descriptor, (struct sockaddr *)&address, sizeof address) < 0)
        die(name, strerror(errno));
}

// A packet socket that is not bound yet: it hears nothing.
static inline int open_packet_socket(void) {
    int descriptor = socket(AF_PACKET, SOCK_RAW, 0);
    if (descriptor < 0)
        die("packet socket", strerror(errno));
    return descriptor;
}

// A packet socket that sends and hears nothing.
static inline int open_sender(const char *name) {
    int descriptor = open_packet_socket();
    bind_packet_socket(descriptor, name, 0);
    return descriptor;
}

// For those that include linux/bpf.h, which cannot stand beside pcap.h.
#ifdef __LINUX_BPF_H__
static inline int bpf(const char *what, int command, union bpf_attr *attributes) {
    int result = (int)syscall(SYS_bpf, command, attributes, sizeof *attributes);
    if (result < 0)
        die(what, strerror(errno));
    return result;
}
#endif

static inline void put16(uint8_t *at, unsigned value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

// The frame's address, port and IPv4 checksum: one of FLOWS flows.
static inline void set_flow(uint8_t *frame, unsigned flow) {
    uint8_t *ip = frame + ETHERNET_BYTES;
    ip[19] = (uint8_t)flow;
    put16(frame + SOURCE_PORT_AT, FIRST_PORT + flow);
    put16(ip + 10, 0);
    uint32_t sum = 0;
    for (int i = 0; i < 20; i += 2)
        sum += (uint32_t)(ip[i] << 8 | ip[i + 1]);
    sum = (sum & 0xffff) + (sum >> 16);
    put16(ip + 10, ~(sum + (sum >> 16)) & 0xffff);
}

// UDP to SERVER_PORT without a checksum; the payload begins at HEADER_BYTES.
static inline void make_frame(uint8_t *frame, int bytes) {
    static const uint8_t front[] = {0x52, 0x54, 0, 0, 0, 2, 0x52, 0x54, 0, 0, 0, 1, 0x08, 0, 0x45};
    memset(frame, 0, HEADER_BYTES);
    for (int i = HEADER_BYTES; i < bytes; i++)
        frame[i] = (uint8_t)(i * 7);
    memcpy(frame, front, sizeof front);
    uint8_t *ip = frame + ETHERNET_BYTES;
    put16(ip + 2, (unsigned)(bytes - ETHERNET_BYTES));
    ip[8] = 64;
    ip[9] = IPPROTO_UDP;
    ip[12] = ip[16] = 10;
    ip[15] = 1;
    put16(ip + 22, SERVER_PORT);
    put16(ip + 24, (unsigned)(bytes - ETHERNET_BYTES - 20));
    set_flow(frame, 0);
}

// The sum of a frame's words: it reads every byte, as a comparison does.
static inline unsigned long sum_of(const uint8_t *bytes, uint32_t length) {
    unsigned long sum = 0;
    for (uint32_t at = 0; at + sizeof sum <= length; at += sizeof sum) {
        unsigned long word;
        memcpy(&word, bytes + at, sizeof word);
        sum += word;
    }
    return sum;
}

#endif
