// SPDX-License-Identifier: GPL-2.0-or-later

// Feeds pairs: the same frames into two interfaces, in bursts, at a rate; or a client's frames into one. No two UDP frames of a run are
// alike, so a comparer that pairs the wrong ones is found out. It sends with sendmmsg on packet sockets, the fastest that needs no driver's
// help.
//
// Usage: feeder INTERFACE[,INTERFACE] FRAME_BYTES PAIRS PAIRS_PER_SECOND BURST udp|tcp|tcp-timestamps. Prints the rate that it reached, in
// pairs a second. opener.c opens the TCP connections.

#define _GNU_SOURCE
#include "traffic.h"

enum {
    SIDES = 2,
    // Pairs that go to one side before the next ones go to the other: as close as the two replicas' bursts are on a wire.
    CHUNK_PAIRS = 32,
    LEAST_BYTES = HEADER_BYTES + sizeof(uint32_t),
};

static uint8_t frames[CHUNK_PAIRS][MOST_BYTES];
static struct iovec parts[CHUNK_PAIRS];
static struct mmsghdr messages[CHUNK_PAIRS];

static void send_all(int descriptor, const char *name, unsigned count) {
    for (unsigned sent = 0; sent < count;) {
        int now = sendmmsg(descriptor, messages + sent, count - sent, 0);
        if (now < 0 && errno != ENOBUFS && errno != EINTR)
            die(name, strerror(errno));
        sent += now < 0 ? 0 : (unsigned)now;
    }
}

static void await(int64_t due_ns) {
    // Sleeps for most of it: a generator that spins would take the CPU's turbo from the other core.
    int64_t left_ns = due_ns - time_ns(CLOCK_MONOTONIC);
    if (left_ns > 200000)
        nanosleep(&(struct timespec){.tv_sec = (left_ns - 100000) / NS_PER_SECOND, .tv_nsec = (left_ns - 100000) % NS_PER_SECOND}, NULL);
    while (time_ns(CLOCK_MONOTONIC) < due_ns) {
    }
}

int main(int count, char **words) {
    if (count != 7)
        die("usage", "feeder INTERFACE[,INTERFACE] FRAME_BYTES PAIRS PAIRS_PER_SECOND BURST udp|tcp|tcp-timestamps");
    const char *names[SIDES];
    int senders[SIDES];
    int sides = split_list(words[1], names, SIDES);
    for (int side = 0; side < sides; side++)
        senders[side] = open_sender(names[side]);
    enum traffic traffic = traffic_of(words[6]);
    int bytes = (int)number_of(words[2], traffic == UDP ? (int)LEAST_BYTES : headers_of(traffic), MOST_BYTES);
    long pairs = number_of(words[3], 1, UINT32_MAX);
    double rate = (double)number_of(words[4], 1, NS_PER_SECOND);
    long burst = number_of(words[5], 1, UINT32_MAX);
    for (int i = 0; i < CHUNK_PAIRS; i++) {
        make_traffic(frames[i], traffic, bytes);
        parts[i] = (struct iovec){.iov_base = frames[i], .iov_len = (size_t)bytes};
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
    }
    struct numbering numbering = numbering_of(traffic, bytes);
    int64_t start_ns = time_ns(CLOCK_MONOTONIC);
    for (long sent = 0; sent < pairs;) {
        if (sent % burst == 0)
            await(start_ns + (int64_t)((double)sent / rate * NS_PER_SECOND));
        long chunk = burst - sent % burst < CHUNK_PAIRS ? burst - sent % burst : CHUNK_PAIRS;
        if (chunk > pairs - sent)
            chunk = pairs - sent;
        for (long i = 0; i < chunk; i++)
            number_frame(frames[i], &numbering, (uint32_t)(sent + i));
        for (int side = 0; side < sides; side++)
            send_all(senders[side], names[side], (unsigned)chunk);
        sent += chunk;
    }
    printf("%.0f\n", (double)pairs / (double)(time_ns(CLOCK_MONOTONIC) - start_ns) * NS_PER_SECOND);
    return 0;
}
