// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.IO;
using System.Linq;
using System.Text.Json;
using System.Text.Json.Nodes;
using ColoWire.Engine;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Flows;
using ColoWire.Reports;
using NUnit.Framework;

namespace ColoWire.Tests.Compare;

internal sealed class DivergenceTextTests
{
    private const string Flow = "tcp 0.0.0.0:0 > 0.0.0.0:0";
    private const int DifferingByte = 57;

    [TestCase(DivergenceReason.Payload, "payload: " + Flow + ", frames 2/3, offset 7, at +0.250000 s")]
    [TestCase(DivergenceReason.Retransmit, "retransmit: " + Flow + ", frames 2/3, offset 7, at +0.250000 s")]
    [TestCase(DivergenceReason.Header, "header (ip_id): " + Flow + ", frames 2/3, offset 7, at +0.250000 s")]
    [TestCase(DivergenceReason.Fragment, "fragment: " + Flow + ", frames 2/3, offset 7, at +0.250000 s")]
    public void The_headline_names_the_reason_and_the_field_of_a_header(DivergenceReason reason, string headline)
    {
        Assert.That(DivergenceText.Headline(Report(reason), originNs: 1_000_000_000), Is.EqualTo(headline));
    }

    [Test]
    public void The_headline_says_that_a_flow_leaves_unverified_because_it_keeps_differing() => Assert.That(
        DivergenceText.Headline(Report(DivergenceReason.Payload) with { ExceedsShare = true }, originNs: 1_000_000_000),
        Is.EqualTo("payload: " + Flow + ", frames 2/3, offset 7, at +0.250000 s; it keeps differing and has used up its checkpoint_share: "
            + "it leaves unverified until the next checkpoint, which it asks for after 10 s"));

    [TestCase(DivergenceReason.Payload, true)]
    [TestCase(DivergenceReason.Retransmit, true)]
    [TestCase(DivergenceReason.Position, false)]
    [TestCase(DivergenceReason.Control, false)]
    [TestCase(DivergenceReason.Ack, false)]
    [TestCase(DivergenceReason.Timeout, false)]
    [TestCase(DivergenceReason.Overflow, false)]
    [TestCase(DivergenceReason.Header, false)]
    [TestCase(DivergenceReason.Fragment, false)]
    public void A_byte_is_marked_where_the_reason_is_that_byte(DivergenceReason reason, bool marked)
    {
        using StringWriter text = new();
        DivergenceText.Write(text, Report(reason), originNs: 0);
        Assert.That(text.ToString().Split("[00]").Length - 1, Is.EqualTo(marked ? 2 : 0), "on both sides, or on neither");
    }

    [TestCase(CheckpointCause.SecondaryLink, "secondary_link")]
    [TestCase(CheckpointCause.Absence, "absence")]
    [TestCase(CheckpointCause.Order, "order")]
    [TestCase(CheckpointCause.BrokenCheckpoint, "broken_checkpoint")]
    public void What_concerns_all_flows_is_one_line(CheckpointCause cause, string name)
    {
        using StringWriter text = new();
        DivergenceText.Write(text, new CheckpointReport { Cause = cause, AtNs = 2_500_000_000 }, originNs: 0);
        Assert.That(text.ToString(), Is.EqualTo(name + ": all flows, at +2.500000 s" + Environment.NewLine));
    }

    [Test]
    public void What_concerns_a_flow_and_is_no_difference_names_it()
    {
        CheckpointReport report = Report(default) with { Cause = CheckpointCause.ComparedAgain, Divergence = default };
        Assert.That(
            DivergenceText.Headline(report, originNs: 1_000_000_000),
            Is.EqualTo("compared_again: " + Flow + ", frames none/none, offset 0, at +0.250000 s"));
    }

    [TestCase(DivergenceReason.Header, "ip_id")]
    [TestCase(DivergenceReason.Payload, null)]
    public void The_object_names_the_field_of_a_header(DivergenceReason reason, string? field)
    {
        JsonNode divergence = Json(Report(reason));
        Assert.That(divergence["field"]?.GetValue<string>(), Is.EqualTo(field));
    }

    [Test]
    public void The_object_of_what_concerns_all_flows_names_none()
    {
        JsonObject divergence = Json(new CheckpointReport { Divergence = new Divergence { Reason = DivergenceReason.Overflow } }).AsObject();
        Assert.That(divergence["reason"]!.GetValue<string>(), Is.EqualTo("overflow"));
        Assert.That(divergence.ContainsKey("flow"), Is.True);
        Assert.That(divergence["flow"], Is.Null);
    }

    [Test]
    public void The_verdict_counts_each_reason()
    {
        DivergenceReason[] reasons = [DivergenceReason.Header, DivergenceReason.Retransmit, DivergenceReason.Header, DivergenceReason.Fragment];
        string verdict = CompareText.Verdict(Result([.. reasons.Select(reason => Report(reason))]));
        Assert.That(verdict, Is.EqualTo("diverged: 1 of 1 flow (retransmit 1, header 2, fragment 1)"));
    }

    private static CheckpointReport Report(DivergenceReason reason)
    {
        // IPv4 and TCP, see the remarks of the key.
        FlowKey flow = default;
        flow[9] = (4u << 16) | 6;
        return new CheckpointReport
        {
            Flow = flow,
            AtNs = 1_250_000_000,
            Divergence = new Divergence
            {
                Reason = reason,
                Field = ToleratedField.IpId,
                Offset = 7,
                Primary = new FrameSnapshot { Number = 2, Length = 64, DifferenceOffset = DifferingByte },
                Secondary = new FrameSnapshot { Number = 3, Length = 64, DifferenceOffset = DifferingByte },
            },
        };
    }

    private static JsonNode Json(in CheckpointReport report)
    {
        return JsonSerializer.SerializeToNode(Result([report]), ReportJson.Default.CompareResult)!["divergences"]![0]!;
    }

    private static CompareResult Result(CheckpointReport[] reports) => new()
    {
        Primary = default,
        Secondary = default,
        Verified = 0,
        NotCompared = [],
        Malformed = [],
        Unverified = [],
        HeldAtEnd = 0,
        Checkpoints = reports.Length,
        Flows = 1,
        DivergencesTotal = reports.Length,
        Divergences = [.. reports.Select(report => DivergenceSummary.Of(report))],
        Shown = reports,
        Tolerated = [],
        Drops = [],
        Fragments = new FragmentCounts(Waiting: null, [], []),
        HoldMedianNs = 0,
        HoldP99Ns = 0,
    };
}
