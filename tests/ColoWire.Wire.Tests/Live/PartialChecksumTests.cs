// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using ColoWire.Wire.Tests.Ports;
using NUnit.Framework;

namespace ColoWire.Wire.Tests.Live;

/// <summary>
/// A connection between two kernels, of which the guest's leaves checksums to its NIC, which is a veth and completes none. What the guest
/// says goes over a bridge of its own to both ports, as if two replicas said it at once, and through the program to the outside; what
/// the outside says comes by a cable past the program.
/// </summary>
[TestFixture]
[Category("Wire")]
internal sealed class PartialChecksumTests
{
    private const string GuestAddress = "10.9.0.2";
    private const string OutsideAddress = "10.9.0.1";
    private const string GuestMac = "02:00:00:00:09:02";
    private const string OutsideMac = "02:00:00:00:09:01";
    private const string Back = "back0";
    private const int Port = 8080;

    private BridgeHost host = null!;

    [SetUp]
    public void SetUp()
    {
        host = new BridgeHost();
        string wire = BridgeHost.Wire(0);
        NetworkNamespace guest = host.PrimaryGuest;
        host.SecondaryGuest.Inside($"ip link set {wire} netns {guest.Name} name twin0");
        Shell.Run([.. $"ip link add {Back} netns {guest.Name} type veth peer name {Back} netns {host.Outside.Name}".Split(' ')]);
        guest.Inside("ip link add br0 type bridge forward_delay 0");
        foreach (string port in (string[])[wire, "twin0"])
        {
            guest.Inside($"ethtool -K {port} tx on tso off gso off");
            guest.Inside($"ip link set {port} master br0 up");
        }

        guest.Inside("ethtool -K br0 tso off gso off");
        foreach (NetworkNamespace space in (NetworkNamespace[])[guest, host.Outside])
        {
            // What leaves by one interface is answered on another.
            space.Inside("sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0");
            space.Inside($"sysctl -qw net.ipv4.conf.{Back}.rp_filter=0");
        }

        guest.Inside($"ip link set {Back} address {GuestMac} up");
        guest.Inside($"ip addr add {GuestAddress}/24 dev br0");
        guest.Inside("ip link set br0 up");
        // The kernel tells the bridge of a carrier up to a second late; until then a port gets nothing, and one side would miss a frame.
        guest.Inside(() => WireNamespace.WaitUntil(() => IsForwarding(wire) && IsForwarding("twin0"), "the bridge forwards to both"));
        guest.Inside($"ip neigh replace {OutsideAddress} lladdr {OutsideMac} dev br0 nud permanent");
        host.Outside.Inside($"ip link set {wire} address {OutsideMac}");
        host.Outside.Inside($"sysctl -qw net.ipv4.conf.{wire}.rp_filter=0");
        host.Outside.Inside($"ip addr add {OutsideAddress}/32 dev {wire}");
        host.Outside.Inside($"ethtool -K {Back} tx off");
        host.Outside.Inside($"ip link set {Back} up");
        host.Outside.Inside($"ip route add {GuestAddress}/32 dev {Back} src {OutsideAddress}");
        host.Outside.Inside($"ip neigh replace {GuestAddress} lladdr {GuestMac} dev {Back} nud permanent");
    }

    [TearDown]
    public void TearDown() => host?.Dispose();

    [Test]
    public async Task A_connection_of_a_guest_without_checksums_transfers_its_bytes()
    {
        byte[] sent = [.. Enumerable.Range(0, 300_000).Select(i => (byte)(i * 7))];
        using ColoWireProcess program = Run("complete");
        using Socket listener = Listen();
        using Socket client = Open(host.Outside);
        using CancellationTokenSource patience = new(ColoWireProcess.Patience);
        await client.ConnectAsync(IPAddress.Parse(GuestAddress), Port, patience.Token);
        using Socket server = await listener.AcceptAsync(patience.Token);
        Task<int> sending = server.SendAsync(sent, patience.Token).AsTask();
        byte[] received = new byte[sent.Length];
        for (int count = 0; count < received.Length;)
        {
            int more = await client.ReceiveAsync(received.AsMemory(count), patience.Token);
            Assert.That(more, Is.Positive, $"ended after {count} bytes");
            count += more;
        }

        Assert.That(await sending, Is.EqualTo(sent.Length));
        Assert.That(received, Is.EqualTo(sent));
        program.AwaitLog("ethtool -K IF tx off");
        Counters last = program.Stop();
        Assert.That((last["partial_checksums", "primary"], last["partial_checksums", "secondary"]), Is.EqualTo((last.Verified, last.Verified)));
        Assert.That(last.Verified, Is.GreaterThan(sent.Length / 1460));
        Assert.That((last.Unverified, last.Divergences, last["soft", "checksum"]), Is.EqualTo((0, 0, 0)));
        Assert.That(program.Log.Count(line => line.Contains("ethtool", StringComparison.Ordinal)), Is.EqualTo(2), "one for each port");
    }

    [Test]
    public void With_the_policy_to_pass_it_does_not_even_connect()
    {
        using ColoWireProcess program = Run("pass");
        using Socket listener = Listen();
        using Socket client = Open(host.Outside);
        using CancellationTokenSource enough = new();
        Task connecting = client.ConnectAsync(IPAddress.Parse(GuestAddress), Port, enough.Token).AsTask();

        // The guest has answered more than once, and each answer has left.
        Counters answered = program.AwaitCounters(counters => counters["output", "frames"] >= 2, "the guest answers again and again");
        Assert.That(connecting.IsCompleted, Is.False);
        enough.Cancel();
        Assert.That(async () => await connecting, Throws.InstanceOf<OperationCanceledException>());
        Assert.That(answered.Verified, Is.Positive);
        Assert.That(program.Stop()["partial_checksums", "primary"], Is.Zero);
    }

    private ColoWireProcess Run(string policy)
    {
        ColoWireProcess program = new(host, ["run", .. host.Ports.Words(0), "--json", .. BridgeRun.NotBypassed, "--partial-checksums", policy]);
        program.AwaitReady();
        return program;
    }

    private Socket Listen()
    {
        Socket socket = Open(host.PrimaryGuest);
        socket.Bind(new IPEndPoint(IPAddress.Any, Port));
        socket.Listen();
        return socket;
    }

    /// <summary>BR_STATE_FORWARDING (linux/if_bridge.h).</summary>
    private static bool IsForwarding(string port) => File.ReadAllText($"/sys/class/net/{port}/brport/state").Trim() == "3";

    private static Socket Open(NetworkNamespace space)
    {
        Socket? socket = null;
        space.Inside(() => socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        return socket!;
    }
}
