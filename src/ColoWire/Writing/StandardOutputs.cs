// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.IO;
using System.Text;
using ColoWire.Ports.Linux;

namespace ColoWire.Writing;

/// <summary>
/// The two streams on which the program speaks. Nothing that is said on the standard error is waited for. The standard output of a verb
/// whose purpose is its output is written by the verb itself, which waits for its reader and fails where it cannot be written; that of a
/// running appliance goes through a queue.
/// </summary>
internal sealed class StandardOutputs
{
    /// <summary>How long the end of the program waits for its last words to be taken.</summary>
    public static readonly TimeSpan LastWordsPatience = TimeSpan.FromMilliseconds(500);

    private StandardOutputs(TextWriter output, TextWriter errors, OutputQueue status, OutputQueue log)
    {
        Output = output;
        Errors = errors;
        Status = status;
        Log = log;
    }

    /// <summary>How text is written: RFC 8259 wants it so of JSON.</summary>
    public static Encoding Encoding { get; } = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);

    /// <summary>The standard output of a verb whose purpose is its output. It throws <see cref="OutputException"/>; where nobody reads any more,
    /// what is written goes nowhere.</summary>
    public TextWriter Output { get; }

    /// <summary>The standard error: it never throws and never waits.</summary>
    public TextWriter Errors { get; }

    /// <summary>The standard output of an appliance: its counters.</summary>
    public OutputQueue Status { get; }

    /// <summary>The standard error of an appliance: its log.</summary>
    public OutputQueue Log { get; }

    /// <summary>What has not been written so far.</summary>
    public UnwrittenCounts Unwritten => new(Log.Lost, Status.Lost);

    /// <summary>Takes the streams of the process, those of the console in the runtime too: libraries write there.</summary>
    /// <param name="time">The source of the time.</param>
    public static StandardOutputs Open(TimeProvider time)
    {
        ProcessSignals.LetNoWriteEndIt();
        StandardStream output = new(StandardStream.OutputDescriptor, "standard output") { DiscardsWithoutReader = true };
        OutputQueue status = new("colowire-status", new StandardSink(new StandardStream(StandardStream.OutputDescriptor, "standard output")), time);
        OutputQueue log = new("colowire-log", new StandardSink(new StandardStream(StandardStream.ErrorDescriptor, "standard error")), time);
        StandardStream.OccupyFreeDescriptors();
        Console.SetOut(new StreamWriter(output, Encoding));
        Console.SetError(new QueueWriter(log));
        // Not the writers themselves: libraries look whether what they write to is the console's.
        return new StandardOutputs(Console.Out, Console.Error, status, log);
    }

    /// <summary>Takes other writers in their place.</summary>
    /// <param name="output">Where results go.</param>
    /// <param name="errors">Where faults go.</param>
    public static StandardOutputs Of(TextWriter output, TextWriter errors) =>
        new(output, errors, new OutputQueue("status", new NoSink(), TimeProvider.System), new OutputQueue("log", new NoSink(), TimeProvider.System));

    private sealed class NoSink : IRecordSink
    {
        public bool TryWrite(ReadOnlySpan<byte> record) => true;
    }
}

/// <summary>What could not be written: nobody read it, or there was no room for it.</summary>
/// <param name="LogEntries">Entries of the log.</param>
/// <param name="Status">Objects or lines of counters.</param>
internal readonly record struct UnwrittenCounts(long LogEntries, long Status);
