// SPDX-License-Identifier: GPL-2.0-or-later

// Sends pairs that bear a number and the time, one at a time and at a rate, and listens where they come out: how long each was on its
// way, which never came, which came twice, and when the first one came. Or a client's frames, which come out at both replicas.
//
// One thread does both, so that nobody is woken: between two pairs it looks into the rings of packet sockets. The kernel stamps what it
// puts there, in the time of CLOCK_REALTIME, so the pairs bear that time too; when this thread gets to look does not matter. The twin
// for the secondary leaves first, as otherwise a comparer would be charged for the time that this takes.
//
// Usage: prober INTERFACE[,SECONDARY] SINK[,SINK] FRAME_BYTES PAIRS PAIRS_PER_SECOND [first]. With "first" it ends when one has come to the
// first sink. It takes no longer than that many pairs take at that rate; where it was held up it sends fewer. Prints one line of JSON for
// each sink; times are in ns.

#define _GNU_SOURCE
#include "shared.h"

#include <net/ethernet.h>
#include <sys/mman.h>

enum {
    LEAST_BYTES = 60,
    // A third of a second at 50,000 frames a second, of which only the front is kept.
    RING_SLOTS = 16384,
    SLOT_BYTES = 256,
    BLOCK_BYTES = 1 << 16,
    PATIENCE_NS = 200000000,
    MOST_ENDS = 2,
};

// What each pair's payload begins with, in network order but for the time, which nobody else reads.
struct mark {
    uint32_t number;
    int64_t sent_ns;
} __attribute__((packed));

struct arrivals {
    const char *name;
    int sink;
    uint8_t *ring;
    unsigned slot;
    uint32_t first_number;
    long pairs;
    int32_t *latency_ns;
    long came;
    long repeated;
    int64_t first_ns;
};

// A packet socket that puts what arrives into a ring, with the kernel's time.
static int open_sink(const char *name) {
    int descriptor = open_packet_socket();
    struct tpacket_req ring = {
        .tp_block_size = BLOCK_BYTES, .tp_block_nr = RING_SLOTS / (BLOCK_BYTES / SLOT_BYTES), .tp_frame_size = SLOT_BYTES,
        .tp_frame_nr = RING_SLOTS};
    if (setsockopt(descriptor, SOL_PACKET, PACKET_VERSION, &(int){TPACKET_V2}, sizeof(int)) < 0 ||
        setsockopt(descriptor, SOL_PACKET, PACKET_IGNORE_OUTGOING, &(int){1}, sizeof(int)) < 0 ||
        setsockopt(descriptor, SOL_PACKET, PACKET_RX_RING, &ring, sizeof ring) < 0)
        die(name, strerror(errno));
    bind_packet_socket(descriptor, name, ETH_P_ALL);
    return descriptor;
}

static void mark_frame(uint8_t *frame, uint32_t number) {
    set_flow(frame, number % FLOWS);
    struct mark mark = {.number = htonl(number), .sent_ns = time_ns(CLOCK_REALTIME)};
    memcpy(frame + HEADER_BYTES, &mark, sizeof mark);
}

static void send_frame(int descriptor, const char *name, const uint8_t *frame, int bytes) {
    while (send(descriptor, frame, (size_t)bytes, 0) < 0)
        if (errno != ENOBUFS && errno != EINTR)
            die(name, strerror(errno));
}

static void note_arrival(struct arrivals *arrivals, const struct tpacket2_hdr *header) {
    const uint8_t *frame = (const uint8_t *)header + header->tp_mac;
    struct mark mark;
    if (header->tp_snaplen < HEADER_BYTES + sizeof mark || frame[ETHERNET_BYTES + 9] != IPPROTO_UDP)
        return;
    memcpy(&mark, frame + HEADER_BYTES, sizeof mark);
    uint32_t number = ntohl(mark.number) - arrivals->first_number;
    // Another run's: a frame that was held until now.
    if (number >= arrivals->pairs)
        return;
    if (arrivals->latency_ns[number] != 0) {
        arrivals->repeated++;
        return;
    }
    int64_t came_ns = (int64_t)header->tp_sec * NS_PER_SECOND + header->tp_nsec;
    int64_t latency_ns = came_ns - mark.sent_ns;
    arrivals->latency_ns[number] = latency_ns < 1 ? 1 : latency_ns > INT32_MAX ? INT32_MAX : (int32_t)latency_ns;
    if (arrivals->came++ == 0)
        arrivals->first_ns = came_ns;
}

