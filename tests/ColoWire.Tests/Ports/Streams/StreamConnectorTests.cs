// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using ColoWire.Ports;
using ColoWire.Ports.Streams;
using NUnit.Framework;

namespace ColoWire.Tests.Ports.Streams;

[TestFixture]
internal sealed class StreamConnectorTests
{
    private ScratchFolder folder = null!;
    private CancellationTokenSource patience = null!;

    [SetUp]
    public void SetUp()
    {
        folder = new ScratchFolder();
        patience = new CancellationTokenSource(TimeSpan.FromSeconds(10));
    }

    [TearDown]
    public void TearDown()
    {
        patience.Dispose();
        folder.Dispose();
    }

    [Test]
    public async Task A_server_and_a_client_connect_again_and_again_in_either_order_of_start([Values] bool isUnix, [Values] bool isServerFirst)
    {
        StreamEndpoint server = Endpoint(isUnix);
        for (int i = 0; i < 3; i++)
        {
            StreamConnector? listening = isServerFirst ? new StreamConnector(server) : null;
            using StreamConnector dialling = new(server with { IsServer = false });
            Task<Socket> dial = dialling.ConnectAsync(patience.Token);
            if (listening == null)
            {
                while (dialling.Trouble == null)
                {
                    await Task.Delay(5, patience.Token);
                }

                listening = new StreamConnector(server);
            }

            using StreamConnector held = listening;
            using Socket accepted = await listening.ConnectAsync(patience.Token);
            using Socket dialled = await dial;
            Assert.That(dialling.Trouble, Is.Null);
            accepted.Send([42]);
            byte[] read = new byte[1];
            Assert.That((dialled.Receive(read), read[0]), Is.EqualTo((1, 42)));
        }
    }

    [Test]
    public void A_wait_ends_when_it_is_cancelled([Values] bool isServer)
    {
        using StreamConnector connector = new(Endpoint(isUnix: true) with { IsServer = isServer });
        using CancellationTokenSource ending = new(50);
        Assert.That(async () => await connector.ConnectAsync(ending.Token), Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    public void A_client_that_is_connecting_is_cancelled_at_once()
    {
        // No host of TEST-NET-1 (RFC 5737) answers; without a route to it, each try fails.
        using StreamConnector connector = new(new StreamEndpoint(null, "192.0.2.1", 9, IsServer: false));
        using CancellationTokenSource ending = new(50);
        Task<Socket> dial = connector.ConnectAsync(ending.Token);
        Assert.That(async () => await dial.WaitAsync(TimeSpan.FromSeconds(5)), Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    public void A_socket_that_an_ended_process_has_left_is_replaced()
    {
        StreamEndpoint endpoint = Endpoint(isUnix: true);
        LeaveSocket(endpoint.Path!);
        Assert.That(File.Exists(endpoint.Path), Is.True);
        using (StreamConnector connector = new(endpoint))
        {
            using Socket client = endpoint.NewSocket();
            client.Connect(endpoint.Address());
        }

        Assert.That(File.Exists(endpoint.Path), Is.False, "a listener that is closed removes its socket");
    }

    [Test]
    public void A_second_listener_at_an_endpoint_is_refused([Values] bool isUnix)
    {
        StreamEndpoint endpoint = Endpoint(isUnix);
        using StreamConnector first = new(endpoint);
        string why = isUnix ? "a running process does so already: stop it, or give each instance a path of its own" : "Address already in use";
        Assert.That(() => new StreamConnector(endpoint), Throws.InstanceOf<PortException>()
            .With.Message.EqualTo($"cannot listen at '{endpoint}': {why}"));
        using Socket client = endpoint.NewSocket();
        client.Connect(endpoint.Address());
    }

    [Test]
    public void A_second_listener_is_refused_at_once_when_the_queue_of_the_first_is_full()
    {
        StreamEndpoint endpoint = Endpoint(isUnix: true);
        using StreamConnector busy = new(endpoint);
        // Each try takes an entry of the listener's queue, which has two.
        using Socket first = endpoint.NewSocket();
        first.Connect(endpoint.Address());
        for (int i = 0; i < 3; i++)
        {
            Task second = Task.Run(() => new StreamConnector(endpoint));
            Assert.That(async () => await second.WaitAsync(patience.Token), Throws.InstanceOf<PortException>());
        }
    }

    [TestCase("")]
    [TestCase("words")]
    public void A_file_that_is_no_socket_is_not_removed(string content)
    {
        StreamEndpoint endpoint = Endpoint(isUnix: true);
        File.WriteAllText(endpoint.Path!, content);
        Assert.That(() => new StreamConnector(endpoint), Throws.InstanceOf<PortException>()
            .With.Message.EqualTo($"cannot listen at '{endpoint}': there is a file that is no socket: remove it, or name another path"));
        Assert.That(File.ReadAllText(endpoint.Path!), Is.EqualTo(content));
    }

    [Test]
    public void The_error_for_a_missing_directory_names_it()
    {
        StreamEndpoint endpoint = new(folder.File("no/such"), null, 0, IsServer: true);
        Assert.That(() => new StreamConnector(endpoint), Throws.InstanceOf<PortException>()
            .With.Message.EqualTo($"cannot listen at '{endpoint}': there is no folder '{folder.File("no")}': create it, or name another path"));
    }

    [Test]
    public void A_silent_TCP_peer_is_probed_by_keepalive()
    {
        StreamEndpoint endpoint = Endpoint(isUnix: false);
        using StreamConnector connector = new(endpoint);
        using Socket client = endpoint.NewSocket();
        client.Connect(endpoint.Address());
        using Socket accepted = connector.ConnectAsync(patience.Token).GetAwaiter().GetResult();
        Assert.That(accepted.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive), Is.Not.Zero);
        Assert.That(accepted.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime), Is.EqualTo(PortLimits.KeepAliveSeconds));
        Assert.That(accepted.NoDelay, Is.True);
    }

    private StreamEndpoint Endpoint(bool isUnix)
    {
        if (isUnix)
        {
            return new StreamEndpoint(folder.File("socket"), null, 0, IsServer: true);
        }

        using Socket free = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        free.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return new StreamEndpoint(null, "127.0.0.1", ((IPEndPoint)free.LocalEndPoint!).Port, IsServer: true);
    }

    private static void LeaveSocket(string path)
    {
        using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        string elsewhere = path + "2";
        socket.Bind(new UnixDomainSocketEndPoint(elsewhere));
        // The runtime removes a socket that it has bound, by the path that it was bound to.
        File.Move(elsewhere, path);
    }
}
