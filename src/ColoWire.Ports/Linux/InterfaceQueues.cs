// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using System.IO;
using System.Linq;

namespace ColoWire.Ports.Linux;

/// <summary>The queues of an interface, and how it distributes received frames over them.</summary>
public sealed record InterfaceQueues
{
    /// <summary>Kinds of traffic, by ethtool's names, and their numbers (TCP_V4_FLOW and so on, linux/ethtool.h).</summary>
    private static readonly (string Name, uint Number)[] Traffic = [("tcp4", 1), ("udp4", 2), ("tcp6", 5), ("udp6", 6)];

    /// <summary>The interface's name.</summary>
    public required string Name { get; init; }

    /// <summary>The kernel driver; null where there is none.</summary>
    public required string? Driver { get; init; }

    /// <summary>Receive queues.</summary>
    public required int Receive { get; init; }

    /// <summary>Transmit queues.</summary>
    public required int Send { get; init; }

    /// <summary>The numbers of queues that its driver can set; null where it can set none.</summary>
    public InterfaceChannels? Channels { get; init; }

    /// <summary>How it chooses the queue of a frame; null where its driver does not say.</summary>
    public ReceiveSpread? Spread { get; init; }

    /// <summary>The header fields that its hash covers (RXH_*, linux/ethtool.h), by kind of traffic, where its driver
    /// says.</summary>
    public IReadOnlyDictionary<string, ulong> HashFields { get; init; } = new Dictionary<string, ulong>();

    /// <summary>Reads them for an interface in this thread's network namespace.</summary>
    /// <returns>Null when there is none of this name, or it is no Ethernet interface: the port that opens it reports
    /// that.</returns>
    public static InterfaceQueues? Read(string name)
    {
        int socket = InterfaceControl.OpenSocket();
        try
        {
            bool isEthernet = InterfaceControl.TryGetHardwareType(socket, name, out int type)
                && type == InterfaceFacts.EthernetHardwareType;
            return isEthernet ? Read(socket, name) : null;
        }
        finally
        {
            _ = Libc.Close(socket);
        }
    }

    /// <summary>Receive queues of an interface; 0 where sysfs does not show them.</summary>
    internal static int CountReceive(string name) => Count(name, "rx-*");

    private static InterfaceQueues Read(int socket, string name)
    {
        Dictionary<string, ulong> fields = [];
        foreach ((string traffic, uint number) in Traffic)
        {
            if (EthtoolFacts.HashFields(socket, name, number) is ulong covered)
            {
                fields[traffic] = covered;
            }
        }

        return new InterfaceQueues
        {
            Name = name,
            Driver = EthtoolFacts.Driver(socket, name),
            Receive = CountReceive(name),
            Send = Count(name, "tx-*"),
            Channels = EthtoolFacts.Channels(socket, name),
            Spread = EthtoolFacts.Spread(socket, name),
            HashFields = fields,
        };
    }

    /// <summary>sysfs has a directory for each queue in use. Drivers count differently: some leave out the queues of
    /// XDP.</summary>
    private static int Count(string name, string pattern)
    {
        try
        {
            return Directory.EnumerateDirectories($"/sys/class/net/{name}/queues", pattern).Count();
        }
        catch (IOException)
        {
            return 0;
        }
    }
}

/// <summary>The queues of an interface as its driver counts them.</summary>
/// <param name="Rx">Queues that only receive.</param>
/// <param name="RxMaximum">The most of them.</param>
/// <param name="Tx">Queues that only transmit.</param>
/// <param name="TxMaximum">The most of them.</param>
/// <param name="Combined">Queues that do both.</param>
/// <param name="CombinedMaximum">The most of them.</param>
public sealed record InterfaceChannels(long Rx, long RxMaximum, long Tx, long TxMaximum, long Combined, long CombinedMaximum);

/// <summary>Receive-side scaling: a frame's queue is the entry of the indirection table at the frame's hash
/// (Documentation/networking/scaling.rst).</summary>
/// <param name="Table">The indirection table.</param>
/// <param name="Key">The key of the hash; empty where the driver does not say.</param>
/// <param name="Function">The hash function (ETH_RSS_HASH_*, linux/ethtool.h).</param>
/// <param name="Transformation">What makes the hash symmetric (RXH_XFRM_*); 0 for nothing.</param>
public sealed record ReceiveSpread(IReadOnlyList<uint> Table, IReadOnlyList<byte> Key, uint Function, uint Transformation);
