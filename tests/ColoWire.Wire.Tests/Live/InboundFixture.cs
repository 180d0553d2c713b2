// SPDX-License-Identifier: GPL-2.0-or-later

using System.Net.Sockets;
using NUnit.Framework;

namespace ColoWire.Wire.Tests.Live;

/// <summary>
/// ColoWire in the wire in both directions: two TCP stacks with their own sequence numbers, a client that downloads and uploads, and
/// nothing else between them.
/// </summary>
internal abstract class InboundFixture(LivePorts ports)
{
    private BridgeHost host = null!;

    /// <summary>The server in both guests.</summary>
    protected ReplicatedServer Server { get; private set; } = null!;

    [SetUp]
    public void SetUp()
    {
        host = new BridgeHost(ports);
        Server = new ReplicatedServer(host);
    }

    [TearDown]
    public void TearDown()
    {
        Server?.Dispose();
        host?.Dispose();
    }

    [Test]
    public void A_download_and_an_upload_are_byte_for_byte_and_cause_no_divergence()
    {
        const int length = 1 << 20;
        using BridgeRun run = Start();
        using (Socket client = Server.Connect())
        {
            ReplicatedServer.Request(client, ReplicatedServer.Download, length);
            Assert.That(ReplicatedServer.Receive(client, length), Is.EqualTo(ReplicatedServer.Content(length)));
        }

        using (Socket client = Server.Connect())
        {
            byte[] content = ReplicatedServer.Content(length);
            ReplicatedServer.Request(client, ReplicatedServer.Upload, length);
            client.Send(content);
            Assert.That(ReplicatedServer.Receive(client, 4), Is.EqualTo(ReplicatedServer.AnswerTo(content)));
        }

        AssertInStep(run);
    }

    protected BridgeRun Start() => new(host, "run", "--inbound", "mirror", "--compare-timeout", "1000");

    protected static void AssertInStep(BridgeRun run)
    {
        Counters last = run.Program.AwaitCounters(counters => counters.Held == 0, "nothing is held");
        Assert.That(last.Divergences, Is.Zero, last.ToString());
        Assert.That(last.Verified, Is.Positive);
        Assert.That(last["inbound", "frames", "translated"], Is.Positive, "the two stacks have chosen different numbers");
        run.Program.Stop();
    }
}