static int look(struct arrivals *arrivals) {
    int seen = 0;
    for (;; seen++) {
        struct tpacket2_hdr *header = (struct tpacket2_hdr *)(arrivals->ring + (size_t)arrivals->slot * SLOT_BYTES);
        if (!(__atomic_load_n(&header->tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER))
            return seen;
        note_arrival(arrivals, header);
        __atomic_store_n(&header->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
        arrivals->slot = (arrivals->slot + 1) % RING_SLOTS;
    }
}

static int look_at_all(struct arrivals *arrivals, int sinks) {
    int seen = 0;
    for (int i = 0; i < sinks; i++)
        seen += look(&arrivals[i]);
    return seen;
}

static int have_all_come(const struct arrivals *arrivals, int sinks, long sent) {
    for (int i = 0; i < sinks; i++)
        if (arrivals[i].came < sent)
            return 0;
    return 1;
}

static void open_arrivals(struct arrivals *arrivals, const char *name, uint32_t first_number, long pairs) {
    *arrivals = (struct arrivals){.name = name, .sink = open_sink(name), .pairs = pairs, .first_number = first_number};
    arrivals->ring = mmap(NULL, RING_SLOTS * SLOT_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, arrivals->sink, 0);
    arrivals->latency_ns = calloc((size_t)pairs, sizeof *arrivals->latency_ns);
    if (arrivals->ring == MAP_FAILED || arrivals->latency_ns == NULL)
        die("memory", strerror(errno));
}

static void check_overruns(const struct arrivals *arrivals) {
    struct tpacket_stats unseen;
    if (getsockopt(arrivals->sink, SOL_PACKET, PACKET_STATISTICS, &unseen, &(socklen_t){sizeof unseen}) == 0 && unseen.tp_drops != 0)
        die(arrivals->name, "frames came that found no room in the ring: nothing can be said of them");
}

static int by_value(const void *left, const void *right) {
    int32_t a = *(const int32_t *)left, b = *(const int32_t *)right;
    return (a > b) - (a < b);
}

static void print_result(struct arrivals *arrivals, long sent, double rate) {
    long gap = 0, longest_gap = 0;
    for (long i = 0; i < sent; i++) {
        gap = arrivals->latency_ns[i] != 0 ? 0 : gap + 1;
        if (gap > longest_gap)
            longest_gap = gap;
    }
    // The missing ones have 0 and come first.
    qsort(arrivals->latency_ns, (size_t)sent, sizeof *arrivals->latency_ns, by_value);
    const int32_t *sorted = arrivals->latency_ns + (sent - arrivals->came);
    long count = arrivals->came;
    printf("{\"sent\":%ld,\"came\":%ld,\"lost\":%ld,\"repeated\":%ld,\"longest_gap\":%ld,\"rate\":%.0f,\"first_at\":%lld", sent, count,
           sent - count, arrivals->repeated, longest_gap, rate, (long long)arrivals->first_ns);
    if (count > 0)
        printf(",\"least\":%d,\"p50\":%d,\"p99\":%d,\"most\":%d", sorted[0], sorted[count / 2], sorted[count * 99 / 100], sorted[count - 1]);
    printf("}\n");
}

int main(int count, char **words) {
    int until_first = count == 7 && strcmp(words[6], "first") == 0;
    if (count != 6 && !until_first)
        die("usage", "prober INTERFACE[,SECONDARY] SINK[,SINK] FRAME_BYTES PAIRS PAIRS_PER_SECOND [first]");
    const char *sides[MOST_ENDS], *sink_names[MOST_ENDS];
    int senders[MOST_ENDS];
    struct arrivals arrivals[MOST_ENDS];
    int side_count = split_list(words[1], sides, MOST_ENDS), sinks = split_list(words[2], sink_names, MOST_ENDS);
    int bytes = (int)number_of(words[3], LEAST_BYTES, MOST_BYTES);
    long pairs = number_of(words[4], 1, 100000000);
    int64_t interval_ns = NS_PER_SECOND / number_of(words[5], 1, 1000000);
    // Numbers of one run are not those of the run before, whose last frames a comparer may still remember.
    uint32_t first_number = (uint32_t)(time_ns(CLOCK_MONOTONIC) / 1000);
    for (int i = 0; i < side_count; i++)
        senders[i] = open_sender(sides[i]);
    for (int i = 0; i < sinks; i++)
        open_arrivals(&arrivals[i], sink_names[i], first_number, pairs);
    end_on_signals();
    uint8_t frame[MOST_BYTES];
    make_frame(frame, bytes);
    long sent = 0;
    int64_t start_ns = time_ns(CLOCK_MONOTONIC), due_ns = start_ns;
    for (int64_t now_ns = start_ns; sent < pairs && !ending && !(until_first && arrivals->came > 0); now_ns = time_ns(CLOCK_MONOTONIC)) {
        look_at_all(arrivals, sinks);
        if (now_ns - start_ns > pairs * interval_ns)
            break;
        if (now_ns < due_ns)
            continue;
        mark_frame(frame, first_number + (uint32_t)sent++);
        for (int i = side_count - 1; i >= 0; i--)
            send_frame(senders[i], sides[i], frame, bytes);
        // Whoever was held up goes on at the rate: a burst to catch up would be another load.
        due_ns = (now_ns - due_ns < interval_ns ? due_ns : now_ns) + interval_ns;
    }
    int64_t end_ns = time_ns(CLOCK_MONOTONIC);
    for (int64_t last_ns = end_ns; !have_all_come(arrivals, sinks, sent) && !until_first && time_ns(CLOCK_MONOTONIC) - last_ns < PATIENCE_NS;)
        if (look_at_all(arrivals, sinks) > 0)
            last_ns = time_ns(CLOCK_MONOTONIC);
    for (int i = 0; i < sinks; i++) {
        check_overruns(&arrivals[i]);
        print_result(&arrivals[i], sent, (double)sent / (double)(end_ns - start_ns) * NS_PER_SECOND);
    }
    return 0;
}
