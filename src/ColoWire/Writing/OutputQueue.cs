// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Threading;

namespace ColoWire.Writing;

/// <summary>Takes records from an <see cref="OutputQueue"/>, on the thread of the queue.</summary>
internal interface IRecordSink
{
    /// <summary>Writes one record. It may block; only the thread of the queue waits for it.</summary>
    /// <returns>False when the record was not written whole.</returns>
    bool TryWrite(ReadOnlySpan<byte> record);
}

/// <summary>
/// A bounded queue before an output that can block for ever or fail, for example a pipe that is not read, or a full disk. Adding
/// never blocks. Records without room and records that cannot be written are lost and counted. In steady state nothing is
/// allocated.
/// </summary>
internal sealed class OutputQueue
{
    /// <summary>Bytes that can wait: some hundred objects of counters, or thousands of lines.</summary>
    public const int DefaultBytes = 256 * 1024;

    /// <summary>Records that can wait.</summary>
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

    /// <summary>Makes an empty queue. Its thread starts with the first record.</summary>
    /// <param name="threadName">The name of the thread.</param>
    /// <param name="sink">Where the records are written.</param>
    /// <param name="time">The source of the time.</param>
    /// <param name="capacityBytes">Bytes that can wait.</param>
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

    /// <summary>Whether no record waits, and the last one was written.</summary>
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

    /// <summary>Adds a record, or counts it as lost when there is no room. It never waits for the sink.</summary>
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
                // A background thread, because one that hangs in a write must not keep the process alive.
                new Thread(Run) { Name = threadName, IsBackground = true }.Start();
                hasStarted = true;
            }
        }
    }

    /// <summary>Waits until no record waits.</summary>
    /// <param name="patience">How long at most.</param>
    /// <returns>False when that took too long.</returns>
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

    /// <summary>The offset of so many free bytes in one piece, because a record is written by one call.</summary>
    /// <returns>-1 when there is no room.</returns>
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
            // These bytes are not overwritten before the record is dequeued.
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
