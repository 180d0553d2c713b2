// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Linq;
using System.Text;
using System.Text.Json;

namespace ColoWire.Options;

/// <summary>Describes a syntax error in a JSON text: the characters that were found, and what is expected in their
/// place.</summary>
internal static class JsonFault
{
    /// <summary>Characters of the text that a message shows, at most.</summary>
    private const int ShownCharacters = 20;

    private const string End = "the file ends here";

    /// <summary>Parts of the runtime's messages, each with what the syntax expects; the first part that occurs counts.</summary>
    private static readonly (string Part, string Expected)[] Reasons =
    [
        ("start of a property name", "the name of an option in quotation marks is expected"),
        ("start of a value", "a value is expected: a text in quotation marks, a number, true, false, or a list"),
        ("after a property name", "a colon is expected between an option and its value"),
        ("after a value", "a comma, or the end of the list or object, is expected after a value"),
        ("after a single JSON value", "nothing more is expected after the end of the object"),
        ("within a JSON string", "a text must end with a quotation mark in the same line, and may contain no tab"),
        ("escapable character", "a backslash in a text must be written twice"),
        ("JSON literal", "true, false or null is expected"),
        ("JSON number", "a number is expected"),
        ("end of a number", "a number ends here, and a comma or the end of the list or object is expected"),
    ];

    /// <summary>Describes the error in one line.</summary>
    /// <param name="text">The text.</param>
    /// <param name="exception">The fault, with its line and its byte in the line, both from 0.</param>
    public static string Text(string text, JsonException exception)
    {
        string found = Found(text, exception);
        if (found == End)
        {
            return string.IsNullOrWhiteSpace(text)
                ? "the file is empty; an object is expected, { \"primary_in\": ... }"
                : $"{End}, before an object, a list or a text is closed";
        }

        string? expected = Array.Find(
            Reasons, reason => exception.Message.Contains(reason.Part, StringComparison.Ordinal)).Expected;
        return expected is null ? $"{found} was found" : $"{found} was found; {expected}";
    }

    private static string Found(string text, JsonException exception)
    {
        string line = text.Split('\n').ElementAtOrDefault((int)(exception.LineNumber ?? 0)) ?? string.Empty;
        byte[] bytes = Encoding.UTF8.GetBytes(line.TrimEnd('\r'));
        int position = (int)Math.Min(exception.BytePositionInLine ?? 0, bytes.Length);
        string rest = Encoding.UTF8.GetString(bytes.AsSpan(position)).Trim();
        bool isLast = exception.LineNumber >= text.TrimEnd().Count(character => character == '\n');
        return rest.Length != 0 ? $"'{(rest.Length > ShownCharacters ? rest[..ShownCharacters] + "..." : rest)}'"
            : isLast ? End
            : "the end of the line";
    }
}
