// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using System.Linq;
using ColoWire.Engine;
using ColoWire.Options;
using ColoWire.Ports;
using ColoWire.Ports.Linux;

namespace ColoWire.Hosting;

/// <summary>
/// The result of checking the three interfaces for <c>inbound: mirror</c> before they are opened. There ColoWire alone carries
/// frames between them: neither a bridge nor the network stack of the host may send any there.
/// </summary>
/// <param name="Faults">Faults that prevent the start, a line each.</param>
/// <param name="Warnings">Warnings for the operator, a line each.</param>
internal sealed record MirrorCheck(IReadOnlyList<string> Faults, IReadOnlyList<string> Warnings)
{
    /// <summary>Checks the interfaces. An interface that does not exist is reported when it is opened.</summary>
    public static MirrorCheck Of(ApplianceOptions options)
    {
        if (options.Engine.Inbound != InboundMode.Mirror)
        {
            return new MirrorCheck([], []);
        }

        IReadOnlyList<InterfaceFacts> all = InterfaceFacts.ReadAll();
        return Of(Find(options.PrimaryIn), Find(options.SecondaryIn), Find(options.OutDevice));

        InterfaceFacts? Find(PortSpec? port) => all.FirstOrDefault(facts => facts.Name == port?.Target);
    }

    /// <summary>Checks interfaces by their facts; null for one that does not exist.</summary>
    internal static MirrorCheck Of(InterfaceFacts? primary, InterfaceFacts? secondary, InterfaceFacts? outside)
    {
        (string Option, InterfaceFacts? Facts)[] ports =
            [("primary_in", primary), ("secondary_in", secondary), ("outdev", outside)];
        List<string> faults = [];
        foreach ((string option, InterfaceFacts? facts) in ports)
        {
            if (facts is not null)
            {
                faults.AddRange(FaultsOf(facts).Select(fault => $"{option}: {fault}"));
            }
        }

        return new MirrorCheck(faults, MtuWarning(primary, secondary, outside) is string warning ? [warning] : []);
    }

    private static IEnumerable<string> FaultsOf(InterfaceFacts facts)
    {
        foreach (InterfaceProblem problem in InterfaceProblems.OfHostUse(facts))
        {
            string mend = problem.Command is { } command ? $"; mend it with: {command}" : "";
            yield return $"interface '{facts.Name}' {problem.What}; inbound mirror refuses that{mend}";
        }
    }

    /// <summary>A line that says which frames are too long for the interface that they leave on; null when all fit.</summary>
    private static string? MtuWarning(InterfaceFacts? primary, InterfaceFacts? secondary, InterfaceFacts? outside)
    {
        if (primary is null || secondary is null || outside is null)
        {
            return null;
        }

        // A client's packet that one of the replicas cannot receive is given to neither of them, so that both receive the same.
        InterfaceFacts shorter = primary.Mtu <= secondary.Mtu ? primary : secondary;
        // The secondary's frames leave only after a fail-over.
        (string Whose, InterfaceFacts From, InterfaceFacts To)[] ways =
        [
            ("clients", outside, shorter),
            ("the primary", primary, outside),
            ("the secondary after a fail-over", secondary, outside),
        ];
        string[] lost =
        [
            .. ways.Where(way => way.From.Mtu > way.To.Mtu).Select(way =>
                $"packets of {way.Whose} longer than {way.To.Mtu} bytes (from {way.From.Name} to {way.To.Name})"),
        ];
        return lost.Length == 0
            ? null
            : $"the MTUs of the three interfaces differ (primary_in {primary.Name} {primary.Mtu}, secondary_in {secondary.Name} "
                + $"{secondary.Mtu}, outdev {outside.Name} {outside.Mtu}): these do not fit and are lost: "
                + $"{string.Join(", ", lost)}; mend it with: ip link set IF mtu N";
    }
}
