// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.InteropServices;
using System.Text;

namespace ColoWire.Ports.Xdp;

/// <summary>The beginning of <c>struct bpf_prog_info</c> (linux/bpf.h).</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct BpfProgramInfo
{
    public uint Kind;
    public uint Id;
    public fixed byte Tag[TagBytes];
    public uint MachineBytes;
    public uint InstructionBytes;
    public ulong MachineCode;
    public ulong Instructions;
    public ulong LoadedAtNs;
    public uint UserId;
    public uint MapCount;
    public ulong MapIds;
    public fixed byte NameText[BpfName.Bytes];

    /// <summary>Bytes of the hash over the instructions as they were loaded (BPF_TAG_SIZE).</summary>
    public const int TagBytes = 8;

    /// <summary>What its owner calls it.</summary>
    public readonly string Name
    {
        get
        {
            fixed (byte* text = NameText)
            {
                return BpfName.Read(text);
            }
        }
    }
}

/// <summary>The beginning of <c>struct bpf_map_info</c> (linux/bpf.h).</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct BpfMapInfo
{
    public uint Kind;
    public uint Id;
    public uint KeyBytes;
    public uint ValueBytes;
    public uint Entries;
    public uint Flags;
    public fixed byte NameText[BpfName.Bytes];

    /// <summary>What its owner calls it.</summary>
    public readonly string Name
    {
        get
        {
            fixed (byte* text = NameText)
            {
                return BpfName.Read(text);
            }
        }
    }
}

/// <summary>Names of BPF objects: ASCII with a zero at the end.</summary>
internal static unsafe class BpfName
{
    /// <summary>BPF_OBJ_NAME_LEN, with the zero.</summary>
    public const int Bytes = 16;

    /// <summary>Reads one.</summary>
    public static string Read(byte* text)
    {
        ReadOnlySpan<byte> bytes = new(text, Bytes);
        int length = bytes.IndexOf((byte)0);
        return Encoding.ASCII.GetString(length < 0 ? bytes : bytes[..length]);
    }

    /// <summary>Writes one into zeros.</summary>
    public static void Write(string name, byte* text) => Encoding.ASCII.GetBytes(name, new Span<byte>(text, Bytes - 1));
}
