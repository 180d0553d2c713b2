// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Threading;

namespace ColoWire.Writing;

/// <summary>Takes records from an <see cref="OutputQueue"/>, on the thread of the queue.</summary>
internal interface IRecordSink
{
    /// <summary>Writes one record. It may block: nobody but the queue waits for it.</summary>
    /// <returns>False when the record was not written whole.</returns>
    bool TryWrite(ReadOnlySpan<byte> record);
}

/// <summary>
/// A bounded queue before something that may block for ever or fail: a pipe that nobody reads, a full disk, a stuck journal. Whoever
/// adds never waits. What finds no room, and what cannot be written, is lost and counted. In steady state nothing is allocated.
/// </summary>
internal sealed class OutputQueue
{
    /// <summary>Bytes that may wait: some hundred objects of counters, or thousands of lines.</summary>
    public const int DefaultBytes = 256 * 1024;

    /// <summary>Records that may wait.</summary>
    public const int MaxRecords = 4096;

    private readonly string threadName;
    private readonly IRecordSink sink;
    private readonly TimeProvider time;
    private readonly byte[] bytes;
    private readonly Queue<(int Offset, int Length)> records = new(MaxRecords);
    private readonly object turn = new();
    private int end;
    private bool hasStarted;
    private bool hasFailed;
    private long lost;

    /// <summary>Makes one that is empty. Its thread starts with the first record.</summary>
    /// <param name="threadName">What the thread is called.</param>
    /// <param name="sink">Where the records go.</param>
    /// <param name="time">The source of the time.</param>
    /// <param name="capacityBytes">Bytes that may wait.</param>
    public OutputQueue(string threadName, IRecordSink sink, TimeProvider time, int capacityBytes = DefaultBytes)
    {
        this.time = time;
        this.threadName = threadName;
        this.sink = sink;
        bytes = new byte[capacityBytes];
    }

    /// <summary>Records that found no room or could not be written.</summary>
    public long Lost
    {
        get
        {
            lock (turn)
            {
                return lost;
            }
        }
    }

    /// <summary>Whether all that was added has been tried, and the last of it was written.</summary>
    public bool Works
    {
        get
        {
            lock (turn)
            {
                return records.Count == 0 && !hasFailed;
            }
        }
    }

    /// <summary>Adds a record, or counts it as lost where it finds no room. It never waits for the sink.</summary>
    public void Add(ReadOnlySpan<byte> record)
    {
        lock (turn)
        {
            int offset = records.Count == MaxRecords ? -1 : Place(record.Length);
            if (offset < 0)
            {
                lost++;
                return;
            }

            record.CopyTo(bytes.AsSpan(offset));
            records.Enqueue((offset, record.Length));
            end = offset + record.Length;
            Monitor.PulseAll(turn);
            if (!hasStarted)
            {
                // A background thread that hangs in a write keeps no process alive.
                new Thread(Run) { Name = threadName, IsBackground = true }.Start();
                hasStarted = true;
            }
        }
    }

    /// <summary>Waits until all that was added has been tried.</summary>
    /// <param name="patience">How long at most.</param>
    /// <returns>False where that took too long.</returns>
    public bool Flush(TimeSpan patience)
    {
        long start = time.GetTimestamp();
        lock (turn)
        {
            while (records.Count != 0)
            {
                TimeSpan left = patience - time.GetElapsedTime(start);
                if (left <= TimeSpan.Zero || !Monitor.Wait(turn, left))
                {
                    return records.Count == 0;
                }
            }

            return true;
        }
    }

    /// <summary>Where so many bytes fit in one piece: a record is written by one call.</summary>
    /// <returns>-1 where there is no room.</returns>
    private int Place(int length)
    {
        if (records.Count == 0)
        {
            return length <= bytes.Length ? 0 : -1;
        }

        int start = records.Peek().Offset;
        if (end > start)
        {
            return bytes.Length - end >= length ? end : start >= length ? 0 : -1;
        }

        return start - end >= length ? end : -1;
    }

    private void Run()
    {
        while (true)
        {
            (int offset, int length) = Next();
            // Nobody writes there before the record is taken out.
            bool written = sink.TryWrite(bytes.AsSpan(offset, length));
            lock (turn)
            {
                _ = records.Dequeue();
                hasFailed = !written;
                lost += written ? 0 : 1;
                Monitor.PulseAll(turn);
            }
        }
    }

    private (int Offset, int Length) Next()
    {
        lock (turn)
        {
            while (records.Count == 0)
            {
                _ = Monitor.Wait(turn);
            }

            return records.Peek();
        }
    }
}
