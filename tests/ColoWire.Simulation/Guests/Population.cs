// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using ColoWire.Engine;
using ColoWire.Engine.Frames;
using ColoWire.Simulation.Judging;
using ColoWire.Simulation.World;

namespace ColoWire.Simulation.Guests;

/// <summary>Who lives in a world: the two guests, the clients that talk to them, and the way from those to both of these.</summary>
internal sealed class Population
{
    private const long UplinkDelayNs = Scheduler.Ms;
    private const long LatestStartNs = 1000 * Scheduler.Ms;

    private readonly SimulationOptions options;
    private readonly Scheduler scheduler;
    private readonly Random random;
    private readonly Guest primary;
    private readonly Guest secondary;
    private readonly Dictionary<int, TcpClient> clients = [];
    private readonly Dictionary<int, TcpScript[]> scripts = [];
    private readonly Action<int> noteHarm;
    private int questionsOpen;
    private int aside;

    public Population(
        SimulationOptions options, Scheduler scheduler, Random random, Action<SentFrame> sendPrimary, Action<SentFrame> sendSecondary,
        Action<int> noteHarm)
    {
        this.options = options;
        this.scheduler = scheduler;
        this.random = random;
        this.noteHarm = noteHarm;
        primary = NewGuest(Side.Primary, sendPrimary);
        secondary = NewGuest(Side.Secondary, sendSecondary);
        Flows = [.. DrawFlows()];
        foreach (FlowIdentity flow in Flows)
        {
            primary.Add(NewSpeaker(primary, flow));
            secondary.Add(NewSpeaker(secondary, flow));
            if (flow.Sort == FlowSort.Tcp)
            {
                scripts[flow.Number] = [.. Enumerable.Range(0, options.ConnectionsPerFlow).Select(DrawScript)];
                clients[flow.Number] = NewClient(flow);
            }

            TcpScript DrawScript(int connection)
            {
                TcpScript script = TcpScript.Draw(random, flow.Number, connection, isMidStream: connection == 0 && random.Next(6) == 0);
                // Observed, the primary's RST ends the connection before the secondary has come that far.
                return options.IsObserving && script.End == ConnectionEnd.Reset ? script with { End = ConnectionEnd.ServerFin } : script;
            }
        }
    }

    public IReadOnlyList<FlowIdentity> Flows { get; }

    public int ConnectionsFinished => clients.Values.Sum(c => c.Finished);

    /// <summary>Whether every client has got what it asked for.</summary>
    public bool IsAtRest => questionsOpen == 0 && FirstUnfinished == EventLog.NoFlow;

    /// <summary>A flow whose client still waits.</summary>
    public int FirstUnfinished =>
        clients.Where(c => c.Value.Finished < options.ConnectionsPerFlow).Select(c => c.Key).DefaultIfEmpty(EventLog.NoFlow).First();

    public IEnumerable<FlowJudge> Judges() => Flows.Select<FlowIdentity, FlowJudge>(flow => flow.Sort switch
    {
        FlowSort.Tcp => new StreamJudge(scripts[flow.Number], options.Has(Features.SecondaryControl))
        {
            LetsGo = options.Engine.Reset == ResetPolicy.Pass,
        },
        FlowSort.Noise => new NoiseJudge(),
        // Observed, or when there is no slot to put them together in, fragments leave as they come, by the shard of those without ports.
        _ => new DatagramJudge(options.IsObserving, options.Profile == Profile.Cramped)
        {
            LetsGo = options.Engine.Duplicate == DuplicatePolicy.Pass,
        },
    });

    public void Start()
    {
        foreach (TcpClient client in clients.Values)
        {
            scheduler.After(random.NextInt64(LatestStartNs), client.Start);
        }

        foreach (FlowIdentity flow in Flows.Where(f => f.Sort is FlowSort.Udp or FlowSort.Echo))
        {
            for (int i = random.Next(1, 30); i > 0; i--)
            {
                byte[][] answers = DrawAnswers(flow);
                questionsOpen++;
                scheduler.After(random.NextInt64(options.DurationNs), () => Ask(flow.Number, answers));
            }
        }
    }

    /// <summary>What left the appliance reaches its client.</summary>
    public void HearFrame(SentFrame frame)
    {
        if (clients.TryGetValue(frame.Flow, out TcpClient? client))
        {
            scheduler.After(UplinkDelayNs, () => client.Hear(frame));
        }
    }

    public void Pause()
    {
        primary.Pause();
        secondary.Pause();
    }

    public void ResumePrimary() => primary.Resume();

    public void ResumeSecondary() => secondary.Resume();

    public void Copy() => secondary.CopyFrom(primary);

    /// <summary>Makes the secondary differ in some flow.</summary>
    /// <returns>Which, or null when none can.</returns>
    public int? Harm(Random luck)
    {
        HarmKind kind = (HarmKind)luck.Next(4);
        ISpeaker speaker = secondary.Speakers[luck.Next(secondary.Speakers.Count)];
        if (!speaker.Harm(kind, luck))
        {
            return null;
        }

        if (speaker is TcpSpeaker)
        {
            noteHarm(speaker.Flow.Number);
        }

        return speaker.Flow.Number;
    }

