// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Globalization;

namespace ColoWire.Rig.Live;

/// <summary>A program that feeds pairs into two interfaces, or the frames of clients into one.</summary>
internal interface IFeeder
{
    /// <summary>How it is called.</summary>
    /// <param name="interfaces">The interfaces, with a comma between them.</param>
    /// <param name="traffic">The frames.</param>
    /// <param name="pairs">How many pairs.</param>
    /// <param name="rate">Pairs a second; 0: as fast as it can.</param>
    string[] Words(string interfaces, Traffic traffic, long pairs, long rate);

    /// <summary>Reads what it printed.</summary>
    /// <param name="output">Its standard output.</param>
    /// <param name="pairs">How many pairs it was asked for.</param>
    Fed Read(string output, long pairs);
}

/// <summary>What was fed.</summary>
/// <param name="Pairs">How many pairs.</param>
/// <param name="Rate">The rate that was reached, in pairs a second.</param>
internal readonly record struct Fed(long Pairs, double Rate);

/// <summary>feeder.c: packet sockets.</summary>
/// <param name="program">The compiled program.</param>
internal sealed class PacketFeeder(string program) : IFeeder
{
    private const int SteadyBurst = 32;
    private const long FullRate = 1_000_000_000;

    /// <inheritdoc/>
    public string[] Words(string interfaces, Traffic traffic, long pairs, long rate)
    {
        long burst = rate == 0 ? pairs : SteadyBurst;
        return
        [
            program, interfaces, $"{traffic.Bytes}", $"{pairs}", $"{(rate == 0 ? FullRate : rate)}", $"{burst}", traffic.Word,
        ];
    }

    /// <inheritdoc/>
    public Fed Read(string output, long pairs) => new(pairs, double.Parse(output, CultureInfo.InvariantCulture));
}

/// <summary>xdp-feeder.c: frames that the kernel makes.</summary>
/// <param name="program">The compiled program.</param>
internal sealed class XdpFeeder(string program) : IFeeder
{
    /// <inheritdoc/>
    public string[] Words(string interfaces, Traffic traffic, long pairs, long rate) =>
        [program, interfaces, $"{traffic.Bytes}", $"{pairs}", $"{rate}", traffic.Word];

    /// <inheritdoc/>
    public Fed Read(string output, long pairs)
    {
        string[] figures = output.Split(' ', StringSplitOptions.TrimEntries);
        return new Fed(
            long.Parse(figures[0], CultureInfo.InvariantCulture), double.Parse(figures[1], CultureInfo.InvariantCulture));
    }
}
