// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Threading;
using NUnit.Framework;

namespace ColoWire.Wire.Tests.Live;

/// <summary>A client that sends numbered datagrams to the guest at a steady rate, and what each replica receives of
/// them.</summary>
internal sealed class ClientTraffic : IDisposable
{
    private const int Flows = 16;

    private static readonly TimeSpan Turn = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan Silence = TimeSpan.FromMilliseconds(500);

    private readonly FarEnd client;
    private readonly Thread sender;
    private int sent;
    private volatile bool stops;

    /// <summary>Starts the client.</summary>
    public ClientTraffic(BridgeHost host, int framesPerSecond)
    {
        string wire = BridgeHost.Wire(0);
        client = host.Outside.Open(wire);
        Primary = new Replica(host.PrimaryGuest.Open(wire));
        Secondary = new Replica(host.SecondaryGuest.Open(wire));
        sender = new Thread(() => Send(framesPerSecond));
        sender.Start();
    }

    /// <summary>What the primary receives.</summary>
    public Replica Primary { get; }

    /// <summary>What the secondary receives.</summary>
    public Replica Secondary { get; }

    /// <summary>Frames that the client has sent so far.</summary>
    public int Sent => Volatile.Read(ref sent);

    /// <summary>Waits until a replica receives frames that are sent from now on.</summary>
    public void AwaitFlow(Replica replica)
    {
        int from = Sent;
        Assert.That(
            () => replica.Newest, Is.GreaterThan(from).After((int)ColoWireProcess.Patience.TotalMilliseconds, 2),
            () => $"traffic goes on: {Sent} sent, {replica.Numbers.Count} received");
    }

    /// <summary>Waits until the client has sent so many more.</summary>
    public void AwaitSent(int more)
    {
        int enough = Sent + more;
        Assert.That(() => Sent, Is.AtLeast(enough).After((int)ColoWireProcess.Patience.TotalMilliseconds, 2));
    }

    /// <summary>Ends the client, and waits until both replicas have received what they will.</summary>
    /// <param name="inOrder">Whether each replica receives the frames of a flow in the order in which the client sends them. It
    /// does not where a program that hung still had frames while others bypassed it.</param>
    /// <returns>How many frames the primary has not received. Neither replica has received a frame twice.</returns>
    public int Finish(bool inOrder = true)
    {
        stops = true;
        sender.Join();
        Primary.AwaitSilence(Silence);
        Secondary.AwaitSilence(Silence);
        foreach (Replica replica in (Replica[])[Primary, Secondary])
        {
            Assert.That(replica.Foreign, Is.Zero, "frames that the client has not sent");
            Assert.That(replica.Numbers, Is.Unique, "received twice");
            foreach (IGrouping<int, int> flow in replica.Numbers.GroupBy(number => number % Flows).Where(_ => inOrder))
                Assert.That(flow, Is.Ordered, "in the order in which the client has sent them");
        }

        return sent - Primary.Numbers.Count;
    }

    public void Dispose()
    {
        stops = true;
        sender.Join();
        Primary.Dispose();
        Secondary.Dispose();
        client.Dispose();
    }

    private void Send(int framesPerSecond)
    {
        long start = Stopwatch.GetTimestamp();
        while (!stops)
        {
            int due = (int)(Stopwatch.GetElapsedTime(start).TotalSeconds * framesPerSecond);
            for (int number = sent; number < due && !stops; number++)
            {
                client.Send(Datagrams.OfClient(number % Flows, number));
                Volatile.Write(ref sent, number + 1);
            }

            Thread.Sleep(Turn);
        }
    }

    /// <summary>Listens where a replica is.</summary>
    internal sealed class Replica : IDisposable
    {
        private readonly FarEnd end;
        private readonly Thread listener;
        private readonly List<int> numbers = [];
        private int newest = -1;
        private int foreign;
        private long lastArrival = Stopwatch.GetTimestamp();
        private volatile bool stops;

        public Replica(FarEnd end)
        {
            this.end = end;
            listener = new Thread(Listen);
            listener.Start();
        }

        /// <summary>The numbers that it has received, in their order.</summary>
        public IReadOnlyList<int> Numbers
        {
            get
            {
                lock (numbers)
                    return [.. numbers];
            }
        }

        /// <summary>The greatest number that it has received; -1 before the first one.</summary>
        public int Newest => Volatile.Read(ref newest);

        /// <summary>Frames that are not the client's.</summary>
        public int Foreign => Volatile.Read(ref foreign);

        public void AwaitSilence(TimeSpan silence) => Assert.That(
            () => Stopwatch.GetElapsedTime(Volatile.Read(ref lastArrival)) > silence,
            Is.True.After((int)ColoWireProcess.Patience.TotalMilliseconds, 5));

        public void Dispose()
        {
            stops = true;
            listener.Join();
            end.Dispose();
        }

        private void Listen()
        {
            while (!stops)
            {
                if (end.TryReceive(out byte[] frame))
                    Note(frame);
                else
                    Thread.Sleep(Turn);
            }
        }

        private void Note(byte[] frame)
        {
            int number = Datagrams.NumberOf(frame);
            Volatile.Write(ref lastArrival, Stopwatch.GetTimestamp());
            if (!frame.AsSpan().SequenceEqual(Datagrams.OfClient(number % Flows, number)))
            {
                foreign++;
                return;
            }

            lock (numbers)
                numbers.Add(number);
            Volatile.Write(ref newest, Math.Max(newest, number));
        }
    }
}
