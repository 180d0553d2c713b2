// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Threading;
using NUnit.Framework;

namespace ColoWire.Wire.Tests.Live;

/// <summary>
/// Two guests that say the same, at a steady rate, whatever becomes of the program between; and somebody outside who listens to all
/// of it. Each datagram has a number.
/// </summary>
internal sealed class SteadyTraffic : IDisposable
{
    private static readonly TimeSpan Turn = TimeSpan.FromMilliseconds(1);

    /// <summary>How long the outside hears nothing before nothing more will come.</summary>
    private static readonly TimeSpan Silence = TimeSpan.FromMilliseconds(500);

    private readonly FarEnd primary;
    private readonly FarEnd secondary;
    private readonly FarEnd outside;
    private readonly int flows;
    private readonly int differentFlow;
    private readonly Thread sender;
    private readonly Thread listener;
    private readonly List<int> arrived = [];
    private int sent;
    private int newest = -1;
    private int ofSecondary;
    private long lastArrival = Stopwatch.GetTimestamp();
    private volatile bool stopsSending;
    private volatile bool stopsListening;

    /// <summary>Starts both guests and the listener.</summary>
    /// <param name="host">Where; its first pipeline.</param>
    /// <param name="framesPerSecond">Of each guest.</param>
    /// <param name="flows">Connections that they are spread over.</param>
    /// <param name="differentFlow">One in which the secondary says something else; none if negative.</param>
    public SteadyTraffic(BridgeHost host, int framesPerSecond, int flows = 16, int differentFlow = -1)
    {
        this.flows = flows;
        this.differentFlow = differentFlow;
        string wire = BridgeHost.Wire(0);
        outside = host.Outside.Open(wire);
        primary = host.PrimaryGuest.Open(wire);
        secondary = host.SecondaryGuest.Open(wire);
        listener = new Thread(Listen);
        listener.Start();
        sender = new Thread(() => Send(framesPerSecond));
        sender.Start();
    }

    /// <summary>Frames that each guest has sent so far.</summary>
    public int Sent => Volatile.Read(ref sent);

    /// <summary>Frames of the primary that the outside has heard so far.</summary>
    public int Arrived
    {
        get
        {
            lock (arrived)
                return arrived.Count;
        }
    }

    /// <summary>Frames of the secondary that the outside has heard, which it never should.</summary>
    public int OfSecondary => Volatile.Read(ref ofSecondary);

    /// <summary>Waits until frames of the primary come out that are sent from now on.</summary>
    public void AwaitFlow()
    {
        int from = Sent;
        Assert.That(() => Volatile.Read(ref newest), Is.GreaterThan(from).After((int)ColoWireProcess.Patience.TotalMilliseconds, 2), () => $"traffic goes on: {Sent} sent, {Arrived} arrived, {OfSecondary} of the secondary");
    }

    /// <summary>Waits until each guest has sent so many more.</summary>
    public void AwaitSent(int more)
    {
        int enough = Sent + more;
        Assert.That(() => Sent, Is.AtLeast(enough).After((int)ColoWireProcess.Patience.TotalMilliseconds, 2));
    }

    /// <summary>Ends the guests' words and waits until the last has come out.</summary>
    /// <returns>How many of the primary's frames did not come out. None has come out twice, and none is the secondary's.</returns>
    public int Finish()
    {
        stopsSending = true;
        sender.Join();
        Assert.That(
            () => Arrived >= Sent || Stopwatch.GetElapsedTime(Volatile.Read(ref lastArrival)) > Silence,
            Is.True.After((int)ColoWireProcess.Patience.TotalMilliseconds, 5));
        // For what should not come.
        Thread.Sleep(50);
        stopsListening = true;
        listener.Join();
        Assert.That(ofSecondary, Is.Zero, "frames of the secondary");
        Assert.That(arrived.GroupBy(number => number).Where(same => same.Count() > 1).Select(same => same.Key), Is.Empty, "left twice");
        return sent - arrived.Count;
    }

    public void Dispose()
    {
        stopsSending = true;
        stopsListening = true;
        sender.Join();
        listener.Join();
        primary.Dispose();
        secondary.Dispose();
        outside.Dispose();
    }

    private void Send(int framesPerSecond)
    {
        long start = Stopwatch.GetTimestamp();
        while (!stopsSending)
        {
            int due = (int)(Stopwatch.GetElapsedTime(start).TotalSeconds * framesPerSecond);
            for (int number = sent; number < due && !stopsSending; number++)
            {
                int flow = number % flows;
                primary.Send(Datagrams.OfPrimary(flow, number));
                secondary.Send(Datagrams.OfSecondary(flow, flow == differentFlow ? ~number : number));
                Volatile.Write(ref sent, number + 1);
            }

            Thread.Sleep(Turn);
        }
    }

    private void Listen()
    {
        while (!stopsListening)
        {
            if (outside.TryReceive(out byte[] frame))
                Note(frame);
            else
                Thread.Sleep(Turn);
        }
    }

    private void Note(byte[] frame)
    {
        int number = Datagrams.NumberOf(frame);
        if (!frame.AsSpan().SequenceEqual(Datagrams.OfPrimary(number % flows, number)))
        {
            ofSecondary++;
            return;
        }

        lock (arrived)
            arrived.Add(number);
        Volatile.Write(ref newest, Math.Max(newest, number));
        Volatile.Write(ref lastArrival, Stopwatch.GetTimestamp());
    }
}
