// SPDX-License-Identifier: GPL-2.0-or-later

// The bare kernel bypass: moves the frames of one interface to another with AF_XDP and compares nothing. It is what ColoWire's xdp ports
// are measured against, so it works as they do: three sockets on one memory (primary in, secondary in, out), a frame leaves in the chunk
// that it came in, rings and memory of the sizes that it is told, batches of 64, a kick of the kernel for every 32 frames, and the same
// ways to idle. Raw system calls, and a program of six instructions that sends every frame to the socket of its queue.
//
// Usage: xdp-forwarder PRIMARY SECONDARY OUT CPU RING CHUNKS_PER_SIDE spin|spin_then_poll|block [read]. On SIGTERM or SIGINT it prints
// what it moved. With "read" it looks at every byte of both frames: who compares cannot do with less.

#define _GNU_SOURCE
#include <linux/bpf.h>

#include "shared.h"

#include <linux/if_link.h>
#include <linux/if_xdp.h>
#include <poll.h>
#include <stddef.h>
#include <sys/mman.h>

enum {
    // As ColoWire.Engine/EngineLimits.cs: a small slot, and frames taken in one go.
    CHUNK_BYTES = 2048,
    BATCH_FRAMES = 64,
    // As many as the kernel sends of one socket in one call.
    KICK_FRAMES = 32,
    // As ColoWire/Hosting/DutyLoop.cs.
    EMPTY_ROUNDS_BEFORE_SLEEP = 256,
    WAIT_MS = 1,
    QUEUE = 0,
};

enum idle { SPIN, SPIN_THEN_POLL, BLOCK };

// One of the four rings that the kernel and a socket share. "here" is this program's own index, "there" what it last saw of the kernel's.
struct ring {
    uint32_t *producer;
    uint32_t *consumer;
    uint32_t *flags;
    void *entries;
    uint32_t mask;
    uint32_t here;
    uint32_t there;
};

struct port {
    const char *name;
    int descriptor;
    struct ring fill;
    struct ring completion;
    struct ring receive;
    struct ring transmit;
};

struct counters {
    unsigned long moved;
    unsigned long dropped;
    unsigned long kicks;
    unsigned long sum;
};

static uint32_t ring_entries;
static uint8_t *memory;

// Frames that the kernel has put in, at most so many.
static uint32_t to_take(struct ring *ring, uint32_t most) {
    if (ring->there == ring->here)
        ring->there = __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE);
    uint32_t count = ring->there - ring->here;
    return count < most ? count : most;
}

static void took(struct ring *ring, uint32_t count) {
    ring->here += count;
    __atomic_store_n(ring->consumer, ring->here, __ATOMIC_RELEASE);
}

// Entries that the kernel has taken out and that are free, at least so many or all there are.
static uint32_t free_entries(struct ring *ring, uint32_t wanted) {
    if (ring_entries - (ring->here - ring->there) < wanted)
        ring->there = __atomic_load_n(ring->consumer, __ATOMIC_ACQUIRE);
    return ring_entries - (ring->here - ring->there);
}

static void put(struct ring *ring, uint32_t count) {
    ring->here += count;
    __atomic_store_n(ring->producer, ring->here, __ATOMIC_RELEASE);
}

static uint64_t *address_at(struct ring *ring, uint32_t ahead) { return (uint64_t *)ring->entries + ((ring->here + ahead) & ring->mask); }

static struct xdp_desc *frame_at(struct ring *ring, uint32_t ahead) {
    return (struct xdp_desc *)ring->entries + ((ring->here + ahead) & ring->mask);
}

static void map_ring(const struct port *port, struct ring *ring, const struct xdp_ring_offset *offsets, off_t page, size_t entry_bytes) {
    uint8_t *at = mmap(NULL, offsets->desc + ring_entries * entry_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
                       port->descriptor, page);
    if (at == MAP_FAILED)
        die(port->name, strerror(errno));
    *ring = (struct ring){
        .producer = (uint32_t *)(at + offsets->producer),
        .consumer = (uint32_t *)(at + offsets->consumer),
        .flags = (uint32_t *)(at + offsets->flags),
        .entries = at + offsets->desc,
        .mask = ring_entries - 1,
    };
}

static void set(const struct port *port, int option, const void *value, socklen_t bytes) {
    if (setsockopt(port->descriptor, SOL_XDP, option, value, bytes) < 0)
        die(port->name, strerror(errno));
}

