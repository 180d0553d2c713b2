// SPDX-License-Identifier: GPL-2.0-or-later

using System.Runtime.InteropServices;

namespace ColoWire.Engine.Rings;

/// <summary>
/// The cursors on lines of their own, 128 bytes apart because processors fetch lines in pairs: what the producer alone touches,
/// what it tells the consumer, what the consumer alone touches, what it tells the producer.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 640)]
internal struct RingCursors
{
    [FieldOffset(128)]
    public uint Added;

    [FieldOffset(132)]
    public uint ReleasedSeen;

    [FieldOffset(256)]
    public uint Published;

    [FieldOffset(384)]
    public uint Taken;

    [FieldOffset(388)]
    public uint PublishedSeen;

    [FieldOffset(512)]
    public uint Released;
}
