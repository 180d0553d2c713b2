// SPDX-License-Identifier: GPL-2.0-or-later

using System.Linq;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Tests.Bench;
using ColoWire.Engine.Wire;
using NUnit.Framework;
using static ColoWire.Engine.Tests.Bench.FragmentBuilder;
using static ColoWire.Engine.Tests.Bench.Words;

namespace ColoWire.Engine.Tests.Scenarios;

/// <content>Fragments in observe mode.</content>
public sealed partial class FragmentScenarios
{
    [Test]
    public void Observe_forwards_fragments_at_once_and_compares_the_whole()
    {
        using TestBench bench = new(Options with { Mode = CompareMode.Observe }, new NoCheckpoints());
        P(Halves[0])(bench);
        OutBytes(Halves[0])(bench);
        P(Halves[1])(bench);
        OutBytes(Halves)(bench);
        Verified(0)(bench);
        S(Odd)(bench);
        Verified(2)(bench);
        Cp(0)(bench);
        P(Cut(Whole, 3, 104))(bench);
        S(Changed)(bench);
        Wait(30)(bench);
        Cp(1, DivergenceReason.Payload, 150)(bench);
        Unverified(UnverifiedReason.AfterDivergence, 2)(bench);
        bench.StopAndCheckNothingLost();
    }

    private static readonly PolicyRule DropsNames = new(PolicyAction.Drop) { Protocol = Protocol.Udp, Ports = new PortRange(53, 53) };
    private static readonly PolicyRule DropsOthers = DropsNames with { Ports = new PortRange(54, 54) };
    private static readonly PolicyRule DropsTcp = new(PolicyAction.Drop) { Protocol = Protocol.Tcp };
    private static readonly PolicyRule PassesUdp = new(PolicyAction.Pass) { Protocol = Protocol.Udp };
    private static readonly PolicyRule DropsAll = new(PolicyAction.Drop);

    /// <summary>Rules, whether fragments have to wait for their datagram in observe mode, and whether the datagram leaves
    /// then.</summary>
    private static readonly (string Name, PolicyRule[] Rules, bool Waits, bool Leaves)[] Observed =
    [
        ("none", [], false, true),
        ("the datagram's port is dropped", [DropsNames], true, false),
        ("another port is dropped", [DropsOthers], true, true),
        ("all are dropped", [DropsAll], true, false),
        ("another protocol is dropped", [DropsTcp], false, true),
        ("a rule before lets all of the protocol pass", [PassesUdp, DropsAll], false, true),
        ("a rule before lets another port pass", [PassesUdp with { Ports = new PortRange(99, 99) }, DropsAll], true, false),
        ("a rule for another VLAN", [DropsAll with { Vlan = 7 }], false, true),
    ];

    [Test]
    public void Observe_lets_no_fragment_go_that_a_rule_may_drop(
        [ValueSource(nameof(Observed))] (string Name, PolicyRule[] Rules, bool Waits, bool Leaves) row, [Values] bool isIpv6, [Values] bool isReversed)
    {
        byte[][] fragments = Cut(isIpv6 ? Whole6 : Whole, 7, 104);
        fragments = isReversed ? [.. fragments.Reverse()] : fragments;
        // In IPv6 only the first fragment shows the protocol for certain (RFC 8200 section 4.5).
        bool waits = row.Waits || (isIpv6 && row.Rules.Any(rule => rule is { Action: PolicyAction.Drop, Vlan: null }));
        using TestBench bench = new(Options with { Mode = CompareMode.Observe, Policies = row.Rules });
        bench.SendPrimaryInVain(fragments[0]);
        OutBytes(waits ? [] : fragments[..1])(bench);
        bench.SendPrimaryInVain(fragments[1]);
        OutBytes(row.Leaves ? fragments : [])(bench);
        Dropped(DropReason.PrimaryPolicy, row.Leaves ? 0 : 2)(bench);
        S(fragments)(bench);
        Wait(10_000)(bench);
        OutBytes(row.Leaves ? fragments : [])(bench);
        Cp(0)(bench);
        bench.Path.BeginStop();
        bench.Poll();
        Assert.That(bench.Path.IsDrained, Is.True, "a slot was not returned");
    }

    [Test]
    public void Observe_counts_every_fragment_of_what_cannot_be_put_together_once()
    {
        using TestBench bench = new(Options with { Mode = CompareMode.Observe }, new NoCheckpoints());
        P(Halves[0], Overlap, Halves[1])(bench);
        OutBytes(Halves[0], Overlap, Halves[1])(bench);
        Wait(4000)(bench);
        Cp(1, DivergenceReason.Fragment)(bench);
        Assert.That(bench.Reports.Single().Divergence.Primary.Number, Is.EqualTo(1));
        Unverified(UnverifiedReason.AfterDivergence, 3)(bench);
        P(Cut(Whole6, 9, 104)[1])(bench);
        Wait(5010)(bench);
        Cp(2, DivergenceReason.Fragment)(bench);
        Unverified(UnverifiedReason.AfterDivergence, 4)(bench);
        P(Cut(Whole6, 10, 104)[1])(bench);
        bench.StopAndCheckNothingLost();
        Unverified(UnverifiedReason.Stop, 1)(bench);
        Cp(2)(bench);
    }
}
