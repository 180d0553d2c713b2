// SPDX-License-Identifier: GPL-2.0-or-later

using System.Runtime.CompilerServices;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Rings;

namespace ColoWire.Engine.Exits;

/// <summary>
/// Every way in which a frame leaves a shard: on to egress, or home to the pool of its slot. No other type writes to the shard's outgoing
/// rings, and each exit is counted here (R4).
/// </summary>
/// <param name="arena">Where the frames lie.</param>
/// <param name="rings">The rings of the shard.</param>
/// <param name="counters">What the shard counts.</param>
internal sealed class Disposition(FrameArena arena, ShardRings rings, ShardCounters counters)
{
    private readonly SpscRing<FrameRef> released = rings.Released;
    private readonly SpscRing<FrameRef> primaryHome = rings.PrimaryHome;
    private readonly SpscRing<FrameRef> secondaryHome = rings.SecondaryHome;
    private readonly FrameRef[] observed = new FrameRef[EngineLimits.BatchFrames];

    /// <summary>How many frames of the primary one stands for: the fragments of which it was assembled, or one.</summary>
    public int Weight(FrameRef primary) =>
        (arena[primary].Marks & FrameMarks.Assembled) != 0 ? arena.Fragments(primary).Count : 1;

    /// <summary>Sends a frame of the primary that was verified, and that was not assembled.</summary>
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

    /// <summary>Sends a frame of the primary that was verified, or taken for equal (<see cref="FrameMarks.Assumed"/>).</summary>
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

    /// <summary>Sends a fragment of the primary whose datagram is compared, and counted, in its place.</summary>
    public void ReleaseFragment(FrameRef primary) => Send(primary);

    /// <summary>Sends a frame of the primary before it is compared (mode <c>observe</c>). Its slot comes home once the frame was both injected and
    /// compared.</summary>
    public void SendAhead(FrameRef primary)
    {
        if ((arena[primary].Marks & FrameMarks.Assembled) != 0)
        {
            // Its fragments have left before it, or leave now.
            SendFragments(primary);
            return;
        }

        arena[primary].Marks |= FrameMarks.SentAhead;
        released.Add(primary);
    }

    /// <summary>Returns a frame of the primary that does not leave. One that was sent ahead has left already.</summary>
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

    /// <summary>Returns a frame of the secondary that agrees with the primary.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void ReturnSecondary(FrameRef secondary) => secondaryHome.Add(secondary);

    /// <summary>Returns a frame of the secondary that repeats what was verified.</summary>
    public void ReturnRepeated(FrameRef secondary)
    {
        counters.SecondaryRepeated++;
        secondaryHome.Add(secondary);
    }

    /// <summary>Returns a frame of the secondary that was not compared.</summary>
    public void DropSecondary(FrameRef secondary, DropReason reason)
    {
        const FrameMarks OfFragments = FrameMarks.Assembled | FrameMarks.Incomplete;
        bool standsForMore = (arena[secondary].Marks & OfFragments) == OfFragments;
        counters.Count(reason, standsForMore ? arena.Fragments(secondary).Count : 1);
        secondaryHome.Add(secondary);
    }

    /// <summary>Sends a frame of the secondary, which alone speaks for the guest.</summary>
    public void ReleaseSecondary(FrameRef secondary)
    {
        if ((arena[secondary].Marks & FrameMarks.Assembled) != 0)
        {
            // Its fragments are gone, and the wire does not take it whole. From now on they come as they are.
            DropSecondary(secondary, DropReason.SecondaryFragment);
            return;
        }

        counters.SecondaryReleased++;
        released.Add(secondary);
    }

    /// <summary>Takes back frames that egress has injected before they were compared.</summary>
    /// <returns>How many.</returns>
    public int TakeInjected()
    {
        int count = rings.Observed.Read(observed);
        for (int i = 0; i < count; i++)
        {
            MarkDone(observed[i], FrameMarks.Injected);
        }

        return count;
    }

    /// <summary>Shows the other duties all that was sent on or home.</summary>
    public void Publish()
    {
        released.Publish();
        secondaryHome.Publish();
        primaryHome.Publish();
    }

    /// <summary>A frame goes to egress, or the fragments of which it was assembled. One that was sent ahead left before: its slot goes home
    /// once the frame was also injected.</summary>
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
