// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The XDP program of a capture port. It decides for each frame between ColoWire and, while ColoWire's heartbeat is missing, the
 * interface on the other side (fail-to-wire): the out interface for the primary's frames, the primary's interface for the frames
 * of clients.
 *
 *                     frame of queue q
 *                            |
 *          heartbeat of q within the timeout? -- no -----------+
 *                            | yes                             |
 *           +----------------+---------------+                 |
 *        a `pcap:` port               an `xdp:` port           |
 *           |                                |                 |
 *     to the kernel's stack,         is there a socket for q   |
 *     whose packet socket            in `sockets`? --- no -----+
 *     gives it to ColoWire                   | yes             |
 *      (passed)                      to that socket            v
 *                                     (to_socket)     a client's frame that concerns no guest?
 *                                                         | no              | yes
 *                                                         v              dropped
 *                                              is there an interface    (filtered)
 *                                              in `wire`?
 *                                                         | yes             | no
 *                                                    redirected to it    dropped
 *                                                      (to_wire)        (dropped)
 *
 * The primary's program has the out interface in `wire`, unless the operator wants no frame to leave unverified (on_death block).
 * The secondary's never has one. The program of the out interface, which is a capture port when ColoWire carries the frames of
 * clients (inbound: mirror), has the primary's interface there. So the policy is in the maps, and the program is the same for all
 * ports.
 *
 * build.sh compiles this file and writes the instructions to src/ColoWire.Ports/Xdp/PortProgram.Code.cs; ColoWire creates the
 * maps and loads the program. It needs Linux 5.15 or later.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_helpers.h>

/* PortProgram.MaxQueues. */
#define MAX_QUEUES 64

/* ProgramObjects.MaxGuestAddresses, and the entry that says that there is any. */
#define MAX_GUESTS 257

/* Bits of struct queue's flags. */
#define PASS_WHEN_ALIVE 1   /* a `pcap:` port */
#define FROM_CLIENTS 2      /* the port towards the clients */

/* Bytes of a cache line. ColoWire and the program write to different lines: no line moves between CPUs with every frame. */
#define CACHE_LINE 64

/*
 * The state of a receive queue, in memory that ColoWire and this program share (BPF_F_MMAPABLE). ColoWire writes the first cache
 * line, this program the second one. The program of a queue runs on one CPU at a time, so it adds without an atomic operation.
 * PortState.cs has the same layout. A change of the layout must rename the map `state`, because the next process of ColoWire
 * reads the state of the previous one by that name.
 */
struct queue {
    __u64 last_beat_ns;         /* the heartbeat, by CLOCK_MONOTONIC; 0: handed over */
    __u64 timeout_ns;           /* the heartbeat timeout; 0: a heartbeat never times out */
    __u64 flags;
    __u64 handed_over_at_ns;    /* this one and the next four are used by ColoWire only, in the first queue only */
    __u64 told_to_wire;         /* of to_wire, frames that were reported already */
    __u64 told_dropped;         /* the same of dropped */
    __u64 owner;                /* the process that writes the heartbeat: its id, and a random number in the upper half */
    __u64 owned_since_ns;
    __u64 to_socket;
    __u64 passed;
    __u64 to_wire;
    __u64 dropped;
    __u64 filtered;
    __u8 counts_line[CACHE_LINE - 5 * 8];
};

struct {
    __uint(type, BPF_MAP_TYPE_XSKMAP);
    __uint(max_entries, MAX_QUEUES);
    __type(key, __u32);
    __type(value, __u32);
} sockets SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_DEVMAP);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u32);
} wire SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, MAX_QUEUES);
    __type(key, __u32);
    __type(value, struct queue);
} state SEC(".maps");

/*
 * The guest's MAC addresses, each in the first six bytes of a key in the order of the wire; the other two are 0. Key 0, which is no
 * station's address, is there when any other is.
 */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, MAX_GUESTS);
    __type(key, __u64);
    __type(value, __u32);
} guests SEC(".maps");

