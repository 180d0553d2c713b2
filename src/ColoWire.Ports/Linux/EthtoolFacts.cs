// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.InteropServices;
using System.Text;

namespace ColoWire.Ports.Linux;

/// <summary>The settings that <c>ethtool</c> shows, read from the driver directly (SIOCETHTOOL, linux/ethtool.h).</summary>
internal static unsafe class EthtoolFacts
{
    private const uint GetDriverInfo = 0x03;
    private const uint GetRingParameters = 0x10;
    private const uint GetRxChecksum = 0x14;
    private const uint GetTxChecksum = 0x16;
    private const uint GetTso = 0x1E;
    private const uint GetGso = 0x23;
    private const uint GetFlags = 0x25;
    private const uint GetHashFields = 0x29;
    private const uint GetGro = 0x2B;
    private const uint GetChannels = 0x3C;
    private const uint GetReceiveSpread = 0x46;

    private const uint FlagTxVlan = 1u << 7;
    private const uint FlagRxVlan = 1u << 8;
    private const uint FlagLro = 1u << 15;

    private const int DriverNameBytes = 32;

    /// <summary>The offloads of an interface.</summary>
    public static InterfaceOffloads Offloads(int socket, string name)
    {
        uint? flags = Word(socket, name, GetFlags);
        return new InterfaceOffloads(
            Tso: Switch(GetTso),
            Gso: Switch(GetGso),
            Gro: Switch(GetGro),
            Lro: Flag(FlagLro),
            TxChecksum: Switch(GetTxChecksum),
            RxChecksum: Switch(GetRxChecksum),
            TxVlan: Flag(FlagTxVlan),
            RxVlan: Flag(FlagRxVlan));

        bool? Switch(uint command) => Word(socket, name, command) is uint value ? value != 0 : null;
        bool? Flag(uint flag) => flags is uint value ? (value & flag) != 0 : null;
    }

    /// <summary>The rings of an interface; null where its driver does not say.</summary>
    public static InterfaceRings? Rings(int socket, string name)
    {
        RingParameters rings = new() { Command = GetRingParameters };
        return InterfaceControl.TryAskDriver(socket, name, ref rings)
            ? new InterfaceRings(rings.Rx, rings.RxMaximum, rings.Tx, rings.TxMaximum)
            : null;
    }

    /// <summary>The queues of an interface; null where its driver does not say.</summary>
    public static InterfaceChannels? Channels(int socket, string name)
    {
        ChannelCounts counts = new() { Command = GetChannels };
        return InterfaceControl.TryAskDriver(socket, name, ref counts)
            ? new InterfaceChannels(
                counts.Rx, counts.RxMaximum, counts.Tx, counts.TxMaximum, counts.Combined, counts.CombinedMaximum)
            : null;
    }

    /// <summary>How an interface distributes received frames over its queues; null where its driver does not say.</summary>
    public static ReceiveSpread? Spread(int socket, string name)
    {
        SpreadHead head = new() { Command = GetReceiveSpread };
        if (!InterfaceControl.TryAskDriver(socket, name, ref head) || head.TableEntries == 0)
        {
            return null;
        }

        // The first answer has the sizes. If they change before the second request, the driver refuses that.
        SpreadHead sized = new() { Command = GetReceiveSpread, TableEntries = head.TableEntries, KeyBytes = head.KeyBytes };
        byte[] answer = new byte[sizeof(SpreadHead) + ((int)head.TableEntries * sizeof(uint)) + (int)head.KeyBytes];
        MemoryMarshal.Write(answer, in sized);
        return InterfaceControl.TryAskDriver(socket, name, answer) ? ReadSpread(answer) : null;
    }

    /// <summary>Reads a <c>struct ethtool_rxfh</c>, which the table and the key follow.</summary>
    internal static ReceiveSpread ReadSpread(ReadOnlySpan<byte> answer)
    {
        SpreadHead head = MemoryMarshal.Read<SpreadHead>(answer);
        ReadOnlySpan<byte> rest = answer[sizeof(SpreadHead)..];
        int tableBytes = (int)head.TableEntries * sizeof(uint);
        return new ReceiveSpread(
            MemoryMarshal.Cast<byte, uint>(rest[..tableBytes]).ToArray(),
            rest.Slice(tableBytes, (int)head.KeyBytes).ToArray(),
            head.Function,
            head.Transformation);
    }

    /// <summary>The header fields that the hash of a kind of traffic (a flow type of linux/ethtool.h) covers; null where the
    /// driver does not say.</summary>
    public static ulong? HashFields(int socket, string name, uint traffic)
    {
        HashRequest request = new() { Command = GetHashFields, Traffic = traffic };
        return InterfaceControl.TryAskDriver(socket, name, ref request) ? request.Fields : null;
    }

    /// <summary>The kernel driver of an interface; null where there is none.</summary>
    public static string? Driver(int socket, string name)
    {
        DriverInfo info = new() { Command = GetDriverInfo };
        if (!InterfaceControl.TryAskDriver(socket, name, ref info))
        {
            return null;
        }

        ReadOnlySpan<byte> bytes = new(info.Driver, DriverNameBytes);
        int length = bytes.IndexOf((byte)0);
        return Encoding.ASCII.GetString(length < 0 ? bytes : bytes[..length]);
    }

    private static uint? Word(int socket, string name, uint command)
    {
        Value value = new() { Command = command };
        return InterfaceControl.TryAskDriver(socket, name, ref value) ? value.Data : null;
    }

    /// <summary><c>struct ethtool_value</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Value
    {
        public uint Command;
        public uint Data;
    }

    /// <summary><c>struct ethtool_ringparam</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct RingParameters
    {
        public uint Command;
        public uint RxMaximum;
        public uint RxMiniMaximum;
        public uint RxJumboMaximum;
        public uint TxMaximum;
        public uint Rx;
        public uint RxMini;
        public uint RxJumbo;
        public uint Tx;
    }

    /// <summary><c>struct ethtool_channels</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct ChannelCounts
    {
        public uint Command;
        public uint RxMaximum;
        public uint TxMaximum;
        public uint OtherMaximum;
        public uint CombinedMaximum;
        public uint Rx;
        public uint Tx;
        public uint Other;
        public uint Combined;
    }

    /// <summary>The head of <c>struct ethtool_rxfh</c>; the table and then the key follow.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct SpreadHead
    {
        public uint Command;
        public uint Context;
        public uint TableEntries;
        public uint KeyBytes;
        public byte Function;
        public byte Transformation;
        public ushort Reserved;
        public uint ReservedWord;
    }

    /// <summary><c>struct ethtool_rxnfc</c> up to the members that are used here.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct HashRequest
    {
        public uint Command;
        public uint Traffic;
        public ulong Fields;
    }

    /// <summary><c>struct ethtool_drvinfo</c>: the driver's name follows the command.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 196)]
    private struct DriverInfo
    {
        public uint Command;
        public fixed byte Driver[DriverNameBytes];
    }
}
