// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using System.IO;
using System.Linq;

namespace ColoWire.Ports.Linux;

/// <summary>How many queues an interface has, and how it spreads the frames that it receives over them.</summary>
public sealed record InterfaceQueues
{
    /// <summary>Kinds of traffic and their numbers (TCP_V4_FLOW and so on, linux/ethtool.h), by the names that ethtool gives them.</summary>
    private static readonly (string Name, uint Number)[] Traffic = [("tcp4", 1), ("udp4", 2), ("tcp6", 5), ("udp6", 6)];

    /// <summary>The interface's name.</summary>
    public required string Name { get; init; }

    /// <summary>The kernel driver; null where there is none.</summary>
    public required string? Driver { get; init; }

    /// <summary>Queues on which frames arrive.</summary>
    public required int Receive { get; init; }

    /// <summary>Queues on which frames leave.</summary>
    public required int Send { get; init; }

    /// <summary>What its driver can change of that; null where it can change nothing.</summary>
    public InterfaceChannels? Channels { get; init; }

    /// <summary>How it chooses the queue of a frame; null where its driver does not tell.</summary>
    public ReceiveSpread? Spread { get; init; }

    /// <summary>The header fields that its hash covers (RXH_*, linux/ethtool.h), by kind of traffic, where its driver tells.</summary>
    public IReadOnlyDictionary<string, ulong> HashFields { get; init; } = new Dictionary<string, ulong>();

    /// <summary>Reads them of an interface in this thread's network namespace.</summary>
    /// <returns>Null when there is none of this name, or it is no Ethernet interface: whoever opens it says so.</returns>
    public static InterfaceQueues? Read(string name)
    {
        int socket = InterfaceControl.OpenSocket();
        try
        {
            bool isEthernet = InterfaceControl.TryGetHardwareType(socket, name, out int type) && type == InterfaceFacts.EthernetHardwareType;
            return isEthernet ? Read(socket, name) : null;
        }
        finally
        {
            _ = Libc.Close(socket);
        }
    }

    /// <summary>Queues of an interface on which frames arrive; 0 where it cannot be seen.</summary>
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

    /// <summary>sysfs has a folder for each queue that is in use; a driver counts in its own way (some do not count those of XDP).</summary>
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
/// <param name="Rx">Those that only receive.</param>
/// <param name="RxMaximum">The most of them.</param>
/// <param name="Tx">Those that only send.</param>
/// <param name="TxMaximum">The most of them.</param>
/// <param name="Combined">Those that do both.</param>
/// <param name="CombinedMaximum">The most of them.</param>
public sealed record InterfaceChannels(long Rx, long RxMaximum, long Tx, long TxMaximum, long Combined, long CombinedMaximum);

/// <summary>Receive-side scaling: a frame goes to the queue that the indirection table has at the place of the frame's hash.</summary>
/// <param name="Table">The indirection table.</param>
/// <param name="Key">The key of the hash; empty where its driver does not tell.</param>
/// <param name="Function">Which hash it is (ETH_RSS_HASH_*, linux/ethtool.h).</param>
/// <param name="Transformation">What is done to the fields before, to make the hash symmetric (RXH_XFRM_*); 0 for nothing.</param>
public sealed record ReceiveSpread(IReadOnlyList<uint> Table, IReadOnlyList<byte> Key, uint Function, uint Transformation);
