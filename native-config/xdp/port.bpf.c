// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The XDP program of a capture port: it decides for each frame between ColoWire and, when ColoWire does not beat, the wire.
 *
 *                     frame of queue q
 *                            |
 *                  does ColoWire beat for q? ---- no ----------+
 *                            | yes                             |
 *           +----------------+---------------+                 |
 *        a `pcap:` port               an `xdp:` port           |
 *           |                                |                 |
 *     to the kernel's stack,         is there a socket for q   |
 *     whose packet socket            in `sockets`? --- no -----+
 *     gives it to ColoWire                   | yes             |
 *      (passed)                      to that socket            v
 *                                     (to_socket)      is there an interface in `wire`?
 *                                                         | yes             | no
 *                                                    out by that one     dropped
 *                                                      (to_wire)        (dropped)
 *
 * The primary's program has the out interface in `wire`, unless the operator wants nothing to leave unverified. The secondary's
 * never has one. So the policy is what the map holds, and the program is the same for all.
 *
 * build.sh compiles this file and writes the instructions into src/ColoWire.Ports/Xdp/PortProgram.Code.cs; ColoWire makes the
 * maps and loads it. It needs nothing that Linux 5.15 has not.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* PortProgram.MaxQueues. */
#define MAX_QUEUES 64

/* Two CPUs that write beside each other in one line would take it from each other with every frame. */
#define CACHE_LINE 64

/*
 * A receive queue: what ColoWire and this program share, in memory that both have. ColoWire writes the first line, the kernel the
 * second: on one CPU at a time, so it simply adds. PortState.cs has the same. Whoever changes it renames the map `state`, because
 * the next ColoWire reads the state of the last one.
 */
struct queue {
    __u64 last_beat_ns;         /* CLOCK_MONOTONIC; 0 means handed over */
    __u64 timeout_ns;           /* a beat that is older has stopped; 0: it never gets too old */
    __u64 pass_when_alive;      /* 1 in a `pcap:` port */
    __u64 handed_over_at_ns;    /* this one and the next four are ColoWire's own, and in the first queue only */
    __u64 told_to_wire;         /* frames that it has reported already */
    __u64 told_dropped;
    __u64 owner;                /* the process that beats: its id, and a number that it drew in the upper half */
    __u64 owned_since_ns;
    __u64 to_socket;
    __u64 passed;
    __u64 to_wire;
    __u64 dropped;
    __u8 counts_line[CACHE_LINE - 4 * 8];
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

/* The difference is signed because ColoWire may beat on another CPU between the two readings: that beat is of the future. */
static __always_inline int is_alive(const struct queue *queue)
{
    __u64 beat_ns = *(volatile const __u64 *)&queue->last_beat_ns;

    if (beat_ns == 0)
        return 0;
    return queue->timeout_ns == 0 || (__s64)(bpf_ktime_get_ns() - beat_ns) <= (__s64)queue->timeout_ns;
}

/*
 * What the verifier thinks of arithmetic with pointers depends on whether it trusts its caller with CAP_PERFMON. So there is none:
 * a queue is looked up and not counted off from the first, and the barrier keeps the compiler from making one addition of all that
 * end this way.
 */
static __always_inline int counted(__u64 *counter, int action)
{
    (*counter)++;
    barrier();
    return action;
}

SEC("xdp")
int colowire_port(struct xdp_md *context)
{
    __u32 index = context->rx_queue_index;
    __u32 first_key = 0;
    /* Queues beyond the last have no socket, and share its counts, which may then miss some. */
    __u32 key = index < MAX_QUEUES ? index : MAX_QUEUES - 1;
    struct queue *queue = bpf_map_lookup_elem(&state, &key);
    struct queue *first;

    if (!queue)
        return XDP_DROP;

    if (queue->pass_when_alive) {
        /* One packet socket hears all queues, so one beat is for all of them. */
        first = bpf_map_lookup_elem(&state, &first_key);
        if (first && is_alive(first))
            return counted(&queue->passed, XDP_PASS);
    } else if (is_alive(queue)) {
        /* The last argument is what is returned when the map has no entry. */
        if (bpf_redirect_map(&sockets, index, XDP_DROP) == XDP_REDIRECT)
            return counted(&queue->to_socket, XDP_REDIRECT);
    }

    if (bpf_redirect_map(&wire, 0, XDP_DROP) == XDP_REDIRECT)
        return counted(&queue->to_wire, XDP_REDIRECT);
    return counted(&queue->dropped, XDP_DROP);
}

char _license[] SEC("license") = "GPL";
