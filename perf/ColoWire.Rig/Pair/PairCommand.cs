// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.CommandLine;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace ColoWire.Rig.Pair;

/// <summary><c>ColoWire.Rig pair</c>: reads what was captured on the three interfaces of a bridge host at the same time, and
/// prints as one JSON object what ColoWire added to the time of the primary's frames, and what clients waited for.</summary>
internal static class PairCommand
{
    private const double NanosecondsPerMicrosecond = 1e3;
    private const double NanosecondsPerMillisecond = 1e6;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    /// <summary>Makes the verb.</summary>
    public static Command Create()
    {
        Argument<string> primary = new("PRIMARY") { Description = "The capture of the primary's port, as tcpdump writes it." };
        Argument<string> secondary = new("SECONDARY") { Description = "The capture of the secondary's port." };
        Argument<string> world = new("OUTDEV") { Description = "The capture of outdev." };
        Option<IPAddress> guest = new("--guest")
        {
            Description = "The guest's IPv4 address.",
            HelpName = "ADDRESS",
            Required = true,
            CustomParser = result =>
            {
                if (IPAddress.TryParse(result.Tokens[0].Value, out IPAddress? address)
                    && address.AddressFamily == AddressFamily.InterNetwork)
                {
                    return address;
                }

                result.AddError($"--guest {result.Tokens[0].Value}: no IPv4 address");
                return null;
            },
        };
        Command command = new("pair", "Says from three captures how long the primary's frames stayed in ColoWire.")
        {
            primary, secondary, world, guest,
        };
        command.SetAction(parse =>
        {
            uint address = BinaryPrimitives.ReadUInt32BigEndian(parse.GetRequiredValue(guest).GetAddressBytes());
            PairFigures figures = Measure(
                SegmentCapture.Read(parse.GetRequiredValue(primary), address),
                SegmentCapture.Read(parse.GetRequiredValue(secondary), address),
                SegmentCapture.Read(parse.GetRequiredValue(world), address));
            Console.WriteLine(JsonSerializer.Serialize(figures, Json));
            return 0;
        });
        return command;
    }

    /// <summary>Measures from the segments of three captures.</summary>
    /// <param name="primary">Those on the primary's port.</param>
    /// <param name="secondary">Those on the secondary's port.</param>
    /// <param name="world">Those on outdev.</param>
    public static PairFigures Measure(
        IReadOnlyCollection<Segment> primary, IReadOnlyCollection<Segment> secondary, IReadOnlyCollection<Segment> world)
    {
        Dictionary<Connection, uint> clientStarts = [];
        foreach (Segment segment in world.Where(segment => segment is { IsGuest: false, Opens: true }))
        {
            clientStarts.TryAdd(segment.Connection, segment.Sequence);
        }

        Dictionary<Connection, ReplicaProgress> ours = ReplicaProgress.Follow(primary, clientStarts);
        Dictionary<Connection, ReplicaProgress> twins = ReplicaProgress.Follow(secondary, clientStarts);
        ReleaseTimes times = ReleaseTimes.Measure(primary, twins, world, clientStarts);
        ClientWaits waits = ClientWaits.Measure(world, ours, twins, clientStarts);
        return new PairFigures(
            clientStarts.Count,
            times.Matched,
            times.Unmatched,
            times.DelayNs(50) / NanosecondsPerMicrosecond,
            times.DelayNs(99) / NanosecondsPerMicrosecond,
            times.DelayNs(100) / NanosecondsPerMicrosecond,
            times.HeldForAck,
            times.HeldForAckNs / NanosecondsPerMillisecond,
            waits.Retransmissions,
            waits.Timeouts,
            waits.Spurious,
            waits.ForSecondary,
            waits.IdleHeldNs / NanosecondsPerMillisecond);
    }
}

/// <summary>What three captures say.</summary>
/// <param name="Connections">Connections that clients have opened.</param>
/// <param name="Frames">Frames of the primary with a counterpart in both other captures.</param>
/// <param name="Unmatched">Frames of the primary without one.</param>
/// <param name="P50Us">Time from the later of both replicas' frames to the frame on outdev in microseconds, median.</param>
/// <param name="P99Us">The same, 99 per cent of the frames.</param>
/// <param name="LongestUs">The same, the longest.</param>
/// <param name="HeldForAck">Frames of the primary that waited for the secondary's acknowledgment alone (R2).</param>
/// <param name="HeldForAckMs">The sum of these waits, in milliseconds.</param>
/// <param name="Retransmissions">Segments that clients sent again.</param>
/// <param name="Timeouts">Those after a silence of a retransmission timeout.</param>
/// <param name="Spurious">Retransmissions of what both replicas had acknowledged.</param>
/// <param name="ForSecondary">Retransmissions of what only the primary had acknowledged.</param>
/// <param name="IdleHeldMs">Time for which clients sent nothing while an acknowledgment of the primary was held, in
/// milliseconds.</param>
internal sealed record PairFigures(
    int Connections, int Frames, int Unmatched, double P50Us, double P99Us, double LongestUs, int HeldForAck, double HeldForAckMs,
    int Retransmissions, int Timeouts, int Spurious, int ForSecondary, double IdleHeldMs);
