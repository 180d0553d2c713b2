// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using ColoWire.Engine;
using ColoWire.Engine.Frames;
using ColoWire.Simulation.Judging;
using ColoWire.Simulation.World;

namespace ColoWire.Simulation.Guests;

/// <summary>The endpoints of a world: the two guests, their clients, and the path from the clients to both guests.</summary>
internal sealed partial class Population
{
    private const long UplinkDelayNs = Scheduler.Ms;
    private const long LatestStartNs = 1000 * Scheduler.Ms;

    private readonly SimulationOptions options;
    private readonly Scheduler scheduler;
    private readonly Random random;
    private readonly Dictionary<int, TcpClient> clients = [];
    private readonly Dictionary<int, TcpScript[]> scripts = [];
    private readonly Action<int> noteHarm;
    private int questionsOpen;
    private int aside;

    public Population(
        SimulationOptions options, Scheduler scheduler, Random random, Action<SentFrame> sendPrimary,
        Action<SentFrame> sendSecondary, Action<SentFrame> sendWorld, Action<int> noteHarm)
    {
        this.options = options;
        this.scheduler = scheduler;
        this.random = random;
        this.noteHarm = noteHarm;
        this.sendWorld = sendWorld;
        writer = new ClientWriter(scheduler);
        numbers = new Random(options.Seed ^ 0x1B0D);
        Primary = NewGuest(Side.Primary, sendPrimary);
        Secondary = NewGuest(Side.Secondary, sendSecondary);
        Flows = [.. DrawFlows()];
        foreach (FlowIdentity flow in Flows)
        {
            Primary.Add(NewSpeaker(Primary, flow));
            Secondary.Add(NewSpeaker(Secondary, flow));
            if (flow.Sort == FlowSort.Tcp)
            {
                scripts[flow.Number] = [.. Enumerable.Range(0, options.ConnectionsPerFlow).Select(DrawScript)];
                clients[flow.Number] = NewClient(flow);
            }

            TcpScript DrawScript(int connection)
            {
                TcpScript script = TcpScript.Draw(
                    random, flow.Number, connection, isMidStream: connection == 0 && random.Next(6) == 0);
                // In observe mode the primary's RST ends the connection before the secondary has sent as much.
                script = options.IsInbound ? script.ForInbound(numbers) : script;
                return options.IsObserving && script.End == ConnectionEnd.Reset
                    ? script with { End = ConnectionEnd.ServerFin }
                    : script;
            }
        }
    }

    public Guest Primary { get; }

    public Guest Secondary { get; }

    public IReadOnlyList<FlowIdentity> Flows { get; }

    public int ConnectionsFinished => clients.Values.Sum(c => c.Finished);

    /// <summary>Whether every client has received all that it requested.</summary>
    public bool IsAtRest => questionsOpen == 0 && FirstUnfinished == EventLog.NoFlow;

    /// <summary>A flow whose client has not finished.</summary>
    public int FirstUnfinished =>
        clients.Where(c => c.Value.Finished < options.ConnectionsPerFlow).Select(c => c.Key).DefaultIfEmpty(EventLog.NoFlow)
            .First();

    public IEnumerable<FlowJudge> Judges() => Flows.Select<FlowIdentity, FlowJudge>(flow => flow.Sort switch
    {
        FlowSort.Tcp => new StreamJudge(scripts[flow.Number], options.Has(Features.SecondaryControl))
        {
            LetsGo = options.Engine.Reset == ResetPolicy.Pass,
        },
        FlowSort.Noise => new NoiseJudge(),
        // In observe mode, or without a slot for reassembly, fragments leave as they arrive, through the shard of flows without
        // ports.
        _ => new DatagramJudge(options.IsObserving, options.Profile == Profile.Cramped)
        {
            LetsGo = options.Engine.Duplicate == DuplicatePolicy.Pass,
        },
    });

