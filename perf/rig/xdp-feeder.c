// SPDX-License-Identifier: GPL-2.0-or-later

// Feeds pairs faster than packet sockets can: the kernel itself makes the frames (BPF_PROG_RUN with live frames), over and over until a
// timer ends it, and an XDP program of some thirty instructions drops those that are not due, numbers the others, spreads them over flows
// and sends them to the two interfaces in turn. A frame costs a third of what it costs through a socket, so that what is measured is
// found wanting before the generator is. The other ends of both cables must have an XDP program, or the kernel drops what it sends there.
//
// Usage: xdp-feeder PRIMARY SECONDARY FRAME_BYTES PAIRS PAIRS_PER_SECOND, where a rate of 0 is as fast as it can. Prints how many pairs it
// sent, which are fewer than asked for when it cannot keep the rate, and the rate that it reached.

#define _GNU_SOURCE
#include <linux/bpf.h>

#include "shared.h"

#include <stddef.h>
#include <sys/time.h>

enum {
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
    uint64_t first_number;
};

static int make_state(double pairs_per_second) {
    int map = bpf("map", BPF_MAP_CREATE, &(union bpf_attr){
        .map_type = BPF_MAP_TYPE_ARRAY, .key_size = sizeof(uint32_t), .value_size = sizeof(struct state), .max_entries = 1});
    struct state state = {
        .interval = pairs_per_second == 0 ? 0 : (uint64_t)((double)((uint64_t)NS_PER_SECOND << INTERVAL_BITS) / pairs_per_second / 2),
        // Numbers of one run are not those of the run before, whose last frames a comparer may still remember.
        .first_number = (uint64_t)(time_ns(CLOCK_MONOTONIC) / 1000),
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
        die("usage", "xdp-feeder PRIMARY SECONDARY FRAME_BYTES PAIRS PAIRS_PER_SECOND");
    int bytes = (int)number_of(words[3], LEAST_BYTES, MOST_BYTES);
    long pairs = number_of(words[4], 1, INT32_MAX / 2);
    long rate = number_of(words[5], 0, NS_PER_SECOND);
    int map = make_state((double)rate);
    int program = load_program(map, (int)index_of(words[1]), (int)index_of(words[2]));
    uint8_t frame[MOST_BYTES];
    make_frame(frame, bytes);
    if (rate != 0) {
        struct sigaction action = {.sa_handler = interrupt};
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
