// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.IO;
using System.Text;
using ColoWire.Ports.Linux;

namespace ColoWire.Writing;

/// <summary>
/// The standard output and the standard error of the program. Writing to the standard error never blocks. A verb whose purpose is
/// its output writes to the standard output directly: it waits for the reader, and fails when the output cannot be written. A
/// running appliance writes to the standard output through a queue.
/// </summary>
internal sealed class StandardOutputs
{
    /// <summary>How long the end of the program waits until its last output is written.</summary>
    public static readonly TimeSpan LastWordsPatience = TimeSpan.FromMilliseconds(500);

    private StandardOutputs(TextWriter output, TextWriter errors, OutputQueue status, OutputQueue log)
    {
        Output = output;
        Errors = errors;
        Status = status;
        Log = log;
    }

    /// <summary>UTF-8 without a byte order mark, as RFC 8259 section 8.1 demands for JSON.</summary>
    public static Encoding Encoding { get; } = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);

    /// <summary>The standard output of a verb whose purpose is its output. It throws <see cref="OutputException"/>. When its
    /// reader has gone, the output is discarded.</summary>
    public TextWriter Output { get; }

    /// <summary>The standard error. It never throws and never blocks.</summary>
    public TextWriter Errors { get; }

    /// <summary>The standard output of an appliance: its counters.</summary>
    public OutputQueue Status { get; }

    /// <summary>The standard error of an appliance: its log.</summary>
    public OutputQueue Log { get; }

    /// <summary>Output that could not be written so far.</summary>
    public UnwrittenCounts Unwritten => new(Log.Lost, Status.Lost);

    /// <summary>Opens the streams of the process, and sets them as those of <see cref="Console"/>, which libraries use.</summary>
    /// <param name="time">The source of the time.</param>
    public static StandardOutputs Open(TimeProvider time)
    {
        ProcessSignals.LetNoWriteEndIt();
        StandardStream output = new(StandardStream.OutputDescriptor, "standard output") { DiscardsWithoutReader = true };
        OutputQueue status = QueueOf("colowire-status", new StandardStream(StandardStream.OutputDescriptor, "standard output"));
        OutputQueue log = QueueOf("colowire-log", new StandardStream(StandardStream.ErrorDescriptor, "standard error"));
        StandardStream.OccupyFreeDescriptors();
        Console.SetOut(new StreamWriter(output, Encoding));
        Console.SetError(new QueueWriter(log));
        // The writers of Console, because libraries check whether their writer is that of Console.
        return new StandardOutputs(Console.Out, Console.Error, status, log);

        OutputQueue QueueOf(string threadName, StandardStream stream) => new(threadName, new StandardSink(stream), time);
    }

    /// <summary>Makes one with other writers.</summary>
    /// <param name="output">Where results are written.</param>
    /// <param name="errors">Where faults are written.</param>
    public static StandardOutputs Of(TextWriter output, TextWriter errors) =>
        new(output, errors, Discarding("status"), Discarding("log"));

    private static OutputQueue Discarding(string threadName) => new(threadName, new NoSink(), TimeProvider.System);

    private sealed class NoSink : IRecordSink
    {
        public bool TryWrite(ReadOnlySpan<byte> record) => true;
    }
}

/// <summary>Output that could not be written: it was not read in time, or there was no room for it.</summary>
/// <param name="LogEntries">Entries of the log.</param>
/// <param name="Status">Reports of the counters.</param>
internal readonly record struct UnwrittenCounts(long LogEntries, long Status);
