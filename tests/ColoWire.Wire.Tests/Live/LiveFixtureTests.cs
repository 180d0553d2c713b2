// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.Json;
using System.Text.RegularExpressions;
using NUnit.Framework;

namespace ColoWire.Wire.Tests.Live;

/// <summary>What the demo shows, with each pair of captures: both guests replay theirs, and the program stands between.</summary>
[TestFixture(LivePorts.Pcap)]
[TestFixture(LivePorts.XdpNative)]
[Category("Wire")]
internal sealed class LiveFixtureTests(LivePorts ports)
{
    /// <summary>A machine that is busy may start one guest's replay late: a frame is not to be judged for that.</summary>
    private static readonly string[] Patient = ["--compare-timeout", "15000"];

    private BridgeHost host = null!;

    private static IEnumerable<string> Pairs => Directory.GetFiles(BridgeHost.Fixture(string.Empty), "*.secondary.pcap")
        .Select(path => Path.GetFileName(path).Split('.')[0])
        .Order();

    [OneTimeSetUp]
    public void OneTimeSetUp() => host = new BridgeHost(ports);

    [OneTimeTearDown]
    public void OneTimeTearDown() => host?.Dispose();

    [TestCaseSource(nameof(Pairs))]
    public void All_that_the_primary_says_leaves_verified_and_unchanged(string name)
    {
        string primary = BridgeHost.Fixture($"{name}.pcap");
        List<byte[]> sent = Captures.Read(primary);
        using BridgeRun run = new(host, "run", Patient);
        run.Replay(primary, BridgeHost.Fixture($"{name}.secondary.pcap"));

        run.AssertLeaves(sent);
        Counters last = run.Program.Stop();
        Assert.That(last.Verified + last.Passed, Is.EqualTo(sent.Count));
        Assert.That(last.Verified, Is.Positive);
        Assert.That((last.Unverified, last.Held, last.Divergences, last.KernelDrops), Is.EqualTo((0, 0, 0, 0)));
    }

    [Test]
    public void One_flipped_byte_is_found_where_it_is_and_every_frame_still_leaves()
    {
        string primary = BridgeHost.Fixture("mixed.pcap");
        List<byte[]> sent = Captures.Read(primary);
        using JsonDocument truth = JsonDocument.Parse(File.ReadAllText(BridgeHost.Fixture("mixed.flipped.json")));
        using BridgeRun run = new(host, "run", Patient);
        run.Replay(primary, BridgeHost.Fixture("mixed.flipped.pcap"));

        run.AssertLeaves(sent);
        Counters last = run.Program.Stop();
        Assert.That((last.Divergences, last["divergence_reasons", "payload"], last.KernelDrops), Is.EqualTo((1, 1, 0)));
        int frame = truth.RootElement.GetProperty("primary_frame").GetInt32();
        int ofFlow = sent.Skip(frame - 1).Count(bytes => FrameFlow.Of(bytes) == FrameFlow.Of(sent[frame - 1]));
        Assert.That(last.Unverified, Is.InRange(1, ofFlow), "only the flow that differs leaves unverified, from there on");
        Assert.That(last.Verified + last.Passed, Is.EqualTo(sent.Count - last.Unverified));
        Assert.That(run.Program.Log.Single(line => line.Contains("divergence: ")), Does.Match(Headline(truth.RootElement)));
    }

    /// <summary>A pattern: which of the secondary's frames holds the byte depends on how it was cut.</summary>
    private static string Headline(JsonElement truth)
    {
        JsonElement flow = truth.GetProperty("flow");
        string source = $"{flow.GetProperty("src")}:{flow.GetProperty("sport")}";
        string destination = $"{flow.GetProperty("dst")}:{flow.GetProperty("dport")}";
        string headline =
            $"payload: {flow.GetProperty("proto")} {source} > {destination}, frames {truth.GetProperty("primary_frame")}/";
        return $@"{Regex.Escape(headline)}\d+, offset {truth.GetProperty("offset")},";
    }
}
