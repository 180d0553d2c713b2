// SPDX-License-Identifier: GPL-2.0-or-later

using System.Runtime.CompilerServices;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Rings;

namespace ColoWire.Engine.Exits;

/// <summary>
/// Sends each frame out of a shard: to egress, or back to the pool of its slot. No other type writes to the shard's outgoing
/// rings, and each exit is counted here (R4).
/// </summary>
/// <param name="arena">The arena of the frames.</param>
/// <param name="rings">The rings of the shard.</param>
/// <param name="counters">The counters of the shard.</param>
internal sealed class Disposition(FrameArena arena, ShardRings rings, ShardCounters counters)
{
    private readonly SpscRing<FrameRef> released = rings.Released;
    private readonly SpscRing<FrameRef> primaryHome = rings.PrimaryHome;
    private readonly SpscRing<FrameRef> secondaryHome = rings.SecondaryHome;
    private readonly FrameRef[] observed = new FrameRef[EngineLimits.BatchFrames];

    /// <summary>
    /// The number of the primary's frames that a frame represents: its fragments if it was reassembled, else 1.
    /// </summary>
    public int Weight(FrameRef primary) =>
        (arena[primary].Marks & FrameMarks.Assembled) != 0 ? arena.Fragments(primary).Count : 1;

    /// <summary>Sends a verified frame of the primary that is not reassembled.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void ReleaseVerified(FrameView primary)
    {
        counters.Verified++;
        if ((primary.Descriptor.Marks & FrameMarks.SentAhead) != 0)
        {
            MarkDone(primary.Reference, FrameMarks.Compared);
        }
        else
        {
            released.Add(primary.Reference);
        }
    }

    /// <summary>Sends a frame of the primary that was verified or assumed equal (<see cref="FrameMarks.Assumed"/>).</summary>
    public void ReleaseVerified(FrameRef primary)
    {
        if ((arena[primary].Marks & FrameMarks.Assumed) != 0)
        {
            Release(primary, UnverifiedReason.Unseen);
            return;
        }

        counters.Verified += Weight(primary);
        Send(primary);
    }

    /// <summary>Sends a frame of the primary that was not verified.</summary>
    public void Release(FrameRef primary, UnverifiedReason reason)
    {
        counters.Count(reason, Weight(primary));
        Send(primary);
    }

    /// <summary>Sends a frame of the primary that is not compared.</summary>
    public void Release(FrameRef primary, NotComparedReason reason)
    {
        counters.Count(reason, Weight(primary));
        Send(primary);
    }

    /// <summary>Sends a malformed frame of the primary.</summary>
    public void Release(FrameRef primary, MalformedKind kind)
    {
        counters.Count(kind, Weight(primary));
        Send(primary);
    }

    /// <summary>Sends a fragment of the primary; its reassembled datagram is compared and counted instead.</summary>
    public void ReleaseFragment(FrameRef primary) => Send(primary);

    /// <summary>
    /// Sends a frame of the primary before its comparison (mode <c>observe</c>). Its slot returns to the pool once the frame was
    /// both injected and compared.
    /// </summary>
    public void SendAhead(FrameRef primary)
    {
        if ((arena[primary].Marks & FrameMarks.Assembled) != 0)
        {
            // Its fragments were sent before, or are sent now.
            SendFragments(primary);
            return;
        }

        arena[primary].Marks |= FrameMarks.SentAhead;
        released.Add(primary);
    }

    /// <summary>
    /// Drops a frame of the primary and returns its slot. A frame that was sent ahead is only marked as compared.
    /// </summary>
    public void DropPrimary(FrameRef primary, DropReason reason)
    {
        if ((arena[primary].Marks & FrameMarks.SentAhead) != 0)
        {
            Send(primary);
            return;
        }

        if ((arena[primary].Marks & FrameMarks.Assembled) == 0)
        {
            counters.Count(reason);
        }
        else if (arena.Fragments(primary) is { First.IsNone: false } fragments)
        {
            counters.Count(reason, fragments.Count);
            for (FrameRef fragment = fragments.First; !fragment.IsNone; fragment = arena[fragment].Next)
            {
                primaryHome.Add(fragment);
            }
        }

        primaryHome.Add(primary);
    }

    /// <summary>Returns the slot of a secondary frame that equals the primary's.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void ReturnSecondary(FrameRef secondary) => secondaryHome.Add(secondary);

    /// <summary>Returns the slot of a secondary frame that repeats verified bytes.</summary>
    public void ReturnRepeated(FrameRef secondary)
    {
        counters.SecondaryRepeated++;
        secondaryHome.Add(secondary);
    }

    /// <summary>Drops a secondary frame that was not compared, and returns its slot.</summary>
    public void DropSecondary(FrameRef secondary, DropReason reason)
    {
        const FrameMarks OfFragments = FrameMarks.Assembled | FrameMarks.Incomplete;
        bool standsForMore = (arena[secondary].Marks & OfFragments) == OfFragments;
        counters.Count(reason, standsForMore ? arena.Fragments(secondary).Count : 1);
        secondaryHome.Add(secondary);
    }

    /// <summary>Sends a frame of the secondary after a fail-over to the secondary.</summary>
    public void ReleaseSecondary(FrameRef secondary)
    {
        if ((arena[secondary].Marks & FrameMarks.Assembled) != 0)
        {
            // Its fragments were returned to the pool, and the whole datagram exceeds the MTU. Later fragments are forwarded
            // without reassembly.
            DropSecondary(secondary, DropReason.SecondaryFragment);
            return;
        }

        counters.SecondaryReleased++;
        released.Add(secondary);
    }

    /// <summary>Takes back frames that egress injected before their comparison.</summary>
    /// <returns>The number of frames.</returns>
    public int TakeInjected()
    {
        int count = rings.Observed.Read(observed);
        for (int i = 0; i < count; i++)
        {
            MarkDone(observed[i], FrameMarks.Injected);
        }

        return count;
    }

    /// <summary>Publishes the shard's outgoing rings to the other duties.</summary>
    public void Publish()
    {
        released.Publish();
        secondaryHome.Publish();
        primaryHome.Publish();
    }

    /// <summary>
    /// Sends a frame, or its fragments if it was reassembled, to egress. A frame that was sent ahead is only marked as compared.
    /// </summary>
    private void Send(FrameRef primary)
    {
        if ((arena[primary].Marks & FrameMarks.Assembled) != 0)
        {
            SendFragments(primary);
            primaryHome.Add(primary);
        }
        else if ((arena[primary].Marks & FrameMarks.SentAhead) != 0)
        {
            MarkDone(primary, FrameMarks.Compared);
        }
        else
        {
            released.Add(primary);
        }
    }

    private void SendFragments(FrameRef primary)
    {
        FragmentChain fragments = arena.Fragments(primary);
        for (FrameRef fragment = fragments.First; !fragment.IsNone; fragment = arena[fragment].Next)
        {
            released.Add(fragment);
        }

        (fragments with { First = FrameRef.None }).Write(arena.SlotBytes(primary));
    }

    private void MarkDone(FrameRef primary, FrameMarks done)
    {
        ref Frame frame = ref arena[primary];
        frame.Marks |= done;
        if ((frame.Marks & FrameMarks.Done) == FrameMarks.Done)
        {
            primaryHome.Add(primary);
        }
    }
}
