// SPDX-License-Identifier: GPL-2.0-or-later

// Written by native-config/xdp/build.sh from port.bpf.c with clang 14. To change it, change that file and run the script.

using System;

namespace ColoWire.Ports.Xdp;

public sealed unsafe partial class PortProgram
{
    /// <summary>Where the descriptor of the map <c>sockets</c> belongs: the numbers of the instructions.</summary>
    internal static ReadOnlySpan<int> SocketsAt => [43];

    /// <summary>Where the descriptor of the map <c>wire</c> belongs.</summary>
    internal static ReadOnlySpan<int> WireAt => [55];

    /// <summary>Where the descriptor of the map <c>state</c> belongs.</summary>
    internal static ReadOnlySpan<int> StateAt => [5];

    /// <summary>The instructions (<c>struct bpf_insn</c> of linux/bpf.h, as words in the order of a little-endian machine).</summary>
    internal static ReadOnlySpan<ulong> Code =>
    [
        0x00000000000002b7, //  0  r2 = 0
        0x00000000fffc2a63, //  1  *(u32 *)(r10 - 4) = r2
        0x0000000000101761, //  2  r7 = *(u32 *)(r1 + 16)
        0x000000000000a2bf, //  3  r2 = r10
        0xfffffffc00000207, //  4  r2 += -4
        0x0000000000000118, //  5  r1 = 0 ll
        0x0000000000000000, //  6  (its second half)
        0x0000000100000085, //  7  call 1
        0x00000000000006bf, //  8  r6 = r0
        0x00000001000008b7, //  9  r8 = 1
        0x00000000003d0615, // 10  if r6 == 0 goto +61
        0x00000000000061bf, // 11  r1 = r6
        0x00000000000079bf, // 12  r9 = r7
        0x0000003f000107a5, // 13  if r7 < 63 goto +1
        0x0000003f000009b7, // 14  r9 = 63
        0x0000004000000607, // 15  r6 += 64
        0x0000000000081279, // 16  r2 = *(u64 *)(r1 + 8)
        0x00000000000c0215, // 17  if r2 == 0 goto +12
        0x0000000000001779, // 18  r7 = *(u64 *)(r1 + 0)
        0x0000000000401879, // 19  r8 = *(u64 *)(r1 + 64)
        0x0000000000210815, // 20  if r8 == 0 goto +33
        0x0000000000030715, // 21  if r7 == 0 goto +3
        0x0000000500000085, // 22  call 5
        0x000000000000801f, // 23  r0 -= r8
        0x00000000001d706d, // 24  if r0 s> r7 goto +29
        0x0000000700000967, // 25  r9 <<= 7
        0x000000000000960f, // 26  r6 += r9
        0x00000002000008b7, // 27  r8 = 2
        0x0000004800000607, // 28  r6 += 72
        0x0000000000270005, // 29  goto +39
        0x00000000000092bf, // 30  r2 = r9
        0x0000000700000267, // 31  r2 <<= 7
        0x00000000000063bf, // 32  r3 = r6
        0x000000000000230f, // 33  r3 += r2
        0x0000000000003879, // 34  r8 = *(u64 *)(r3 + 0)
        0x0000000000120815, // 35  if r8 == 0 goto +18
        0x0000000000001179, // 36  r1 = *(u64 *)(r1 + 0)
        0x0000000000050115, // 37  if r1 == 0 goto +5
        0x00000000fff01a7b, // 38  *(u64 *)(r10 - 16) = r1
        0x0000000500000085, // 39  call 5
        0x000000000000801f, // 40  r0 -= r8
        0x00000000fff0a179, // 41  r1 = *(u64 *)(r10 - 16)
        0x00000000000b106d, // 42  if r0 s> r1 goto +11
        0x0000000000000118, // 43  r1 = 0 ll
        0x0000000000000000, // 44  (its second half)
        0x00000000000072bf, // 45  r2 = r7
        0x00000001000003b7, // 46  r3 = 1
        0x0000003300000085, // 47  call 51
        0x0000000400050055, // 48  if r0 != 4 goto +5
        0x0000000700000967, // 49  r9 <<= 7
        0x000000000000960f, // 50  r6 += r9
        0x00000004000008b7, // 51  r8 = 4
        0x0000004000000607, // 52  r6 += 64
        0x00000000000f0005, // 53  goto +15
        0x00000001000008b7, // 54  r8 = 1
        0x0000000000000118, // 55  r1 = 0 ll
        0x0000000000000000, // 56  (its second half)
        0x00000000000002b7, // 57  r2 = 0
        0x00000001000003b7, // 58  r3 = 1
        0x0000003300000085, // 59  call 51
        0x0000000400050055, // 60  if r0 != 4 goto +5
        0x0000000700000967, // 61  r9 <<= 7
        0x000000000000960f, // 62  r6 += r9
        0x00000004000008b7, // 63  r8 = 4
        0x0000005000000607, // 64  r6 += 80
        0x0000000000030005, // 65  goto +3
        0x0000000700000967, // 66  r9 <<= 7
        0x000000000000960f, // 67  r6 += r9
        0x0000005800000607, // 68  r6 += 88
        0x0000000000006179, // 69  r1 = *(u64 *)(r6 + 0)
        0x0000000100000107, // 70  r1 += 1
        0x000000000000167b, // 71  *(u64 *)(r6 + 0) = r1
        0x00000000000080bf, // 72  r0 = r8
        0x0000000000000095, // 73  exit
    ];
}
