// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Diagnostics;
using System.Linq;
using ColoWire.Ports.Linux;
using ColoWire.Ports.Xdp;
using ColoWire.Wire.Tests.Ports;

namespace ColoWire.Wire.Tests.Xdp;

/// <summary>The veths of a guest and of an out interface, <c>guest0 - in0</c> and <c>out0 - away0</c>, all in one namespace. The
/// far end of the out interface has GRO on, without which a veth receives no redirected frame.</summary>
internal sealed class PassingWire : IDisposable
{
    public const string Guest = "guest0";
    public const string Capture = "in0";
    public const string Out = "out0";
    public const string Away = "away0";

    private static readonly string[] All = [Guest, Capture, Out, Away];

    private readonly NetworkNamespace space = new();

    public PassingWire()
    {
        try
        {
            Inside($"ip link add {Guest} type veth peer name {Capture}");
            Inside($"ip link add {Out} type veth peer name {Away}");
            foreach (string name in All)
                Inside($"ip link set {name} up");
            Inside($"ethtool -K {Away} gro on");
            Inside(
                () => WireNamespace.WaitUntil(() => All.All(name => InterfaceFacts.Read(name)!.IsRunning), "the cables are up"));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public static long NowNs => Stopwatch.GetTimestamp();

    public string Name => space.Name;

    /// <summary>Runs a command, words separated by spaces, in the namespace.</summary>
    public void Inside(string command) => space.Inside(command);

    /// <summary>The output of a command that runs in the namespace.</summary>
    public string Ask(string command) => Shell.Run(space.Words(command.Split(' ')));

    /// <summary>Runs code in the namespace.</summary>
    public void Inside(Action code) => space.Inside(code);

    /// <summary>Options of the program of a primary's <c>pcap:</c> port; to be called inside the namespace.</summary>
    public static PortProgramOptions ToWire(XdpMode mode, int timeoutMs = 20) =>
        new(mode, ToSocket: false, timeoutMs, InterfaceIndex.Of(Out), OutlivesProcess: false);

    /// <summary>Options of the program of a secondary's port.</summary>
    public static PortProgramOptions ToNowhere(XdpMode mode, int timeoutMs = 20) =>
        new(mode, ToSocket: false, timeoutMs, WireInterfaceIndex: null, OutlivesProcess: false);

    /// <summary>Options of the program of a <c>pcap:</c> port towards the clients; to be called inside the namespace.</summary>
    public static PortProgramOptions FromClients(XdpMode mode, int timeoutMs = 20) =>
        ToWire(mode, timeoutMs) with { FromClients = true };

    /// <summary>Sends different frames from the guest.</summary>
    public static byte[][] Send(FarEnd guest, int count)
    {
        byte[][] frames = [.. Enumerable.Range(0, count).Select(i => WireFrames.Frame(60 + i, i))];
        foreach (byte[] frame in frames)
            guest.Send(frame);
        return frames;
    }

    public void Dispose() => space.Dispose();
}
