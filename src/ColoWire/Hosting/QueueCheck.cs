// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using ColoWire.Engine;
using ColoWire.Options;
using ColoWire.Ports;
using ColoWire.Ports.Linux;

namespace ColoWire.Hosting;

/// <summary>The result of checking the queues of <c>xdp:</c> ports before they are opened.</summary>
/// <param name="Faults">Faults that prevent the start, a line each.</param>
/// <param name="Notes">Notes for the operator, a line each.</param>
internal sealed record QueueCheck(IReadOnlyList<string> Faults, IReadOnlyList<string> Notes)
{
    /// <summary>Checks the interfaces. An interface that does not exist is reported when it is opened.</summary>
    public static QueueCheck Of(ApplianceOptions options)
    {
        List<string> faults = [];
        List<string> notes = [];
        InterfaceQueues? primary = Read(options.PrimaryIn);
        InterfaceQueues? secondary = Read(options.SecondaryIn);
        InterfaceQueues? output = Read(options.OutDevice);
        Blame("primary_in", primary == null ? null : ReceiveSideScaling.CaptureFault(primary, options.XdpQueues));
        Blame("secondary_in", secondary == null ? null : ReceiveSideScaling.CaptureFault(secondary, options.XdpQueues));
        bool capturesOutput = options.Engine.Inbound == InboundMode.Mirror;
        Blame("outdev", output == null ? null
            : capturesOutput ? ReceiveSideScaling.CaptureFault(output, options.XdpQueues)
            : ReceiveSideScaling.SendFault(output, options.XdpQueues));
        if (faults.Count != 0 || options.XdpQueues.Count <= 1 || primary == null || secondary == null || output == null)
        {
            return new QueueCheck(faults, notes);
        }

        if (capturesOutput)
        {
            Blame("primary_in", ReceiveSideScaling.SymmetryFault(primary));
            Blame("outdev", ReceiveSideScaling.SymmetryFault(output));
        }

        if (faults.Count == 0)
        {
            Compare("secondary_in", secondary);
        }

        if (faults.Count == 0 && capturesOutput)
        {
            Compare("outdev", output);
        }

        return new QueueCheck(faults, notes);

        void Compare(string option, InterfaceQueues other)
        {
            QueueSpreadCheck check = ReceiveSideScaling.CheckTwins(primary, other);
            Blame(option, check.Fault);
            if (check.Note is { } note)
            {
                notes.Add(note);
            }
        }

        void Blame(string option, string? fault)
        {
            if (fault != null)
            {
                faults.Add($"{option}: {fault}");
            }
        }
    }

    private static InterfaceQueues? Read(PortSpec? port) =>
        port is { Kind: PortKind.Xdp } ? InterfaceQueues.Read(port.Target) : null;
}
