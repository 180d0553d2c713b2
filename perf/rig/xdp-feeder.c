// SPDX-License-Identifier: GPL-2.0-or-later

// Feeds pairs faster than packet sockets can: the kernel itself makes the frames (BPF_PROG_RUN with live frames), over and over until a
// timer ends it, and an XDP program of some thirty instructions drops those that are not due, numbers the others, spreads them over flows
// and sends them to the two interfaces in turn. A frame costs a third of what it costs through a socket, so that what is measured is
// found wanting before the generator is. The other ends of both cables must have an XDP program, or the kernel drops what it sends there.
//
// Usage: xdp-feeder PRIMARY SECONDARY FRAME_BYTES PAIRS PAIRS_PER_SECOND, where a rate of 0 is as fast as it can. Prints how many pairs it
// sent, which are fewer than asked for when it cannot keep the rate, and the rate that it reached.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum {
    FLOWS = 256,
    FIRST_PORT = 40000,
    SERVER_PORT = 53,
    ETHERNET_BYTES = 14,
    SOURCE_PORT_AT = ETHERNET_BYTES + 20,
    HEADER_BYTES = 42,
    LEAST_BYTES = HEADER_BYTES + sizeof(uint32_t),
    MOST_BYTES = 1514,
    // Frames that the kernel hands on in one go: 32 of each side, as close as two replicas' bursts are on a wire.
    BATCH_FRAMES = 64,
    // Fractions of a nanosecond in the time between two frames.
    INTERVAL_BITS = 16,
    NS_PER_SECOND = 1000000000,
};

static void die(const char *what, const char *why) {
    fprintf(stderr, "xdp-feeder: %s: %s\n", what, why);
    exit(2);
}

static int bpf(const char *what, int command, union bpf_attr *attributes) {
    int result = (int)syscall(SYS_bpf, command, attributes, sizeof *attributes);
    if (result < 0)
        die(what, strerror(errno));
    return result;
}

static long now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

static int index_of(const char *name) {
    unsigned index = if_nametoindex(name);
    if (index == 0)
        die(name, strerror(errno));
    return (int)index;
}

// What the program and this process share.
struct state {
    uint64_t count;
    uint64_t start_ns;
    uint64_t last_ns;
    uint64_t interval;
    uint64_t first_number;
};

static int make_state(double pairs_per_second) {
    int map = bpf("map", BPF_MAP_CREATE, &(union bpf_attr){
        .map_type = BPF_MAP_TYPE_ARRAY, .key_size = sizeof(uint32_t), .value_size = sizeof(struct state), .max_entries = 1});
    struct state state = {
        .interval = pairs_per_second == 0 ? 0 : (uint64_t)((double)((uint64_t)NS_PER_SECOND << INTERVAL_BITS) / pairs_per_second / 2),
        // Numbers of one run are not those of the run before, whose last frames a comparer may still remember.
        .first_number = (uint64_t)(now_ns() / 1000),
    };
    uint32_t key = 0;
    bpf("map", BPF_MAP_UPDATE_ELEM, &(union bpf_attr){.map_fd = (uint32_t)map, .key = (uintptr_t)&key, .value = (uintptr_t)&state});
    return map;
}

static struct state read_state(int map) {
    struct state state;
    uint32_t key = 0;
    bpf("map", BPF_MAP_LOOKUP_ELEM, &(union bpf_attr){.map_fd = (uint32_t)map, .key = (uintptr_t)&key, .value = (uintptr_t)&state});
    return state;
}

