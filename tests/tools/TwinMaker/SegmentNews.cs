// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using System.Linq;

namespace ColoWire.TwinMaker;

/// <summary>
/// The content of a TCP segment that no segment before it in its connection had: only new content can make a difference, because
/// of two copies of a byte the first one is compared.
/// </summary>
internal sealed class SegmentNews
{
    private SegmentNews(Connection connection) => Connection = connection;

    /// <summary>The connection, from one SYN to the next; its indices are those of the capture's frames.</summary>
    public Connection Connection { get; }

    /// <summary>Offset in the payload of the first run of new bytes.</summary>
    public int NewOffset { get; private set; }

    /// <summary>Length of that run in bytes; 0 if the segment has no new bytes, or if another copy has another value.</summary>
    public int NewLength { get; private set; }

    public bool IsNewSyn { get; private set; }

    public bool IsNewFin { get; private set; }

    /// <summary>The greatest acknowledgment number before this segment, if this segment has a greater one; otherwise
    /// null.</summary>
    public uint? AcknowledgmentBefore { get; private set; }

    public bool IsNews => NewLength > 0 || IsNewSyn || IsNewFin;

    /// <summary>The sequence number of the first payload byte; a SYN occupies the one before.</summary>
    public static uint FirstSequence(TwinFrame frame) => frame.Tcp.Sequence + (frame.Tcp.HasAny(TcpFlags.Syn) ? 1u : 0u);

    /// <summary>The sequence number after the last payload byte, which is that of a FIN.</summary>
    public static uint EndSequence(TwinFrame frame) => FirstSequence(frame) + (uint)frame.Layout.PayloadLength;

    public static IReadOnlyList<SegmentNews?> Of(IReadOnlyList<TwinFrame> frames)
    {
        Dictionary<FlowKey, Connection> connections = [];
        SegmentNews?[] news = new SegmentNews?[frames.Count];
        for (int index = 0; index < frames.Count; index++)
        {
            TwinFrame frame = frames[index];
            if (!frame.IsTcp || !ColoWireRules.IsCompared(frame))
                continue;
            bool isKnown = connections.TryGetValue(frame.Flow, out Connection? connection);
            bool isNewSyn = frame.Tcp.HasAny(TcpFlags.Syn) && connection?.Initial != frame.Tcp.Sequence;
            if (!isKnown || isNewSyn)
                connections[frame.Flow] = connection = new Connection { IsFirstOfFlow = !isKnown };
            if (isNewSyn)
                connection!.Initial = frame.Tcp.Sequence;
            news[index] = new SegmentNews(connection!) { IsNewSyn = isNewSyn };
            news[index]!.Take(frame, index);
        }

        for (int index = 0; index < frames.Count; index++)
            news[index]?.ForgetConflict(frames[index]);
        return news;
    }

    private void Take(TwinFrame frame, int index)
    {
        Connection.Indices.Add(index);
        uint first = FirstSequence(frame);
        for (int offset = 0; offset < frame.Layout.PayloadLength; offset++)
        {
            uint sequence = first + (uint)offset;
            byte value = frame.Payload[offset];
            bool isNew = Connection.Bytes.TryAdd(sequence, value);
            if (!isNew && Connection.Bytes[sequence] != value)
                Connection.Conflicts.Add(sequence);
            if (!isNew || (NewLength > 0 && NewOffset + NewLength != offset))
                continue;
            NewOffset = NewLength == 0 ? offset : NewOffset;
            NewLength++;
        }

        IsNewFin = frame.Tcp.HasAny(TcpFlags.Fin) && Connection.Fins.Add(EndSequence(frame));
        NoteAcknowledgment(frame);
    }

    private void NoteAcknowledgment(TwinFrame frame)
    {
        if (!frame.Tcp.HasAny(TcpFlags.Ack))
            return;
        uint acknowledgment = frame.Tcp.Acknowledgment;
        if (Connection.Acknowledged is uint before && SerialNumber.IsBefore(before, acknowledgment))
            AcknowledgmentBefore = before;
        if (Connection.Acknowledged is null || AcknowledgmentBefore is not null)
            Connection.Acknowledged = acknowledgment;
    }

    private void ForgetConflict(TwinFrame frame)
    {
        uint first = FirstSequence(frame) + (uint)NewOffset;
        if (Connection.Conflicts.Count > 0 && Enumerable.Range(0, NewLength).Any(offset => Connection.Conflicts.Contains(first + (uint)offset)))
            NewLength = 0;
    }
}

/// <summary>The content that a guest sends from one SYN to the next, or from the beginning of the capture.</summary>
internal sealed class Connection
{
    /// <summary>The sequence number of the SYN; null where the capture begins after the SYN.</summary>
    public uint? Initial { get; set; }

    /// <summary>Whether no connection of the same addresses and ports precedes it in the capture.</summary>
    public bool IsFirstOfFlow { get; init; }

    /// <summary>Indices of its frames.</summary>
    public List<int> Indices { get; } = [];

    /// <summary>The first copy of each byte.</summary>
    public Dictionary<uint, byte> Bytes { get; } = [];

    /// <summary>Positions at which another copy has another value.</summary>
    public HashSet<uint> Conflicts { get; } = [];

    public HashSet<uint> Fins { get; } = [];

    public uint? Acknowledged { get; set; }
}
