// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace ColoWire.Writing;

/// <summary>One JSON object on one line, in memory that is used again for the next one.</summary>
internal sealed class JsonLine : IDisposable
{
    /// <summary>Bytes of a usual object of counters; a longer one makes the memory grow once.</summary>
    private const int UsualBytes = 8192;

    private readonly ArrayBufferWriter<byte> buffer = new(UsualBytes);
    private readonly Utf8JsonWriter json;

    /// <summary>Makes an empty line.</summary>
    /// <param name="options">How JSON is written.</param>
    public JsonLine(JsonWriterOptions options = default) => json = new Utf8JsonWriter(buffer, options);

    /// <summary>The line; valid until the next one is written.</summary>
    public ReadOnlyMemory<byte> Bytes => buffer.WrittenMemory;

    /// <summary>Writes an object and ends the line.</summary>
    /// <param name="value">The object.</param>
    /// <param name="type">How its type is serialized.</param>
    public void Write<T>(T value, JsonTypeInfo<T> type)
    {
        buffer.ResetWrittenCount();
        json.Reset(buffer);
        JsonSerializer.Serialize(json, value, type);
        json.Flush();
        buffer.Write("\n"u8);
    }

    /// <inheritdoc/>
    public void Dispose() => json.Dispose();
}
