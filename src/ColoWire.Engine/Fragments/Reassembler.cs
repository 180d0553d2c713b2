// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Fragments;

/// <summary>
/// Puts the datagrams of one side together before anything else looks at them: how a guest cuts a datagram, and in which order it
/// sends the pieces, is the wire's dress and not the guest's word (R1). Each fragment's payload is copied on arrival into a slot that
/// becomes an ordinary frame; in the order of its flow the datagram takes its place when the last of its fragments has come.
/// What is given up, and why, stands in <c>Reassembler.Bounds.cs</c>.
/// </summary>
/// <remarks>
/// The primary's fragments are what leaves. In lockstep they are kept, as a chain behind the assembled frame. In observe mode they
/// are forwarded at once, and the assembled frame follows for the comparison only; but where a policy may drop the datagram, nobody knows
/// before it is whole, and they are kept, too. The secondary's go home once they are copied. What never makes a datagram is handed on
/// as it came: what there is of it as one frame, each fragment that comes later by itself.
/// </remarks>
internal sealed partial class Reassembler
{
    private readonly SlotPool pool;
    private readonly FrameArena arena;
    private readonly DatagramTable datagrams = new(EngineLimits.FragmentedDatagrams);
    private readonly SlotUse use;
    private readonly FlowHashKey hashKey;
    private readonly PolicyRule[] policies;
    private readonly bool isPrimary;
    private bool observe;
    private readonly long timeoutNs;
    private readonly long patienceNs;
    private FrameQueue output = FrameQueue.Empty;

    /// <param name="pool">The slots of the side.</param>
    /// <param name="options">Validated options.</param>
    /// <param name="earlier">What a reassembler has counted in the place of which this one goes on; null for none.</param>
    public Reassembler(SlotPool pool, EngineOptions options, ReassemblyCounters? earlier = null)
    {
        Counters = earlier ?? new ReassemblyCounters();
        Counters.Waiting = 0;
        this.pool = pool;
        arena = pool.Arena;
        use = new SlotUse(arena, options.FragmentMemoryKiB);
        hashKey = options.HashKey;
        policies = [.. options.Policies];
        isPrimary = pool.Side == Side.Primary;
        observe = options.Mode == CompareMode.Observe;
        // A frame must not wait here for longer than it may wait for its twin.
        timeoutNs = Math.Min(options.FragmentTimeoutMs, options.CompareTimeoutMs) * NanosecondsPerMs;
        // Where both sides send as little of a datagram, the primary's must be there first to be compared with.
        patienceNs = isPrimary ? timeoutNs : timeoutNs + (options.GraceMs * NanosecondsPerMs);
    }

    /// <summary>What it has counted; any thread may read it.</summary>
    public ReassemblyCounters Counters { get; }

    public static long ByteCount => DatagramTable.ByteCount(EngineLimits.FragmentedDatagrams);

    /// <summary>Takes over a frame that was parsed as a fragment.</summary>
    public void Accept(FrameRef fragment)
    {
        ref Frame frame = ref arena[fragment];
        // A replay's clock may have passed by the end of a datagram's time before it met the frame that comes after it.
        Expire(frame.ArrivalNs);
        ReadOnlySpan<byte> bytes = arena.Bytes(fragment);
        FragmentHeader header = FragmentHeader.Read(bytes, in frame.Layout);
        if (header is { Start: 0, HasMore: false })
        {
            AcceptWhole(fragment);
            return;
        }

        FlowKey.ReadDatagram(bytes, in frame.Layout, header.Id, out FlowKey key);
        uint hash = key.Hash(in hashKey);
        int datagram = datagrams.Find(in key, hash);
        if (datagram == PartialDatagram.None)
        {
            MakeRoomForDatagram(frame.ArrivalNs);
            datagram = datagrams.Add(in key, hash, PartialDatagram.Begun(frame.Epoch, frame.ArrivalNs));
            datagrams[datagram].KeepsOriginals = KeepsOriginals(fragment);
        }

        AcceptPart(datagram, fragment, header);
    }

    /// <summary>Hands on what came of the frames that were taken over, in order.</summary>
    /// <returns>False when there is nothing more.</returns>
    public bool TryTake(out FrameRef frame)
    {
        frame = output.Head;
        if (frame.IsNone)
        {
            return false;
        }

        output.Remove(arena, frame);
        return true;
    }

