// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.Json.Nodes;
using System.Threading;
using ColoWire.Commands;
using ColoWire.Engine;
using ColoWire.Tests.Ports;

namespace ColoWire.Tests.Compare;

/// <summary>Two captures, what is asked about them, and what came of it.</summary>
internal sealed class CompareCase : IDisposable
{
    private readonly ScratchFolder folder = new();

    public CaptureScript Primary { get; } = new();

    public CaptureScript Secondary { get; } = new();

    /// <summary>What clients sent; null when it was not captured.</summary>
    public CaptureScript? World { get; init; }

    public EngineOptions Engine { get; set; } = new();

    public bool Align { get; set; }

    public int Show { get; set; } = 10;

    public CancellationToken Cancellation { get; set; }

    public int ExitCode { get; private set; }

    public string Errors { get; private set; } = "";

    public string PrimaryPath => folder.File("primary.pcap");

    public string SecondaryPath => folder.File("secondary.pcap");

    public string OutPath => folder.File("out.pcap");

    public string OutSecondaryPath => folder.File("out-secondary.pcap");

    /// <summary>Both say the same, the secondary a little later.</summary>
    public CompareCase Both(double atMs, byte[] frame)
    {
        Primary.At(atMs, frame);
        Secondary.At(atMs + 0.5, frame);
        return this;
    }

    public JsonObject RunJson() => JsonNode.Parse(Run(json: true))!.AsObject();

    public string RunText() => Run(json: false);

    public string Run(bool json)
    {
        EngineOptions engine = World is null ? Engine : Engine with { Inbound = InboundMode.Mirror };
        CompareRequest request = new(Primary.Save(PrimaryPath), Secondary.Save(SecondaryPath), engine)
        {
            OutPath = OutPath,
            WorldPath = World?.Save(folder.File("world.pcap")),
            OutSecondaryPath = World is null ? null : OutSecondaryPath,
            Json = json,
            Align = Align,
            Show = Show,
        };
        using StringWriter output = new();
        using StringWriter errors = new();
        ExitCode = CompareCommand.Run(request, output, errors, Cancellation);
        Errors = errors.ToString();
        return output.ToString();
    }

    public void Dispose() => folder.Dispose();

    /// <summary>Reason, primary's frame, secondary's frame, offset of each divergence.</summary>
    public static List<(string Reason, int? Primary, int? Secondary, int Offset)> Divergences(JsonObject report) =>
    [
        .. report["divergences"]!.AsArray().Select(d => (
            d!["reason"]!.GetValue<string>(),
            d["primary_frame"]?.GetValue<int>(),
            d["secondary_frame"]?.GetValue<int>(),
            d["offset"]!.GetValue<int>())),
    ];

    /// <summary>Frames verified, passed and unverified.</summary>
    public static (int Verified, int Passed, int Unverified) Released(JsonObject report)
    {
        JsonNode released = report["released"]!;
        return (
            released["verified"]!.GetValue<int>(), released["passed"]!.GetValue<int>(), released["unverified"]!.GetValue<int>());
    }
}
