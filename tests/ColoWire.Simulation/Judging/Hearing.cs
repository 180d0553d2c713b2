// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using ColoWire.Engine.Frames;
using ColoWire.Simulation.World;

namespace ColoWire.Simulation.Judging;

/// <summary>
/// Records which clients' frames each replica has not read yet. A frame that its client sends only once, and that only one
/// replica reads, makes the replicas differ. So does a checkpoint between the two reads: the secondary is then a copy of the
/// primary, and reads a frame again that the primary had read, or never reads one that the primary reads later.
/// </summary>
/// <param name="noteHarm">The replicas may differ in a flow from now on.</param>
/// <param name="noteApart">A checkpoint has made the replicas differ in a flow.</param>
internal sealed class Hearing(Action<SentFrame> noteHarm, Action<SentFrame> noteApart)
{
    private readonly Dictionary<SentFrame, int> unreadByPrimary = new(ByNumber.Instance);
    private readonly Dictionary<SentFrame, int> unreadBySecondary = new(ByNumber.Instance);

    /// <summary>The appliance has received a frame, which both replicas are to read.</summary>
    public void NoteCaptured(SentFrame frame)
    {
        Add(Side.Primary, frame, 1);
        Add(Side.Secondary, frame, 1);
    }

    /// <summary>Only the primary is to read a frame.</summary>
    public void NoteBypass(SentFrame frame) => Add(Side.Primary, frame, 1);

    public void NoteRead(Side side, SentFrame frame) => Add(side, frame, -1);

    public void NoteLost(Side side, SentFrame frame) => Harm(side, frame, -1);

    public void NoteRepeated(Side side, SentFrame frame) => Harm(side, frame, 1);

    /// <summary>A port did not take frames in time: all that are on the way to its replica may be lost.</summary>
    public void NoteMissed(Side side)
    {
        foreach (SentFrame frame in Unread(side).Keys)
        {
            noteHarm(frame);
        }
    }

    /// <summary>The secondary has become a copy of the primary: replicas differ in what only one of them has still to
    /// read.</summary>
    public void NoteCopied()
    {
        foreach (SentFrame frame in unreadByPrimary.Keys.Union(unreadBySecondary.Keys, ByNumber.Instance))
        {
            if (unreadByPrimary.GetValueOrDefault(frame) != unreadBySecondary.GetValueOrDefault(frame))
            {
                noteApart(frame);
            }
        }
    }

    private void Harm(Side side, SentFrame frame, int count)
    {
        if (Matters(frame))
        {
            noteHarm(frame);
            Add(side, frame, count);
        }
    }

    private void Add(Side side, SentFrame frame, int count)
    {
        if (!Matters(frame))
        {
            return;
        }

        Dictionary<SentFrame, int> unread = Unread(side);
        int now = unread.GetValueOrDefault(frame) + count;
        if (now == 0)
        {
            unread.Remove(frame);
        }
        else
        {
            unread[frame] = now;
        }
    }

    private Dictionary<SentFrame, int> Unread(Side side) => side == Side.Primary ? unreadByPrimary : unreadBySecondary;

    /// <summary>What TCP sends until it is acknowledged heals (R2); RSTs are judged by what the replicas make of them.</summary>
    private static bool Matters(SentFrame frame) => frame.IsSentOnce;

    private sealed class ByNumber : IEqualityComparer<SentFrame>
    {
        public static ByNumber Instance { get; } = new();

        public bool Equals(SentFrame? one, SentFrame? other) => one?.Number == other?.Number;

        public int GetHashCode(SentFrame frame) => frame.Number.GetHashCode();
    }
}
