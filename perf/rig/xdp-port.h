// SPDX-License-Identifier: GPL-2.0-or-later

// AF_XDP for the forwarder, in raw system calls: sockets on one memory, their rings, and a program of six instructions that sends every
// frame of an interface to the socket of its queue.

#ifndef COLOWIRE_RIG_XDP_PORT_H
#define COLOWIRE_RIG_XDP_PORT_H

#include <linux/bpf.h>

#include "shared.h"

#include <linux/if_link.h>
#include <linux/if_xdp.h>
#include <stddef.h>
#include <sys/mman.h>

enum {
    // As ColoWire.Engine/EngineLimits.cs: a small slot.
    CHUNK_BYTES = 2048,
    QUEUE = 0,
};

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

static uint32_t ring_entries;
static uint8_t *memory;

// Frames that the kernel has put in, at most so many.
static inline uint32_t to_take(struct ring *ring, uint32_t most) {
    if (ring->there == ring->here)
        ring->there = __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE);
    uint32_t count = ring->there - ring->here;
    return count < most ? count : most;
}

static inline void took(struct ring *ring, uint32_t count) {
    ring->here += count;
    __atomic_store_n(ring->consumer, ring->here, __ATOMIC_RELEASE);
}

// Entries that the kernel has taken out and that are free, at least so many or all there are.
static inline uint32_t free_entries(struct ring *ring, uint32_t wanted) {
    if (ring_entries - (ring->here - ring->there) < wanted)
        ring->there = __atomic_load_n(ring->consumer, __ATOMIC_ACQUIRE);
    return ring_entries - (ring->here - ring->there);
}

static inline void put(struct ring *ring, uint32_t count) {
    ring->here += count;
    __atomic_store_n(ring->producer, ring->here, __ATOMIC_RELEASE);
}

static inline uint64_t *address_at(struct ring *ring, uint32_t ahead) { return (uint64_t *)ring->entries + ((ring->here + ahead) & ring->mask); }

static inline struct xdp_desc *frame_at(struct ring *ring, uint32_t ahead) {
    return (struct xdp_desc *)ring->entries + ((ring->here + ahead) & ring->mask);
}

static inline void map_ring(const struct port *port, struct ring *ring, const struct xdp_ring_offset *offsets, off_t page, size_t entry_bytes) {
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

static inline void set(const struct port *port, int option, const void *value, socklen_t bytes) {
    if (setsockopt(port->descriptor, SOL_XDP, option, value, bytes) < 0)
        die(port->name, strerror(errno));
}

// open_port: a socket with its rings, bound; the first one registers the memory and the others share it
static inline void open_port(struct port *port, const char *name, const struct port *first, uint32_t chunks, int captures) {
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
static inline void attach_redirect(const struct port *port) {
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

static inline void give_chunks(struct port *port, uint32_t first_chunk, uint32_t chunks) {
    uint32_t count = chunks < ring_entries ? chunks : ring_entries;
    for (uint32_t i = 0; i < count; i++)
        *address_at(&port->fill, i) = (uint64_t)(first_chunk + i) * CHUNK_BYTES;
    put(&port->fill, count);
}

static inline uint64_t chunk_of(uint64_t address) { return address & ~(uint64_t)(CHUNK_BYTES - 1); }

static inline uint32_t unsent(const struct ring *transmit) { return transmit->here - __atomic_load_n(transmit->consumer, __ATOMIC_ACQUIRE); }

static inline void print_lost(const struct port *port) {
    struct xdp_statistics lost;
    socklen_t bytes = sizeof lost;
    if (getsockopt(port->descriptor, SOL_XDP, XDP_STATISTICS, &lost, &bytes) < 0)
        die(port->name, strerror(errno));
    printf("%s dropped %llu ring full %llu fill ring empty %llu\n", port->name, lost.rx_dropped, lost.rx_ring_full,
           lost.rx_fill_ring_empty_descs);
}

#endif
