// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Ports.Linux;

namespace ColoWire.Ports.Xdp;

/// <summary>
/// Checks whether ColoWire's own program is still attached to a capture interface. One that was detached is attached again. One
/// that another process of ColoWire has replaced is reported, and replaced in turn when that process has ended. While that
/// process runs, or a program that is not ColoWire's is attached, frames do not come to this ColoWire, or not to it alone.
/// </summary>
/// <remarks>It belongs to the upkeep thread. A check that finds no change allocates nothing.</remarks>
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
    private bool hasChanged;

    /// <summary>Watches an interface.</summary>
    /// <param name="interfaceName">The interface.</param>
    /// <param name="own">The program that belongs there; null where none does.</param>
    /// <exception cref="PortException">There is no such interface.</exception>
    public ProgramWatch(string interfaceName, PortProgram? own)
    {
        this.interfaceName = interfaceName;
        this.own = own;
        interfaceIndex = InterfaceIndex.Of(interfaceName);
        question = LinkNetlink.Request(interfaceIndex).Finish().ToArray();
    }

    /// <summary>What is wrong, in one line; null for nothing.</summary>
    public string? Trouble { get; private set; }

    /// <summary>Whether frames do not come to ColoWire, or not to it alone.</summary>
    public bool IsBypassed { get; private set; }

    /// <summary>Refuses an interface on which another process of ColoWire runs.</summary>
    /// <exception cref="PortException">One does.</exception>
    public void RefuseIfAlive() => EarlierProgram.RefuseIfAlive(interfaceName);

    /// <summary>The interface was removed and has come back with another index.</summary>
    public void Follow(int newInterfaceIndex)
    {
        interfaceIndex = newInterfaceIndex;
        question = LinkNetlink.Request(interfaceIndex).Finish().ToArray();
        own?.Follow(interfaceIndex);
        // The program is not attached there yet: the next check attaches it and reports nothing.
        wasMissing = true;
    }

    /// <summary>Checks.</summary>
    /// <param name="nowNs">The time by CLOCK_MONOTONIC, in nanoseconds.</param>
    /// <returns>Whether the interface was taken back from another process: <see cref="PortProgram.Before"/> says what bypassed
    /// ColoWire then.</returns>
    public bool Check(long nowNs)
    {
        NetlinkView answer = netlink.Look(question);
        if (answer.Error != 0)
        {
            // The interface is gone, which its port reports.
            return false;
        }

        AttachedProgram? attached = RouteNetlink.AttachedIn(answer.Content);
        try
        {
            return Compare(attached, nowNs);
        }
        catch (PortException exception)
        {
            Report(exception.Message, isBypassed: true);
            return false;
        }
    }

    /// <summary>Whether <see cref="Trouble"/> has changed since this was asked last.</summary>
    public bool TakeChange()
    {
        bool had = hasChanged;
        hasChanged = false;
        return had;
    }

    /// <summary>Closes the netlink socket.</summary>
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
            HandleNone(wasSeenMissing);
            return false;
        }

        if (attached.Value.Id == own?.Id)
        {
            Report(null, isBypassed: false);
            return false;
        }

        other ??= OtherProgram.Open(interfaceName, attached.Value);
        return other is not null && HandleOther(other, nowNs);
    }

    /// <summary>No program is attached. The own one is attached again at the second check only: the process that has detached it
    /// may be about to attach another one.</summary>
    private void HandleNone(bool wasSeenMissing)
    {
        if (own is null)
        {
            Report(null, isBypassed: false);
        }
        else if (wasSeenMissing)
        {
            wasMissing = true;
            own.AttachAgain();
            wasMissing = false;
            Report(null, isBypassed: false);
        }
        else
        {
            wasMissing = true;
            // Without a program the frames go to the kernel's stack, where a `pcap:` port receives them.
            Report(
                $"ColoWire's XDP program was detached from interface '{interfaceName}' by another process",
                isBypassed: own.Options.ToSocket);
        }
    }

    private bool HandleOther(OtherProgram program, long nowNs)
    {
        if (!program.IsOfColoWire)
        {
            // On the interface of a `pcap:` port without a program of its own it is no trouble, as long as it passes frames.
            Report(own is null ? null : program.Text, isBypassed: own is not null);
            return false;
        }

        if (program.MayRun(nowNs, PortLimits.TakeBackMs * NanosecondsPerMs))
        {
            Report(program.Text, isBypassed: true);
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

        Report(null, isBypassed: false);
        return own is not null;
    }

    private void Report(string? trouble, bool isBypassed)
    {
        hasChanged |= trouble != Trouble;
        Trouble = trouble;
        IsBypassed = isBypassed;
    }
}
