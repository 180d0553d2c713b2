// SPDX-License-Identifier: GPL-2.0-or-later

using System.Buffers.Binary;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Text;
using ColoWire.Ports;
using ColoWire.Ports.Checkpoint;
using ColoWire.Ports.Streams;
using NUnit.Framework;
using static ColoWire.Engine.Checkpoint.CheckpointEvent;

namespace ColoWire.Tests.Checkpoint;

/// <summary>Against what libxl does for COLO in Xen: it says INIT, is asked, and says when it is done.</summary>
[NonParallelizable]
internal sealed class NotifyDevRequesterTests
{
    private const string Init = "COLO_USERSPACE_PROXY_INIT";
    private const string InitAnswer = "COLO_COMPARE_GET_XEN_INIT";
    private const string Demand = "DO_CHECKPOINT";
    private const string Done = "COLO_CHECKPOINT";

    private string folder = string.Empty;
    private NotifyDevRequester? requester;
    private Socket? peer;
    private Socket? listener;

    [SetUp]
    public void MakeFolder() => folder = Directory.CreateTempSubdirectory("colowire-").FullName;

    [TearDown]
    public void End()
    {
        requester?.Dispose();
        peer?.Dispose();
        listener?.Dispose();
        listener = null;
        Directory.Delete(folder, recursive: true);
    }

    [Test]
    public void It_asks_and_hears_when_it_is_done([Values] bool isServer, [Values] bool isTcp, [Values] bool hasVnetHeader)
    {
        Probe probe = Connect(isServer, isTcp, hasVnetHeader);
        peer!.Send(Framed(Init, hasVnetHeader));
        Assert.That(Hear(), Is.EqualTo(InitAnswer));
        probe.Ask();
        Assert.That(Hear(), Is.EqualTo(Demand));
        probe.ExpectNothing();
        peer.Send(Framed(Done, hasVnetHeader));
        probe.Expect(Completed);
        Assert.That(requester!.Counts, Has.Property("Requests").EqualTo(1).And.Property("Completed").EqualTo(1).And.Property("LastNs").Positive);
        Assert.That(requester.Counts, Has.Property("Ignored").Zero.And.Property("Failed").Zero);
    }

    [Test]
    public void A_checkpoint_that_nobody_asked_for_is_one_too()
    {
        Probe probe = Connect(isServer: true, isTcp: false, hasVnetHeader: false);
        peer!.Send(Framed(Done, false));
        probe.Expect(Completed);
        Assert.That(requester!.Counts, Has.Property("Requests").Zero.And.Property("LastNs").Zero);
    }

    [Test]
    public void Messages_may_come_in_any_pieces([Values] bool hasVnetHeader)
    {
        Probe probe = Connect(isServer: true, isTcp: false, hasVnetHeader);
        byte[] bytes = [.. Framed(Done, hasVnetHeader), .. Framed(Init, hasVnetHeader), .. Framed(Done, hasVnetHeader)];
        foreach (byte single in bytes)
        {
            peer!.Send([single]);
        }

        peer!.Send([.. bytes, .. bytes]);
        probe.Expect([.. Enumerable.Repeat(Completed, 6)]);
        Assert.That(Hear(), Is.EqualTo(InitAnswer));
    }

    [TestCase("")]
    [TestCase("COLO_CHECKPOINT\0")]
    [TestCase("colo_checkpoint")]
    [TestCase("DO_CHECKPOINT")]
    public void What_is_not_known_is_counted_and_does_no_harm(string text)
    {
        Probe probe = Connect(isServer: false, isTcp: false, hasVnetHeader: false);
        peer!.Send([.. Framed(text, false), .. Framed(Done, false)]);
        probe.Expect(Completed);
        Assert.That(requester!.Counts.Ignored, Is.EqualTo(1));
    }

    [Test]
    public void Whoever_speaks_something_else_is_cut_off_and_may_come_again()
    {
        Probe probe = Connect(isServer: true, isTcp: false, hasVnetHeader: false);
        probe.Ask();
        Assert.That(Hear(), Is.EqualTo(Demand));
        peer!.Send(Encoding.ASCII.GetBytes("GET / HTTP/1.1"));
        probe.Expect(Failed);
        Assert.That(requester!.Trouble, Does.Contain("1195725856 bytes").And.Contain("vnet_hdr_support"));
        Assert.That(peer.Receive(new byte[1]), Is.Zero, "the connection is closed");
        peer.Dispose();
        peer = Dial(isTcp: false, port: 0);
        probe.UntilReady();
        probe.Ask();
        Assert.That(Hear(), Is.EqualTo(Demand));
    }

