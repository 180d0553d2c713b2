// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Globalization;
using System.IO;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using ColoWire.Commands;
using ColoWire.Control;
using ColoWire.Engine;
using ColoWire.Engine.Checkpoint;
using ColoWire.Hosting;
using ColoWire.Options;
using ColoWire.Ports.Linux;
using ColoWire.Reports;
using ColoWire.Tests.Compare;
using ColoWire.Tests.Control;
using ColoWire.Writing;
using NUnit.Framework;

namespace ColoWire.Tests.Program;

/// <summary>Each JSON document of the program, whole: programs of other people read them, so names, order and absence
/// stay.</summary>
[NonParallelizable]
internal sealed partial class JsonDocumentTests
{
    private const long RoundNs = 10_000_000;

    /// <summary>Members that the status line and <c>ctl status</c> share.</summary>
    private static readonly string Counters = OneLine(
        """
        "elapsed_ns":0,"protection":"in_step","primary":{"frames":6,"bytes":240,"kernel_dropped":0,
        "interface_dropped":0,"oversize":0,"truncated":0},"secondary":{"frames":6,"bytes":244,"kernel_dropped":0,
        "interface_dropped":0,"oversize":0,"truncated":0},"output":{"frames":4,"bytes":144,"retries":0,
        "too_long":0,"link_down":0,"failed":0},"fail_wire":{"absences":0,"away_ns":0,"to_wire":0,"to_primary":0,"dropped":0,
        "trouble":null},"connections_refused":0,"released":{"verified":1,"passed":2,"unverified":1},"held":1,
        "secondary_held":1,"flows":4,"flows_evicted":0,"checkpoints":1,"requester":{"name":"none","ready":true,
        "trouble":null,"requests":0,"completed":0,"failed":0,"ignored":0,"last_ms":0,"longest_ms":0,
        "last_stop_ms":0,"longest_stop_ms":0},"divergences_total":1,"reports_lost":0,"failures":0,
        "quarantined_flows":0,"hold_ns":{"p50":0,"p99":20971519},"runtime":{"garbage_collections":0,
        "allocated_bytes":0},"unwritten":{"log_entries":0,"status":0},"divergence_reasons":{"payload":1},
        "soft":{"ip_id":1},"drops":{"secondary_passed":1,"secondary_malformed":1,"secondary_unmatched":1},
        "partial_checksums":{"primary":0,"secondary":0},"fragments":{"waiting":2,"primary":{},"secondary":{}},
        "passed":{"arp":1},"malformed":{"ethernet_short":1},"unverified":{"after_divergence":1}
        """);

    [Test]
    public void The_object_of_run()
    {
        using Appliance appliance = Counted();
        string line = SnapshotText.Json(SnapshotReader.Of(appliance));
        Assert.That(Settled(line), Is.EqualTo("{\"final\":true," + Counters + "}\n"));
    }

    [Test]
    public void The_object_of_ctl_status()
    {
        using Appliance appliance = Counted();
        StatusReports reports = new(appliance, StandardOutputs.Of(TextWriter.Null, TextWriter.Null));
        string line = Encoding.UTF8.GetString(reports.Take().Bytes.Span);
        Assert.That(Settled(line), Is.EqualTo(
            "{\"version\":\"0.1.0\",\"uptime_s\":0,\"mode\":\"lockstep\",\"epoch\":0,\"checkpoints_completed\":0,"
            + "\"ports\":{\"primary_in\":\"fake:primary\",\"secondary_in\":\"fake:secondary\",\"outdev\":\"fake:out\"},"
            + "\"faults\":[],\"final\":false," + Counters + "}\n"));
    }

