// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.IO;
using ColoWire.Engine.Frames;
using ColoWire.Ports;
using ColoWire.Ports.Files;
using NUnit.Framework;

namespace ColoWire.Tests.Ports;

[TestFixture]
internal sealed class PortSpecTests
{
    [TestCase("pcap:eth1", PortKind.Pcap, "eth1")]
    [TestCase("eth1", PortKind.Pcap, "eth1")]
    [TestCase("eth0.5", PortKind.Pcap, "eth0.5")]
    [TestCase("pcap:fifteen-letters", PortKind.Pcap, "fifteen-letters")]
    [TestCase("xdp:eth1", PortKind.Xdp, "eth1")]
    [TestCase("file:a.pcap", PortKind.File, "a.pcap")]
    [TestCase("file:/tmp/odd:name of file", PortKind.File, "/tmp/odd:name of file")]
    [TestCase("stream:unix:/run/in,server", PortKind.Stream, "unix:/run/in,server")]
    [TestCase("stream:unix:in", PortKind.Stream, "unix:in")]
    [TestCase("stream:10.0.0.1:9001", PortKind.Stream, "10.0.0.1:9001")]
    [TestCase("stream:[::1]:9001,server", PortKind.Stream, "[::1]:9001,server")]
    [TestCase("stream:[::]:9001,server,peer=2001:db8::7", PortKind.Stream, "[::]:9001,server,peer=2001:db8::7")]
    [TestCase("stream:host:9001,server,peer=10.0.0.2,peer=10.0.1.0/24", PortKind.Stream,
        "host:9001,server,peer=10.0.0.2,peer=10.0.1.0/24")]
    public void Ports_are_parsed(string text, PortKind kind, string target)
    {
        Assert.That(PortSpec.TryParse(text, out PortSpec? spec, out string? error), Is.True);
        Assert.That(spec, Is.EqualTo(new PortSpec(kind, target)));
        Assert.That(error, Is.Null);
        Assert.That(PortSpec.TryParse(spec!.ToString(), out PortSpec? again, out _), Is.True);
        Assert.That(again, Is.EqualTo(spec));
    }

    [TestCase("tap:eth1", "'tap' is no kind of port")]
    [TestCase("PCAP:eth1", "'PCAP' is no kind of port")]
    [TestCase("", "no interface is given")]
    [TestCase(null, "no interface is given")]
    [TestCase("xdp:", "no interface is given")]
    [TestCase("pcap:", "no interface is given")]
    [TestCase("file:", "no path is given")]
    [TestCase("stream:", "'' names no port")]
    [TestCase("stream:unix:", "no path is given")]
    [TestCase("stream:unix:,server", "no path is given")]
    [TestCase("stream:unix:/a,b", "a path has no comma here (only ',server' follows one)")]
    [TestCase("stream:host", "'host' names no port")]
    [TestCase("stream::9001", "no host is given")]
    [TestCase("stream:host:0", "'0' is no port from 1 to 65535")]
    [TestCase("stream:host:65536", "'65536' is no port from 1 to 65535")]
    [TestCase("stream:::1:9001", "an IPv6 address is written in brackets")]
    [TestCase("stream:[::g]:9001", "'[::g]' is no IPv6 address")]
    [TestCase("stream:a b:9001", "'a b' is no host")]
    [TestCase("stream:host:1,peer=10.0.0.2", "peer= says which addresses may connect to a server: write it behind ',server'")]
    [TestCase("stream:host:1,peer=10.0.0.2,server",
        "',peer=10.0.0.2' cannot follow a port; ',server' can, and after that ',peer=ADDRESS'")]
    [TestCase("stream:host:1,foo", "',foo' cannot follow a port; ',server' can, and after that ',peer=ADDRESS'")]
    [TestCase("stream:unix:/run/in,server,peer=10.0.0.2",
        "peer= is for TCP: a unix socket is for its user and group (mode 0660)")]
    [TestCase("stream:host:1,server,peer=",
        "peer '' is invalid: an address or a network is needed, for example 192.0.2.7, 192.0.2.0/24 or 2001:db8::7")]
    [TestCase("stream:host:1,server,peer=secondary",
        "peer 'secondary' is invalid: an address or a network is needed, for example 192.0.2.7, 192.0.2.0/24 or 2001:db8::7")]
    [TestCase("stream:host:1,server,peer=10.1",
        "peer '10.1' is invalid: an address or a network is needed, for example 192.0.2.7, 192.0.2.0/24 or 2001:db8::7")]
    [TestCase("stream:host:1,server,peer=fe80::1%eth0",
        "peer 'fe80::1%eth0' is invalid: an address or a network is needed, for example 192.0.2.7, 192.0.2.0/24 or 2001:db8::7")]
    [TestCase("stream:host:1,server,peer=10.0.0.1/8",
        "peer '10.0.0.1/8' is no network, because bits behind its prefix are set, or the prefix is too long: an address or a "
        + "network is needed, for example 192.0.2.7, 192.0.2.0/24 or 2001:db8::7")]
    [TestCase("stream:host:1,server,peer=10.0.0.0/33",
        "peer '10.0.0.0/33' is no network, because bits behind its prefix are set, or the prefix is too long: an address or a "
        + "network is needed, for example 192.0.2.7, 192.0.2.0/24 or 2001:db8::7")]
    [TestCase("captures/a.pcap", "an interface's name has no '/' (a path is written file:PATH)")]
    [TestCase(
        "pcap:a-name-of-128-letters----------------------------------------------------"
        + "----------------------------------------------------end",
        "an interface's name has at most 15 characters, an alternative one 127 (a path is written file:PATH)")]
    [TestCase("eth 1", "an interface's name has no spaces, colons or symbols")]
    [TestCase("pcap:eth0:1", "an interface's name has no spaces, colons or symbols")]
    [TestCase("ethé", "an interface's name has no spaces, colons or symbols")]
    [TestCase("..", "that is no name of an interface")]
    public void The_error_for_an_invalid_port_says_what_is_allowed(string? text, string reason)
    {
        Assert.That(PortSpec.TryParse(text, out PortSpec? spec, out string? error), Is.False);
        Assert.That(spec, Is.Null);
        Assert.That(error, Is.EqualTo($"'{text}' is no port: {reason}; allowed are pcap:INTERFACE, xdp:INTERFACE, file:PATH, "
            + "stream:unix:PATH[,server], stream:HOST:PORT[,server[,peer=ADDRESS]], or INTERFACE alone"));
    }

