// SPDX-License-Identifier: GPL-2.0-or-later

using System.Net.Sockets;
using NUnit.Framework;

namespace ColoWire.Wire.Tests.Live;

/// <summary>Ports of one kind: clients also open many connections, and abort them.</summary>
[TestFixture(LivePorts.Pcap)]
[TestFixture(LivePorts.XdpNative)]
[Category("Wire")]
internal sealed class InboundTests(LivePorts ports) : InboundFixture(ports)
{
    [Test]
    public void Two_hundred_connections_are_answered_and_cause_no_divergence()
    {
        const int connections = 200;
        const int length = 3000;
        using BridgeRun run = Start();
        for (int i = 0; i < connections; i++)
        {
            using Socket client = Server.Connect();
            ReplicatedServer.Request(client, ReplicatedServer.Download, length);
            Assert.That(
                ReplicatedServer.Receive(client, length), Is.EqualTo(ReplicatedServer.Content(length)), $"connection {i}");
        }

        AssertInStep(run);
    }

    [Test]
    public void Connections_that_clients_abort_cause_no_divergence()
    {
        const int connections = 300;
        using BridgeRun run = Start();
        for (int i = 0; i < connections; i++)
        {
            using Socket client = Server.Connect();
            // Some abort before the answer, some amid it.
            ReplicatedServer.Request(client, ReplicatedServer.Download, 200_000);
            if (i % 3 != 0)
                ReplicatedServer.Receive(client, i % 3 * 1000);
            client.LingerState = new LingerOption(enable: true, seconds: 0);
        }

        AssertInStep(run);
    }
}

/// <summary>Ports of other kinds and mixes.</summary>
[TestFixture(LivePorts.XdpGeneric)]
[TestFixture(LivePorts.PcapSecondary)]
[TestFixture(LivePorts.PcapOutside)]
[Category("Wire")]
internal sealed class InboundMixTests(LivePorts ports) : InboundFixture(ports);