    public void Start()
    {
        StartWorldNoise();
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

    /// <summary>A frame that left the appliance reaches its client.</summary>
    public void HearFrame(SentFrame frame)
    {
        if (clients.TryGetValue(frame.Flow, out TcpClient? client))
        {
            scheduler.After(UplinkDelayNs, () => client.Hear(frame));
        }
    }

    public void Pause()
    {
        Primary.Pause();
        Secondary.Pause();
    }

    public void ResumePrimary() => Primary.Resume();

    public void ResumeSecondary() => Secondary.Resume();

    public void Copy() => Secondary.CopyFrom(Primary);

    /// <summary>Makes the secondary differ in a random flow.</summary>
    /// <returns>The number of the flow, or null when no difference is possible.</returns>
    public int? Harm(Random luck)
    {
        HarmKind kind = (HarmKind)luck.Next(4);
        ISpeaker speaker = Secondary.Speakers[luck.Next(Secondary.Speakers.Count)];
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

    /// <summary>Both replicas send a segment outside of the stream of a connection: a keepalive with a byte of garbage, or, as a
    /// harm, a segment whose sequence number is about 2^31 away.</summary>
    /// <param name="luck">The source of random numbers.</param>
    /// <param name="maySayStrays">Whether it may be a segment that no conforming stack sends.</param>
    public void SayAside(Random luck, bool maySayStrays)
    {
        int[] flows = [.. clients.Keys];
        int flow = flows[luck.Next(flows.Length)];
        TcpSpeaker first = (TcpSpeaker)Primary.Speakers[flow];
        TcpSpeaker second = (TcpSpeaker)Secondary.Speakers[flow];
        bool isStray = maySayStrays && luck.Next(3) == 0;
        byte[] payload = new byte[isStray ? luck.Next(1, 1400) : 1];
        luck.NextBytes(payload);
        if (!first.IsAtRestWith(second) || (options.IsInbound && clients[flow].IsOver))
        {
            return;
        }

        uint distance = isStray ? (1u << 31) + (uint)luck.Next(-2000, 2000) : uint.MaxValue;
        int number = ++aside;
        bool isOneSided = maySayStrays && luck.Next(4) == 0;
        // Both replicas send at the same instant, as they receive a request: a checkpoint comes before it or after it, never
        // between.
        Action say = first.SayAside(number, distance, payload);
        Action ofPrimary = isStray || isOneSided ? () =>
        {
            noteHarm(flow);
            say();
        }
        : say;
        Action ofSecondary = second.SayAside(number, distance, payload);
        Primary.Hear(ofPrimary);
        if (!isOneSided)
        {
            Secondary.Hear(ofSecondary);
        }
    }

    private Guest NewGuest(Side side, Action<SentFrame> send) =>
        new(
            side, scheduler, new Random(random.Next()), options.LargestPiece, options.IsInbound ? ClientWriter.GuestMac : null,
            DrawClockOffset())
        {
            Out = send,
            NoteHarm = flow => noteHarm(flow.Number),
            NoteReset = (flow, connection) => WasReset?.Invoke(side, flow.Number, connection),
        };

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
        TcpSpeaker first = (TcpSpeaker)Primary.Speakers[flow.Number];
        TcpSpeaker second = (TcpSpeaker)Secondary.Speakers[flow.Number];
        if (options.IsInbound)
        {
            return NewInboundClient(flow);
        }

        return new TcpClient(scheduler, new Random(random.Next()), scripts[flow.Number], (segment, mustArrive) =>
        {
            if (random.NextDouble() < options.UplinkLoss && !mustArrive)
            {
                return;
            }

            if (options.IsObserving)
            {
                // In observe mode the client receives the primary's frames at once and does not retransmit what only the
                // secondary missed: nothing may be lost.
                scheduler.After(UplinkDelayNs, () =>
                {
                    Primary.Hear(() => first.Hear(segment));
                    Secondary.Hear(() => second.Hear(segment));
                });
                return;
            }

            scheduler.After(random.NextInt64(UplinkDelayNs), () => Primary.Hear(() => first.Hear(segment)));
            if (random.NextDouble() >= options.MirrorLoss || mustArrive)
            {
                scheduler.After(random.NextInt64(UplinkDelayNs), () => Secondary.Hear(() => second.Hear(segment)));
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

    /// <summary>Both guests receive a request at the same instant: a checkpoint comes before it or after it, never
    /// between.</summary>
    private void Ask(int flow, byte[][] answers)
    {
        questionsOpen--;
        if (options.IsInbound)
        {
            SendRequest(Flows[flow], answers);
            return;
        }

        DatagramSpeaker first = (DatagramSpeaker)Primary.Speakers[flow];
        DatagramSpeaker second = (DatagramSpeaker)Secondary.Speakers[flow];
        bool isMirrored = random.NextDouble() >= options.MirrorDatagramLoss;
        Primary.Hear(() =>
        {
            first.Hear(answers);
            if (!isMirrored)
            {
                noteHarm(flow);
            }
        });
        if (isMirrored)
        {
            Secondary.Hear(() => second.Hear(answers));
        }
    }
}