    [TestCase("pcap:eth1", "eth1", true)]
    [TestCase("pcap:eth1", "pcap:eth2", false)]
    [TestCase("file:a.pcap", "file:./b/../a.pcap", true)]
    [TestCase("file:a.pcap", "file:A.pcap", false)]
    [TestCase("file:eth1", "pcap:eth1", false)]
    [TestCase("xdp:eth1", "eth1", true)]
    [TestCase("xdp:eth1", "xdp:eth2", false)]
    [TestCase("xdp:eth1", "file:eth1", false)]
    [TestCase("stream:unix:/a/b", "stream:unix:/a/./b,server", true)]
    [TestCase("stream:unix:/a", "stream:unix:/b", false)]
    [TestCase("stream:unix:/a", "file:/a", false)]
    [TestCase("stream:Host:1", "stream:host:1,server", true)]
    [TestCase("stream:host:1", "stream:host:2", false)]
    [TestCase("stream:host:1", "stream:unix:host:1", false)]
    [TestCase("stream:host:1", "host", false)]
    public void Two_ports_are_the_same_when_they_mean_the_same_place(string one, string other, bool same)
    {
        Assert.That(PortSpec.TryParse(one, out PortSpec? first, out _), Is.True);
        Assert.That(PortSpec.TryParse(other, out PortSpec? second, out _), Is.True);
        Assert.That(first!.IsSameAs(second!), Is.EqualTo(same));
        Assert.That(second!.IsSameAs(first), Is.EqualTo(same));
    }

    [TestCase(106, true)]
    [TestCase(107, true)]
    [TestCase(108, false)]
    public void A_unix_socket_path_has_107_bytes_at_most(int bytes, bool isPort)
    {
        Assert.That(PortSpec.TryParse("stream:unix:" + new string('p', bytes), out _, out string? error), Is.EqualTo(isPort));
        Assert.That(error ?? string.Empty, isPort ? Is.Empty : Does.Contain("a socket's path has at most 107 bytes"));
    }

    [Test]
    public void The_factory_opens_streams_with_or_without_headers([Values] bool hasVnetHeaders)
    {
        using ScratchFolder folder = new();
        using FrameArena arena = new(4, 0);
        PortOptions options = new() { HasVnetHeaders = hasVnetHeaders };
        PipelinePlace place = new(arena, 0, IsFirst: true);
        PortSpec input = new(PortKind.Stream, $"unix:{folder.File("in")},server");
        PortSpec output = new(PortKind.Stream, "127.0.0.1:9");
        using ICapturePort capture = PortFactory.OpenCapture(input, options, place);
        using IInjectPort inject = PortFactory.OpenInject(output, options, place);
        Assert.That((capture.Name, inject.Name), Is.EqualTo((input.ToString(), "stream:127.0.0.1:9")));
        Assert.That(inject.KeepsVnetHeader, Is.EqualTo(hasVnetHeaders));
        Assert.That(capture.HasLink, Is.False);
    }

    [Test]
    public void The_factory_opens_captures_in_place_of_interfaces()
    {
        using ScratchFolder folder = new();
        string input = folder.Write("in.pcap", new PcapBuilder().Record(1000, 0, PcapBuilder.Frame(60, 1)).ToArray());
        string output = folder.File("out.pcap");
        using FrameArena arena = new(4, 0);
        FrameRef[] batch = new FrameRef[4];
        PipelinePlace place = new(arena, 0, IsFirst: true);
        using (ICapturePort capture = PortFactory.OpenCapture(new PortSpec(PortKind.File, input), new PortOptions(), place))
        using (IInjectPort inject = PortFactory.OpenInject(
            new PortSpec(PortKind.File, output), new PortOptions { FileTimeShiftNs = 7 }, place))
        {
            Assert.That(capture.Receive(arena.Primary, batch, nowNs: 5), Is.EqualTo(1));
            Assert.That(inject.Inject(arena, batch.AsSpan(0, 1), nowNs: 6), Is.EqualTo(1));
            Assert.That((capture.Name, inject.Name), Is.EqualTo(($"file:{input}", $"file:{output}")));
        }

        using FileCapturePort back = new(output);
        Assert.That(back.NextArrivalNs, Is.EqualTo(12));
        Assert.That(new FileInfo(output).Length, Is.EqualTo(24 + 16 + 60));
    }
}
