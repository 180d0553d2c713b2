// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.IO;
using Microsoft.Extensions.Logging;

namespace ColoWire.Writing;

/// <summary>
/// The log of an appliance: lines in a bounded queue. Unlike the library's console logger it never has anybody wait, whether or not
/// somebody reads the log, and counts what is lost of it.
/// </summary>
internal sealed class LineLoggerProvider(OutputQueue queue, LineFormatter formatter) : ILoggerProvider
{
    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => new LineLogger(queue, formatter);

    /// <inheritdoc/>
    public void Dispose()
    {
        // The queue outlives the host: the program's last words go through it.
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
