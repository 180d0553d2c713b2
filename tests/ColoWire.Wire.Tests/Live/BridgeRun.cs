// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using NUnit.Framework;

namespace ColoWire.Wire.Tests.Live;

/// <summary>One run of the program on one pipeline of a bridge host, with somebody who listens outside before it starts.</summary>
internal sealed class BridgeRun : IDisposable
{
    /// <summary>How long the outside still listens for what should not come.</summary>
    private static readonly TimeSpan Afterwards = TimeSpan.FromMilliseconds(50);

    /// <summary>A program that waits for its share of a busy machine is not dead: these runs are about what it does with frames.</summary>
    internal static readonly string[] NotBypassed = ["--failwire-timeout-ms", "10000"];

    private readonly BridgeHost host;
    private readonly int pipeline;
    private FarEnd outside;
    private readonly List<FarEnd> guests = [];

    /// <summary>Starts the program and waits until frames come to it.</summary>
    /// <param name="host">Where.</param>
    /// <param name="verb">run or observe.</param>
    /// <param name="options">Beyond the ports.</param>
    public BridgeRun(BridgeHost host, string verb, params string[] options)
        : this(host, 0, verb, options)
    {
    }

    public BridgeRun(BridgeHost host, int pipeline, string verb, params string[] options)
        : this(host, pipeline, [], verb, options)
    {
    }

    /// <summary>Starts the program through another one that takes privileges from it.</summary>
    public BridgeRun(BridgeHost host, int pipeline, string[] wrapper, string verb, params string[] options)
    {
        this.host = host;
        this.pipeline = pipeline;
        outside = host.Outside.Open(BridgeHost.Wire(pipeline));
        Program = new ColoWireProcess(host, [verb, .. host.Ports.Words(pipeline), "--json", .. NotBypassed, .. options], wrapper);
        try
        {
            guests.Add(host.PrimaryGuest.Open(BridgeHost.Wire(pipeline)));
            guests.Add(host.SecondaryGuest.Open(BridgeHost.Wire(pipeline)));
            Program.AwaitReady();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public ColoWireProcess Program { get; }

    /// <summary>Replays a capture in each guest, both at a time, to their ends.</summary>
    public static void Replay(BridgeHost host, int pipeline, string primaryCapture, string secondaryCapture, params string[] speed)
    {
        using Process primary = StartReplay(host.PrimaryGuest, pipeline, primaryCapture, speed);
        using Process secondary = StartReplay(host.SecondaryGuest, pipeline, secondaryCapture, speed);
        try
        {
            Shell.Finish(primary, ColoWireProcess.Patience);
            Shell.Finish(secondary, ColoWireProcess.Patience);
        }
        finally
        {
            primary.Kill();
            secondary.Kill();
        }
    }

    public void SendPrimary(byte[] frame) => guests[0].Send(frame);

    public void SendSecondary(byte[] frame) => guests[1].Send(frame);

    /// <summary>The far ends of all cables are opened anew: a socket has no use of a cable that was laid again, and tells once, at its next
    /// send, that a link was down.</summary>
    public void Reopen()
    {
        outside.Dispose();
        guests.ForEach(guest => guest.Dispose());
        guests.Clear();
        outside = host.Outside.Open(BridgeHost.Wire(pipeline));
        guests.Add(host.PrimaryGuest.Open(BridgeHost.Wire(pipeline)));
        guests.Add(host.SecondaryGuest.Open(BridgeHost.Wire(pipeline)));
    }

    /// <summary>The secondary's guest forgets that its link was down, of which a socket tells once, at its next send.</summary>
    public void ReopenSecondary()
    {
        guests[1].Dispose();
        guests[1] = host.SecondaryGuest.Open(BridgeHost.Wire(pipeline));
    }

    /// <summary>Replays a capture in each guest, both at a time, to their ends.</summary>
    public void Replay(string primaryCapture, string secondaryCapture, params string[] speed) =>
        Replay(host, pipeline, primaryCapture, secondaryCapture, speed);

    /// <summary>Takes what has left up to now.</summary>
    public List<(DateTime At, byte[] Frame)> ReceiveNow() => outside.Receive(1, Afterwards);

    /// <summary>Checks that these frames leave, no other ones, and each flow's in this order.</summary>
    /// <returns>When each left.</returns>
    public List<DateTime> AssertLeaves(IReadOnlyList<byte[]> expected)
    {
        List<(DateTime At, byte[] Frame)> left = Receive(expected.Count);
        ILookup<string, string> leftByFlow = ByFlow(left.Select(arrival => arrival.Frame));
        ILookup<string, string> expectedByFlow = ByFlow(expected);
        IEnumerable<string> wrong = leftByFlow.Concat(expectedByFlow)
            .Select(flow => flow.Key)
            .Distinct()
            .Where(flow => !leftByFlow[flow].SequenceEqual(expectedByFlow[flow]))
            .Select(flow => $"{flow}: of {expectedByFlow[flow].Count()} frames {leftByFlow[flow].Count()} left, "
                + $"{leftByFlow[flow].Zip(expectedByFlow[flow]).TakeWhile(pair => pair.First == pair.Second).Count()} as they should");
        Assert.That(wrong, Is.Empty);
        return [.. left.Select(arrival => arrival.At)];

        static ILookup<string, string> ByFlow(IEnumerable<byte[]> frames) => frames.ToLookup(frame => FrameFlow.Of(frame), Convert.ToHexString);
    }

    public void Dispose()
    {
        Program.Dispose();
        host.RemovePrograms(pipeline);
        outside.Dispose();
        foreach (FarEnd guest in guests)
            guest.Dispose();
    }

    /// <summary>Waits until so many frames have left, and a little longer for any that should not have.</summary>
    private List<(DateTime At, byte[] Frame)> Receive(int frames) =>
        [.. outside.Receive(frames, ColoWireProcess.Patience), .. ReceiveNow()];

    private static Process StartReplay(NetworkNamespace guest, int pipeline, string capture, string[] speed) =>
        Shell.Start(guest.Words(["tcpreplay", "-i", BridgeHost.Wire(pipeline), .. speed, capture]));
}
