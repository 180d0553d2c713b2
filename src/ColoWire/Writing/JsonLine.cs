// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers;
using System.Text.Json;

namespace ColoWire.Writing;

/// <summary>One JSON object on one line, in memory that is used again and again.</summary>
internal sealed class JsonLine : IDisposable
{
    /// <summary>Bytes that an object of counters takes; a longer one makes the memory grow once.</summary>
    private const int UsualBytes = 8192;

    private readonly ArrayBufferWriter<byte> buffer = new(UsualBytes);

    /// <summary>Makes one that is empty.</summary>
    /// <param name="options">How JSON is written.</param>
    public JsonLine(JsonWriterOptions options = default) => Json = new Utf8JsonWriter(buffer, options);

    /// <summary>Writes the members, between <see cref="Begin"/> and <see cref="End"/>.</summary>
    public Utf8JsonWriter Json { get; }

    /// <summary>The line; valid until the next one begins.</summary>
    public ReadOnlyMemory<byte> Bytes => buffer.WrittenMemory;

    /// <summary>Begins the object, and forgets the one before.</summary>
    public void Begin()
    {
        buffer.ResetWrittenCount();
        Json.Reset(buffer);
        Json.WriteStartObject();
    }

    /// <summary>Ends the object and the line.</summary>
    public void End()
    {
        Json.WriteEndObject();
        Json.Flush();
        buffer.Write("\n"u8);
    }

    /// <inheritdoc/>
    public void Dispose() => Json.Dispose();
}