    /// <summary>A datagram whose only fragment this is has nothing to do with others of the same identification (RFC 6946).</summary>
    private void AcceptWhole(FrameRef fragment)
    {
        ref Frame frame = ref arena[fragment];
        PartialDatagram datagram = PartialDatagram.Begun(frame.Epoch, frame.ArrivalNs);
        datagram.KeepsOriginals = KeepsOriginals(fragment);
        int headerBytes = frame.Layout.PayloadOffset;
        if (headerBytes > EngineLimits.FragmentHeadroomBytes)
        {
            GiveUpWhole(fragment, DatagramOutcome.Malformed);
        }
        else if (!HasRoom(PartialDatagram.None, ref datagram, frame.Layout.PayloadLength, frame.ArrivalNs))
        {
            GiveUpWhole(fragment, DatagramOutcome.OverBudget);
        }
        else
        {
            CopyHeaders(datagram.Assembly, fragment);
            new AssemblySlot(arena, datagram.Assembly).Add(0, Payload(fragment));
            datagram.TotalBytes = frame.Layout.PayloadLength;
            long arrivalNs = frame.ArrivalNs;
            Keep(ref datagram, fragment);
            Complete(ref datagram, arrivalNs);
        }
    }

    private void AcceptPart(int datagram, FrameRef fragment, FragmentHeader header)
    {
        ref PartialDatagram whole = ref datagrams[datagram];
        ref Frame frame = ref arena[fragment];
        frame.Epoch = whole.Epoch;
        long arrivalNs = frame.ArrivalNs;
        if (whole.IsGivenUp)
        {
            FollowGivenUp(fragment, whole.IsOdd);
            return;
        }

        DatagramOutcome outcome = Merge(datagram, fragment, header);
        if (outcome != DatagramOutcome.Reassembled)
        {
            GiveUp(datagram, outcome, arrivalNs);
            FollowGivenUp(fragment, whole.IsOdd);
            return;
        }

        Keep(ref whole, fragment);
        if (!whole.IsComplete)
        {
            KeepBudget(arrivalNs);
        }
        else if (FragmentHeader.Fits(in arena[whole.Assembly].Layout, whole.TotalBytes))
        {
            Complete(ref whole, arrivalNs);
            datagrams.Remove(datagram);
        }
        else
        {
            GiveUp(datagram, DatagramOutcome.Malformed, arrivalNs);
        }
    }

    /// <summary>Copies a fragment's payload to its place.</summary>
    /// <returns>Reassembled when it fits, else what the datagram is to be given up for.</returns>
    private DatagramOutcome Merge(int datagram, FrameRef fragment, FragmentHeader header)
    {
        ref PartialDatagram whole = ref datagrams[datagram];
        ref Frame frame = ref arena[fragment];
        int length = frame.Layout.PayloadLength;
        int end = header.Start + length;
        if (!IsSound(in whole, in frame.Layout, header, end))
        {
            return DatagramOutcome.Malformed;
        }

        if (!HasRoom(datagram, ref whole, end, frame.ArrivalNs))
        {
            return DatagramOutcome.OverBudget;
        }

        AssemblySlot slot = new(arena, whole.Assembly);
        bool isNew = !slot.Overlaps(header.Start, length);
        if (!isNew && !slot.Repeats(header.Start, Payload(fragment), whole.EndBytes))
        {
            return DatagramOutcome.Overlapping;
        }

        if (isNew)
        {
            slot.Add(header.Start, Payload(fragment));
            whole.ReceivedBytes += length;
            whole.EndBytes = Math.Max(whole.EndBytes, end);
            whole.TotalBytes = header.HasMore ? whole.TotalBytes : end;
        }

        // The first fragment's headers are the datagram's; until it comes, any show whose it is.
        if (whole.Fragments == 0 || (isNew && header.Start == 0))
        {
            CopyHeaders(whole.Assembly, fragment);
        }

        return DatagramOutcome.Reassembled;
    }

    /// <summary>Whether a fragment may be a part of what has come so far, wherever its bytes fall.</summary>
    private static bool IsSound(in PartialDatagram whole, in FrameLayout layout, FragmentHeader header, int end)
    {
        bool isUnderstood = layout.PayloadOffset <= EngineLimits.FragmentHeadroomBytes && FragmentHeader.Fits(in layout, end);
        bool isWhole = layout.PayloadLength != 0 && (!header.HasMore || layout.PayloadLength % FragmentHeader.UnitBytes == 0);
        return isUnderstood && isWhole && (header.HasMore, whole.TotalBytes) switch
        {
            (true, 0) => true,
            (true, _) => end < whole.TotalBytes,
            (false, 0) => end > whole.EndBytes,
            (false, _) => end == whole.TotalBytes,
        };
    }

