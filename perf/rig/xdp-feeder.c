// SPDX-License-Identifier: GPL-2.0-or-later

// Feeds pairs faster than packet sockets can: the kernel itself makes the frames (BPF_PROG_RUN with live frames), over and over until a
// timer ends it, and an XDP program of some thirty instructions drops those that are not due, numbers the others, spreads them over flows
// and sends them to the two interfaces in turn, or a client's frames to one. A frame costs a third of what it costs through a socket, so
// that what is measured is found wanting before the generator is. The other ends of the cables must have an XDP program, or the kernel drops
// what it sends there.
//
// Usage: xdp-feeder INTERFACE[,INTERFACE] FRAME_BYTES PAIRS PAIRS_PER_SECOND udp|tcp|tcp-timestamps, where a rate of 0 is as fast as it
// can. Prints how many pairs it sent, which are fewer than asked for when it cannot keep the rate, and the rate that it reached. opener.c
// opens the TCP connections.

#define _GNU_SOURCE
#include <linux/bpf.h>

#include "traffic.h"

#include <stddef.h>
#include <sys/time.h>

enum {
    SIDES = 2,
    LEAST_BYTES = HEADER_BYTES + sizeof(uint32_t),
    // Frames that the kernel hands on in one go: 32 of each side, as close as two replicas' bursts are on a wire.
    BATCH_FRAMES = 64,
    // Fractions of a nanosecond in the time between two frames.
    INTERVAL_BITS = 16,
};

// What the program and this process share.
struct state {
    uint64_t count;
    uint64_t start_ns;
    uint64_t last_ns;
    uint64_t interval;
};

static int make_state(double frames_per_second) {
    int map = bpf("map", BPF_MAP_CREATE, &(union bpf_attr){
        .map_type = BPF_MAP_TYPE_ARRAY, .key_size = sizeof(uint32_t), .value_size = sizeof(struct state), .max_entries = 1});
    struct state state = {
        .interval = frames_per_second == 0 ? 0 : (uint64_t)((double)((uint64_t)NS_PER_SECOND << INTERVAL_BITS) / frames_per_second),
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

static int load_program(int map, const int *interfaces, int sides, const struct numbering *numbering) {
    enum { STATE = 6, FRAME = 7, COUNT = 8 };
    // With two sides the last bit of a frame's count is its side, and the others are the pair's number.
    int side_bits = sides - 1;
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
        {.code = BPF_JMP | BPF_JSET | BPF_K, .dst_reg = COUNT, .imm = side_bits, .off = 13},
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
        {.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 1, .src_reg = COUNT},
        {.code = BPF_ALU64 | BPF_RSH | BPF_K, .dst_reg = 1, .imm = side_bits},
        {.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 2, .src_reg = 1},
        {.code = BPF_ALU64 | BPF_RSH | BPF_K, .dst_reg = 2, .imm = (int)numbering->shift},
        {.code = BPF_ALU64 | BPF_MUL | BPF_K, .dst_reg = 2, .imm = (int)numbering->step},
        {.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 2, .imm = (int)numbering->first},
        {.code = BPF_ALU | BPF_END | BPF_TO_BE, .dst_reg = 2, .imm = 32},
        {.code = BPF_STX | BPF_MEM | BPF_W, .dst_reg = FRAME, .src_reg = 2, .off = (short)numbering->at},
        {.code = BPF_ALU64 | BPF_AND | BPF_K, .dst_reg = 1, .imm = FLOWS - 1},
        {.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 1, .imm = (int)numbering->first_port},
        {.code = BPF_ALU | BPF_END | BPF_TO_BE, .dst_reg = 1, .imm = 16},
        {.code = BPF_STX | BPF_MEM | BPF_H, .dst_reg = FRAME, .src_reg = 1, .off = SOURCE_PORT_AT},
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 1, .imm = interfaces[0]},
        {.code = BPF_ALU64 | BPF_AND | BPF_K, .dst_reg = COUNT, .imm = side_bits},
        {.code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = COUNT, .imm = 0, .off = 1},
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 1, .imm = interfaces[sides - 1]},
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

// Only to end the system call that runs the program.
static void interrupt(int number) { (void)number; }

static void run_program(int program, const uint8_t *frame, int bytes, uint32_t frames) {
    union bpf_attr attributes = {.test = {
        .prog_fd = (uint32_t)program, .data_in = (uintptr_t)frame, .data_size_in = (uint32_t)bytes, .repeat = frames,
        .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = BATCH_FRAMES}};
    if (syscall(SYS_bpf, BPF_PROG_TEST_RUN, &attributes, sizeof attributes) < 0 && errno != EINTR)
        die("run", strerror(errno));
}

int main(int count, char **words) {
    if (count != 6)
        die("usage", "xdp-feeder INTERFACE[,INTERFACE] FRAME_BYTES PAIRS PAIRS_PER_SECOND udp|tcp|tcp-timestamps");
    const char *names[SIDES];
    int interfaces[SIDES];
    int sides = split_list(words[1], names, SIDES);
    for (int side = 0; side < sides; side++)
        interfaces[side] = (int)index_of(names[side]);
    enum traffic traffic = traffic_of(words[5]);
    int bytes = (int)number_of(words[2], traffic == UDP ? (int)LEAST_BYTES : headers_of(traffic), MOST_BYTES);
    long pairs = number_of(words[3], 1, INT32_MAX / SIDES);
    long rate = number_of(words[4], 0, NS_PER_SECOND);
    struct numbering numbering = numbering_of(traffic, bytes);
    int map = make_state((double)rate * sides);
    int program = load_program(map, interfaces, sides, &numbering);
    uint8_t frame[MOST_BYTES];
    make_traffic(frame, traffic, bytes);
    if (rate != 0) {
        struct sigaction action = {.sa_handler = interrupt};
        sigaction(SIGALRM, &action, NULL);
        long microseconds = pairs * 1000000 / rate;
        struct itimerval timer = {.it_value = {.tv_sec = microseconds / 1000000, .tv_usec = microseconds % 1000000 + 1}};
        setitimer(ITIMER_REAL, &timer, NULL);
    }
    run_program(program, frame, bytes, rate == 0 ? (uint32_t)sides * (uint32_t)pairs : UINT32_MAX);
    struct state state = read_state(map);
    if (state.count % (uint64_t)sides != 0)
        run_program(program, frame, bytes, 1);
    uint64_t sent = (state.count + (uint64_t)sides - 1) / (uint64_t)sides;
    // One frame alone, where this process did not get the CPU, has no rate.
    double seconds = (double)(state.last_ns - state.start_ns) / NS_PER_SECOND;
    printf("%llu %.0f\n", (unsigned long long)sent, seconds > 0 ? (double)sent / seconds : 0);
    return 0;
}
