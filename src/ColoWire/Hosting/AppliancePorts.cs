// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using ColoWire.Engine.Frames;
using ColoWire.Options;
using ColoWire.Ports;
using ColoWire.Ports.Files;

namespace ColoWire.Hosting;

/// <summary>The three ports of an appliance.</summary>
/// <param name="Primary">Where the primary's frames come in.</param>
/// <param name="Secondary">Where the secondary's frames come in.</param>
/// <param name="Output">Where the primary's frames leave.</param>
public sealed record AppliancePorts(ICapturePort Primary, ICapturePort Secondary, IInjectPort Output) : IDisposable
{
    private const long NanosecondsPerTick = 100;

    /// <summary>Whether nothing more can come in: both sides are captures, and both were read to their end.</summary>
    public bool Ended => Primary is FileCapturePort { Ended: true } && Secondary is FileCapturePort { Ended: true };

    /// <summary>What has gone wrong for good on the ports, a line each.</summary>
    public IEnumerable<string> Faults => ((object[])[Primary, Secondary, Output])
        .Select(port => (port as IFaultReporter)?.Fault)
        .OfType<string>();

    /// <summary>The links of those that have one.</summary>
    public IEnumerable<(string Name, LinkState Link)> Links
    {
        get
        {
            (string Name, object Port)[] ports = [(Primary.Name, Primary), (Secondary.Name, Secondary), (Output.Name, Output)];
            foreach ((string name, object port) in ports)
            {
                if (port is ILinkReporter reporter)
                {
                    yield return (name, reporter.Link);
                }
            }
        }
    }

    /// <summary>Opens the ports that the options name.</summary>
    /// <exception cref="OptionException">One or more cannot be opened; it says of each why.</exception>
    public static AppliancePorts Open(ApplianceOptions options)
    {
        List<string> faults = [];
        PortOptions settings = new()
        {
            BufferMiB = options.CaptureBufferMiB,
            SnapLength = options.SnapLengthBytes == OptionTable.SnapLengthOfMtu ? null : options.SnapLengthBytes,
            FileTimeShiftNs = ((DateTime.UtcNow - DateTime.UnixEpoch).Ticks * NanosecondsPerTick) - MonotonicClock.NowNs,
        };
        ICapturePort? primary = Try("primary_in", () => PortFactory.OpenCapture(Required(options.PrimaryIn), settings));
        ICapturePort? secondary = Try("secondary_in", () => PortFactory.OpenCapture(Required(options.SecondaryIn), settings));
        // A file that is written to is emptied: not before the others are known to be good.
        bool mayOpen = faults.Count == 0 || options.OutDevice is { Kind: PortKind.Pcap };
        IInjectPort? output = mayOpen ? Try("outdev", () => PortFactory.OpenInject(Required(options.OutDevice), settings)) : null;
        if (primary != null && secondary != null && output != null)
        {
            return new AppliancePorts(primary, secondary, output);
        }

        primary?.Dispose();
        secondary?.Dispose();
        output?.Dispose();
        throw new OptionException(faults);

        static PortSpec Required(PortSpec? spec) => spec ?? throw new ArgumentException("validated options have all ports");

        T? Try<T>(string option, Func<T> open)
            where T : class
        {
            try
            {
                return open();
            }
            catch (PortException exception)
            {
                faults.Add($"{option}: {exception.Message}");
                return null;
            }
        }
    }

    /// <summary>Closes them. No thread may use them any more.</summary>
    public void Dispose()
    {
        Primary.Dispose();
        Secondary.Dispose();
        Output.Dispose();
    }
}