static int load_program(int map, int primary, int secondary) {
    enum { STATE = 6, FRAME = 7, COUNT = 8 };
    struct bpf_insn program[] = {
        {.code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = FRAME, .src_reg = 1, .off = offsetof(struct xdp_md, data)},
        {.code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = 3, .src_reg = 1, .off = offsetof(struct xdp_md, data_end)},
        {.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 4, .src_reg = FRAME},
        {.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 4, .imm = LEAST_BYTES},
        {.code = BPF_JMP | BPF_JLE | BPF_X, .dst_reg = 4, .src_reg = 3, .off = 2},
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = XDP_DROP},
        {.code = BPF_JMP | BPF_EXIT},
        {.code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = STATE, .src_reg = BPF_PSEUDO_MAP_VALUE, .imm = map},
        {.code = 0},
        {.code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = COUNT, .src_reg = STATE, .off = offsetof(struct state, count)},
        // Even frames are the primary's and leave when they are due, odd ones the secondary's, at once.
        {.code = BPF_JMP | BPF_JSET | BPF_K, .dst_reg = COUNT, .imm = 1, .off = 13},
        {.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_ktime_get_ns},
        {.code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = 1, .src_reg = STATE, .off = offsetof(struct state, start_ns)},
        {.code = BPF_JMP | BPF_JNE | BPF_K, .dst_reg = 1, .imm = 0, .off = 2},
        {.code = BPF_STX | BPF_MEM | BPF_DW, .dst_reg = STATE, .src_reg = 0, .off = offsetof(struct state, start_ns)},
        {.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 1, .src_reg = 0},
        {.code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = 2, .src_reg = STATE, .off = offsetof(struct state, interval)},
        {.code = BPF_ALU64 | BPF_MUL | BPF_X, .dst_reg = 2, .src_reg = COUNT},
        {.code = BPF_ALU64 | BPF_RSH | BPF_K, .dst_reg = 2, .imm = INTERVAL_BITS},
        {.code = BPF_ALU64 | BPF_ADD | BPF_X, .dst_reg = 2, .src_reg = 1},
        {.code = BPF_JMP | BPF_JGE | BPF_X, .dst_reg = 0, .src_reg = 2, .off = 2},
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = XDP_DROP},
        {.code = BPF_JMP | BPF_EXIT},
        {.code = BPF_STX | BPF_MEM | BPF_DW, .dst_reg = STATE, .src_reg = 0, .off = offsetof(struct state, last_ns)},
        {.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 1, .src_reg = COUNT},
        {.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 1, .imm = 1},
        {.code = BPF_STX | BPF_MEM | BPF_DW, .dst_reg = STATE, .src_reg = 1, .off = offsetof(struct state, count)},
        // The payload begins with the pair's number, and the flow is its last digits.
        {.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 1, .src_reg = COUNT},
        {.code = BPF_ALU64 | BPF_RSH | BPF_K, .dst_reg = 1, .imm = 1},
        {.code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = 2, .src_reg = STATE, .off = offsetof(struct state, first_number)},
        {.code = BPF_ALU64 | BPF_ADD | BPF_X, .dst_reg = 1, .src_reg = 2},
        {.code = BPF_STX | BPF_MEM | BPF_W, .dst_reg = FRAME, .src_reg = 1, .off = HEADER_BYTES},
        {.code = BPF_ALU64 | BPF_AND | BPF_K, .dst_reg = 1, .imm = FLOWS - 1},
        {.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 1, .imm = FIRST_PORT},
        {.code = BPF_ALU | BPF_END | BPF_TO_BE, .dst_reg = 1, .imm = 16},
        {.code = BPF_STX | BPF_MEM | BPF_H, .dst_reg = FRAME, .src_reg = 1, .off = SOURCE_PORT_AT},
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 1, .imm = primary},
        {.code = BPF_ALU64 | BPF_AND | BPF_K, .dst_reg = COUNT, .imm = 1},
        {.code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = COUNT, .imm = 0, .off = 1},
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 1, .imm = secondary},
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 2, .imm = 0},
        {.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_redirect},
        {.code = BPF_JMP | BPF_EXIT},
    };
    static char log[1 << 14];
    union bpf_attr attributes = {
        .prog_type = BPF_PROG_TYPE_XDP, .insns = (uintptr_t)program, .insn_cnt = sizeof program / sizeof *program,
        .license = (uintptr_t)"GPL", .log_buf = (uintptr_t)log, .log_size = sizeof log, .log_level = 1};
    int loaded = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof attributes);
    if (loaded < 0)
        die("program", log[0] != 0 ? log : strerror(errno));
    return loaded;
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
    ip[19] = 2;
    uint32_t sum = 0;
    for (int i = 0; i < 20; i += 2)
        sum += (uint32_t)(ip[i] << 8 | ip[i + 1]);
    sum = (sum & 0xffff) + (sum >> 16);
    put16(ip + 10, ~sum & 0xffff);
    put16(ip + 22, SERVER_PORT);
    put16(ip + 24, (unsigned)(bytes - ETHERNET_BYTES - 20));
}

// Only to end the system call that runs the program.
static void end(int number) { (void)number; }

static void run_program(int program, const uint8_t *frame, int bytes, uint32_t frames) {
    union bpf_attr attributes = {.test = {
        .prog_fd = (uint32_t)program, .data_in = (uintptr_t)frame, .data_size_in = (uint32_t)bytes, .repeat = frames,
        .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = BATCH_FRAMES}};
    if (syscall(SYS_bpf, BPF_PROG_TEST_RUN, &attributes, sizeof attributes) < 0 && errno != EINTR)
        die("run", strerror(errno));
}

static long number_of(const char *word, long least, long most) {
    char *rest;
    long number = strtol(word, &rest, 10);
    if (*rest != 0 || number < least || number > most) {
        fprintf(stderr, "xdp-feeder: '%s' must be a number from %ld to %ld\n", word, least, most);
        exit(2);
    }
    return number;
}

int main(int count, char **words) {
    if (count != 6)
        die("usage", "xdp-feeder PRIMARY SECONDARY FRAME_BYTES PAIRS PAIRS_PER_SECOND");
    int bytes = (int)number_of(words[3], LEAST_BYTES, MOST_BYTES);
    long pairs = number_of(words[4], 1, INT32_MAX / 2);
    long rate = number_of(words[5], 0, NS_PER_SECOND);
    int map = make_state((double)rate);
    int program = load_program(map, index_of(words[1]), index_of(words[2]));
    uint8_t frame[MOST_BYTES];
    make_frame(frame, bytes);
    if (rate != 0) {
        struct sigaction action = {.sa_handler = end};
        sigaction(SIGALRM, &action, NULL);
        long microseconds = pairs * 1000000 / rate;
        struct itimerval timer = {.it_value = {.tv_sec = microseconds / 1000000, .tv_usec = microseconds % 1000000 + 1}};
        setitimer(ITIMER_REAL, &timer, NULL);
    }
    run_program(program, frame, bytes, rate == 0 ? 2 * (uint32_t)pairs : UINT32_MAX);
    struct state state = read_state(map);
    if (state.count % 2 != 0)
        run_program(program, frame, bytes, 1);
    uint64_t sent = (state.count + 1) / 2;
    printf("%llu %.0f\n", (unsigned long long)sent, (double)sent / (double)(state.last_ns - state.start_ns) * NS_PER_SECOND);
    return 0;
}