    [Test]
    public void What_ctl_reads_of_an_object_is_all_of_it()
    {
        using Appliance appliance = Counted();
        string line = SnapshotText.Json(SnapshotReader.Of(appliance) with
        {
            Version = "1",
            UptimeS = 2,
            Mode = "observe",
            Epoch = 3,
            CheckpointsCompleted = 4,
            Ports = new PortNames("a", "b", "c"),
            Faults = ["cut off"],
            FailWire = new BypassCounts(1, 2, 3, 4, 5, "gone"),
            Requester = new RequesterState(
                "qmp:x", Ready: false, "lost", 1, 2, 3, 4, LastMs: 1.25, LongestMs: 2.5, LastStopMs: 0.5, LongestStopMs: 1e-6),
            Unwritten = new UnwrittenCounts(5, 6),
        });
        Assert.That(
            line,
            Does.Contain("\"absences\":1,")
                .And.Contain("\"last_ms\":1.25,\"longest_ms\":2.5,\"last_stop_ms\":0.5,\"longest_stop_ms\":1E-06"));
        Assert.That(SnapshotText.Json(JsonSerializer.Deserialize(line, ReportJson.Default.ApplianceSnapshot)), Is.EqualTo(line));
    }

    [Test]
    public void The_same_counters_for_people()
    {
        using Appliance appliance = Counted();
        using StringWriter text = new(CultureInfo.InvariantCulture);
        FinalReport.Write(text, SnapshotReader.Of(appliance));
        Assert.That(text.ToString(), Is.EqualTo(
            """
            in:           6 primary, 6 secondary
            released:     1 verified, 2 passed, 1 unverified
            out:          4 sent, 0 lost, 0 retries
            lost at out:  0 too long, 0 link down, 0 failed
            not captured: primary: 0 kernel, 0 interface, 0 oversize, 0 truncated, secondary: 0 kernel, 0 interface, 0 oversize, 0 truncated
            compared:     1 divergences, 1 checkpoint requests
            hold time:    p50 0 ns, p99 21.0 ms
            divergences:  1 payload
            passed:       1 arp
            malformed:    1 ethernet_short
            unverified:   1 after_divergence
            soft:         1 ip_id
            drops:        1 secondary_passed, 1 secondary_malformed, 1 secondary_unmatched

            """));
    }

    [Test]
    public void The_same_counters_as_a_table()
    {
        using Appliance appliance = Counted();
        StatusReports reports = new(appliance, StandardOutputs.Of(TextWriter.Null, TextWriter.Null));
        using JsonDocument status = JsonDocument.Parse(reports.Take().Bytes);
        using StringWriter text = new(CultureInfo.InvariantCulture);
        StatusText.Write(text, status.RootElement.Deserialize(ReportJson.Default.ApplianceSnapshot), 120);
        Assert.That(text.ToString(), Is.EqualTo(
            """
            ╭────────────────────┬──────────────────────────────────────────────────────────────────╮
            │ ColoWire           │ 0.1.0, up 00:00:00                                               │
            │ protection         │ in_step                                                          │
            │ mode               │ lockstep                                                         │
            │ requester          │ none                                                             │
            │ primary_in         │ fake:primary: 6 frames, 0 not captured                           │
            │ secondary_in       │ fake:secondary: 6 frames, 0 not captured                         │
            │ outdev             │ fake:out: 4 frames, 0 lost                                       │
            │ released           │ 1 verified, 2 passed, 1 unverified                               │
            │ held               │ 1 of the primary, 1 of the secondary                             │
            │ hold time          │ p50 0 ns, p99 21.0 ms                                            │
            │ compared           │ 4 flows, 1 divergences                                           │
            │ checkpoints        │ 1 asked for, 0 finished                                          │
            │ divergence reasons │ 1 payload                                                        │
            │ unverified         │ 1 after_divergence                                               │
            │ drops              │ 1 secondary_passed, 1 secondary_malformed, 1 secondary_unmatched │
            ╰────────────────────┴──────────────────────────────────────────────────────────────────╯

            """));
    }

