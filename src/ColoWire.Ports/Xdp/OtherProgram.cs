// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Diagnostics;

namespace ColoWire.Ports.Xdp;

/// <summary>A program on a capture interface that is not this process's, while this process runs.</summary>
internal sealed class OtherProgram : IDisposable
{
    private readonly StateMemory? memory;
    private long lastBeatNs;
    private long changedAtNs;

    private OtherProgram(uint id, string text, bool isOfColoWire, StateMemory? memory)
    {
        Id = id;
        Text = text;
        IsOfColoWire = isOfColoWire;
        this.memory = memory;
    }

    /// <summary>The kernel's id of the program.</summary>
    public uint Id { get; }

    /// <summary>Whose it is, in one line.</summary>
    public string Text { get; }

    /// <summary>Whether another process of ColoWire has attached it.</summary>
    public bool IsOfColoWire { get; }

    /// <summary>Opens it.</summary>
    /// <returns>Null when it was unloaded meanwhile.</returns>
    /// <exception cref="PortException">This process has no permission to read whose it is.</exception>
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
            string text = EarlierProgram.Foreign(interfaceName, name, attached);
            return new OtherProgram(attached.Id, text, isOfColoWire: false, memory: null);
        }

        StateMemory? memory = program.OpenState();
        string owner = memory is null ? string.Empty : ProgramOwner.Of(memory.State, Stopwatch.GetTimestamp()).ToString();
        return new OtherProgram(
            attached.Id,
            $"another ColoWire{owner} has taken interface '{interfaceName}' over; it is taken back when that one has ended",
            isOfColoWire: true,
            memory);
    }

    /// <summary>Whether its process may still run: it has not handed over, and its heartbeat has changed within a time.</summary>
    /// <param name="nowNs">The time by CLOCK_MONOTONIC, in nanoseconds.</param>
    /// <param name="silenceNs">The longest time without a change, in nanoseconds.</param>
    public bool MayRun(long nowNs, long silenceNs)
    {
        if (memory is null)
        {
            // The program is of a version of ColoWire whose state has another layout.
            return true;
        }

        long beatNs = memory.State.LastBeatNs;
        if (beatNs != lastBeatNs || changedAtNs == 0)
        {
            lastBeatNs = beatNs;
            changedAtNs = nowNs;
        }

        return beatNs != 0 && nowNs - changedAtNs < silenceNs;
    }

    /// <summary>Unmaps its state; the program stays attached.</summary>
    public void Dispose() => memory?.Dispose();
}