// open_port: a socket with its rings, bound; the first one registers the memory and the others share it
static void open_port(struct port *port, const char *name, const struct port *first, uint32_t chunks, int captures) {
    port->name = name;
    port->descriptor = socket(AF_XDP, SOCK_RAW, 0);
    if (port->descriptor < 0)
        die("AF_XDP", strerror(errno));
    if (first == NULL) {
        struct xdp_umem_reg region = {.addr = (uintptr_t)memory, .len = (uint64_t)chunks * CHUNK_BYTES, .chunk_size = CHUNK_BYTES};
        set(port, XDP_UMEM_REG, &region, sizeof region);
    }
    set(port, XDP_UMEM_FILL_RING, &ring_entries, sizeof ring_entries);
    set(port, XDP_UMEM_COMPLETION_RING, &ring_entries, sizeof ring_entries);
    set(port, captures ? XDP_RX_RING : XDP_TX_RING, &ring_entries, sizeof ring_entries);
    struct xdp_mmap_offsets offsets;
    socklen_t bytes = sizeof offsets;
    if (getsockopt(port->descriptor, SOL_XDP, XDP_MMAP_OFFSETS, &offsets, &bytes) < 0)
        die(name, strerror(errno));
    map_ring(port, &port->fill, &offsets.fr, (off_t)XDP_UMEM_PGOFF_FILL_RING, sizeof(uint64_t));
    map_ring(port, &port->completion, &offsets.cr, (off_t)XDP_UMEM_PGOFF_COMPLETION_RING, sizeof(uint64_t));
    if (captures)
        map_ring(port, &port->receive, &offsets.rx, XDP_PGOFF_RX_RING, sizeof(struct xdp_desc));
    else
        map_ring(port, &port->transmit, &offsets.tx, XDP_PGOFF_TX_RING, sizeof(struct xdp_desc));
    struct sockaddr_xdp address = {
        .sxdp_family = AF_XDP,
        .sxdp_flags = first == NULL ? XDP_USE_NEED_WAKEUP : XDP_SHARED_UMEM,
        .sxdp_ifindex = index_of(name),
        .sxdp_queue_id = QUEUE,
        .sxdp_shared_umem_fd = first == NULL ? 0 : (uint32_t)first->descriptor,
    };
    if (bind(port->descriptor, (struct sockaddr *)&address, sizeof address) < 0)
        die(name, strerror(errno));
}

// Every frame of the interface's queue goes to the socket. The link is this process's: it goes when the process does.
static void attach_redirect(const struct port *port) {
    int sockets = bpf("map", BPF_MAP_CREATE, &(union bpf_attr){
        .map_type = BPF_MAP_TYPE_XSKMAP, .key_size = sizeof(uint32_t), .value_size = sizeof(uint32_t), .max_entries = QUEUE + 1});
    uint32_t key = QUEUE;
    bpf("map", BPF_MAP_UPDATE_ELEM, &(union bpf_attr){
        .map_fd = (uint32_t)sockets, .key = (uintptr_t)&key, .value = (uintptr_t)&port->descriptor});
    struct bpf_insn program[] = {
        {.code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = 2, .src_reg = 1, .off = offsetof(struct xdp_md, rx_queue_index)},
        {.code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = 1, .src_reg = BPF_PSEUDO_MAP_FD, .imm = sockets},
        {.code = 0},
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 3, .imm = XDP_DROP},
        {.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_redirect_map},
        {.code = BPF_JMP | BPF_EXIT},
    };
    int loaded = bpf("program", BPF_PROG_LOAD, &(union bpf_attr){
        .prog_type = BPF_PROG_TYPE_XDP, .insns = (uintptr_t)program, .insn_cnt = sizeof program / sizeof *program,
        .license = (uintptr_t)"GPL"});
    bpf(port->name, BPF_LINK_CREATE, &(union bpf_attr){.link_create = {
        .prog_fd = (uint32_t)loaded, .target_ifindex = index_of(port->name), .attach_type = BPF_XDP, .flags = XDP_FLAGS_DRV_MODE}});
}

static void give_chunks(struct port *port, uint32_t first_chunk, uint32_t chunks) {
    uint32_t count = chunks < ring_entries ? chunks : ring_entries;
    for (uint32_t i = 0; i < count; i++)
        *address_at(&port->fill, i) = (uint64_t)(first_chunk + i) * CHUNK_BYTES;
    put(&port->fill, count);
}

static uint64_t chunk_of(uint64_t address) { return address & ~(uint64_t)(CHUNK_BYTES - 1); }

static uint32_t unsent(const struct ring *transmit) { return transmit->here - __atomic_load_n(transmit->consumer, __ATOMIC_ACQUIRE); }

static void kick(const struct port *out, struct counters *counters) {
    if (!(__atomic_load_n(out->transmit.flags, __ATOMIC_RELAXED) & XDP_RING_NEED_WAKEUP))
        return;
    counters->kicks++;
    // Full queues and more to send than one call does are for the next round.
    if (sendto(out->descriptor, NULL, 0, MSG_DONTWAIT, NULL, 0) < 0 && errno != EAGAIN && errno != EBUSY && errno != ENOBUFS && errno != EINTR)
        die(out->name, strerror(errno));
}

// What was sent is the primary's to fill again. No more chunks go round than its fill ring holds, so there is room.
static uint32_t take_back(struct port *primary, struct port *out) {
    uint32_t count = to_take(&out->completion, BATCH_FRAMES);
    for (uint32_t i = 0; i < count; i++)
        *address_at(&primary->fill, i) = chunk_of(*address_at(&out->completion, i));
    if (count == 0)
        return 0;
    took(&out->completion, count);
    put(&primary->fill, count);
    return count;
}

