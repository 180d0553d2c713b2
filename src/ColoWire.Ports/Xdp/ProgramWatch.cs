// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Diagnostics;

namespace ColoWire.Ports.Xdp;

/// <summary>
/// Looks whether ColoWire's own program is still on a capture interface. One that was taken off is attached again. One that another
/// process has replaced is told of, and taken back when that process has ended; as long as it runs, or the program is somebody else's,
/// frames do not come to this ColoWire, or not to it alone.
/// </summary>
/// <remarks>Belongs to one thread that is not on the way of a frame. A look at an interface on which all is well allocates nothing.</remarks>
internal sealed class ProgramWatch : IDisposable
{
    private const long NanosecondsPerMs = 1_000_000;

    private readonly string interfaceName;
    private int interfaceIndex;
    private readonly PortProgram? own;
    private readonly NetlinkSocket netlink = new(NetlinkSocket.Route);
    private byte[] question;
    private OtherProgram? other;
    private bool wasMissing;
    private bool hasNews;

    /// <summary>Watches an interface.</summary>
    /// <param name="interfaceName">Which.</param>
    /// <param name="own">The program that belongs there; null where none does.</param>
    public ProgramWatch(string interfaceName, PortProgram? own)
    {
        this.interfaceName = interfaceName;
        this.own = own;
        interfaceIndex = InterfaceIndex.Of(interfaceName);
        question = RouteNetlink.LinkRequest(interfaceIndex).Finish().ToArray();
    }

    /// <summary>What is wrong, in one line, or null.</summary>
    public string? Trouble { get; private set; }

    /// <summary>Whether frames do not come to ColoWire, or not to it alone.</summary>
    public bool IsBypassed { get; private set; }

    /// <summary>Makes sure that no other process of ColoWire's runs on the interface.</summary>
    /// <exception cref="PortException">One does.</exception>
    public void RefuseIfAlive() => EarlierProgram.RefuseIfAlive(interfaceName);

    /// <summary>From now on watches another interface, to which the program belongs in the place of one that was removed.</summary>
    public void Follow(int newInterfaceIndex)
    {
        interfaceIndex = newInterfaceIndex;
        question = RouteNetlink.LinkRequest(interfaceIndex).Finish().ToArray();
        own?.Follow(interfaceIndex);
        // That the program is not there yet is no news.
        wasMissing = true;
    }

    /// <summary>Looks.</summary>
    /// <param name="nowNs">The time by CLOCK_MONOTONIC.</param>
    /// <returns>Whether the interface was taken back from another process: <see cref="PortProgram.Before"/> tells what that one did.</returns>
    public bool Look(long nowNs)
    {
        NetlinkView answer = netlink.Look(question);
        if (answer.Error != 0)
        {
            // The interface is gone, of which its port tells.
            return false;
        }

        AttachedProgram? attached = RouteNetlink.AttachedIn(answer.Content);
        try
        {
            return Compare(attached, nowNs);
        }
        catch (PortException exception)
        {
            Tell(exception.Message, isBypassed: true);
            return false;
        }
    }

    /// <summary>Whether <see cref="Trouble"/> has changed since this was asked last.</summary>
    public bool TakeNews()
    {
        bool had = hasNews;
        hasNews = false;
        return had;
    }

    public void Dispose()
    {
        other?.Dispose();
        netlink.Dispose();
    }

    private bool Compare(AttachedProgram? attached, long nowNs)
    {
        if (attached?.Id != other?.Id)
        {
            other?.Dispose();
            other = null;
        }

        bool wasSeenMissing = wasMissing;
        wasMissing = false;
        if (attached is null)
        {
            MeetNone(wasSeenMissing);
            return false;
        }

        if (attached.Value.Id == own?.Id)
        {
            Tell(null, isBypassed: false);
            return false;
        }

        other ??= OtherProgram.Open(interfaceName, attached.Value);
        return other is not null && MeetOther(other, nowNs);
    }

    /// <summary>Whoever has taken it off may be about to put another one in its place: it is attached again at the second look.</summary>
    private void MeetNone(bool wasSeenMissing)
    {
        if (own is null)
        {
            Tell(null, isBypassed: false);
        }
        else if (wasSeenMissing)
        {
            wasMissing = true;
            own.AttachAgain();
            wasMissing = false;
            Tell(null, isBypassed: false);
        }
        else
        {
            wasMissing = true;
            // Without a program the frames go through the kernel's stack, where a `pcap:` port takes them.
            Tell($"somebody has taken ColoWire's XDP program off interface '{interfaceName}'", isBypassed: own.Options.ToSocket);
        }
    }

    private bool MeetOther(OtherProgram program, long nowNs)
    {
        if (!program.IsOfColoWire)
        {
            // Beside a `pcap:` port without a program of its own, which it does not disturb as long as it passes frames.
            Tell(own is null ? null : program.Text, isBypassed: own is not null);
            return false;
        }

        if (program.MayRun(nowNs, PortLimits.TakeBackMs * NanosecondsPerMs))
        {
            Tell(program.Text, isBypassed: true);
            return false;
        }

        if (own is null)
        {
            PortProgram.RemoveEarlier(interfaceName, interfaceIndex);
        }
        else
        {
            own.TakeOver();
        }

        Tell(null, isBypassed: false);
        return own is not null;
    }

    private void Tell(string? line, bool isBypassed)
    {
        hasNews |= line != Trouble;
        Trouble = line;
        IsBypassed = isBypassed;
    }

    /// <summary>A program on the interface that is not this process's.</summary>
    private sealed class OtherProgram : IDisposable
    {
        private readonly StateMemory? memory;
        private long lastBeatNs;
        private long aliveNs;

        private OtherProgram(uint id, string text, bool isOfColoWire, StateMemory? memory)
        {
            Id = id;
            Text = text;
            IsOfColoWire = isOfColoWire;
            this.memory = memory;
        }

        /// <summary>The kernel's number of it.</summary>
        public uint Id { get; }

        /// <summary>Whose it is, in one line.</summary>
        public string Text { get; }

        public bool IsOfColoWire { get; }

        /// <summary>Looks at it; null when it has gone meanwhile.</summary>
        public static OtherProgram? Open(string interfaceName, AttachedProgram attached)
        {
            int descriptor = Bpf.OpenProgram(attached.Id);
            if (descriptor < 0)
            {
                return null;
            }

            string name = Bpf.ProgramInfo(descriptor).Name;
            using EarlierProgram program = new(interfaceName, descriptor, attached.Mode);
            if (name != PortProgram.Name)
            {
                return new OtherProgram(attached.Id, EarlierProgram.Foreign(interfaceName, name, attached), isOfColoWire: false, memory: null);
            }

            StateMemory? memory = program.OpenState();
            string owner = memory is null ? string.Empty : ProgramOwner.Of(memory.State, Stopwatch.GetTimestamp()).ToString();
            return new OtherProgram(
                attached.Id, $"another ColoWire{owner} has taken interface '{interfaceName}' over; it is taken back when that one has ended", true, memory);
        }

        /// <summary>Whether its process may still run: it has not handed over, and has beaten within a time.</summary>
        public bool MayRun(long nowNs, long patienceNs)
        {
            if (memory is null)
            {
                // Of a ColoWire whose state this one does not know.
                return true;
            }

            long beatNs = memory.State.LastBeatNs;
            if (beatNs != lastBeatNs || aliveNs == 0)
            {
                lastBeatNs = beatNs;
                aliveNs = nowNs;
            }

            return beatNs != 0 && nowNs - aliveNs < patienceNs;
        }

        public void Dispose() => memory?.Dispose();
    }
}