    /// <summary>Both replicas say something beside the stream of a connection: a keepalive with a byte of garbage, or, where that is a
    /// harm, a segment from the other side of the circle of sequence numbers.</summary>
    /// <param name="luck">What decides.</param>
    /// <param name="maySayStrays">Whether it may be a segment that no sound stack sends.</param>
    public void SayAside(Random luck, bool maySayStrays)
    {
        int[] flows = [.. clients.Keys];
        int flow = flows[luck.Next(flows.Length)];
        TcpSpeaker first = (TcpSpeaker)primary.Speakers[flow];
        TcpSpeaker second = (TcpSpeaker)secondary.Speakers[flow];
        bool isStray = maySayStrays && luck.Next(3) == 0;
        byte[] payload = new byte[isStray ? luck.Next(1, 1400) : 1];
        luck.NextBytes(payload);
        if (!first.IsAtRestWith(second))
        {
            return;
        }

        uint distance = isStray ? (1u << 31) + (uint)luck.Next(-2000, 2000) : uint.MaxValue;
        int number = ++aside;
        bool isOneSided = maySayStrays && luck.Next(4) == 0;
        // At the same instant, as a question to both: a checkpoint comes before it or after it, never between.
        Action say = first.SayAside(number, distance, payload);
        Action ofPrimary = isStray || isOneSided ? () =>
        {
            noteHarm(flow);
            say();
        }
        : say;
        Action ofSecondary = second.SayAside(number, distance, payload);
        primary.Hear(ofPrimary);
        if (!isOneSided)
        {
            secondary.Hear(ofSecondary);
        }
    }

    private Guest NewGuest(Side side, Action<SentFrame> send) =>
        new(side, scheduler, new Random(random.Next()), options.LargestPiece) { Out = send, NoteHarm = flow => noteHarm(flow.Number) };

    private IEnumerable<FlowIdentity> DrawFlows()
    {
        FlowSort[] sorts =
        [
            .. Enumerable.Repeat(FlowSort.Tcp, options.TcpFlows), .. Enumerable.Repeat(FlowSort.Udp, options.DatagramFlows),
            .. Enumerable.Repeat(FlowSort.Echo, options.EchoFlows), FlowSort.Noise,
        ];
        for (int i = 0; i < sorts.Length; i++)
        {
            bool isIpv6 = sorts[i] != FlowSort.Echo && random.Next(3) == 0;
            ushort[] vlans = random.Next(6) switch { 0 => [5], 1 => [5, 6], _ => [] };
            yield return new FlowIdentity(i, sorts[i], isIpv6, vlans);
        }
    }

    private ISpeaker NewSpeaker(Guest guest, FlowIdentity flow) => flow.Sort switch
    {
        FlowSort.Tcp => new TcpSpeaker(guest, flow),
        FlowSort.Noise => new NoiseSpeaker(guest, flow, 200 * Scheduler.Ms),
        _ => new DatagramSpeaker(guest, flow, options.Has(Features.Fragments)),
    };

    private TcpClient NewClient(FlowIdentity flow)
    {
        TcpSpeaker first = (TcpSpeaker)primary.Speakers[flow.Number];
        TcpSpeaker second = (TcpSpeaker)secondary.Speakers[flow.Number];
        return new TcpClient(scheduler, new Random(random.Next()), scripts[flow.Number], (segment, mustArrive) =>
        {
            if (random.NextDouble() < options.UplinkLoss && !mustArrive)
            {
                return;
            }

            if (options.IsObserving)
            {
                // The client goes on with what the primary said: what the secondary had to hear again it would never hear.
                scheduler.After(UplinkDelayNs, () =>
                {
                    primary.Hear(() => first.Hear(segment));
                    secondary.Hear(() => second.Hear(segment));
                });
                return;
            }

            scheduler.After(random.NextInt64(UplinkDelayNs), () => primary.Hear(() => first.Hear(segment)));
            if (random.NextDouble() >= options.MirrorLoss || mustArrive)
            {
                scheduler.After(random.NextInt64(UplinkDelayNs), () => secondary.Hear(() => second.Hear(segment)));
            }
        });
    }

    private byte[][] DrawAnswers(FlowIdentity flow)
    {
        int count = random.Next(10) == 0 ? random.Next(1, 60) : random.Next(1, 4);
        byte[][] answers = [.. Enumerable.Range(0, count).Select(_ => DrawAnswer())];
        if (random.Next(5) == 0)
        {
            Array.Fill(answers, answers[0]);
        }

        return answers;

        byte[] DrawAnswer()
        {
            byte[] answer = new byte[random.Next(1, flow.IsIpv6 || flow.Sort == FlowSort.Echo ? 1000 : 1400)];
            random.NextBytes(answer);
            return answer;
        }
    }

    /// <summary>Both guests hear a question at the same instant: a checkpoint comes before it or after it, never between.</summary>
    private void Ask(int flow, byte[][] answers)
    {
        questionsOpen--;
        DatagramSpeaker first = (DatagramSpeaker)primary.Speakers[flow];
        DatagramSpeaker second = (DatagramSpeaker)secondary.Speakers[flow];
        bool isMirrored = random.NextDouble() >= options.MirrorDatagramLoss;
        primary.Hear(() =>
        {
            first.Hear(answers);
            if (!isMirrored)
            {
                noteHarm(flow);
            }
        });
        if (isMirrored)
        {
            secondary.Hear(() => second.Hear(answers));
        }
    }
}
