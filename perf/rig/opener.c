// SPDX-License-Identifier: GPL-2.0-or-later

// Opens the TCP connections of which the generators send segments, as an appliance between a client and two replicas captures them: of each
// one the client's SYN, then the SYN-ACKs of both replicas, which have chosen different sequence numbers and timestamps.
//
// Usage: opener CLIENT PRIMARY SECONDARY tcp|tcp-timestamps

#define _GNU_SOURCE
#include "traffic.h"

enum {
    MAC_BYTES = 6,
    ADDRESS_BYTES = 4,
    // Time for the appliance to take a frame before the next one of the connection leaves.
    PAUSE_NS = 200000,
};

static void swap(uint8_t *one, uint8_t *other, size_t bytes) {
    uint8_t aside[MAC_BYTES];
    memcpy(aside, one, bytes);
    memcpy(one, other, bytes);
    memcpy(other, aside, bytes);
}

static void make_answer(uint8_t *frame, enum traffic traffic, uint32_t sequence, uint32_t timestamp) {
    make_segment(frame, traffic, headers_of(traffic), TCP_SYN | TCP_ACK, sequence, CLIENT_ISN + 1);
    if (traffic == TCP_TIMESTAMPS)
        put_timestamps(frame, timestamp, CLIENT_TIMESTAMP);
    uint8_t *ip = frame + ETHERNET_BYTES;
    swap(frame, frame + MAC_BYTES, MAC_BYTES);
    swap(ip + 12, ip + 16, ADDRESS_BYTES);
    swap(ip + 20, ip + 22, sizeof(uint16_t));
}

static void send_frame(int descriptor, const char *name, const uint8_t *frame, size_t bytes) {
    if (send(descriptor, frame, bytes, 0) < 0)
        die(name, strerror(errno));
    nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
}

int main(int count, char **words) {
    if (count != 5 || traffic_of(words[4]) == UDP)
        die("usage", "opener CLIENT PRIMARY SECONDARY tcp|tcp-timestamps");
    enum traffic traffic = traffic_of(words[4]);
    int client = open_sender(words[1]), primary = open_sender(words[2]), secondary = open_sender(words[3]);
    size_t bytes = (size_t)headers_of(traffic);
    uint8_t open[MOST_BYTES], of_primary[MOST_BYTES], of_secondary[MOST_BYTES];
    make_segment(open, traffic, (int)bytes, TCP_SYN, CLIENT_ISN, 0);
    if (traffic == TCP_TIMESTAMPS)
        put_timestamps(open, CLIENT_TIMESTAMP, 0);
    make_answer(of_primary, traffic, PRIMARY_ISN, PRIMARY_TIMESTAMP);
    make_answer(of_secondary, traffic, SECONDARY_ISN, SECONDARY_TIMESTAMP);
    for (unsigned flow = 0; flow < FLOWS; flow++) {
        unsigned port = first_port_of(traffic) + flow;
        put16(open + SOURCE_PORT_AT, port);
        put16(of_primary + SOURCE_PORT_AT + 2, port);
        put16(of_secondary + SOURCE_PORT_AT + 2, port);
        send_frame(client, words[1], open, bytes);
        send_frame(primary, words[2], of_primary, bytes);
        send_frame(secondary, words[3], of_secondary, bytes);
    }
    return 0;
}
