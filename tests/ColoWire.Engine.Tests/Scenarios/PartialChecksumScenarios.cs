// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Tests.Bench;
using NUnit.Framework;
using static ColoWire.Engine.Tests.Bench.Checksums;
using static ColoWire.Engine.Tests.Bench.Words;

namespace ColoWire.Engine.Tests.Scenarios;

/// <summary>Guests that leave checksums to their NICs: a frame leaves as a NIC would have sent it, from either replica.</summary>
[TestFixture(CompareMode.Lockstep)]
[TestFixture(CompareMode.Observe)]
public sealed class PartialChecksumScenarios(CompareMode mode)
{
    private static readonly Packet[] Guests =
    [
        A, A with { PadTo = 200 }, new Segment(1, Fill('v')) { Vlans = [5, 6] }, new Segment(1, []) { Syn = true, HasAck = false },
        new Datagram("odd") { IpOptions = [1, 1, 1, 1] }, new Datagram("even") { Source = new byte[16], Destination = Fill('d', 16) },
        new Segment(1, Fill('j', 9000)) { Source = Fill('s', 16), Destination = Fill('d', 16) },
    ];

    [TestCaseSource(nameof(Guests))]
    public void Scenario_38_two_partial_checksums_are_completed_and_differ_in_nothing(Packet packet)
    {
        using TestBench bench = Make(PartialChecksumPolicy.Complete);
        bench.SendPrimary(WithPartial(packet).Bytes(), WithFull(packet).Bytes());
        bench.SendSecondary(WithPartial(packet).Bytes());
        Verified(1)(bench);
        Tolerated(ToleratedField.Checksum, 0)(bench);
        AssertCompleted(bench, 1, 1);
        bench.StopAndCheckNothingLost();
    }

    [TestCase(true)]
    [TestCase(false)]
    public void Scenario_38_a_full_checksum_meets_a_partial_one(bool isPrimaryPartial)
    {
        using TestBench bench = Make(PartialChecksumPolicy.Complete);
        Packet datagram = new Datagram("hello");
        bench.SendPrimary((isPrimaryPartial ? WithPartial(datagram) : WithFull(datagram)).Bytes(), WithFull(datagram).Bytes());
        bench.SendSecondary((isPrimaryPartial ? WithFull(datagram) : WithPartial(datagram)).Bytes());
        Verified(1)(bench);
        Tolerated(ToleratedField.Checksum, 0)(bench);
        AssertCompleted(bench, isPrimaryPartial ? 1 : 0, isPrimaryPartial ? 0 : 1);
        bench.StopAndCheckNothingLost();
    }

    [TestCaseSource(nameof(Guests))]
    public void With_the_policy_to_pass_partial_checksums_leave_as_they_came(Packet packet)
    {
        using TestBench bench = Make(PartialChecksumPolicy.Pass);
        bench.SendPrimary(WithPartial(packet).Bytes());
        bench.SendSecondary(WithFull(packet).Bytes());
        Verified(1)(bench);
        AssertCompleted(bench, 0, 0);
        bench.StopAndCheckNothingLost();
    }

    [Test]
    public void A_frame_is_completed_behind_the_virtio_net_header_of_its_port()
    {
        using TestBench bench = Make(PartialChecksumPolicy.Complete);
        bench.Primary.VnetHeaderBytes = 12;
        bench.SendPrimary(WithPartial(A).Bytes(), WithFull(A).Bytes());
        bench.SendSecondary(WithPartial(A).Bytes());
        Verified(1)(bench);
        bench.StopAndCheckNothingLost();
    }

    [TestCaseSource(nameof(Guests))]
    public void Scenario_38_a_frame_that_leaves_with_its_virtio_net_header_is_completed_by_whoever_takes_it(Packet packet)
    {
        using TestBench bench = Make(PartialChecksumPolicy.Complete, headersLeave: true);
        bench.Primary.VnetHeaderBytes = 12;
        bench.Secondary.VnetHeaderBytes = 10;
        bench.SendPrimary(WithPartial(packet).Bytes(), WithPartial(packet).Bytes());
        bench.SendSecondary(WithPartial(packet).Bytes());
        Verified(1)(bench);
        AssertCompleted(bench, 0, 0);
        bench.StopAndCheckNothingLost();
    }

    [Test]
    public void Where_headers_leave_a_frame_that_came_without_one_is_completed()
    {
        using TestBench bench = Make(PartialChecksumPolicy.Complete, headersLeave: true);
        bench.SendPrimary(WithPartial(A).Bytes(), WithFull(A).Bytes());
        bench.Secondary.VnetHeaderBytes = 12;
        bench.SendSecondary(WithPartial(A).Bytes());
        Verified(1)(bench);
        AssertCompleted(bench, 1, 0);
        bench.StopAndCheckNothingLost();
    }

    [Test]
    public void After_a_fail_over_the_secondarys_frames_are_whole_too()
    {
        using TestBench bench = Make(PartialChecksumPolicy.Complete);
        bench.Path.FailOverTo(Frames.Side.Secondary);
        bench.Poll();
        bench.SendSecondary(WithPartial(new Datagram("alone")).Bytes());
        OutBytes(WithFull(new Datagram("alone")).Bytes())(bench);
        AssertCompleted(bench, 0, 1);
    }

    private TestBench Make(PartialChecksumPolicy policy, bool headersLeave = false) =>
        new(TestBench.SmallOptions with { Mode = mode, PartialChecksums = policy }, headersLeave);

    private static void AssertCompleted(TestBench bench, int primary, int secondary) =>
        Assert.That(
            (bench.Path.Pipelines[0].PrimaryCapture.CompletedChecksums, bench.Path.Pipelines[0].SecondaryCapture.CompletedChecksums),
            Is.EqualTo(((long)primary, (long)secondary)),
            "completed");
}
