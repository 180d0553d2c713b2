// SPDX-License-Identifier: GPL-2.0-or-later

// Written by native-config/xdp/build.sh from port.bpf.c with clang 14. To change it, change that file and run the script.

using System;

namespace ColoWire.Ports.Xdp;

public sealed unsafe partial class PortProgram
{
    /// <summary>Where the descriptor of the map <c>sockets</c> belongs: the numbers of the instructions.</summary>
    internal static ReadOnlySpan<int> SocketsAt => [45];

    /// <summary>Where the descriptor of the map <c>wire</c> belongs.</summary>
    internal static ReadOnlySpan<int> WireAt => [57];

    /// <summary>Where the descriptor of the map <c>state</c> belongs.</summary>
    internal static ReadOnlySpan<int> StateAt => [9, 19];

    /// <summary>The instructions (<c>struct bpf_insn</c> of linux/bpf.h, as words in the order of a little-endian
    /// machine).</summary>
    internal static ReadOnlySpan<ulong> Code =>
    [
        0x0000000000101761, //  0  r7 = *(u32 *)(r1 + 16)
        0x00000000000001b7, //  1  r1 = 0
        0x00000000fffc1a63, //  2  *(u32 *)(r10 - 4) = r1
        0x00000000000071bf, //  3  r1 = r7
        0x0000003f000107a5, //  4  if r7 < 63 goto +1
        0x0000003f000001b7, //  5  r1 = 63
        0x00000000fff81a63, //  6  *(u32 *)(r10 - 8) = r1
        0x000000000000a2bf, //  7  r2 = r10
        0xfffffff800000207, //  8  r2 += -8
        0x0000000000000118, //  9  r1 = 0 ll
        0x0000000000000000, // 10  (its second half)
        0x0000000100000085, // 11  call 1
        0x00000000000006bf, // 12  r6 = r0
        0x00000001000008b7, // 13  r8 = 1
        0x0000000000380615, // 14  if r6 == 0 goto +56
        0x0000000000106179, // 15  r1 = *(u64 *)(r6 + 16)
        0x0000000000140115, // 16  if r1 == 0 goto +20
        0x000000000000a2bf, // 17  r2 = r10
        0xfffffffc00000207, // 18  r2 += -4
        0x0000000000000118, // 19  r1 = 0 ll
        0x0000000000000000, // 20  (its second half)
        0x0000000100000085, // 21  call 1
        0x00000000000007bf, // 22  r7 = r0
        0x0000000000200715, // 23  if r7 == 0 goto +32
        0x0000000000007879, // 24  r8 = *(u64 *)(r7 + 0)
        0x00000000001e0815, // 25  if r8 == 0 goto +30
        0x0000000000087179, // 26  r1 = *(u64 *)(r7 + 8)
        0x0000000000040115, // 27  if r1 == 0 goto +4
        0x0000000500000085, // 28  call 5
        0x000000000000801f, // 29  r0 -= r8
        0x0000000000087179, // 30  r1 = *(u64 *)(r7 + 8)
        0x000000000018106d, // 31  if r0 s> r1 goto +24
        0x0000000000486179, // 32  r1 = *(u64 *)(r6 + 72)
        0x0000000100000107, // 33  r1 += 1
        0x000000000048167b, // 34  *(u64 *)(r6 + 72) = r1
        0x00000002000008b7, // 35  r8 = 2
        0x0000000000220005, // 36  goto +34
        0x0000000000006879, // 37  r8 = *(u64 *)(r6 + 0)
        0x0000000000110815, // 38  if r8 == 0 goto +17
        0x0000000000086179, // 39  r1 = *(u64 *)(r6 + 8)
        0x0000000000040115, // 40  if r1 == 0 goto +4
        0x0000000500000085, // 41  call 5
        0x000000000000801f, // 42  r0 -= r8
        0x0000000000086179, // 43  r1 = *(u64 *)(r6 + 8)
        0x00000000000b106d, // 44  if r0 s> r1 goto +11
        0x0000000000000118, // 45  r1 = 0 ll
        0x0000000000000000, // 46  (its second half)
        0x00000000000072bf, // 47  r2 = r7
        0x00000001000003b7, // 48  r3 = 1
        0x0000003300000085, // 49  call 51
        0x0000000400050055, // 50  if r0 != 4 goto +5
        0x0000000000406179, // 51  r1 = *(u64 *)(r6 + 64)
        0x0000000100000107, // 52  r1 += 1
        0x000000000040167b, // 53  *(u64 *)(r6 + 64) = r1
        0x00000004000008b7, // 54  r8 = 4
        0x00000000000f0005, // 55  goto +15
        0x00000001000008b7, // 56  r8 = 1
        0x0000000000000118, // 57  r1 = 0 ll
        0x0000000000000000, // 58  (its second half)
        0x00000000000002b7, // 59  r2 = 0
        0x00000001000003b7, // 60  r3 = 1
        0x0000003300000085, // 61  call 51
        0x0000000400050055, // 62  if r0 != 4 goto +5
        0x0000000000506179, // 63  r1 = *(u64 *)(r6 + 80)
        0x0000000100000107, // 64  r1 += 1
        0x000000000050167b, // 65  *(u64 *)(r6 + 80) = r1
        0x00000004000008b7, // 66  r8 = 4
        0x0000000000030005, // 67  goto +3
        0x0000000000586179, // 68  r1 = *(u64 *)(r6 + 88)
        0x0000000100000107, // 69  r1 += 1
        0x000000000058167b, // 70  *(u64 *)(r6 + 88) = r1
        0x00000000000080bf, // 71  r0 = r8
        0x0000000000000095, // 72  exit
    ];
}
