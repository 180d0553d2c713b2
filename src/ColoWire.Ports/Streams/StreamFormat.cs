// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine;

namespace ColoWire.Ports.Streams;

/// <summary>
/// The format in which QEMU's sockets carry frames (net_fill_rstate in net/net.c, and net/colo-compare.c), and how a received
/// frame lies in its slot. Per frame:
///   length (4 bytes, big-endian) │ with vnet_hdr_support: length of the virtio-net header (4 bytes) │ header │ frame
/// The first length counts the bytes of the header and of the frame.
/// </summary>
internal static class StreamFormat
{
    /// <summary>Bytes of each of the two length fields.</summary>
    public const int WordBytes = sizeof(uint);

    /// <summary>Bytes of the longest virtio-net header, with a hash report (virtio 1.2 section 5.1.6).</summary>
    public const int MaxVnetHeaderBytes = 20;

    /// <summary>Bytes of the header that is added to a frame that has none, that of virtio 1. All zero, it asks for no checksum
    /// and no segmentation.</summary>
    public const int MadeVnetHeaderBytes = 12;

    /// <summary>The greatest length that a frame can have, in bytes. After a greater one it is unknown where the next frame
    /// begins.</summary>
    public const int MaxLength = EngineLimits.MaxFrameBytes + MaxVnetHeaderBytes;

    /// <summary>The offset of a frame in its slot, without its virtio-net header. The header lies right before it, and byte 0 of
    /// the slot is the length of the header: so an out port can send both as one piece.</summary>
    public const int FrameOffset = 32;

    /// <summary>Whether a virtio-net header can have this length: 10 bytes, 12 with merged buffers, 20 with a hash report, or
    /// none.</summary>
    public static bool IsVnetHeader(uint bytes) => bytes is 0 or 10 or 12 or MaxVnetHeaderBytes;

    /// <summary>Bytes of the length fields before a frame.</summary>
    public static int PrefixBytes(bool hasVnetHeaders) => hasVnetHeaders ? 2 * WordBytes : WordBytes;
}