    [TestCase("flush", """{"message":"0 frames were let out unverified","released":0}""")]
    [TestCase("mode observe",
        """{"message":"the mode is observe from now on; 0 frames were let out unverified"""
        + "\",\"mode\":\"observe\",\"earlier\":\"lockstep\",\"released\":0}")]
    [TestCase("failover secondary",
        """{"message":"the secondary goes on alone, for good: 0 frames of the primary were dropped, """
        + "0 of the secondary have left"
        + "\",\"protection\":\"secondary_alone\",\"changed\":true,\"released\":0,\"dropped\":0,\"secondary_released\":0}")]
    [TestCase("checkpoint", """{"message":"a checkpoint has finished after TIME","epoch":1,"took_ns":0}""")]
    public void The_object_of_an_order(string words, string expected)
    {
        using ControlRig rig = new(new StagedRequester(makes: true));
        string answer = TookNs().Replace(rig.Order(words).Answer.GetRawText(), "\"took_ns\":0");
        Assert.That(Duration().Replace(answer, "after TIME"), Is.EqualTo(expected));
    }

    [Test]
    public void The_object_of_an_order_that_is_refused_leaves_apostrophes_as_they_are()
    {
        using ControlRig rig = new();
        Assert.That(rig.Order("checkpoint").Answer.GetRawText(),
            Is.EqualTo("""{"error":"the requester is none: nobody makes checkpoints (option requester)"}"""));
        ControlAnswer answer = ControlAnswer.Refused(400, "what's <that>?");
        Assert.That(Encoding.UTF8.GetString(answer.Body.Span), Is.EqualTo("{\"error\":\"what's <that>?\"}\n"));
    }

    [Test]
    public void The_object_of_interfaces()
    {
        InterfaceFacts facts = new()
        {
            Name = "eth1",
            IsUp = false,
            IsRunning = false,
            Mtu = 1500,
            HardwareType = 1,
            Addresses = [],
            Master = null,
            IsPromiscuous = false,
            Driver = null,
            Offloads = new InterfaceOffloads(false, false, false, false, false, false, false, false),
            Rings = null,
        };
        using StringWriter text = new(CultureInfo.InvariantCulture);
        InterfacesCommand.WriteJson(text, InterfacesReport.Of(
            [
                facts,
                facts with { Name = "eth2", IsUp = true, ReceiveQueues = 4, Addresses = ["fe80::1/64"], Master = "br0" },
            ],
            new PortPermissions(new("no permission", "setcap 'x'"), null)));
        Assert.That(text.ToString(), Is.EqualTo(OneLine(
            """
            {"problems":[{"what":"no permission","command":"setcap \u0027x\u0027"}],"interfaces":[{"name":"eth1",
            "driver":null,"state":"down","mtu":1500,"addresses":[],"master":null,"usable":false,"xdp":{"support":"unknown",
            "why":"reported from Linux 6.3 on","receive_queues":null},"problems":[{"what":"down: cannot be opened",
            "command":"ip link set eth1 up"}]},{"name":"eth2","driver":null,"state":"no link","mtu":1500,
            "addresses":["fe80::1/64"],"master":"br0","usable":false,"xdp":{"support":"unknown","why":"reported from Linux 6.3 on","receive_queues":4},
            "problems":[{"what":"no link: the cable or the other end is missing or down","command":null},
            {"what":"belongs to br0: frames would bypass the comparison","command":"ip link set eth2 nomaster"},
            {"what":"has fe80::1/64: the host sends IPv6 frames of its own on it",
            "command":"sysctl -w net.ipv6.conf.eth2.disable_ipv6=1"}]}]}
            """) + Environment.NewLine));
    }

