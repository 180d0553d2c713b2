// SPDX-License-Identifier: GPL-2.0-or-later

using System.Linq;
using ColoWire.Options;
using NUnit.Framework;
using static ColoWire.Tests.Program.OptionCase;

namespace ColoWire.Tests.Program;

/// <summary>Which queues of <c>xdp:</c> ports are served, and by how many cores.</summary>
internal sealed class PipelineOptionTests
{
    private const string XdpPorts = "\"primary_in\": \"xdp:p\", \"secondary_in\": \"xdp:s\", \"outdev\": \"xdp:o\"";
    private const string FilePorts =
        "\"primary_in\": \"xdp:p\", \"secondary_in\": \"pcap:s\", \"outdev\": \"file:/tmp/out.pcap\"";
    private const string MixedPorts = "\"primary_in\": \"xdp:p\", \"secondary_in\": \"xdp:s\", \"outdev\": \"pcap:o\"";

    [TestCase(XdpPorts, "", new[] { 0 })]
    [TestCase(XdpPorts, ", \"cores\": \"2-4\"", new[] { 0, 1, 2 })]
    [TestCase(XdpPorts, ", \"cores\": \"2-4\", \"xdp_queues\": []", new[] { 0, 1, 2 })]
    [TestCase(XdpPorts, ", \"cores\": \"0-7\"", new[] { 0, 1, 2, 3, 4, 5, 6, 7 })]
    [TestCase(XdpPorts, ", \"cores\": \"2-4\", \"xdp_queues\": [0]", new[] { 0 })]
    [TestCase(XdpPorts, ", \"cores\": [2, 3], \"xdp_queues\": \"1,0\"", new[] { 1, 0 })]
    [TestCase(XdpPorts, ", \"xdp_queues\": \"5\"", new[] { 5 })]
    [TestCase(MixedPorts, ", \"cores\": \"2-4\"", new[] { 0 })]
    [TestCase(RequiredPorts, ", \"cores\": \"2-4\"", new[] { 0 })]
    [TestCase(RequiredPorts, ", \"xdp_queues\": [0]", new[] { 0 })]
    [TestCase(MixedPorts, ", \"xdp_queues\": [5]", new[] { 5 })]
    public void The_queues_follow_the_ports_and_the_cores(string ports, string entries, int[] queues)
    {
        ApplianceOptions options = Load($"{{ {ports}{entries}, \"memory_limit\": 4096 }}");
        Assert.That(options.XdpQueues, Is.EqualTo(queues));
        Assert.That(options.Pipelines, Is.EqualTo(queues.Length));
    }

    [TestCase(FilePorts, "\"inbound\": \"mirror\"",
        "inbound (colowire.json): mirror needs three pcap: or xdp: ports, and 'file:/tmp/out.pcap' is none")]
    [TestCase(RequiredPorts, "\"guest_mac\": [\"52:54:00:12:34:56\"]",
        "guest_mac (colowire.json): has an effect with inbound: mirror only: leave the option out")]
    [TestCase(RequiredPorts, "\"inbound\": \"mirror\", \"guest_mac\": [\"01:00:5e:00:00:01\"]",
        "guest_mac (colowire.json): '01:00:5e:00:00:01': allowed are up to 16 MAC addresses, for example "
            + "52:54:00:12:34:56; no group address")]
    [TestCase(XdpPorts, "\"cores\": \"0-2\", \"xdp_queues\": \"0-1\"",
        "xdp_queues (colowire.json): 2 queues need as many cores, not 3: name one queue, or one for each core")]
    [TestCase(XdpPorts, "\"xdp_queues\": \"0-1\"",
        "xdp_queues (colowire.json): 2 queues need as many cores, not 1: name one queue, or one for each core")]
    [TestCase(XdpPorts, "\"cores\": \"0-2\", \"xdp_queues\": [0, 1, 0]",
        "xdp_queues (colowire.json): queue 0 is given more than once: each queue is served by one core")]
    [TestCase(MixedPorts, "\"cores\": \"0-1\", \"xdp_queues\": \"0-1\"",
        "xdp_queues (colowire.json): 2 queues need three xdp: ports: with any other port one queue is allowed")]
    [TestCase(RequiredPorts, "\"cores\": \"0-1\", \"xdp_queues\": \"0-1\"",
        "xdp_queues (colowire.json): 2 queues need three xdp: ports: with any other port one queue is allowed")]
    [TestCase(RequiredPorts, "\"xdp_queues\": \"5\"",
        "xdp_queues (colowire.json): no port is an xdp: port, which would use queue 5: leave the option out")]
    [TestCase(XdpPorts, "\"xdp_queues\": \"all\"",
        "xdp_queues (colowire.json): 'all' is not a list of queues: queue numbers and ranges, for example 0-3")]
    [TestCase(XdpPorts, "\"xdp_queues\": \"4096\"",
        "xdp_queues (colowire.json): '4096' is not a list of queues: queue numbers and ranges, for example 0-3")]
    [TestCase(XdpPorts, "\"cores\": [0, 1, 1], \"xdp_queues\": \"0-1\"",
        "cores (colowire.json): CPU 1 is given more than once: each CPU runs one thread")]
    [TestCase(MixedPorts, "\"cores\": \"0-4\"",
        "shards (default): 1 is too few: 2 of 5 cores compare, and each needs one or more")]
    public void A_fault_of_the_queues_is_one_line(string ports, string entries, string fault)
    {
        AssertEqual(Faults($"{{ {ports}, {entries} }}"), fault);
    }

    [Test]
    public void Ports_that_are_not_known_are_not_blamed_for_the_queues()
    {
        string entries = "\"cores\": \"0-1\", \"xdp_queues\": \"0-1\"";
        Assert.That(
            Faults($"{{ \"primary_in\": \"xdp:p\", {entries} }}"), Has.Length.EqualTo(2).And.None.StartsWith("xdp_queues "));
        Assert.That(Faults($"{{ \"primary_in\": \"p\", {entries} }}"), Has.Length.EqualTo(3).And.One.StartsWith("xdp_queues "));
    }

    [Test]
    public void Each_queue_has_its_own_slots_in_the_memory_plan()
    {
        long one = Load($"{{ {XdpPorts} }}").MemoryPlan().Single(part => part.Name == "frame arena").Bytes;
        long two = Load($"{{ {XdpPorts}, \"cores\": \"0-1\" }}").MemoryPlan().Single(part => part.Name == "frame arena").Bytes;
        Assert.That(two, Is.EqualTo(2 * one));
        Assert.That(Faults($"{{ {XdpPorts}, \"cores\": \"0-3\" }}").Single(),
            Does.StartWith("memory_limit (default): 320 MiB is less than the "));
    }

    [Test]
    public void The_kernels_buffer_for_the_frames_of_clients_is_in_the_memory_plan_and_the_default_limit_suffices()
    {
        string[] names =
            [.. Load($"{{ {OptionCase.RequiredPorts}, \"inbound\": \"mirror\" }}").MemoryPlan().Select(part => part.Name)];
        Assert.That(names, Has.One.EqualTo("kernel's buffer, clients"));
    }
}
