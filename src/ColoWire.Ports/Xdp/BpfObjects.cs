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

    /// <summary>The name of the program.</summary>
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

    /// <summary>The name of the map.</summary>
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

/// <summary>Names of BPF objects: ASCII with a 0 at the end.</summary>
internal static unsafe class BpfName
{
    /// <summary>Bytes of a name, with the 0 (BPF_OBJ_NAME_LEN).</summary>
    public const int Bytes = 16;

    /// <summary>Reads a name.</summary>
    public static string Read(byte* text)
    {
        ReadOnlySpan<byte> bytes = new(text, Bytes);
        int length = bytes.IndexOf((byte)0);
        return Encoding.ASCII.GetString(length < 0 ? bytes : bytes[..length]);
    }

    /// <summary>Writes a name into zeroed memory.</summary>
    public static void Write(string name, byte* text) => Encoding.ASCII.GetBytes(name, new Span<byte>(text, Bytes - 1));
}
