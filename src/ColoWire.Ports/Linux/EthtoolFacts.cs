// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.InteropServices;
using System.Text;

namespace ColoWire.Ports.Linux;

/// <summary>What <c>ethtool</c> shows, asked of the driver directly (linux/ethtool.h).</summary>
internal static unsafe class EthtoolFacts
{
    private const uint GetDriverInfo = 0x03;
    private const uint GetRingParameters = 0x10;
    private const uint GetRxChecksum = 0x14;
    private const uint GetTxChecksum = 0x16;
    private const uint GetTso = 0x1E;
    private const uint GetGso = 0x23;
    private const uint GetFlags = 0x25;
    private const uint GetGro = 0x2B;

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

    /// <summary>The rings of an interface, or null.</summary>
    public static InterfaceRings? Rings(int socket, string name)
    {
        RingParameters rings = new() { Command = GetRingParameters };
        return InterfaceControl.TryAskDriver(socket, name, ref rings)
            ? new InterfaceRings(rings.Rx, rings.RxMaximum, rings.Tx, rings.TxMaximum)
            : null;
    }

    /// <summary>The kernel driver of an interface, or null.</summary>
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

    /// <summary><c>struct ethtool_drvinfo</c>: the driver's name stands behind the command.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 196)]
    private struct DriverInfo
    {
        public uint Command;
        public fixed byte Driver[DriverNameBytes];
    }
}
