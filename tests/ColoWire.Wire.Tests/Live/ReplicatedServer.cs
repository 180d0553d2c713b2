// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;

namespace ColoWire.Wire.Tests.Live;

/// <summary>
/// The same small server in both guests, so that each has its own TCP stack with its own sequence numbers. A client sends one
/// byte for the kind of its request and four bytes for a length: the server sends so many bytes, or receives so many and answers
/// with their sum.
/// </summary>
internal sealed class ReplicatedServer : IDisposable
{
    public const byte Download = 1;
    public const byte Upload = 2;

    private const string Address = "10.9.0.1";
    private const string ClientAddress = "10.9.0.99";
    private const string GuestMac = "02:00:00:00:00:01";
    private const string ClientMac = "02:00:00:00:00:63";
    private const int Port = 80;
    private const int ReceiveBytes = 4 << 20;

    private readonly List<Socket> listeners = [];
    private readonly CancellationTokenSource ending = new();
    private readonly NetworkNamespace clientSpace;

    /// <summary>Gives the guests one address, the outside another one, and starts both servers.</summary>
    public ReplicatedServer(BridgeHost host)
    {
        clientSpace = host.Outside;
        // A neighbour entry on both sides: the replicas' ARP would only be passed, and the cables have no ARP.
        foreach (NetworkNamespace guest in (NetworkNamespace[])[host.PrimaryGuest, host.SecondaryGuest])
        {
            SetUp(guest, GuestMac, Address, ClientAddress, ClientMac);
            // Room for a whole upload. With the default, the window of the replica whose server gets less CPU time closes earlier;
            // the client fills the other's window, and each lost segment costs a retransmission timeout.
            Shell.Run(guest.Words("sysctl", "-qw", $"net.ipv4.tcp_rmem={ReceiveBytes} {ReceiveBytes} {ReceiveBytes}"));
            guest.Inside(() => listeners.Add(Listen()));
        }

        SetUp(clientSpace, ClientMac, ClientAddress, Address, GuestMac);
        foreach (Socket listener in listeners)
            _ = Task.Run(() => AcceptAsync(listener));
    }

    /// <summary>The bytes that a download of a length consists of.</summary>
    public static byte[] Content(int length)
    {
        byte[] content = new byte[length];
        new Random(length).NextBytes(content);
        return content;
    }

    /// <summary>Connects a client to the guest.</summary>
    public Socket Connect()
    {
        Socket? socket = null;
        clientSpace.Inside(() =>
        {
            socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 20_000 };
            socket.Connect(IPAddress.Parse(Address), Port);
        });
        return socket!;
    }

    /// <summary>Sends a request.</summary>
    public static void Request(Socket client, byte kind, int length) =>
        client.Send([kind, (byte)(length >> 24), (byte)(length >> 16), (byte)(length >> 8), (byte)length]);

    /// <summary>Receives so many bytes, or those until the end.</summary>
    public static byte[] Receive(Socket client, int length)
    {
        byte[] bytes = new byte[length];
        int count = 0;
        for (int part = -1; count < length && part != 0; count += part)
            part = client.Receive(bytes, count, length - count, SocketFlags.None);
        return bytes[..count];
    }

    public void Dispose()
    {
        ending.Cancel();
        listeners.ForEach(listener => listener.Dispose());
        ending.Dispose();
    }

    private static void SetUp(NetworkNamespace space, string mac, string address, string other, string otherMac)
    {
        string wire = BridgeHost.Wire(0);
        space.Inside($"ip link set {wire} address {mac}");
        space.Inside($"ip addr replace {address}/24 dev {wire}");
        space.Inside($"ip neigh replace {other} lladdr {otherMac} dev {wire} nud permanent");
    }

    private static Socket Listen()
    {
        Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Any, Port));
        listener.Listen(1024);
        return listener;
    }

    private static int Sum(byte[] bytes)
    {
        int sum = 0;
        foreach (byte value in bytes)
            sum = (sum * 31) + value;
        return sum;
    }

    /// <summary>The answer to an upload.</summary>
    public static byte[] AnswerTo(byte[] uploaded) => BitConverter.GetBytes(Sum(uploaded));

    private async Task AcceptAsync(Socket listener)
    {
        try
        {
            while (true)
            {
                Socket client = await listener.AcceptAsync(ending.Token);
                _ = Task.Run(() => ServeAsync(client));
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The test has ended.
        }
    }

    private static async Task ServeAsync(Socket client)
    {
        try
        {
            using NetworkStream stream = new(client, ownsSocket: true);
            byte[] request = new byte[5];
            await stream.ReadExactlyAsync(request);
            int length = (request[1] << 24) | (request[2] << 16) | (request[3] << 8) | request[4];
            if (request[0] == Download)
            {
                await stream.WriteAsync(Content(length));
            }
            else
            {
                byte[] uploaded = new byte[length];
                await stream.ReadExactlyAsync(uploaded);
                await stream.WriteAsync(AnswerTo(uploaded));
            }
        }
        catch (Exception exception) when (exception is IOException or SocketException)
        {
            // The client has aborted the connection.
        }
    }
}
