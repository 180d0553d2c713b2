// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;

namespace ColoWire.Ports.Linux;

/// <summary>
/// Checks whether every frame of two interfaces arrives in a queue that is served, and the frames of one flow in the same queue
/// of both (Documentation/networking/scaling.rst). A symmetric hash is needed only where ColoWire carries the frames of clients,
/// too: each of them must arrive in the queue of the guest's flow.
/// </summary>
public static class ReceiveSideScaling
{
    /// <summary>ethtool's letters for header fields, by their bits (RXH_*, linux/ethtool.h).</summary>
    private static readonly (char Letter, int Bit)[] FieldLetters =
        [('m', 1), ('v', 2), ('t', 3), ('s', 4), ('d', 5), ('f', 6), ('n', 7), ('e', 8), ('r', 31)];

    /// <summary>What is wrong with the number of queues of a capture interface.</summary>
    /// <param name="queues">The interface's queues.</param>
    /// <param name="served">The queues that are served, each once.</param>
    /// <returns>One line with the command that corrects it, or null.</returns>
    public static string? CaptureFault(InterfaceQueues queues, IReadOnlyList<int> served)
    {
        ArgumentNullException.ThrowIfNull(queues);
        ArgumentNullException.ThrowIfNull(served);
        if (queues.Receive != served.Count)
        {
            string others = queues.Receive == served.Count + 1 ? "other" : "others";
            string loss = queues.Receive < served.Count ? "" : $": what comes in the {others} would not be compared";
            string are = served.Count == 1 ? "is" : "are";
            return $"interface '{queues.Name}' receives on {Queues(queues.Receive)}, and {served.Count} {are} to be served"
                + $"{loss}; {Remedy(queues, served.Count)}";
        }

        return Missing(queues, queues.Receive, served);
    }

    /// <summary>What is wrong with the queues of the out interface. It may have more queues than are used.</summary>
    /// <inheritdoc cref="CaptureFault"/>
    public static string? SendFault(InterfaceQueues queues, IReadOnlyList<int> served)
    {
        ArgumentNullException.ThrowIfNull(queues);
        ArgumentNullException.ThrowIfNull(served);
        // The kernel binds a socket to a queue that exists in one direction at least, and transmits by the queue's number.
        return Missing(queues, queues.Send, served);
    }

    /// <summary>Checks whether two interfaces with several queues put the frames of a flow into the same one.</summary>
    /// <param name="primary">The interface of the primary's frames.</param>
    /// <param name="secondary">The interface of the secondary's frames; it has as many queues.</param>
    public static QueueSpreadCheck CheckTwins(InterfaceQueues primary, InterfaceQueues secondary)
    {
        ArgumentNullException.ThrowIfNull(primary);
        ArgumentNullException.ThrowIfNull(secondary);
        if (primary.Spread is not { } first || secondary.Spread is not { } second)
        {
            IEnumerable<InterfaceQueues> unknown = new[] { primary, secondary }.Where(queues => queues.Spread == null);
            string drivers = string.Join(", ", unknown.Select(queues => $"{queues.Name} ({queues.Driver ?? "no driver"})"));
            return new QueueSpreadCheck(
                null,
                $"whether {primary.Name} and {secondary.Name} put the frames of a flow into the same queue cannot be checked, "
                + $"its driver does not tell: {drivers}; where they do not, both guests' frames wait for twins that another core "
                + "has (native-config/XDP.md, Several queues)");
        }

        string names = $"'{primary.Name}' and '{secondary.Name}'";
        if (first.Table.Count != second.Table.Count || first.Key.Count != second.Key.Count)
        {
            return new QueueSpreadCheck(
                $"interfaces {names} cannot spread flows over their queues alike: their indirection tables have "
                + $"{first.Table.Count} and {second.Table.Count} entries, their hash keys {first.Key.Count} and "
                + $"{second.Key.Count} bytes; use two NICs of one kind, or one queue",
                null);
        }

        List<string> differing = [];
        List<string> commands = [];
        CompareHashes(primary, secondary, differing, commands);
        CompareFields(primary, secondary, differing, commands);
        return differing.Count == 0
            ? new QueueSpreadCheck(null, null)
            : new QueueSpreadCheck(
                $"interfaces {names} would put the frames of one flow into different queues, they differ in "
                + $"{string.Join(", ", differing)}; mend it with: {string.Join("; ", commands)}",
                null);
    }

