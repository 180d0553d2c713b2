// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
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
        Blame("outdev", output == null ? null : ReceiveSideScaling.SendFault(output, options.XdpQueues));
        if (faults.Count == 0 && options.XdpQueues.Count > 1 && primary != null && secondary != null)
        {
            QueueSpreadCheck judgement = ReceiveSideScaling.CheckTwins(primary, secondary);
            Blame("secondary_in", judgement.Fault);
            if (judgement.Note is { } note)
            {
                notes.Add(note);
            }
        }

        return new QueueCheck(faults, notes);

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