static uint32_t forward(struct port *primary, struct port *out, int reads, struct counters *counters) {
    uint32_t count = to_take(&primary->receive, BATCH_FRAMES);
    uint32_t room = free_entries(&out->transmit, count);
    if (count > room)
        count = room;
    for (uint32_t done = 0; done < count;) {
        uint32_t part = count - done < KICK_FRAMES ? count - done : KICK_FRAMES;
        for (uint32_t i = 0; i < part; i++) {
            const struct xdp_desc *frame = frame_at(&primary->receive, done + i);
            if (reads)
                counters->sum += sum_of(memory + frame->addr, frame->len);
            *frame_at(&out->transmit, i) = *frame;
        }
        put(&out->transmit, part);
        kick(out, counters);
        done += part;
    }
    if (count == 0)
        return 0;
    took(&primary->receive, count);
    counters->moved += count;
    return count;
}

static uint32_t drop(struct port *secondary, int reads, struct counters *counters) {
    uint32_t count = to_take(&secondary->receive, BATCH_FRAMES);
    for (uint32_t i = 0; i < count; i++) {
        const struct xdp_desc *frame = frame_at(&secondary->receive, i);
        if (reads)
            counters->sum += sum_of(memory + frame->addr, frame->len);
        *address_at(&secondary->fill, i) = chunk_of(frame->addr);
    }
    if (count == 0)
        return 0;
    put(&secondary->fill, count);
    took(&secondary->receive, count);
    counters->dropped += count;
    return count;
}

static void run(struct port *primary, struct port *secondary, struct port *out, enum idle idle, int reads, struct counters *counters) {
    struct pollfd inputs[] = {
        {.fd = primary->descriptor, .events = POLLIN},
        {.fd = secondary->descriptor, .events = POLLIN},
    };
    int empty_rounds = 0;
    int patience = idle == BLOCK ? 0 : EMPTY_ROUNDS_BEFORE_SLEEP;
    while (!ending) {
        uint32_t work = take_back(primary, out) + forward(primary, out, reads, counters) + drop(secondary, reads, counters);
        uint32_t waiting = unsent(&out->transmit);
        if (waiting > 0)
            kick(out, counters);
        if (work + waiting > 0) {
            empty_rounds = 0;
        } else if (idle != SPIN && ++empty_rounds > patience) {
            empty_rounds = patience;
            poll(inputs, 2, WAIT_MS);
        }
    }
}

static void print_lost(const struct port *port) {
    struct xdp_statistics lost;
    socklen_t bytes = sizeof lost;
    if (getsockopt(port->descriptor, SOL_XDP, XDP_STATISTICS, &lost, &bytes) < 0)
        die(port->name, strerror(errno));
    printf("%s dropped %llu ring full %llu fill ring empty %llu\n", port->name, lost.rx_dropped, lost.rx_ring_full,
           lost.rx_fill_ring_empty_descs);
}

static enum idle idle_of(const char *word) {
    static const char *const names[] = {[SPIN] = "spin", [SPIN_THEN_POLL] = "spin_then_poll", [BLOCK] = "block"};
    for (enum idle idle = SPIN; idle <= BLOCK; idle++)
        if (strcmp(word, names[idle]) == 0)
            return idle;
    die(word, "is no way to idle; allowed are spin, spin_then_poll, block");
    return SPIN;
}

int main(int count, char **words) {
    int reads = count == 9 && strcmp(words[8], "read") == 0;
    if (count != 8 && !reads)
        die("usage", "xdp-forwarder PRIMARY SECONDARY OUT CPU RING CHUNKS_PER_SIDE spin|spin_then_poll|block [read]");
    pin_to(words[4]);
    ring_entries = (uint32_t)number_of(words[5], BATCH_FRAMES, 1 << 16);
    if ((ring_entries & (ring_entries - 1)) != 0)
        die(words[5], "the entries of a ring are a power of two");
    uint32_t chunks = (uint32_t)number_of(words[6], BATCH_FRAMES, 1 << 22);
    enum idle idle = idle_of(words[7]);
    end_on_signals();
    size_t memory_bytes = 2UL * chunks * CHUNK_BYTES;
    memory = mmap(NULL, memory_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (memory == MAP_FAILED)
        die("memory", strerror(errno));
    struct port primary, secondary, out;
    open_port(&primary, words[1], NULL, 2 * chunks, 1);
    open_port(&secondary, words[2], &primary, 0, 1);
    open_port(&out, words[3], &primary, 0, 0);
    give_chunks(&primary, 0, chunks);
    give_chunks(&secondary, chunks, chunks);
    attach_redirect(&primary);
    attach_redirect(&secondary);
    struct counters counters = {0};
    fprintf(stderr, "xdp-forwarder: ready\n");
    run(&primary, &secondary, &out, idle, reads, &counters);
    printf("moved %lu dropped %lu kicks %lu sum %lx\n", counters.moved, counters.dropped, counters.kicks, counters.sum);
    print_lost(&primary);
    print_lost(&secondary);
    return 0;
}
