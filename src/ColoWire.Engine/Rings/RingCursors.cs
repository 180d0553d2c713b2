// SPDX-License-Identifier: GPL-2.0-or-later

using System.Runtime.InteropServices;

namespace ColoWire.Engine.Rings;

/// <summary>
/// The cursors of a ring in separate cache lines, 128 bytes apart because processors prefetch lines in pairs. In this order: the
/// producer's private cursors, the cursor that the producer publishes, the consumer's private cursors, the cursor that the
/// consumer publishes.
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
