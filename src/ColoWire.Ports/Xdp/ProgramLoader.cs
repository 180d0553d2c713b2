// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using System.Linq;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Pipelines;
using ColoWire.Ports.Linux;

namespace ColoWire.Ports.Xdp;

/// <summary>Decides which capture port needs which program, and loads it.</summary>
/// <param name="options">What the operator wants.</param>
/// <param name="wire">The index of the out interface; null without fail-to-wire.</param>
/// <param name="output">The out port.</param>
/// <param name="queues">The receive queue of each pipeline.</param>
internal sealed class ProgramLoader(FailWireOptions options, int? wire, PortSpec output, IReadOnlyList<int> queues)
{
    /// <summary>A heartbeat that never times out: when ColoWire dies, frames stay in the socket's ring and nothing
    /// passes.</summary>
    private const int NoTimeout = 0;

    private int TimeoutMs => options.ToWire ? options.TimeoutMs : NoTimeout;

    /// <summary>Loads the programs of both capture ports, and detaches what an earlier ColoWire has left on a port that needs
    /// none.</summary>
    /// <exception cref="PortException">The program of an <c>xdp:</c> port cannot be loaded.</exception>
    public PortPrograms Load(PortSpec primary, PortSpec secondary, IReadOnlyList<PipelinePorts> pipelines)
    {
        if (primary.Kind == PortKind.Pcap && wire == null)
        {
            PortProgram.RemoveEarlier(primary.Target);
        }

        if (secondary.Kind == PortKind.Pcap)
        {
            PortProgram.RemoveEarlier(secondary.Target);
        }

        PortProgram? ofPrimary = null;
        try
        {
            IReadOnlyList<string> notes = [];
            if (primary.Kind == PortKind.Xdp)
            {
                ofPrimary = LoadForSockets(primary, wire, pipelines.Select(pipeline => pipeline.Primary));
                notes = wire == null ? [] : WireCheck.Warnings(primary.Target, output.Target, options.Xdp.Mode);
            }
            else if (primary.Kind == PortKind.Pcap && wire is { } wireIndex)
            {
                (ofPrimary, notes) = TryLoadForStack(primary, wireIndex);
            }

            PortProgram? ofSecondary = secondary.Kind == PortKind.Xdp
                ? LoadForSockets(secondary, null, pipelines.Select(pipeline => pipeline.Secondary))
                : null;
            return new PortPrograms(ofPrimary, ofSecondary, notes);
        }
        catch (PortException)
        {
            ofPrimary?.Dispose();
            throw;
        }
    }

    private PortProgram LoadForSockets(PortSpec port, int? wireIndex, IEnumerable<ICapturePort> sockets)
    {
        PortProgramOptions wanted = new(options.Xdp.Mode, ToSocket: true, TimeoutMs, wireIndex, OutlivesProcess: options.ToWire);
        PortProgram program = PortProgram.Load(port.Target, wanted);
        foreach ((ICapturePort socket, int queue) in sockets.Zip(queues))
        {
            program.SetSocket(queue, ((XdpCapturePort)socket).WaitHandle);
        }

        return program;
    }

    private (PortProgram? Program, IReadOnlyList<string> Notes) TryLoadForStack(PortSpec port, int wireIndex)
    {
        int interfaceIndex = InterfaceIndex.Of(port.Target);
        // Outside of the try: without permission to read the program that is attached, ColoWire may not start, because that
        // program may redirect frames past it.
        EarlierProgram.Find(port.Target, interfaceIndex, mayBeForeign: true)?.Dispose();
        try
        {
            EarlierProgram.Find(port.Target, interfaceIndex)?.Dispose();
            PortProgramOptions wanted = new(XdpMode.Generic, ToSocket: false, TimeoutMs, wireIndex, OutlivesProcess: true);
            return (PortProgram.Load(port.Target, wanted), WireCheck.Warnings(port.Target, output.Target, XdpMode.Generic));
        }
        catch (PortException exception)
        {
            return (null, [$"on_death is block, because {exception.Message}"]);
        }
    }
}
