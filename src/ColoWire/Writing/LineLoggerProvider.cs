// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.IO;
using Microsoft.Extensions.Logging;

namespace ColoWire.Writing;

/// <summary>The log of an appliance: lines in a bounded queue. Unlike the console logger of Microsoft.Extensions.Logging it never
/// blocks when the log is not read, and it counts lost entries.</summary>
internal sealed class LineLoggerProvider(OutputQueue queue, LineFormatter formatter) : ILoggerProvider
{
    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => new LineLogger(queue, formatter);

    /// <inheritdoc/>
    public void Dispose()
    {
        // The queue is used after the host has stopped, for the last output of the program.
    }

    private sealed class LineLogger(OutputQueue queue, LineFormatter formatter) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> wording)
        {
            using StringWriter text = new();
            formatter.Write(logLevel, wording(state, exception), exception, text);
            queue.Add(StandardOutputs.Encoding.GetBytes(text.ToString()));
        }
    }
}
