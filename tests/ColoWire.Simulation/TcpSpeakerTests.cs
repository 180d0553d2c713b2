// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using ColoWire.Engine.Frames;
using ColoWire.Simulation.Guests;
using ColoWire.Simulation.World;
using NUnit.Framework;

namespace ColoWire.Simulation;

/// <summary>Tests of the simulated guests: they send the same content in a world without a difference.</summary>
public sealed class TcpSpeakerTests
{
    /// <summary>Longer than a window, so that a replica that waits for an acknowledgment stops sending.</summary>
    private const int AnswerBytes = 200_000;

    /// <summary>In observe mode the client has received and acknowledged all bytes of the primary and sends nothing more, while
    /// the secondary has just begun: the secondary must still send all its bytes (found by seed 201396).</summary>
    [Test]
    public void A_replica_that_is_behind_comes_to_its_end_though_the_client_has_long_acknowledged_everything()
    {
        Scheduler scheduler = new();
        List<SentFrame> sent = [];
        Guest guest = new(Side.Secondary, scheduler, new Random(1), 1460, [2, 0, 0, 0, 0, 1], clockOffset: 0)
        {
            Out = sent.Add,
            NoteHarm = _ => { },
        };
        TcpSpeaker speaker = new(guest, new FlowIdentity(0, FlowSort.Tcp, false, []));
        TcpScript script = new(0, 0) { Exchanges = [(2, 1 + AnswerBytes)], Answers = new byte[AnswerBytes], IsMidStream = true };
        guest.Add(speaker);
        speaker.Hear(new ClientSegment(script, 1, 2, 1, false, 65_535));
        speaker.Hear(new ClientSegment(script, 2, 2, script.AnswersEnd + 1, false, 65_535));
        scheduler.AdvanceTo(scheduler.NowNs + (60_000 * Scheduler.Ms));
        Assert.That(sent.Max(frame => frame.End), Is.EqualTo(script.AnswersEnd), "end of the secondary's last segment");
        Assert.That(sent.Any(frame => frame.Fin), Is.True, "the secondary has sent its FIN");
    }
}
