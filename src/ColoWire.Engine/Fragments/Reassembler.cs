// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Fragments;

/// <summary>
/// Reassembles the fragmented datagrams of one side before they are compared, because the size and the order of fragments may
/// differ between the replicas (R1). Each fragment's payload is copied on arrival into a slot, which becomes an ordinary frame.
/// The datagram's position in the order of its flow is that of the last fragment to arrive. <c>Reassembler.Bounds.cs</c> holds
/// the reasons for giving a datagram up.
/// </summary>
/// <remarks>
/// The primary's original fragments are sent, not the reassembled frame. In lockstep mode they are held as a chain behind the
/// reassembled frame. In observe mode they are forwarded at once, and the reassembled frame follows for the comparison only;
/// where a policy may drop the datagram they are held in observe mode too, because the decision needs the complete datagram. The
/// secondary's fragments are returned to the pool once their payload is copied. A datagram that is never completed is passed on
/// as one frame that represents the received fragments; each fragment that arrives later is passed on by itself.
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

    /// <param name="pool">The side's slot pool.</param>
    /// <param name="options">Validated options.</param>
    /// <param name="earlier">The counters of the reassembler that this one replaces; null for none.</param>
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
        // Reassembly must not take longer than a frame may wait for its twin.
        timeoutNs = Math.Min(options.FragmentTimeoutMs, options.CompareTimeoutMs) * NanosecondsPerMs;
        // Where both sides send the same incomplete datagram, the primary's part must arrive at the shard first, so that the
        // secondary's can be compared with it.
        patienceNs = isPrimary ? timeoutNs : timeoutNs + (options.GraceMs * NanosecondsPerMs);
    }

    /// <summary>The counters; any thread may read them.</summary>
    public ReassemblyCounters Counters { get; }

    public static long ByteCount => DatagramTable.ByteCount(EngineLimits.FragmentedDatagrams);

    /// <summary>Accepts a frame that was parsed as a fragment.</summary>
    public void Accept(FrameRef fragment)
    {
        ref Frame frame = ref arena[fragment];
        // The clock of a replay advances with the timestamps of the frames, so a timeout may expire just before this frame.
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

    /// <summary>Takes the next frame of the output, in order.</summary>
    /// <returns>False when the output is empty.</returns>
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

    /// <summary>
    /// Accepts a fragment that is a complete datagram. It is unrelated to fragments with the same identification (RFC 6946).
    /// </summary>
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

    /// <summary>Copies a fragment's payload to its offset in the slot.</summary>
    /// <returns>Reassembled when the fragment was added, else the reason to give the datagram up.</returns>
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

        // The headers of the first fragment are the datagram's (RFC 791 section 3.2, RFC 8200 section 4.5); until it arrives, the
        // headers of any fragment identify the flow.
        if (whole.Fragments == 0 || (isNew && header.Start == 0))
        {
            CopyHeaders(whole.Assembly, fragment);
        }

        return DatagramOutcome.Reassembled;
    }

    /// <summary>
    /// Whether a fragment's length and end agree with the fragments received so far. Overlaps are checked elsewhere.
    /// </summary>
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

    /// <summary>Handles a fragment whose payload was copied: its frame is held, forwarded, or returned to the pool.</summary>
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

    /// <summary>
    /// Whether a policy may drop the datagram of a fragment. The ports are unknown until the datagram is complete, and in IPv6
    /// only the first fragment names the upper-layer protocol (RFC 8200 section 4.5).
    /// </summary>
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

    /// <summary>
    /// Completes a datagram of which all fragments have arrived: it is parsed and emitted as an ordinary frame.
    /// </summary>
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

    /// <summary>Appends the slot of a datagram to the output, as a frame that represents its fragments.</summary>
    private void Emit(ref PartialDatagram whole, int headerBytes, int payloadBytes, long arrivalNs)
    {
        int payloadOffset = new AssemblySlot(arena, whole.Assembly).PayloadOffset;
        new FragmentChain(whole.Originals.Head, whole.Fragments, whole.EndBytes, whole.TotalBytes)
            .Write(arena.SlotBytes(whole.Assembly));
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

    /// <summary>
    /// Copies a fragment's headers and layout. The layout remains that of a fragment until the datagram is complete.
    /// </summary>
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
