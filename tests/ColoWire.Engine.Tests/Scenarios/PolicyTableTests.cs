// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Tests.Bench;
using NUnit.Framework;
using static ColoWire.Engine.Tests.Bench.FragmentBuilder;
using static ColoWire.Engine.Tests.Bench.Words;

namespace ColoWire.Engine.Tests.Scenarios;

/// <summary>Every policy for every kind of frame in both modes: which frames leave, which counters rise, which flows are
/// reported.</summary>
public sealed class PolicyTableTests
{
    private static readonly byte[] Host6 = [0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    private static readonly Datagram Whole = new(Fill('w', 200)) { DontFragment = false };
    private static readonly byte[] Arp = [2, 0, 0, 0, 0, 99, 2, 0, 0, 0, 0, 1, 8, 6, .. new byte[46]];

    /// <summary>Kinds of frames that each policy treats in the same way: each entry makes the frames from a letter (the content)
    /// and an IP identification.</summary>
    private static readonly Dictionary<string, Func<char, ushort, byte[][]>[]> Kinds = new()
    {
        ["segment"] =
        [
            (letter, _) => [new Segment(1000, Fill(letter)).Bytes()],
            (letter, _) => [Six(new Segment(1000, Fill(letter))).Bytes()],
            (letter, _) => [(new Segment(1000, Fill(letter)) with { Vlans = [5] }).Bytes()],
        ],
        ["reset"] = [(_, _) => [new Segment(1000, []) { Rst = true }.Bytes()]],
        ["datagram"] =
        [
            (letter, _) => [new Datagram(Fill(letter)).Bytes()],
            (letter, _) => [Six(new Datagram(Fill(letter))).Bytes()],
            (letter, _) => [(new Datagram(Fill(letter)) with { Vlans = [9, 5] }).Bytes()],
            (letter, _) => [new Echo(7, 1, Fill(letter)).Bytes()],
            (letter, _) => [Six(new Other(58, [129, 0, 0, 0, .. Fill(letter)])).Bytes()],
            (letter, _) => [new Other(47, Fill(letter)).Bytes()],
        ],
        ["fragments"] =
        [
            (letter, id) => Cut(Whole with { Payload = Fill(letter, 200) }, id, 104),
            (letter, id) => Cut(Six(Whole with { Payload = Fill(letter, 200) }), id, 104),
            (letter, id) => [.. Cut(Whole with { Payload = Fill(letter, 200) }, id, 104).Reverse()],
        ],
        ["incomplete"] =
        [
            (letter, id) => [Cut(Whole with { Payload = Fill(letter, 200) }, id, 104)[0]],
            (letter, id) => [Cut(Six(Whole with { Payload = Fill(letter, 200) }), id, 104)[1]],
        ],
        ["overlapping"] =
        [
            (letter, id) => [Cut(Whole, id, 104)[0], Fragment(Whole.Bytes(), id, 96, Fill(letter, 16), more: true)],
            (letter, id) => [Cut(Six(Whole), id, 104)[0], Fragment(Six(Whole).Bytes(), id, 96, Fill(letter, 16), more: true)],
        ],
        ["not IP"] = [(letter, _) => [[.. Arp[..^1], (byte)letter]]],
        ["malformed"] = [(letter, _) => [[.. new Datagram(Fill(letter)).Bytes()[..38], 0, 7, 0, 0, .. Fill(letter, 90)]]],
    };

    private static readonly Dictionary<string, Policy> Policies = new()
    {
        ["compare, both alike"] = new(With(PolicyAction.Compare), (bench, say) => Both(bench, say('a', 1), say('a', 2))),
        ["compare, they differ"] = new(With(PolicyAction.Compare), (bench, say) => Both(bench, say('a', 1), say('b', 2))),
        ["pass"] = new(With(PolicyAction.Pass), (bench, say) => Both(bench, say('a', 1), say('b', 2))),
        ["drop"] = new(With(PolicyAction.Drop), (bench, say) => Both(bench, say('a', 1), say('a', 2))),
        ["dup hold"] = new(options => options, (bench, say) => Both(bench, [.. say('a', 1), .. say('a', 2)], say('a', 3))),
        ["dup pass"] = new(
            options => options with { Duplicate = DuplicatePolicy.Pass },
            (bench, say) => Both(bench, [.. say('a', 1), .. say('a', 2)], say('a', 3))),
        ["overflow flush"] = new(Few(OverflowPolicy.Flush), (bench, say) => Both(bench, [.. say('a', 1), .. say('b', 2)], [])),
        ["overflow hold"] = new(Few(OverflowPolicy.Hold), (bench, say) => Both(bench, [.. say('a', 1), .. say('b', 2)], [])),
        ["secondary_loss bypass"] = new(
            options => options,
            (bench, say) => Lost(bench, say('a', 1))),
        ["secondary_loss hold"] = new(
            options => options with { SecondaryLoss = SecondaryLossPolicy.Hold },
            (bench, say) => Lost(bench, say('a', 1))),
        ["requester_loss bypass"] = new(
            options => options,
            (bench, say) => Unasked(bench, say('a', 1), say('b', 2))),
        ["requester_loss hold"] = new(
            options => options with { RequesterLoss = RequesterLossPolicy.Hold },
            (bench, say) => Unasked(bench, say('a', 1), say('b', 2))),
        ["rst pass, the primary alone"] = new(
            options => options with { Reset = ResetPolicy.Pass },
            (bench, say) => Both(bench, say('a', 1), [])),
        ["rst compare, the primary alone"] = new(
            options => options,
            (bench, say) => Both(bench, say('a', 1), [])),
        ["strict ttl, it differs"] = new(
            options => options with { Strict = [ToleratedField.Ttl] },
            (bench, say) => Both(bench, say('a', 1), [.. say('a', 2).Select(WithOtherTtl)])),
    };

    /// <summary>For each policy and kind: how many of the frames leave, which counters rise, what is reported; in both modes,
    /// unless another line has the result of observe mode.</summary>
    private const string Table = """
        compare, both alike
          segment: out 1 of 1, verified 1
          reset: out 1 of 1, verified 1
          datagram: out 1 of 1, verified 1
          fragments: out 2 of 2, verified 2
          incomplete: out 1 of 1, verified 1
          overlapping: out 2 of 2, verified 2
          not IP: out 1 of 1, passed Arp 1
          malformed: out 1 of 1, malformed IpLengthInvalid 1
        compare, they differ
          segment: out 0 of 1, report Payload
          segment, observed: out 1 of 1, unverified AfterDivergence 1, report Payload
          reset: out 1 of 1, verified 1
          datagram: out 0 of 1, report Payload
          datagram, observed: out 1 of 1, unverified AfterDivergence 1, report Payload
          fragments: out 0 of 2, report Payload
          fragments, observed: out 2 of 2, unverified AfterDivergence 2, report Payload
          incomplete: out 0 of 1, report Fragment
          incomplete, observed: out 1 of 1, unverified AfterDivergence 1, report Fragment
          overlapping: out 1 of 2, verified 1, report Fragment
          overlapping, observed: out 2 of 2, verified 1, unverified AfterDivergence 1, report Fragment
          not IP: out 1 of 1, passed Arp 1
          malformed: out 1 of 1, malformed IpLengthInvalid 1
        pass
          segment: out 1 of 1, passed Policy 1
          reset: out 1 of 1, passed Policy 1
          datagram: out 1 of 1, passed Policy 1
          fragments: out 2 of 2, passed Policy 2
          incomplete: out 1 of 1, passed Policy 1
          overlapping: out 2 of 2, passed Policy 2
          not IP: out 1 of 1, passed Arp 1
          malformed: out 1 of 1, malformed IpLengthInvalid 1
        drop
          segment: out 0 of 1, dropped 1
          reset: out 0 of 1, dropped 1
          datagram: out 0 of 1, dropped 1
          fragments: out 0 of 2, dropped 2
          incomplete: out 0 of 1, dropped 1
          overlapping: out 0 of 2, dropped 2
          not IP: out 1 of 1, passed Arp 1
          malformed: out 1 of 1, malformed IpLengthInvalid 1
        dup hold
          segment: out 2 of 2, verified 2
          reset: out 2 of 2, verified 2
          datagram: out 1 of 2, verified 1, report Timeout
          datagram, observed: out 2 of 2, verified 1, unverified AfterDivergence 1, report Timeout
          fragments: out 2 of 4, verified 2, report Timeout
          fragments, observed: out 4 of 4, verified 2, unverified AfterDivergence 2, report Timeout
          incomplete: out 1 of 2, verified 1, report Fragment
          incomplete, observed: out 2 of 2, verified 1, unverified AfterDivergence 1, report Fragment
          overlapping: out 2 of 4, verified 2, report Fragment
          overlapping, observed: out 4 of 4, verified 2, unverified AfterDivergence 2, report Fragment
          not IP: out 2 of 2, passed Arp 2
          malformed: out 2 of 2, malformed IpLengthInvalid 2
        dup pass
          segment: out 2 of 2, verified 2
          reset: out 2 of 2, verified 2
          datagram: out 2 of 2, verified 1, unverified Policy 1
          fragments: out 4 of 4, verified 2, unverified Policy 2
          incomplete: out 2 of 2, verified 1, unverified Policy 1
          overlapping: out 4 of 4, verified 2, unverified Policy 2
          not IP: out 2 of 2, passed Arp 2
          malformed: out 2 of 2, malformed IpLengthInvalid 2
        overflow flush
          segment: out 2 of 2, unverified Overflow 2, report Overflow
          reset: out 2 of 2, unverified Overflow 2, report Overflow
          datagram: out 2 of 2, unverified Overflow 2, report Overflow
          fragments: out 4 of 4, unverified Overflow 4, report Overflow
          incomplete: out 2 of 2, unverified Overflow 2, report Overflow
          overlapping: out 4 of 4, unverified Overflow 4, report Overflow
          overlapping, observed: out 4 of 4, unverified AfterDivergence 2, unverified Overflow 2, report Overflow
          not IP: out 2 of 2, passed Arp 2
          malformed: out 2 of 2, malformed IpLengthInvalid 2
        overflow hold
          segment: out 0 of 2, report Timeout
          segment, observed: out 2 of 2, unverified Overflow 2, report Overflow
          reset: out 0 of 2, report Timeout
          reset, observed: out 2 of 2, unverified Overflow 2, report Overflow
          datagram: out 0 of 2, report Timeout
          datagram, observed: out 2 of 2, unverified Overflow 2, report Overflow
          fragments: out 0 of 4, report Timeout
          fragments, observed: out 4 of 4, unverified Overflow 4, report Overflow
          incomplete: out 0 of 2, report Fragment
          incomplete, observed: out 2 of 2, unverified Overflow 2, report Overflow
          overlapping: out 0 of 4, report Fragment
          overlapping, observed: out 4 of 4, unverified AfterDivergence 2, unverified Overflow 2, report Overflow
          not IP: out 2 of 2, passed Arp 2
          malformed: out 2 of 2, malformed IpLengthInvalid 2
        secondary_loss bypass
          segment: out 1 of 1, unverified SecondaryLost 1, report SecondaryLink
          reset: out 1 of 1, unverified SecondaryLost 1, report SecondaryLink
          datagram: out 1 of 1, unverified SecondaryLost 1, report SecondaryLink
          fragments: out 2 of 2, unverified SecondaryLost 2, report SecondaryLink
          incomplete: out 1 of 1, unverified SecondaryLost 1, report SecondaryLink
          overlapping: out 2 of 2, unverified SecondaryLost 2, report SecondaryLink
          not IP: out 1 of 1, passed Arp 1, report SecondaryLink
          malformed: out 1 of 1, malformed IpLengthInvalid 1, report SecondaryLink
        secondary_loss hold
          segment: out 0 of 1, report SecondaryLink
          segment, observed: out 1 of 1, report SecondaryLink
          reset: out 0 of 1, report SecondaryLink
          reset, observed: out 1 of 1, report SecondaryLink
          datagram: out 0 of 1, report SecondaryLink
          datagram, observed: out 1 of 1, report SecondaryLink
          fragments: out 0 of 2, report SecondaryLink
          fragments, observed: out 2 of 2, report SecondaryLink
          incomplete: out 0 of 1, report SecondaryLink
          incomplete, observed: out 1 of 1, report SecondaryLink
          overlapping: out 0 of 2, report SecondaryLink
          overlapping, observed: out 2 of 2, report SecondaryLink
          not IP: out 1 of 1, passed Arp 1, report SecondaryLink
          malformed: out 1 of 1, malformed IpLengthInvalid 1, report SecondaryLink
        requester_loss bypass
          segment: out 1 of 1, unverified AfterDivergence 1, report Payload
          reset: out 1 of 1, verified 1
          datagram: out 1 of 1, unverified AfterDivergence 1, report Payload
          fragments: out 2 of 2, unverified AfterDivergence 2, report Payload
          incomplete: out 1 of 1, unverified AfterDivergence 1, report Fragment
          overlapping: out 2 of 2, verified 1, unverified AfterDivergence 1, report Fragment
          not IP: out 1 of 1, passed Arp 1
          malformed: out 1 of 1, malformed IpLengthInvalid 1
        requester_loss hold
          segment: out 0 of 1, report Payload
          segment, observed: out 1 of 1, unverified AfterDivergence 1, report Payload
          reset: out 1 of 1, verified 1
          datagram: out 0 of 1, report Payload
          datagram, observed: out 1 of 1, unverified AfterDivergence 1, report Payload
          fragments: out 0 of 2, report Payload
          fragments, observed: out 2 of 2, unverified AfterDivergence 2, report Payload
          incomplete: out 0 of 1, report Fragment
          incomplete, observed: out 1 of 1, unverified AfterDivergence 1, report Fragment
          overlapping: out 1 of 2, verified 1, report Fragment
          overlapping, observed: out 2 of 2, verified 1, unverified AfterDivergence 1, report Fragment
          not IP: out 1 of 1, passed Arp 1
          malformed: out 1 of 1, malformed IpLengthInvalid 1
        rst pass, the primary alone
          segment: out 0 of 1, report Timeout
          segment, observed: out 1 of 1, unverified AfterDivergence 1, report Timeout
          reset: out 1 of 1, unverified Policy 1
          datagram: out 0 of 1, report Timeout
          datagram, observed: out 1 of 1, unverified AfterDivergence 1, report Timeout
          fragments: out 0 of 2, report Timeout
          fragments, observed: out 2 of 2, unverified AfterDivergence 2, report Timeout
          incomplete: out 0 of 1, report Fragment
          incomplete, observed: out 1 of 1, unverified AfterDivergence 1, report Fragment
          overlapping: out 0 of 2, report Fragment
          overlapping, observed: out 2 of 2, unverified AfterDivergence 2, report Fragment
          not IP: out 1 of 1, passed Arp 1
          malformed: out 1 of 1, malformed IpLengthInvalid 1
        rst compare, the primary alone
          segment: out 0 of 1, report Timeout
          segment, observed: out 1 of 1, unverified AfterDivergence 1, report Timeout
          reset: out 0 of 1, report Timeout
          reset, observed: out 1 of 1, unverified AfterDivergence 1, report Timeout
          datagram: out 0 of 1, report Timeout
          datagram, observed: out 1 of 1, unverified AfterDivergence 1, report Timeout
          fragments: out 0 of 2, report Timeout
          fragments, observed: out 2 of 2, unverified AfterDivergence 2, report Timeout
          incomplete: out 0 of 1, report Fragment
          incomplete, observed: out 1 of 1, unverified AfterDivergence 1, report Fragment
          overlapping: out 0 of 2, report Fragment
          overlapping, observed: out 2 of 2, unverified AfterDivergence 2, report Fragment
          not IP: out 1 of 1, passed Arp 1
          malformed: out 1 of 1, malformed IpLengthInvalid 1
        strict ttl, it differs
          segment: out 0 of 1, report Header
          segment, observed: out 1 of 1, unverified AfterDivergence 1, report Header
          reset: out 1 of 1, verified 1
          datagram: out 0 of 1, report Header
          datagram, observed: out 1 of 1, unverified AfterDivergence 1, report Header
          fragments: out 0 of 2, report Header
          fragments, observed: out 2 of 2, unverified AfterDivergence 2, report Header
          incomplete: out 0 of 1, report Header
          incomplete, observed: out 1 of 1, unverified AfterDivergence 1, report Header
          overlapping: out 0 of 2, report Header
          overlapping, observed: out 2 of 2, unverified AfterDivergence 2, report Header
          not IP: out 1 of 1, passed Arp 1
          malformed: out 1 of 1, malformed IpLengthInvalid 1
        """;

    [Test]
    public void Every_policy_does_what_the_table_says_of_every_kind([ValueSource(nameof(PolicyNames))] string policy)
    {
        List<string> found = [policy];
        foreach (string kind in Kinds.Keys)
        {
            found.AddRange(Kinds[kind].SelectMany(say => Lines(policy, kind, say)).Distinct());
        }

        string[] lines = Table.Split('\n');
        int first = Array.IndexOf(lines, policy);
        IEnumerable<string> expected = lines.Skip(first + 1).TakeWhile(line => line.StartsWith(' ')).Prepend(policy);
        Assert.That(found, Is.EqualTo(expected), string.Join('\n', found));
    }

    private static IEnumerable<string> Lines(string policy, string kind, Func<char, ushort, byte[][]> say)
    {
        string held = Outcome(policy, say, CompareMode.Lockstep);
        string observed = Outcome(policy, say, CompareMode.Observe);
        return held == observed ? [$"  {kind}: {held}"] : [$"  {kind}: {held}", $"  {kind}, observed: {observed}"];
    }

    private static IEnumerable<string> PolicyNames => Policies.Keys;

    private static string Outcome(string policy, Func<char, ushort, byte[][]> say, CompareMode mode)
    {
        using TestBench bench = new(Policies[policy].Options(TestBench.SmallOptions with { Mode = mode }));
        Policies[policy].Happens(bench, say);
        List<string> words = [$"out {bench.Output.Frames.Count} of {bench.Primary.Statistics.Frames + bench.Primary.Waiting}"];
        Add(words, "verified", bench.Sum(c => c.Verified));
        AddNamed<NotComparedReason>(words, "passed", bench, c => c.NotCompared);
        AddNamed<MalformedKind>(words, "malformed", bench, c => c.Malformed);
        AddNamed<UnverifiedReason>(words, "unverified", bench, c => c.Unverified);
        Add(words, "dropped", bench.Sum(c => c.Drops[(int)DropReason.PrimaryPolicy]));
        words.AddRange(bench.Reports.Select(report =>
            report.Cause == CheckpointCause.Divergence ? $"report {report.Divergence.Reason}" : $"report {report.Cause}"));
        bench.Path.BeginStop();
        bench.Poll();
        Assert.That(bench.Path.IsDrained, Is.True, "a slot was not returned");
        Assert.That(bench.Sum(c => c.Held) + bench.Sum(c => c.SecondaryHeld), Is.Zero);
        return string.Join(", ", words);
    }

    private static void Add(List<string> words, string name, long count)
    {
        if (count != 0)
        {
            words.Add($"{name} {count}");
        }
    }

    private static void AddNamed<T>(
        List<string> words, string name, TestBench bench, Func<ShardCounters, ReadOnlySpan<long>> counters)
        where T : struct, Enum
    {
        foreach (T reason in Enum.GetValues<T>())
        {
            Add(words, $"{name} {reason}", bench.Sum(c => counters(c)[Convert.ToInt32(reason, null)]));
        }
    }

    private static Func<EngineOptions, EngineOptions> With(PolicyAction action) =>
        options => options with { Policies = [new(action)] };

    private static Func<EngineOptions, EngineOptions> Few(OverflowPolicy overflow) =>
        options => options with { Overflow = overflow, MaxQueueSize = 1 };

    private static void Both(TestBench bench, byte[][] primary, byte[][] secondary)
    {
        Array.ForEach(primary, bench.SendPrimaryInVain);
        Array.ForEach(secondary, bench.SendSecondary);
        bench.Wait(6000);
    }

    private static void Lost(TestBench bench, byte[][] primary)
    {
        bench.Secondary.HasLink = false;
        bench.Poll();
        Both(bench, primary, []);
    }

    private static void Unasked(TestBench bench, byte[][] primary, byte[][] secondary)
    {
        bench.Requester.IsReady = false;
        bench.Wait(5000);
        Assert.That(bench.Path.Guest.Protection, Is.EqualTo(Protection.DegradedNoCheckpoints));
        Both(bench, primary, secondary);
    }

    private static byte[] WithOtherTtl(byte[] frame)
    {
        byte[] other = [.. frame];
        int network = frame[12] == 0x81 ? 18 : frame[12] == 0x88 ? 22 : 14;
        if (frame[network - 2] is 0x08 or 0x86 && frame[network - 1] != 6)
        {
            other[network + (frame[network] >> 4 == 4 ? 8 : 7)]--;
        }

        return other;
    }

    private static T Six<T>(T packet)
        where T : Packet => packet with { Source = Host6, Destination = [.. Host6[..15], 2] };

    /// <summary>A policy and its expected results.</summary>
    private sealed record Policy(
        Func<EngineOptions, EngineOptions> Options, Action<TestBench, Func<char, ushort, byte[][]>> Happens);
}
