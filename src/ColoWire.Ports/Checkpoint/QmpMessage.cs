// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Text.Json;

namespace ColoWire.Ports.Checkpoint;

/// <summary>What QEMU can say.</summary>
internal enum QmpMessageKind
{
    /// <summary>Nothing that is known.</summary>
    Unknown,

    /// <summary>The first word.</summary>
    Greeting,

    /// <summary>The answer to a command.</summary>
    Return,

    /// <summary>A command was refused.</summary>
    Error,

    /// <summary>Something has happened.</summary>
    Event,
}

/// <summary>One line of QMP, as far as it is of use here.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Name">Of an event its name, of an answer the id of what it answers.</param>
/// <param name="Mode">In COLO: which of the two it is.</param>
/// <param name="Status">Of the machine, or of its migration.</param>
/// <param name="Text">Why: of an error, or of the end of COLO.</param>
internal readonly record struct QmpMessage(QmpMessageKind Kind, string Name, string Mode, string Status, string Text)
{
    private static readonly QmpMessage Unknown = new(QmpMessageKind.Unknown, "", "", "", "");

    /// <summary>Reads a line; what cannot be read is <see cref="QmpMessageKind.Unknown"/>.</summary>
    public static QmpMessage Parse(ReadOnlyMemory<byte> line)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            return Of(document.RootElement);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // No JSON; or a string in it is no UTF-8, which shows only when it is read.
            return Unknown;
        }
    }

    private static QmpMessage Of(JsonElement root)
    {
        if (Member(root, "event") is not null)
        {
            JsonElement data = Member(root, "data") ?? default;
            return new QmpMessage(QmpMessageKind.Event, Word(root, "event"), Word(data, "mode"), Word(data, "status"), Word(data, "reason"));
        }

        if (Member(root, "return") is JsonElement answer)
        {
            return new QmpMessage(QmpMessageKind.Return, Word(root, "id"), Word(answer, "mode"), Word(answer, "status"), "");
        }

        if (Member(root, "error") is JsonElement error)
        {
            return new QmpMessage(QmpMessageKind.Error, Word(root, "id"), "", "", Word(error, "desc"));
        }

        return Member(root, "QMP") is null ? Unknown : Unknown with { Kind = QmpMessageKind.Greeting };
    }

    private static JsonElement? Member(JsonElement of, string name) =>
        of.ValueKind == JsonValueKind.Object && of.TryGetProperty(name, out JsonElement member) ? member : null;

    private static string Word(JsonElement of, string name) =>
        Member(of, name) is { ValueKind: JsonValueKind.String } text ? text.GetString() ?? "" : "";
}
