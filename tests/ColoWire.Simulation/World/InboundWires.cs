// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Pipelines;
using ColoWire.Simulation.Guests;
using ColoWire.Simulation.Judging;

namespace ColoWire.Simulation.World;

/// <summary>The ways of clients' frames where they pass the appliance: the wire of the clients in both directions, and those
/// towards the two guests, with the ports at their ends.</summary>
internal sealed class InboundWires
{
    private const long LongestUnreadNs = 20 * Scheduler.Ms;

    private readonly Link fromClients;
    private readonly Link toClients;
    private readonly Link toPrimary;
    private readonly Link toSecondary;
    private readonly SimulatedCapturePort world;
    private readonly OutletToGuest primaryPort;
    private readonly OutletToGuest secondaryPort;
    private readonly Hearing hearing;

    /// <summary>Makes the wires.</summary>
    /// <param name="scheduler">The clock.</param>
    /// <param name="log">The events.</param>
    /// <param name="options">The options of the world.</param>
    /// <param name="random">The source of random numbers.</param>
    /// <param name="oracle">The oracle.</param>
    /// <param name="population">The guests and clients.</param>
    public InboundWires(
        Scheduler scheduler, EventLog log, SimulationOptions options, Random random, Oracle oracle, Population population)
    {
        InboundOptions links = options.Inbound!;
        hearing = oracle.Inbound!.Hearing;
        world = new SimulatedCapturePort("world", random, (frame, _) => oracle.CaptureClient(frame));
        toPrimary = NewLink(links.ToPrimary, Read(population.Primary));
        toSecondary = NewLink(links.ToSecondary, Read(population.Secondary));
        primaryPort = new OutletToGuest(Side.Primary, toPrimary);
        secondaryPort = new OutletToGuest(Side.Secondary, toSecondary);
        fromClients = NewLink(links.FromClients, frame => Arrive(frame));
        toClients = NewLink(links.ToClients, population.HearFrame);
        toPrimary.Lost += frame => hearing.NoteLost(Side.Primary, frame);
        toSecondary.Lost += frame => hearing.NoteLost(Side.Secondary, frame);
        toPrimary.Repeated += frame => hearing.NoteRepeated(Side.Primary, frame);
        toSecondary.Repeated += frame => hearing.NoteRepeated(Side.Secondary, frame);
        Ports = new InboundPorts(world, Port(primaryPort), Port(secondaryPort));

        Link NewLink(LinkOptions link, Action<SentFrame> deliver) =>
            new(scheduler, log, link, new Random(random.Next()), deliver);

        Action<SentFrame> Read(Guest guest)
        {
            Tap tap = new(scheduler, guest, new Random(random.Next()), LongestUnreadNs, frame =>
            {
                hearing.NoteRead(guest.Side, frame);
                population.Read(guest, frame);
            });
            return tap.Arrive;
        }

        SimulatedInjectPort Port(OutletToGuest outlet) =>
            new(scheduler, random, links.InjectPerCall, links.InjectStallNs, (_, bytes) => outlet.Send(oracle, bytes));
    }

    public InboundPorts Ports { get; }

    /// <summary>Whether frames reach the primary around the appliance, and the secondary not at all.</summary>
    public bool IsBypassed { get; set; }

    /// <summary>A client sends a frame.</summary>
    public void Send(SentFrame frame) => fromClients.Send(frame);

    /// <summary>A frame of the guest is on the wire of the clients.</summary>
    public void SendToClients(SentFrame frame) => toClients.Send(frame);

    /// <summary>An interface goes down or up, in both directions.</summary>
    public void ChangeOutage(OutageKind kind, bool isOut)
    {
        switch (kind)
        {
            case OutageKind.PrimaryPort:
                toPrimary.IsDown = isOut;
                break;
            case OutageKind.SecondaryPort:
                toSecondary.IsDown = isOut;
                break;
            case OutageKind.OutputPort:
                fromClients.IsDown = toClients.IsDown = isOut;
                break;
            default:
                IsBypassed = isOut;
                break;
        }
    }

    private void Arrive(SentFrame frame)
    {
        if (!IsBypassed)
        {
            world.Arrive(frame);
        }
        else if (frame.Concern == Concern.Both)
        {
            hearing.NoteBypass(frame);
            toPrimary.Send(frame);
        }
    }

    /// <summary>The wire behind one of the ports towards the guests.</summary>
    private sealed class OutletToGuest(Side side, Link link)
    {
        public void Send(Oracle oracle, byte[] bytes) => link.Send(oracle.Deliver(side, bytes));
    }
}
