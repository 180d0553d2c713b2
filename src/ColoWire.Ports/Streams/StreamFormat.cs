// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine;

namespace ColoWire.Ports.Streams;

/// <summary>
/// How QEMU's sockets carry frames (its net/net.c and net/colo-compare.c): the length in four bytes, big-endian; with vnet_hdr_support the
/// bytes of the virtio-net header in four more; then as many bytes as the length says, that header first. And how a frame that came so
/// lies in its slot.
/// </summary>
internal static class StreamFormat
{
    /// <summary>Bytes of each of the two numbers.</summary>
    public const int WordBytes = sizeof(uint);

    /// <summary>Bytes of the longest header (virtio 1.2 section 5.1.6; with a hash report it has 20).</summary>
    public const int MaxVnetHeaderBytes = 20;

    /// <summary>Bytes of a header that is made here, for a frame that has none: virtio 1's. All of them 0, it says that nothing is left to do.</summary>
    public const int MadeVnetHeaderBytes = 12;

    /// <summary>The greatest length that can be meant: after another one nobody knows where the next frame begins.</summary>
    public const int MaxLength = EngineLimits.MaxFrameBytes + MaxVnetHeaderBytes;

    /// <summary>Where in its slot a frame begins, without its virtio-net header. That lies right before it, and byte 0 of the slot says how
    /// long it is: so that an out port can send both again in one piece.</summary>
    public const int FrameOffset = 32;

    /// <summary>Whether a virtio-net header can be so long: 10 bytes, with merged buffers 12, with a hash report 20, or none.</summary>
    public static bool IsVnetHeader(uint bytes) => bytes is 0 or 10 or 12 or MaxVnetHeaderBytes;

    /// <summary>Bytes before those that the length counts.</summary>
    public static int PrefixBytes(bool hasVnetHeaders) => hasVnetHeaders ? 2 * WordBytes : WordBytes;
}
