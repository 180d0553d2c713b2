// SPDX-License-Identifier: GPL-2.0-or-later

using System.Net.Sockets;
using NUnit.Framework;

namespace ColoWire.Wire.Tests.Live;

/// <summary>
/// ColoWire in the wire in both directions: two TCP stacks with their own sequence numbers, a client that downloads, uploads and
/// aborts, and nothing else between them.
/// </summary>
[TestFixture(LivePorts.Pcap)]
[TestFixture(LivePorts.XdpNative)]
[TestFixture(LivePorts.XdpGeneric)]
[TestFixture(LivePorts.PcapSecondary)]
[TestFixture(LivePorts.PcapOutside)]
[Category("Wire")]
internal sealed class InboundTests(LivePorts ports)
{
    private BridgeHost host = null!;
    private ReplicatedServer server = null!;

    [SetUp]
    public void SetUp()
    {
        host = new BridgeHost(ports);
        server = new ReplicatedServer(host);
    }

    [TearDown]
    public void TearDown()
    {
        server?.Dispose();
        host?.Dispose();
    }

    [Test]
    public void A_download_and_an_upload_are_byte_for_byte_and_cause_no_divergence()
    {
        const int length = 1 << 20;
        using BridgeRun run = Start();
        using (Socket client = server.Connect())
        {
            ReplicatedServer.Request(client, ReplicatedServer.Download, length);
            Assert.That(ReplicatedServer.Receive(client, length), Is.EqualTo(ReplicatedServer.Content(length)));
        }

        using (Socket client = server.Connect())
        {
            byte[] content = ReplicatedServer.Content(length);
            ReplicatedServer.Request(client, ReplicatedServer.Upload, length);
            client.Send(content);
            Assert.That(ReplicatedServer.Receive(client, 4), Is.EqualTo(ReplicatedServer.AnswerTo(content)));
        }

        AssertInStep(run);
    }

    [Test]
    public void Two_hundred_connections_are_answered_and_cause_no_divergence()
    {
        const int connections = 200;
        const int length = 3000;
        using BridgeRun run = Start();
        for (int i = 0; i < connections; i++)
        {
            using Socket client = server.Connect();
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
            using Socket client = server.Connect();
            // Some abort before the answer, some amid it.
            ReplicatedServer.Request(client, ReplicatedServer.Download, 200_000);
            if (i % 3 != 0)
                ReplicatedServer.Receive(client, i % 3 * 1000);
            client.LingerState = new LingerOption(enable: true, seconds: 0);
        }

        AssertInStep(run);
    }

    private BridgeRun Start() => new(host, "run", "--inbound", "mirror", "--compare-timeout", "1000");

    private static void AssertInStep(BridgeRun run)
    {
        Counters last = run.Program.AwaitCounters(counters => counters.Held == 0, "nothing is held");
        Assert.That(last.Divergences, Is.Zero, last.ToString());
        Assert.That(last.Verified, Is.Positive);
        Assert.That(last["inbound", "frames", "translated"], Is.Positive, "the two stacks have chosen different numbers");
        run.Program.Stop();
    }
}
