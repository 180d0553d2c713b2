// SPDX-License-Identifier: GPL-2.0-or-later

// Feeds pairs: the same UDP frames into two interfaces, in bursts, at a rate. No two frames of a run are alike, so a comparer that
// pairs the wrong ones is found out. It sends with sendmmsg on packet sockets, the fastest that needs no driver's help.
//
// Usage: feeder PRIMARY SECONDARY FRAME_BYTES PAIRS PAIRS_PER_SECOND BURST. Prints the rate that it reached, in pairs a second.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum {
    FLOWS = 256,
    // Pairs that go to one side before the other has its turn: as close as the two replicas' bursts are on a wire.
    CHUNK_PAIRS = 32,
    ETHERNET_BYTES = 14,
    HEADER_BYTES = 42,
    LEAST_BYTES = HEADER_BYTES + sizeof(uint32_t),
    MOST_BYTES = 1514,
    NS_PER_SECOND = 1000000000,
};

static uint8_t frames[CHUNK_PAIRS][MOST_BYTES];
static struct iovec parts[CHUNK_PAIRS];
static struct mmsghdr messages[CHUNK_PAIRS];

static void die(const char *what, const char *why) {
    fprintf(stderr, "feeder: %s: %s\n", what, why);
    exit(2);
}

static long now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

static int open_socket(const char *name) {
    // Protocol 0: it sends and hears nothing.
    int descriptor = socket(AF_PACKET, SOCK_RAW, 0);
    struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(name)};
    if (descriptor < 0 || address.sll_ifindex == 0 || bind(descriptor, (struct sockaddr *)&address, sizeof address) < 0)
        die(name, strerror(errno));
    return descriptor;
}

static uint16_t checksum(const uint8_t *header) {
    uint32_t sum = 0;
    for (int i = 0; i < 20; i += 2)
        sum += (uint32_t)(header[i] << 8 | header[i + 1]);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~(sum + (sum >> 16));
}

static void put16(uint8_t *at, unsigned value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void make_frame(uint8_t *frame, int bytes) {
    static const uint8_t front[] = {0x52, 0x54, 0, 0, 0, 2, 0x52, 0x54, 0, 0, 0, 1, 0x08, 0, 0x45};
    for (int i = HEADER_BYTES; i < bytes; i++)
        frame[i] = (uint8_t)(i * 7);
    memcpy(frame, front, sizeof front);
    uint8_t *ip = frame + ETHERNET_BYTES;
    put16(ip + 2, (unsigned)(bytes - ETHERNET_BYTES));
    ip[8] = 64;
    ip[9] = IPPROTO_UDP;
    ip[12] = ip[16] = 10;
    ip[15] = 1;
    put16(ip + 20, 53);
    put16(ip + 24, (unsigned)(bytes - ETHERNET_BYTES - 20));
}

// The flow is one of FLOWS by its address and port; the payload begins with the frame's number.
static void number_frame(uint8_t *frame, uint32_t number) {
    uint8_t *ip = frame + ETHERNET_BYTES;
    unsigned flow = number % FLOWS;
    ip[19] = (uint8_t)flow;
    put16(ip + 10, 0);
    put16(ip + 10, checksum(ip));
    put16(ip + 22, 40000 + flow);
    number = htonl(number);
    memcpy(frame + HEADER_BYTES, &number, sizeof number);
}

static void send_all(int descriptor, const char *name, unsigned count) {
    for (unsigned sent = 0; sent < count;) {
        int now = sendmmsg(descriptor, messages + sent, count - sent, 0);
        if (now < 0 && errno != ENOBUFS && errno != EINTR)
            die(name, strerror(errno));
        sent += now < 0 ? 0 : (unsigned)now;
    }
}

static void await(long time_ns) {
    // Sleeps for most of it: a generator that spins would take the CPU's turbo from the other core.
    long left_ns = time_ns - now_ns();
    if (left_ns > 200000)
        nanosleep(&(struct timespec){.tv_sec = (left_ns - 100000) / NS_PER_SECOND, .tv_nsec = (left_ns - 100000) % NS_PER_SECOND}, NULL);
    while (now_ns() < time_ns) {
    }
}

static long number_of(const char *word, long least, long most) {
    char *rest;
    long number = strtol(word, &rest, 10);
    if (*rest != 0 || number < least || number > most) {
        fprintf(stderr, "feeder: '%s' must be a number from %ld to %ld\n", word, least, most);
        exit(2);
    }
    return number;
}

int main(int count, char **words) {
    if (count != 7)
        die("usage", "feeder PRIMARY SECONDARY FRAME_BYTES PAIRS PAIRS_PER_SECOND BURST");
    int primary = open_socket(words[1]);
    int secondary = open_socket(words[2]);
    int bytes = (int)number_of(words[3], LEAST_BYTES, MOST_BYTES);
    long pairs = number_of(words[4], 1, UINT32_MAX);
    double rate = (double)number_of(words[5], 1, NS_PER_SECOND);
    long burst = number_of(words[6], 1, UINT32_MAX);
    for (int i = 0; i < CHUNK_PAIRS; i++) {
        make_frame(frames[i], bytes);
        parts[i] = (struct iovec){.iov_base = frames[i], .iov_len = (size_t)bytes};
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
    }
    // Numbers of one run are not those of the run before, whose last frames a comparer may still remember.
    uint32_t number = (uint32_t)(now_ns() / 1000);
    long start_ns = now_ns();
    for (long sent = 0; sent < pairs;) {
        if (sent % burst == 0)
            await(start_ns + (long)((double)sent / rate * NS_PER_SECOND));
        long chunk = burst - sent % burst < CHUNK_PAIRS ? burst - sent % burst : CHUNK_PAIRS;
        if (chunk > pairs - sent)
            chunk = pairs - sent;
        for (long i = 0; i < chunk; i++)
            number_frame(frames[i], number++);
        send_all(primary, words[1], (unsigned)chunk);
        send_all(secondary, words[2], (unsigned)chunk);
        sent += chunk;
    }
    printf("%.0f\n", (double)pairs / (double)(now_ns() - start_ns) * NS_PER_SECOND);
    return 0;
}