/*
 * Whether the heartbeat is within the timeout. It is read once, as one word (volatile); no barrier is needed, because no other
 * data depends on it. Partner: the compare-and-exchange of Heartbeat.Beat and the exchange of Heartbeat.HandOver (Heartbeat.cs).
 * The difference is signed, because ColoWire may write a heartbeat on another CPU between the two readings: it is then later than
 * the clock that is read here.
 */
static __always_inline int is_alive(const struct queue *queue)
{
    __u64 beat_ns = *(volatile const __u64 *)&queue->last_beat_ns;

    if (beat_ns == 0)
        return 0;
    return queue->timeout_ns == 0 || (__s64)(bpf_ktime_get_ns() - beat_ns) <= (__s64)queue->timeout_ns;
}

/*
 * Counts a frame. Without CAP_PERFMON the verifier refuses some arithmetic with pointers, so there is none: each queue is looked
 * up in the map and not computed from the first one, and the compiler barrier keeps the compiler from merging the additions of
 * several branches into one with a computed address.
 */
static __always_inline int counted(__u64 *counter, int action)
{
    (*counter)++;
    barrier();
    return action;
}

/*
 * Whether a client's frame concerns the guest; the same rule as InboundFilter.ReasonToDrop (InboundFilter.cs). A frame to a
 * link-local multicast address (IEEE 802.1Q-2018 table 8-1) does not, nor one that comes from the guest's own address, which a loop
 * has brought back.
 */
static __always_inline int concerns_guest(const struct xdp_md *context)
{
    const __u8 *frame = (const __u8 *)(long)context->data;
    __u64 destination = 0, source = 0, any = 0;

    if (frame + ETH_HLEN > (const __u8 *)(long)context->data_end)
        return 0;
    __builtin_memcpy(&destination, frame, ETH_ALEN);
    __builtin_memcpy(&source, frame + ETH_ALEN, ETH_ALEN);
    if (frame[0] == 0x01 && frame[1] == 0x80 && frame[2] == 0xC2 && frame[3] == 0 && frame[4] == 0 && frame[5] < 0x10)
        return 0;
    if (bpf_map_lookup_elem(&guests, &source))
        return 0;
    if (((const __u8 *)&destination)[0] & 1)
        return 1;
    return bpf_map_lookup_elem(&guests, &destination) || !bpf_map_lookup_elem(&guests, &any);
}

SEC("xdp")
int colowire_port(struct xdp_md *context)
{
    __u32 index = context->rx_queue_index;
    __u32 first_key = 0;
    /* Queues beyond the last one have no socket and share its counters, which may then miss some frames. */
    __u32 key = index < MAX_QUEUES ? index : MAX_QUEUES - 1;
    struct queue *queue = bpf_map_lookup_elem(&state, &key);
    struct queue *first;

    if (!queue)
        return XDP_DROP;

    if (queue->flags & PASS_WHEN_ALIVE) {
        /* One packet socket receives from all queues, so the heartbeat of the first one stands for all. */
        first = bpf_map_lookup_elem(&state, &first_key);
        if (first && is_alive(first))
            return counted(&queue->passed, XDP_PASS);
    } else if (is_alive(queue)) {
        /* The last argument is the return value where the map has no entry. */
        if (bpf_redirect_map(&sockets, index, XDP_DROP) == XDP_REDIRECT)
            return counted(&queue->to_socket, XDP_REDIRECT);
    }

    if ((queue->flags & FROM_CLIENTS) && !concerns_guest(context))
        return counted(&queue->filtered, XDP_DROP);
    if (bpf_redirect_map(&wire, 0, XDP_DROP) == XDP_REDIRECT)
        return counted(&queue->to_wire, XDP_REDIRECT);
    return counted(&queue->dropped, XDP_DROP);
}

char _license[] SEC("license") = "GPL";
