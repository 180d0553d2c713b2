// SPDX-License-Identifier: GPL-2.0-or-later

// The bare kernel bypass: moves the frames of one interface to another with AF_XDP and compares nothing. It is what ColoWire's xdp ports
// are measured against, so it works as they do: three sockets on one memory (primary in, secondary in, out), a frame leaves in the chunk
// that it came in, rings and memory of the sizes that it is told, batches of 64, a kick of the kernel for every 32 frames, and the same
// ways to idle.
//
// Usage: xdp-forwarder PRIMARY SECONDARY OUT CPU RING CHUNKS_PER_SIDE spin|spin_then_poll|block [read|mirror]. On SIGTERM or SIGINT it
// prints what it moved. With "read" it looks at every byte of both frames: who compares cannot do with less. With "mirror" it sends each
// frame of OUT to PRIMARY and to SECONDARY out of the same chunk, and captures nothing else.

#define _GNU_SOURCE
#include "xdp-port.h"

#include <poll.h>

enum {
    // As ColoWire.Engine/EngineLimits.cs: frames taken in one go.
    BATCH_FRAMES = 64,
    // As many as the kernel sends of one socket in one call.
    KICK_FRAMES = 32,
    // As ColoWire/Hosting/DutyLoop.cs.
    EMPTY_ROUNDS_BEFORE_SLEEP = 256,
    WAIT_MS = 1,
    OUTS = 2,
};

enum idle { SPIN, SPIN_THEN_POLL, BLOCK };

struct counters {
    unsigned long moved;
    unsigned long dropped;
    unsigned long kicks;
    unsigned long sum;
};

// With "mirror": how many transmissions of each chunk are not complete.
static uint8_t *awaited;

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

// A chunk is the client's to fill again when both ports have sent it.
static uint32_t take_back_mirrored(struct port *client, struct port *out) {
    uint32_t count = to_take(&out->completion, BATCH_FRAMES), free = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t chunk = chunk_of(*address_at(&out->completion, i));
        if (--awaited[chunk / CHUNK_BYTES] == 0)
            *address_at(&client->fill, free++) = chunk;
    }
    if (count == 0)
        return 0;
    took(&out->completion, count);
    if (free != 0)
        put(&client->fill, free);
    return count;
}

static uint32_t mirror(struct port *client, struct port *outs, struct counters *counters) {
    uint32_t count = to_take(&client->receive, BATCH_FRAMES);
    for (int out = 0; out < OUTS; out++) {
        uint32_t room = free_entries(&outs[out].transmit, count);
        if (count > room)
            count = room;
    }
    for (uint32_t done = 0; done < count;) {
        uint32_t part = count - done < KICK_FRAMES ? count - done : KICK_FRAMES;
        for (uint32_t i = 0; i < part; i++)
            awaited[frame_at(&client->receive, done + i)->addr / CHUNK_BYTES] = OUTS;
        for (int out = 0; out < OUTS; out++) {
            for (uint32_t i = 0; i < part; i++)
                *frame_at(&outs[out].transmit, i) = *frame_at(&client->receive, done + i);
            put(&outs[out].transmit, part);
            kick(&outs[out], counters);
        }
        done += part;
    }
    if (count == 0)
        return 0;
    took(&client->receive, count);
    counters->moved += count;
    return count;
}

static uint32_t kick_unsent(const struct port *out, struct counters *counters) {
    uint32_t waiting = unsent(&out->transmit);
    if (waiting > 0)
        kick(out, counters);
    return waiting;
}

// The guests' ports are both in the array. The client's is the one that captures.
static void run_mirror(struct port *client, struct port *guests, enum idle idle, struct counters *counters) {
    struct pollfd input = {.fd = client->descriptor, .events = POLLIN};
    int empty_rounds = 0;
    int patience = idle == BLOCK ? 0 : EMPTY_ROUNDS_BEFORE_SLEEP;
    while (!ending) {
        uint32_t work = mirror(client, guests, counters);
        for (int out = 0; out < OUTS; out++)
            work += take_back_mirrored(client, &guests[out]) + kick_unsent(&guests[out], counters);
        if (work > 0) {
            empty_rounds = 0;
        } else if (idle != SPIN && ++empty_rounds > patience) {
            empty_rounds = patience;
            poll(&input, 1, WAIT_MS);
        }
    }
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
        work += kick_unsent(out, counters);
        if (work > 0) {
            empty_rounds = 0;
        } else if (idle != SPIN && ++empty_rounds > patience) {
            empty_rounds = patience;
            poll(inputs, 2, WAIT_MS);
        }
    }
}

static enum idle idle_of(const char *word) {
    static const char *const names[] = {[SPIN] = "spin", [SPIN_THEN_POLL] = "spin_then_poll", [BLOCK] = "block"};
    for (enum idle idle = SPIN; idle <= BLOCK; idle++)
        if (strcmp(word, names[idle]) == 0)
            return idle;
    die(word, "is no way to idle; allowed are spin, spin_then_poll, block");
    return SPIN;
}

static void print_moved(const struct counters *counters) {
    printf("moved %lu dropped %lu kicks %lu sum %lx\n", counters->moved, counters->dropped, counters->kicks, counters->sum);
}

static void forward_to_one(char **words, uint32_t chunks, enum idle idle, int reads, struct counters *counters) {
    struct port primary, secondary, out;
    open_port(&primary, words[1], NULL, 2 * chunks, 1);
    open_port(&secondary, words[2], &primary, 0, 1);
    open_port(&out, words[3], &primary, 0, 0);
    give_chunks(&primary, 0, chunks);
    give_chunks(&secondary, chunks, chunks);
    attach_redirect(&primary);
    attach_redirect(&secondary);
    fprintf(stderr, "xdp-forwarder: ready\n");
    run(&primary, &secondary, &out, idle, reads, counters);
    print_moved(counters);
    print_lost(&primary);
    print_lost(&secondary);
}

static void forward_to_both(char **words, uint32_t chunks, enum idle idle, struct counters *counters) {
    struct port client, guests[OUTS];
    open_port(&client, words[3], NULL, 2 * chunks, 1);
    open_port(&guests[0], words[1], &client, 0, 0);
    open_port(&guests[1], words[2], &client, 0, 0);
    give_chunks(&client, 0, chunks);
    attach_redirect(&client);
    awaited = calloc(chunks, sizeof *awaited);
    if (awaited == NULL)
        die("memory", strerror(errno));
    fprintf(stderr, "xdp-forwarder: ready\n");
    run_mirror(&client, guests, idle, counters);
    print_moved(counters);
    print_lost(&client);
}

int main(int count, char **words) {
    int reads = count == 9 && strcmp(words[8], "read") == 0;
    int mirrors = count == 9 && strcmp(words[8], "mirror") == 0;
    if (count != 8 && !reads && !mirrors)
        die("usage", "xdp-forwarder PRIMARY SECONDARY OUT CPU RING CHUNKS_PER_SIDE spin|spin_then_poll|block [read|mirror]");
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
    struct counters counters = {0};
    if (mirrors)
        forward_to_both(words, chunks, idle, &counters);
    else
        forward_to_one(words, chunks, idle, reads, &counters);
    return 0;
}