    [Test]
    public void A_peer_that_goes_is_told_and_one_that_comes_again_is_asked([Values] bool isServer)
    {
        Probe probe = Connect(isServer, isTcp: false, hasVnetHeader: false);
        peer!.Dispose();
        probe.UntilLost();
        Assert.That(requester!.Trouble, Does.Contain("the other end has closed the connection"));
        probe.Ask();
        peer = isServer ? Dial(isTcp: false, port: 0) : listener!.Accept();
        probe.UntilReady();
        peer.Send(Framed(Init, false));
        Assert.That(Hear(), Is.EqualTo(InitAnswer), "what was asked for while nobody was there comes to nothing");
    }

    [Test]
    public void Until_somebody_has_connected_nobody_can_be_asked()
    {
        requester = new NotifyDevRequester("n", Endpoint(isServer: true, isTcp: false, 0), hasVnetHeader: false);
        requester.Start();
        Assert.That(requester.IsReady, Is.False);
        Assert.That(requester.Trouble, Does.Contain("no client has connected to unix:"));
    }

    [Test]
    public void Its_socket_is_gone_with_it()
    {
        requester = new NotifyDevRequester("n", Endpoint(isServer: true, isTcp: false, 0), hasVnetHeader: false);
        Assert.That(File.Exists(Path.Combine(folder, "n")), Is.True);
        requester.Start();
        requester.Dispose();
        Assert.That(Directory.GetFiles(folder), Is.Empty);
    }

    [Test]
    public void A_place_where_it_cannot_listen_is_told()
    {
        StreamEndpoint nowhere = new("/nonexistent/folder/n", null, 0, IsServer: true);
        PortException refusal = Assert.Throws<PortException>(() => new NotifyDevRequester("n", nowhere, hasVnetHeader: false).Dispose())!;
        Assert.That(refusal.Message, Does.StartWith("cannot listen at 'unix:/nonexistent/folder/n,server': there is no folder '/nonexistent/folder'"));
    }

    private static byte[] Framed(string text, bool hasVnetHeader)
    {
        byte[] length = new byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(length, text.Length);
        byte[] vnetLength = hasVnetHeader ? [0, 0, 0, 12] : [];
        return [.. length, .. vnetLength, .. Encoding.ASCII.GetBytes(text)];
    }

    private static int FreePort()
    {
        using Socket probe = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)probe.LocalEndPoint!).Port;
    }

    private Probe Connect(bool isServer, bool isTcp, bool hasVnetHeader)
    {
        int port = isTcp ? FreePort() : 0;
        if (!isServer)
        {
            listener = isTcp
                ? new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
                : new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            listener.Bind(Address(isTcp, port));
            listener.Listen(1);
        }

        requester = new NotifyDevRequester("n", Endpoint(isServer, isTcp, port), hasVnetHeader);
        requester.Start();
        peer = isServer ? Dial(isTcp, port) : listener!.Accept();
        Probe probe = new(requester);
        probe.UntilReady();
        return probe;
    }

    private StreamEndpoint Endpoint(bool isServer, bool isTcp, int port) => isTcp
        ? new StreamEndpoint(null, "127.0.0.1", port, isServer)
        : new StreamEndpoint(Path.Combine(folder, "n"), null, 0, isServer);

    private EndPoint Address(bool isTcp, int port) =>
        isTcp ? new IPEndPoint(IPAddress.Loopback, port) : new UnixDomainSocketEndPoint(Path.Combine(folder, "n"));

    private Socket Dial(bool isTcp, int port)
    {
        Socket socket = isTcp
            ? new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
            : new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Connect(Address(isTcp, port));
        return socket;
    }

    /// <summary>The next message of the requester's, which never has a vnet header, as QEMU's have none.</summary>
    private string Hear()
    {
        peer!.ReceiveTimeout = (int)Probe.Patience.TotalMilliseconds;
        byte[] length = Receive(sizeof(int));
        return Encoding.ASCII.GetString(Receive(BinaryPrimitives.ReadInt32BigEndian(length)));
    }

    private byte[] Receive(int count)
    {
        byte[] bytes = new byte[count];
        for (int at = 0; at < count;)
        {
            int got = peer!.Receive(bytes, at, count - at, SocketFlags.None);
            Assert.That(got, Is.Positive, "the connection stands");
            at += got;
        }

        return bytes;
    }
}
