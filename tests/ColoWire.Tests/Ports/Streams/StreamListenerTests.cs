// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using ColoWire.Ports;
using ColoWire.Ports.Streams;
using NUnit.Framework;

namespace ColoWire.Tests.Ports.Streams;

/// <summary>Which connection a server takes, when several hosts connect. All of 127.0.0.0/8 is this host.</summary>
[TestFixture]
internal sealed class StreamListenerTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private CancellationTokenSource patience = null!;

    [SetUp]
    public void SetUp() => patience = new CancellationTokenSource(Patience);

    [TearDown]
    public void TearDown() => patience.Dispose();

    [TestCase("127.0.0.2", "127.0.0.2", true)]
    [TestCase("127.0.0.2", "127.0.0.3", false)]
    [TestCase("127.0.0.0/30", "127.0.0.3", true)]
    [TestCase("127.0.0.0/30", "127.0.0.4", false)]
    [TestCase("192.0.2.1,peer=127.0.0.4", "127.0.0.4", true)]
    [TestCase("::ffff:127.0.0.4", "127.0.0.4", true)]
    [TestCase("::1", "127.0.0.1", false)]
    public async Task Only_addresses_that_are_named_may_connect(string peers, string from, bool mayConnect)
    {
        using StreamConnector connector = new(Endpoint($",peer={peers}", out int port));
        Task<Socket> taken = connector.ConnectAsync(patience.Token);
        using Socket? client = TryDial(from, port);
        if (mayConnect)
        {
            using Socket accepted = await taken;
            Assert.That(connector.Peer, Is.EqualTo(client!.LocalEndPoint!.ToString()));
            Assert.That(connector.Refused.Count, Is.Zero);
        }
        else
        {
            AssertClosed(client);
            Assert.That(() => connector.Refused, Is.EqualTo(new RefusedPeers(1, from)).After((int)Patience.TotalMilliseconds, 10));
            Assert.That(taken.IsCompleted, Is.False);
            await patience.CancelAsync();
            Assert.That(async () => await taken, Throws.InstanceOf<OperationCanceledException>());
        }
    }

    [Test]
    public async Task Many_refused_connections_do_not_keep_an_allowed_one_out()
    {
        using StreamConnector connector = new(Endpoint(",peer=127.0.0.2", out int port));
        Task<Socket> taken = connector.ConnectAsync(patience.Token);
        Socket?[] before = [.. Enumerable.Range(0, 200).Select(_ => TryDial("127.0.0.3", port))];
        using Socket peer = Dial("127.0.0.2", port);
        Socket?[] after = [.. Enumerable.Range(0, 200).Select(_ => TryDial("127.0.0.3", port))];
        using Socket accepted = await taken;
        Assert.That(connector.Peer, Is.EqualTo(peer.LocalEndPoint!.ToString()));
        foreach (Socket stranger in before.Concat(after).OfType<Socket>())
        {
            AssertClosed(stranger);
            stranger.Dispose();
        }

        Assert.That(() => connector.Refused, Is.EqualTo(new RefusedPeers(400, "127.0.0.3")).After((int)Patience.TotalMilliseconds, 10));
        accepted.Send([42]);
        Assert.That(peer.Receive(new byte[1]), Is.EqualTo(1));
    }

    [Test]
    public async Task While_a_host_is_connected_no_other_host_may_wait([Values("", ",peer=127.0.0.2")] string peers)
    {
        using StreamConnector connector = new(Endpoint(peers, out int port));
        using Socket peer = Dial("127.0.0.2", port);
        using Socket accepted = await connector.ConnectAsync(patience.Token);
        using Socket? stranger = TryDial("127.0.0.3", port);
        AssertClosed(stranger);
        using Socket again = Dial("127.0.0.2", port);
        using Socket next = await connector.ConnectAsync(patience.Token);
        Assert.That(connector.Peer, Is.EqualTo(again.LocalEndPoint!.ToString()), "the host that is connected may");
        Assert.That(connector.Refused, Is.EqualTo(new RefusedPeers(1, "127.0.0.3")));
    }

    [Test]
    public async Task Of_several_waiting_connections_the_newest_open_one_is_taken()
    {
        using StreamConnector connector = new(Endpoint(",peer=127.0.0.2", out int port));
        using Socket first = Dial("127.0.0.2", port);
        using Socket accepted = await connector.ConnectAsync(patience.Token);
        using Socket older = Dial("127.0.0.2", port);
        Socket newer = Dial("127.0.0.2", port);
        AssertClosed(older);
        newer.Dispose();
        Task<Socket> taken = connector.ConnectAsync(patience.Token);
        using Socket last = Dial("127.0.0.2", port);
        using Socket next = await taken;
        Assert.That(connector.Peer, Is.EqualTo(last.LocalEndPoint!.ToString()));
        Assert.That(connector.Refused.Count, Is.Zero);
    }

    [TestCase(0)]
    [TestCase(18)]
    [TestCase(63)]
    public void A_unix_socket_has_mode_0660_whatever_the_umask(int umask)
    {
        using ScratchFolder folder = new();
        int before = Umask(umask);
        try
        {
            using StreamConnector connector = new(new StreamEndpoint(folder.File("socket"), null, 0, IsServer: true));
            Assert.That(File.GetUnixFileMode(folder.File("socket")), Is.EqualTo(
                UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite));
        }
        finally
        {
            _ = Umask(before);
        }
    }

    [System.Runtime.InteropServices.DllImport("libc", EntryPoint = "umask")]
    private static extern int Umask(int mask);

    private static StreamEndpoint Endpoint(string peers, out int port)
    {
        using Socket free = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        free.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        port = ((IPEndPoint)free.LocalEndPoint!).Port;
        Assert.That(StreamEndpoint.TryParse($"0.0.0.0:{port},server{peers}", out StreamEndpoint? endpoint, out string? error), Is.True, error);
        Assert.That(endpoint!.ToString(), Does.StartWith($"0.0.0.0:{port},server"));
        return endpoint;
    }

    private static Socket Dial(string from, int port)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = (int)Patience.TotalMilliseconds };
        socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
        socket.Connect(new IPEndPoint(IPAddress.Loopback, port));
        return socket;
    }

    /// <returns>Null where the connection was closed before this end knew that it was made.</returns>
    private static Socket? TryDial(string from, int port)
    {
        try
        {
            return Dial(from, port);
        }
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.ConnectionReset)
        {
            return null;
        }
    }

    private static void AssertClosed(Socket? socket)
    {
        try
        {
            Assert.That(socket?.Receive(new byte[1]) ?? 0, Is.Zero);
        }
        catch (SocketException exception)
        {
            Assert.That(exception.SocketErrorCode, Is.EqualTo(SocketError.ConnectionReset));
        }
    }
}
