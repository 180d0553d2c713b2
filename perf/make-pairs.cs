#!/usr/bin/env -S dotnet run
// SPDX-License-Identifier: GPL-2.0-or-later
#:package System.CommandLine

// Writes two captures of the same traffic, the secondary's later and with other IP IDs: input for measuring.
// Usage: dotnet run perf/make-pairs.cs -- PRIMARY.pcap SECONDARY.pcap [FRAMES]; --help names the rest. The same arguments make
// the same bytes.

using System;
using System.Buffers.Binary;
using System.CommandLine;
using System.IO;
using System.Linq;

const int EthernetBytes = 14;
const int HeaderBytes = EthernetBytes + 20;
const uint StartSeconds = 1_700_000_000;
const int BadInput = 2;

Argument<string> primary = new("PRIMARY") { Description = "The primary's capture, to write." };
Argument<string> secondary = new("SECONDARY") { Description = "The secondary's capture, to write." };
Argument<int> count = new("FRAMES") { Description = "Frames of each.", DefaultValueFactory = _ => 1_000_000 };
count.Validators.Add(result =>
{
    if (result.Tokens.Count == 1 && int.TryParse(result.Tokens[0].Value, out int value) && value < 1)
        result.AddError($"FRAMES {value}: allowed are 1 to {int.MaxValue}");
});
Option<string> protocol = new("--protocol")
{
    Description = "udp, tcp, or mixed: flow by flow in turn.",
    DefaultValueFactory = _ => "mixed",
};
protocol.Validators.Add(result =>
{
    if (result.Tokens.Count == 1 && result.Tokens[0].Value is not ("mixed" or "tcp" or "udp"))
        result.AddError($"--protocol {result.Tokens[0].Value}: allowed are mixed, tcp and udp");
});
Option<int> flows = Number("--flows", "Connections, one frame of each in turn.", 1, 1_000_000, 256);
Option<int> bytes = Number("--bytes", "Bytes of each frame.", 60, 1514, 64);
Option<int> gap = Number("--gap-us", "Time between two frames of a side.", 1, 1_000_000, 10);
Option<int> lag = Number("--lag-us", "How much later than the primary the secondary sends the same.", 0, 10_000_000, 50);
RootCommand root = new("Writes two captures of the same traffic: input for measuring.")
{
    primary, secondary, count, protocol, flows, bytes, gap, lag,
};
root.SetAction(result =>
{
    Traffic traffic = new(
        result.GetValue(count), result.GetValue(protocol) ?? "mixed", result.GetValue(flows), result.GetValue(bytes),
        result.GetValue(gap));
    try
    {
        Write(result.GetRequiredValue(primary), traffic, 0, 1);
        Write(result.GetRequiredValue(secondary), traffic, result.GetValue(lag), 7);
        return 0;
    }
    catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
    {
        Console.Error.WriteLine($"make-pairs: {fault.Message}");
        return BadInput;
    }
});

ParseResult parsed = root.Parse(args);
if (parsed.Errors.Count > 0)
{
    foreach (string message in parsed.Errors.Select(error => error.Message))
        Console.Error.WriteLine($"make-pairs: {message}");
    return BadInput;
}

return parsed.Invoke();

static Option<int> Number(string name, string description, int least, int most, int preset)
{
    Option<int> option = new(name) { Description = description, DefaultValueFactory = _ => preset, HelpName = "N" };
    option.Validators.Add(result =>
    {
        if (result.Tokens.Count == 1 && int.TryParse(result.Tokens[0].Value, out int value) && (value < least || value > most))
            result.AddError($"{name} {value}: allowed are {least} to {most}");
    });
    return option;
}