    /// <summary>Checks whether an interface puts both directions of a flow into the same queue.</summary>
    /// <param name="queues">The interface; it has several queues.</param>
    /// <returns>One line with the command that corrects it, or null.</returns>
    /// <remarks>The Toeplitz hash does when its key repeats every 16 bits (Woo and Park, Scalable TCP session monitoring with
    /// symmetric receive-side scaling, 2012), and every hash does of which the driver exchanges the fields (RXH_XFRM_SYM_XOR,
    /// linux/ethtool.h).</remarks>
    public static string? SymmetryFault(InterfaceQueues queues)
    {
        ArgumentNullException.ThrowIfNull(queues);
        const int period = 2;
        const string why = "with inbound: mirror the frames of a client must arrive in the queue of the guest's";
        if (queues.Spread is not { } spread)
        {
            return $"interface '{queues.Name}': {why}, and its driver ({queues.Driver ?? "none"}) does not "
                + "tell how it chooses a queue; "
                + "use one queue";
        }

        bool repeats = spread.Key.Count > period && Enumerable.Range(period, spread.Key.Count - period)
            .All(place => spread.Key[place] == spread.Key[place - period]);
        if (repeats || spread.Transformation != 0)
        {
            return null;
        }

        string key = string.Join(':', Enumerable.Range(0, spread.Key.Count).Select(place => place % period == 0 ? "6d" : "5a"));
        return $"interface '{queues.Name}': {why}, and the key of its hash does not repeat every 16 bits; "
            + $"mend it with: ethtool -X {queues.Name} hkey {key} hfunc toeplitz equal {queues.Receive}";
    }

    private static void CompareHashes(
        InterfaceQueues primary, InterfaceQueues secondary, List<string> differing, List<string> commands)
    {
        ReceiveSpread first = primary.Spread!;
        ReceiveSpread second = secondary.Spread!;
        (bool Same, string Name)[] parts =
        [
            (first.Table.SequenceEqual(second.Table), "indirection table"),
            (first.Key.SequenceEqual(second.Key), "hash key"),
            (first.Function == second.Function, "hash function"),
            (first.Transformation == second.Transformation, "symmetric hash"),
        ];
        string[] unequal = [.. parts.Where(part => !part.Same).Select(part => part.Name)];
        if (unequal.Length == 0)
        {
            return;
        }

        string key = first.Key.Count == 0 ? "" : $" hkey {string.Join(':', first.Key.Select(octet => $"{octet:x2}"))}";
        string function = unequal.Contains("hash function") ? " hfunc toeplitz" : "";
        string plain = unequal.Contains("symmetric hash") ? " xfrm none" : "";
        differing.AddRange(unequal);
        commands.Add($"ethtool -X {primary.Name}{key}{function}{plain} equal {primary.Receive}");
        commands.Add($"ethtool -X {secondary.Name}{key}{function}{plain} equal {secondary.Receive}");
    }

    private static void CompareFields(
        InterfaceQueues primary, InterfaceQueues secondary, List<string> differing, List<string> commands)
    {
        foreach ((string traffic, ulong fields) in primary.HashFields)
        {
            if (secondary.HashFields.TryGetValue(traffic, out ulong others) && others != fields)
            {
                // A NIC that hashes no field of this traffic is set like the other one.
                (InterfaceQueues changed, ulong wanted) = fields == 0 ? (primary, others) : (secondary, fields);
                differing.Add($"the fields hashed of {traffic}");
                commands.Add($"ethtool -N {changed.Name} rx-flow-hash {traffic} {Letters(wanted)}");
            }
        }
    }

    private static string Letters(ulong fields) =>
        string.Concat(FieldLetters.Where(field => (fields & (1UL << field.Bit)) != 0).Select(field => field.Letter));

    private static string? Missing(InterfaceQueues queues, int count, IReadOnlyList<int> served) => served.Max() < count
        ? null
        : $"interface '{queues.Name}' has no queue {served.Max()}, they count from 0 and it has {Queues(count)}; "
            + Remedy(queues, served.Max() + 1);

    /// <summary>How to give an interface so many queues.</summary>
    private static string Remedy(InterfaceQueues queues, int count) => queues switch
    {
        { Channels: { } channels } when channels.CombinedMaximum >= count =>
            $"mend it with: ethtool -L {queues.Name} combined {count}",
        { Channels: { } channels } when channels.RxMaximum >= count && channels.TxMaximum >= count =>
            $"mend it with: ethtool -L {queues.Name} rx {count} tx {count}",
        { Driver: "veth" } =>
            $"make it anew with: ip link add {queues.Name} numrxqueues {count} numtxqueues {count} "
            + $"type veth peer name PEER numrxqueues {count} numtxqueues {count}",
        { Channels: null } => $"its driver cannot change that (no ethtool -L): name its queues in xdp_queues, and as many cores",
        _ => $"its driver cannot have {count}: name its queues in xdp_queues, and as many cores",
    };

    private static string Queues(int count) => count == 1 ? "1 queue" : $"{count} queues";
}

/// <summary>Whether two interfaces distribute flows alike.</summary>
/// <param name="Fault">Why not, in one line with the commands that correct it; null when they do, or when that is
/// unknown.</param>
/// <param name="Note">Why that is unknown, in one line; null when it is known.</param>
public sealed record QueueSpreadCheck(string? Fault, string? Note);