    [Test]
    public void The_object_of_compare()
    {
        using CompareCase captures = new() { Engine = new EngineOptions { Strict = [Engine.ToleratedField.Ttl] } };
        byte[] frame = TestFrame.Udp("<question>");
        byte[] other = TestFrame.Tag(TestFrame.Udp("question", 40_002), 100, 5);
        captures.Both(0, frame);
        captures.Primary.At(1, TestFrame.Udp("question", 40_001)).At(2, other).At(3, TestFrame.Arp()).At(4, new byte[13])
            .At(5, TestFrame.Icmp([8, 0, 0, 0, 0, 1, 0, 1])).At(6, frame, wireLength: 1500).At(7, Fragment(id: 7));
        captures.Secondary.At(1, TestFrame.Flip(TestFrame.Udp("question", 40_001, id: 2), 22)).At(2, TestFrame.Flip(other, 52))
            .At(7, Fragment(id: 8));
        Assert.That(captures.Run(json: true), Is.EqualTo(OneLine(
            """
            {"primary":{"frames":7,"bytes":307},"secondary":{"frames":4,"bytes":210},"released":{"verified":2,
            "passed":2,"unverified":3},"not_compared":2,"held_at_end":0,"checkpoints":3,
            "divergences":[{"reason":"header","field":"ttl","flow":{"proto":"udp","src":"10.0.0.1","sport":53,
            "dst":"10.0.0.2","dport":40001,"vlan":null},"offset":0,"primary_frame":2,"secondary_frame":2,
            "at_ns":1700000000001000000},{"reason":"payload","flow":{"proto":"udp","src":"10.0.0.1","sport":53,
            "dst":"10.0.0.2","dport":40002,"vlan":[100,5]},"offset":2,"primary_frame":3,"secondary_frame":3,
            "at_ns":1700000000022000000},{"reason":"timeout","flow":{"proto":"icmp","src":"10.0.0.1","sport":null,
            "dst":"10.0.0.2","dport":null,"vlan":null},"offset":0,"primary_frame":6,"secondary_frame":null,
            "at_ns":1700000004000000000}],"divergences_total":3,"soft":{"ip_id":2,"ttl":1},
            "drops":{"secondary_unmatched":2,"primary_truncated":1},"fragments":{"primary":{"timed_out":1},
            "secondary":{"timed_out":1}},"passed":{"arp":1},"malformed":{"ethernet_short":1},
            "unverified":{"after_divergence":3}}
            """) + Environment.NewLine));
    }

    /// <summary>An appliance that has not been started and has compared a few frames, at times that are always the
    /// same.</summary>
    private static Appliance Counted()
    {
        byte[][] primary =
        [
            TestFrame.Udp("same", 40_000), TestFrame.Arp(), new byte[13], TestFrame.Udp("P", 40_001),
            TestFrame.Udp("held", 40_002), Fragment(id: 7),
        ];
        byte[][] secondary =
        [
            TestFrame.Udp("same", 40_000, id: 9), TestFrame.Arp(), new byte[13], TestFrame.Udp("S", 40_001),
            TestFrame.Udp("held too", 40_003),
            TestFrame.Flip(Fragment(id: 8), 21),
        ];
        ApplianceOptions options = new()
        {
            Cores = [CpuAffinity.AllowedCpus()[0]],
            Engine = new EngineOptions
            {
                Flows = 1024,
                LargeSlotsPerSide = 0,
                CompareTimeoutMs = 600_000,
            },
        };
        AppliancePorts ports = FakePorts.Of(
            Port("fake:primary", primary), Port("fake:secondary", secondary), new FakeInjectPort());
        Appliance appliance = new(options, ports, new NoCheckpoints(), TimeProvider.System);
        for (int round = 0; round < 10; round++)
        {
            appliance.Path.Poll(round * RoundNs);
        }

        return appliance;

        static FakeCapturePort Port(string name, byte[][] frames) =>
            new(name, frames.Length, i => i < frames.Length ? frames[i] : []);
    }

    /// <summary>The first fragment of a datagram, whose others never come.</summary>
    private static byte[] Fragment(ushort id)
    {
        byte[] frame = TestFrame.Udp("eight by", 40_004, id);
        frame[20] = 0x20;
        return frame;
    }

    private static string OneLine(string document) => document.ReplaceLineEndings("");

    /// <summary>The same without what differs each time.</summary>
    private static string Settled(string line) =>
        Runtime().Replace(line, "\"runtime\":{\"garbage_collections\":0,\"allocated_bytes\":0}");

    [GeneratedRegex("\"runtime\":{\"garbage_collections\":[0-9]+,\"allocated_bytes\":[1-9][0-9]+}")]
    private static partial Regex Runtime();

    [GeneratedRegex("\"took_ns\":[1-9][0-9]*")]
    private static partial Regex TookNs();

    [GeneratedRegex("after [0-9.]+ [mnu]?s")]
    private static partial Regex Duration();
}
