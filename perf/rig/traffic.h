// SPDX-License-Identifier: GPL-2.0-or-later

// What the generators send: UDP, or the segments of TCP connections that opener.c has opened, with or without timestamps. The segments come
// from a client; those of the least length are pure ACKs, the others carry data.

#ifndef COLOWIRE_RIG_TRAFFIC_H
#define COLOWIRE_RIG_TRAFFIC_H

#include "shared.h"

enum {
    FLOW_BITS = 8,
    // The least Ethernet frame without its checksum: the bytes after the TCP header are padding.
    LEAST_FRAME_BYTES = 60,
    TCP_HEADER_BYTES = 20,
    TIMESTAMP_BYTES = 12,
    SEQUENCE_AT = SOURCE_PORT_AT + 4,
    // The replicas' initial sequence numbers and timestamps differ, so that a client's frame is translated for the secondary.
    CLIENT_ISN = 1000,
    PRIMARY_ISN = 2000000,
    SECONDARY_ISN = 1700000000,
    CLIENT_TIMESTAMP = 11,
    PRIMARY_TIMESTAMP = 22,
    SECONDARY_TIMESTAMP = 33333,
};
_Static_assert(FLOWS == 1 << FLOW_BITS, "the last digits of a frame's number are its flow");

enum traffic { UDP, TCP, TCP_TIMESTAMPS };

enum tcp_flags { TCP_SYN = 0x02, TCP_ACK = 0x10 };

// What differs between the frames of a run: frame i is of flow i % FLOWS, and has the big-endian number first + (i >> shift) * step at an
// offset.
struct numbering {
    enum traffic traffic;
    unsigned at;
    uint32_t first;
    unsigned shift;
    uint32_t step;
    unsigned first_port;
};

static inline enum traffic traffic_of(const char *word) {
    static const char *const names[] = {[UDP] = "udp", [TCP] = "tcp", [TCP_TIMESTAMPS] = "tcp-timestamps"};
    for (enum traffic traffic = UDP; traffic <= TCP_TIMESTAMPS; traffic++)
        if (strcmp(word, names[traffic]) == 0)
            return traffic;
    die(word, "is no traffic; allowed are udp, tcp, tcp-timestamps");
    return UDP;
}

static inline void put32(uint8_t *at, uint32_t value) {
    put16(at, value >> 16);
    put16(at + 2, value & 0xffff);
}

// The connections with timestamps are others than those without.
static inline unsigned first_port_of(enum traffic traffic) { return FIRST_PORT + (traffic == TCP_TIMESTAMPS ? FLOWS : 0); }

static inline int headers_of(enum traffic traffic) {
    return traffic == UDP ? HEADER_BYTES : SOURCE_PORT_AT + TCP_HEADER_BYTES + (traffic == TCP_TIMESTAMPS ? TIMESTAMP_BYTES : 0);
}

static inline int payload_of(enum traffic traffic, int bytes) { return bytes > LEAST_FRAME_BYTES ? bytes - headers_of(traffic) : 0; }

// A segment without a valid checksum: ColoWire updates a checksum and never verifies it, and nothing else on the way reads it.
static inline void make_segment(uint8_t *frame, enum traffic traffic, int bytes, unsigned flags, uint32_t sequence, uint32_t ack) {
    make_frame(frame, bytes);
    uint8_t *ip = frame + ETHERNET_BYTES, *tcp = frame + SOURCE_PORT_AT;
    ip[9] = IPPROTO_TCP;
    put16(ip + 2, (unsigned)(headers_of(traffic) + payload_of(traffic, bytes) - ETHERNET_BYTES));
    set_flow(frame, 0);
    put32(tcp + 4, sequence);
    put32(tcp + 8, ack);
    tcp[12] = (uint8_t)((headers_of(traffic) - SOURCE_PORT_AT) / 4 << 4);
    tcp[13] = (uint8_t)flags;
    put16(tcp + 14, 0xffff);
    put32(tcp + 16, 0);
}

// NOP, NOP and the option of RFC 7323, section 3.2.
static inline void put_timestamps(uint8_t *frame, uint32_t value, uint32_t echo) {
    uint8_t *options = frame + SOURCE_PORT_AT + TCP_HEADER_BYTES;
    put32(options, 0x0101080a);
    put32(options + 4, value);
    put32(options + 8, echo);
}

// The frame that a generator numbers and sends again and again.
static inline void make_traffic(uint8_t *frame, enum traffic traffic, int bytes) {
    if (traffic == UDP) {
        make_frame(frame, bytes);
        return;
    }
    make_segment(frame, traffic, bytes, TCP_ACK, CLIENT_ISN + 1, PRIMARY_ISN + 1);
    if (traffic == TCP_TIMESTAMPS)
        put_timestamps(frame, CLIENT_TIMESTAMP, PRIMARY_TIMESTAMP);
}

static inline struct numbering numbering_of(enum traffic traffic, int bytes) {
    struct numbering numbering = {.traffic = traffic, .first_port = first_port_of(traffic)};
    if (traffic == UDP) {
        // Numbers of one run are not those of the run before, whose last frames a comparer may still remember.
        numbering.at = HEADER_BYTES;
        numbering.first = (uint32_t)(time_ns(CLOCK_MONOTONIC) / 1000);
        numbering.step = 1;
    } else {
        // Each connection sends its bytes in order, in each run from the first one on.
        numbering.at = SEQUENCE_AT;
        numbering.first = CLIENT_ISN + 1;
        numbering.shift = FLOW_BITS;
        numbering.step = (uint32_t)payload_of(traffic, bytes);
    }
    return numbering;
}

static inline void number_frame(uint8_t *frame, const struct numbering *numbering, uint32_t i) {
    if (numbering->traffic == UDP)
        set_flow(frame, i % FLOWS);
    else
        put16(frame + SOURCE_PORT_AT, numbering->first_port + i % FLOWS);
    put32(frame + numbering->at, numbering->first + (i >> numbering->shift) * numbering->step);
}

#endif
