// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Globalization;

namespace ColoWire.Rig.Live;

/// <summary>A program that feeds pairs into two interfaces.</summary>
internal interface IFeeder
{
    /// <summary>How it is called.</summary>
    /// <param name="primary">The primary's interface.</param>
    /// <param name="secondary">The secondary's.</param>
    /// <param name="bytes">Length of each frame.</param>
    /// <param name="pairs">How many pairs.</param>
    /// <param name="rate">Pairs a second; 0: as fast as it can.</param>
    string[] Words(string primary, string secondary, int bytes, long pairs, long rate);

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
    public string[] Words(string primary, string secondary, int bytes, long pairs, long rate)
    {
        long burst = rate == 0 ? pairs : SteadyBurst;
        return [program, primary, secondary, $"{bytes}", $"{pairs}", $"{(rate == 0 ? FullRate : rate)}", $"{burst}"];
    }

    /// <inheritdoc/>
    public Fed Read(string output, long pairs) => new(pairs, double.Parse(output, CultureInfo.InvariantCulture));
}

/// <summary>xdp-feeder.c: frames that the kernel makes.</summary>
/// <param name="program">The compiled program.</param>
internal sealed class XdpFeeder(string program) : IFeeder
{
    /// <inheritdoc/>
    public string[] Words(string primary, string secondary, int bytes, long pairs, long rate) =>
        [program, primary, secondary, $"{bytes}", $"{pairs}", $"{rate}"];

    /// <inheritdoc/>
    public Fed Read(string output, long pairs)
    {
        string[] figures = output.Split(' ', StringSplitOptions.TrimEntries);
        return new Fed(
            long.Parse(figures[0], CultureInfo.InvariantCulture), double.Parse(figures[1], CultureInfo.InvariantCulture));
    }
}
