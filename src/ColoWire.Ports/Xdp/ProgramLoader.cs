// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using System.Linq;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Pipelines;
using ColoWire.Ports.Linux;

namespace ColoWire.Ports.Xdp;

/// <summary>Decides which capture port needs which program, and loads it.</summary>
/// <param name="options">What the operator wants.</param>
/// <param name="wires">The interfaces to which frames that bypass ColoWire are redirected.</param>
/// <param name="output">The out port.</param>
/// <param name="queues">The receive queue of each pipeline.</param>
internal sealed class ProgramLoader(FailWireOptions options, BypassWires wires, PortSpec output, IReadOnlyList<int> queues)
{
    /// <summary>A heartbeat that never times out: when ColoWire dies, frames stay in the socket's ring and nothing
    /// passes.</summary>
    private const int NoTimeout = 0;

    private int TimeoutMs => options.ToWire ? options.TimeoutMs : NoTimeout;

    /// <summary>Loads the programs of the capture ports, and detaches what an earlier ColoWire has left on a port that needs
    /// none.</summary>
    /// <exception cref="PortException">The program of an <c>xdp:</c> port cannot be loaded.</exception>
    public PortPrograms Load(PortSpec primary, PortSpec secondary, IReadOnlyList<PipelinePorts> pipelines)
    {
        bool hasInbound = pipelines[0].Inbound is not null;
        PortProgram? ofPrimary = null;
        PortProgram? ofSecondary = null;
        try
        {
            List<string> notes = [];
            ofPrimary = LoadFor(primary, output, wires.World, pipelines.Select(pipeline => pipeline.Primary), notes);
            ofSecondary = LoadFor(secondary, output, null, pipelines.Select(pipeline => pipeline.Secondary), notes);
            PortProgram? ofWorld = null;
            if (hasInbound)
            {
                IEnumerable<ICapturePort> sockets = pipelines.Select(pipeline => pipeline.Inbound!.World);
                ofWorld = LoadFor(output, primary, wires.Primary, sockets, notes, fromClients: true);
            }
            else if (output.Kind is PortKind.Pcap or PortKind.Xdp)
            {
                RemoveFromOutput(notes);
            }

            return new PortPrograms(ofPrimary, ofSecondary, ofWorld, notes);
        }
        catch (PortException)
        {
            ofPrimary?.Dispose();
            ofSecondary?.Dispose();
            throw;
        }
    }

    /// <summary>Loads the program of a port, where it needs one.</summary>
    /// <param name="port">The port.</param>
    /// <param name="other">The port on the other side.</param>
    /// <param name="wire">The interface of that port; null where no frame bypasses ColoWire.</param>
    /// <param name="sockets">The open ports, one for each queue.</param>
    /// <param name="notes">Receives what the operator should know.</param>
    /// <param name="fromClients">The frames are those of clients.</param>
    private PortProgram? LoadFor(
        PortSpec port, PortSpec other, int? wire, IEnumerable<ICapturePort> sockets, List<string> notes, bool fromClients = false)
    {
        if (port.Kind == PortKind.Xdp)
        {
            PortProgram program = LoadForSockets(port, wire, sockets, fromClients);
            notes.AddRange(wire == null ? [] : WireCheck.Warnings(port.Target, other.Target, options.Xdp.Mode));
            return program;
        }

        if (port.Kind == PortKind.Pcap && wire is { } wireIndex)
        {
            return TryLoadForStack(port, other, wireIndex, fromClients, notes);
        }

        if (port.Kind == PortKind.Pcap)
        {
            PortProgram.RemoveEarlier(port.Target);
        }

        return null;
    }

    /// <summary>Detaches the program of an earlier ColoWire that carried the frames of clients: it would redirect them to the
    /// primary. A program there that cannot be read keeps nothing from its port, so the start goes on.</summary>
    private void RemoveFromOutput(List<string> notes)
    {
        try
        {
            PortProgram.RemoveEarlier(output.Target);
        }
        catch (PortException exception)
        {
            notes.Add(exception.Message);
        }
    }

    private PortProgram LoadForSockets(PortSpec port, int? wireIndex, IEnumerable<ICapturePort> sockets, bool fromClients)
    {
        PortProgramOptions wanted = new(
            options.Xdp.Mode, ToSocket: true, TimeoutMs, wireIndex, OutlivesProcess: options.ToWire, fromClients);
        PortProgram program = PortProgram.Load(port.Target, wanted);
        foreach ((ICapturePort socket, int queue) in sockets.Zip(queues))
        {
            program.SetSocket(queue, ((XdpCapturePort)socket).WaitHandle);
        }

        return program;
    }

    private PortProgram? TryLoadForStack(PortSpec port, PortSpec other, int wireIndex, bool fromClients, List<string> notes)
    {
        int interfaceIndex = InterfaceIndex.Of(port.Target);
        // Outside of the try: without permission to read the program that is attached, ColoWire may not start, because that
        // program may redirect frames past it.
        EarlierProgram.Find(port.Target, interfaceIndex, mayBeForeign: true)?.Dispose();
        try
        {
            EarlierProgram.Find(port.Target, interfaceIndex)?.Dispose();
            PortProgramOptions wanted = new(
                XdpMode.Generic, ToSocket: false, TimeoutMs, wireIndex, OutlivesProcess: true, fromClients);
            PortProgram program = PortProgram.Load(port.Target, wanted);
            notes.AddRange(WireCheck.Warnings(port.Target, other.Target, XdpMode.Generic));
            return program;
        }
        catch (PortException exception)
        {
            notes.Add($"on_death is block, because {exception.Message}");
            return null;
        }
    }
}

/// <summary>The interfaces to which frames that bypass ColoWire are redirected.</summary>
/// <param name="World">The index of the out interface, for the primary's frames; null without fail-to-wire.</param>
/// <param name="Primary">The index of the primary's interface, for the frames of clients; null without fail-to-wire, or where
/// ColoWire does not carry them.</param>
internal readonly record struct BypassWires(int? World, int? Primary);