    /// <summary>The fragment's bytes have been copied: the frame itself waits, goes its way, or goes home.</summary>
    private void Keep(ref PartialDatagram whole, FrameRef fragment)
    {
        if (whole.Fragments++ == 0)
        {
            arena[whole.Assembly].Number = arena[fragment].Number;
        }

        Counters.Waiting++;
        if (!isPrimary)
        {
            pool.Return(fragment);
        }
        else if (whole.KeepsOriginals)
        {
            whole.Originals.Append(arena, fragment);
            use.Add(fragment);
        }
        else
        {
            arena[fragment].Marks |= FrameMarks.ForwardOnly;
            output.Append(arena, fragment);
        }
    }

    private bool KeepsOriginals(FrameRef fragment) => isPrimary && (!observe || MayBeDropped(fragment));

    /// <summary>Whether a policy may drop the datagram that a fragment belongs to. Its ports are not known yet, and in IPv6 only the first
    /// fragment names its protocol (RFC 8200 section 4.5).</summary>
    private bool MayBeDropped(FrameRef fragment)
    {
        ref FrameLayout layout = ref arena[fragment].Layout;
        FlowKey.Read(arena.Bytes(fragment), in layout, out FlowKey key);
        foreach (PolicyRule rule in policies)
        {
            PolicyMatch match = rule.MatchUnknown(in key, isProtocolKnown: layout.IpVersion == 4);
            if (match != PolicyMatch.Never && rule.Action == PolicyAction.Drop)
            {
                return true;
            }

            if (match == PolicyMatch.Always)
            {
                return false;
            }
        }

        return false;
    }

    /// <summary>All fragments are there: from here on it is a frame like any other.</summary>
    private void Complete(ref PartialDatagram whole, long arrivalNs)
    {
        AssemblySlot slot = new(arena, whole.Assembly);
        ref Frame frame = ref arena[whole.Assembly];
        int headerBytes = frame.Layout.PayloadOffset;
        int cut = FragmentHeader.MakeWhole(slot.Headers(headerBytes), in frame.Layout, whole.TotalBytes);
        Emit(ref whole, headerBytes - cut, whole.TotalBytes, arrivalNs);
        FrameParser.Parse(arena.Bytes(whole.Assembly), out frame.Layout);
        Counters.Count(DatagramOutcome.Reassembled);
    }

    /// <summary>Hands on the slot in which a datagram was put together as a frame that stands for its fragments.</summary>
    private void Emit(ref PartialDatagram whole, int headerBytes, int payloadBytes, long arrivalNs)
    {
        int payloadOffset = new AssemblySlot(arena, whole.Assembly).PayloadOffset;
        new FragmentChain(whole.Originals.Head, whole.Fragments, whole.EndBytes, whole.TotalBytes).Write(arena.SlotBytes(whole.Assembly));
        ref Frame frame = ref arena[whole.Assembly];
        frame.ArrivalNs = arrivalNs;
        frame.Offset = (ushort)(payloadOffset - headerBytes);
        frame.Length = headerBytes + payloadBytes;
        frame.Side = pool.Side;
        frame.Marks = FrameMarks.Assembled;
        frame.Epoch = whole.Epoch;
        for (FrameRef original = whole.Originals.Head; !original.IsNone; original = arena[original].Next)
        {
            use.Remove(original);
        }

        use.Remove(whole.Assembly);
        Counters.Waiting -= whole.Fragments;
        output.Append(arena, whole.Assembly);
    }

    /// <summary>The layout stays the fragment's until the datagram is whole.</summary>
    private void CopyHeaders(FrameRef assembly, FrameRef fragment)
    {
        ref FrameLayout layout = ref arena[fragment].Layout;
        arena[assembly].Layout = layout;
        arena.Bytes(fragment)[..layout.PayloadOffset].CopyTo(new AssemblySlot(arena, assembly).Headers(layout.PayloadOffset));
    }

    private ReadOnlySpan<byte> Payload(FrameRef fragment)
    {
        ref FrameLayout layout = ref arena[fragment].Layout;
        return arena.Bytes(fragment).Slice(layout.PayloadOffset, layout.PayloadLength);
    }
}
