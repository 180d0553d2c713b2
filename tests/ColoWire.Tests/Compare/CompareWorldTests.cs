// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.Linq;
using System.Text.Json.Nodes;
using ColoWire.Commands;
using ColoWire.Tests.Program;
using NUnit.Framework;

namespace ColoWire.Tests.Compare;

/// <summary>A comparison that also has the capture of what clients sent.</summary>
internal sealed class CompareWorldTests
{
    private const byte Syn = 0x02;
    private const byte Rst = 0x04;
    private const byte Ack = 0x10;
    private const int AckOffset = TestFrame.EthernetBytes + 20 + 8;

    [Test]
    public void The_secondary_would_have_received_the_clients_frames_in_its_own_numbers()
    {
        using CompareCase captures = Opened();
        JsonObject report = captures.RunJson();
        Assert.That(captures.ExitCode, Is.EqualTo(CompareCommand.Equal), captures.Errors);
        Assert.That(report["inbound"]!["frames"]!["translated"]!.GetValue<int>(), Is.EqualTo(1));
        Assert.That(
            TestCapture.Read(captures.OutSecondaryPath)
                .Select(frame => BinaryPrimitives.ReadUInt32BigEndian(frame.AsSpan(AckOffset))),
            Is.EqualTo(new uint[] { 0, 1001 }));
    }

    [TestCase(true, CompareCommand.Equal)]
    [TestCase(false, CompareCommand.Diverged)]
    public void A_connection_that_the_client_has_reset_is_not_compared(bool hasReset, int exitCode)
    {
        using CompareCase captures = Opened();
        captures.Primary.At(3, Guest(2001, 5000, Ack, "answer"));
        if (hasReset)
        {
            captures.World!.At(4, Client(5000, 2001, Rst | Ack));
        }

        captures.RunJson();
        Assert.That(captures.ExitCode, Is.EqualTo(exitCode), captures.Errors);
    }

    private static CompareCase Opened()
    {
        CompareCase captures = new() { World = new CaptureScript() };
        captures.World.At(0, Client(4999, 0, Syn));
        captures.Primary.At(1, Guest(2000, 5000, Syn | Ack));
        captures.Secondary.At(1.5, Guest(1000, 5000, Syn | Ack));
        captures.World.At(2, Client(5000, 2001, Ack));
        return captures;
    }

    private static byte[] Guest(uint sequence, uint acknowledgement, byte flags, string payload = "")
    {
        byte[] frame = TestFrame.Tcp(payload, sequence, acknowledgement: acknowledgement, flags: flags);
        (frame[5], frame[11]) = (99, 1);
        return frame;
    }

    /// <summary>A client's segment: source and destination are exchanged.</summary>
    private static byte[] Client(uint sequence, uint acknowledgement, byte flags)
    {
        byte[] frame = Guest(sequence, acknowledgement, flags);
        (frame[5], frame[11]) = (1, 99);
        byte[] addressesAndPorts = frame[26..38];
        addressesAndPorts[4..8].CopyTo(frame, 26);
        addressesAndPorts[..4].CopyTo(frame, 30);
        addressesAndPorts[10..].CopyTo(frame, 34);
        addressesAndPorts[8..10].CopyTo(frame, 36);
        return frame;
    }
}