static void Write(string path, Traffic traffic, long lagUs, ushort idStep)
{
    using FileStream file = new(path, FileMode.Create, FileAccess.Write, FileShare.Read, 1 << 20);
    Span<byte> fileHeader = stackalloc byte[24];
    BinaryPrimitives.WriteUInt32LittleEndian(fileHeader, 0xA1B2C3D4);
    BinaryPrimitives.WriteUInt16LittleEndian(fileHeader[4..], 2);
    BinaryPrimitives.WriteUInt16LittleEndian(fileHeader[6..], 4);
    BinaryPrimitives.WriteUInt32LittleEndian(fileHeader[16..], 65_536);
    BinaryPrimitives.WriteUInt32LittleEndian(fileHeader[20..], 1);
    file.Write(fileHeader);
    Span<byte> record = new byte[16 + traffic.FrameBytes];
    for (int i = 0; i < traffic.Frames; i++)
    {
        long timeUs = (i * (long)traffic.GapUs) + lagUs;
        BinaryPrimitives.WriteUInt32LittleEndian(record, StartSeconds + (uint)(timeUs / 1_000_000));
        BinaryPrimitives.WriteUInt32LittleEndian(record[4..], (uint)(timeUs % 1_000_000));
        BinaryPrimitives.WriteUInt32LittleEndian(record[8..], (uint)traffic.FrameBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(record[12..], (uint)traffic.FrameBytes);
        Fill(record[16..], traffic, i, (ushort)(i * idStep));
        file.Write(record);
    }
}

// Each flow's frames count on from its last.
static void Fill(Span<byte> frame, Traffic traffic, int index, ushort id)
{
    int flow = index % traffic.Flows;
    int turn = index / traffic.Flows;
    bool tcp = traffic.IsTcp(flow);
    frame.Clear();
    "\x52\x54\0\0\0\x02\x52\x54\0\0\0\x01\x08\0"u8.CopyTo(frame);
    Span<byte> ip = frame[EthernetBytes..];
    ip[0] = 0x45;
    BinaryPrimitives.WriteUInt16BigEndian(ip[2..], (ushort)ip.Length);
    BinaryPrimitives.WriteUInt16BigEndian(ip[4..], id);
    ip[8] = 64;
    ip[9] = (byte)(tcp ? 6 : 17);
    BinaryPrimitives.WriteUInt32BigEndian(ip[12..], 0x0A000001);
    BinaryPrimitives.WriteUInt32BigEndian(ip[16..], 0x0A000100 + (uint)flow);
    BinaryPrimitives.WriteUInt16BigEndian(ip[10..], Checksum(ip[..20]));
    Span<byte> transport = frame[HeaderBytes..];
    BinaryPrimitives.WriteUInt16BigEndian(transport, (ushort)(tcp ? 80 : 53));
    BinaryPrimitives.WriteUInt16BigEndian(transport[2..], (ushort)(40_000 + flow));
    Span<byte> payload = transport[(tcp ? 20 : 8)..];
    if (tcp)
    {
        BinaryPrimitives.WriteUInt32BigEndian(transport[4..], 1000 + (uint)(turn * payload.Length));
        BinaryPrimitives.WriteUInt32BigEndian(transport[8..], 5000);
        transport[12] = 0x50;
        transport[13] = 0x18;
        BinaryPrimitives.WriteUInt16BigEndian(transport[14..], 512);
    }
    else
    {
        BinaryPrimitives.WriteUInt16BigEndian(transport[4..], (ushort)transport.Length);
    }

    for (int i = 0; i < payload.Length; i++)
    {
        payload[i] = (byte)((index * 31) + (turn * 13) + (i * 7));
    }

    // No two frames of a flow are the same: a comparer must find the right twin, not any.
    BinaryPrimitives.WriteInt32BigEndian(payload, index);
}

static ushort Checksum(ReadOnlySpan<byte> header)
{
    uint sum = 0;
    for (int i = 0; i < header.Length; i += 2)
    {
        sum += BinaryPrimitives.ReadUInt16BigEndian(header[i..]);
    }

    return (ushort)~((sum & 0xFFFF) + (sum >> 16));
}

internal sealed record Traffic(int Frames, string Protocol, int Flows, int FrameBytes, int GapUs)
{
    public bool IsTcp(int flow) => Protocol == "tcp" || (Protocol == "mixed" && (flow & 1) == 0);
}
