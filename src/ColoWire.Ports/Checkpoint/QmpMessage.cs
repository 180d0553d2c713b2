// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Text.Json;

namespace ColoWire.Ports.Checkpoint;

/// <summary>The messages that QEMU sends (docs/interop/qmp-spec.rst).</summary>
internal enum QmpMessageKind
{
    /// <summary>None of those below.</summary>
    Unknown,

    /// <summary>The greeting.</summary>
    Greeting,

    /// <summary>The answer to a command.</summary>
    Return,

    /// <summary>A command has failed.</summary>
    Error,

    /// <summary>An event.</summary>
    Event,
}

/// <summary>One message of QMP, with the members that are used here.</summary>
/// <param name="Kind">The kind of message.</param>
/// <param name="Name">Of an event its name, of an answer or error the id of the command.</param>
/// <param name="Mode">The side of QEMU in COLO.</param>
/// <param name="Status">The status of the machine, or of its migration.</param>
/// <param name="Text">The reason of an error, or of the end of COLO.</param>
internal readonly record struct QmpMessage(QmpMessageKind Kind, string Name, string Mode, string Status, string Text)
{
    private static readonly QmpMessage Unknown = new(QmpMessageKind.Unknown, "", "", "", "");

    /// <summary>Parses a line; one that cannot be parsed is <see cref="QmpMessageKind.Unknown"/>.</summary>
    public static QmpMessage Parse(ReadOnlyMemory<byte> line)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            return Of(document.RootElement);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // It is no JSON; or a string in it is no UTF-8, which shows only when the string is read.
            return Unknown;
        }
    }

    private static QmpMessage Of(JsonElement root)
    {
        if (Member(root, "event") is not null)
        {
            JsonElement data = Member(root, "data") ?? default;
            return new QmpMessage(
                QmpMessageKind.Event, Word(root, "event"), Word(data, "mode"), Word(data, "status"), Word(data, "reason"));
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
