// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Text.Encodings.Web;
using System.Text.Json;
using ColoWire.Writing;
using Microsoft.AspNetCore.Http;

namespace ColoWire.Control;

/// <summary>
/// What the control socket answers: a JSON object, with a <c>message</c> for people where something was done, or an <c>error</c>.
/// </summary>
/// <param name="Status">The status of HTTP.</param>
/// <param name="Text">The message or the error; empty where the numbers speak.</param>
/// <param name="Body">The object.</param>
internal sealed record ControlAnswer(int Status, string Text, ReadOnlyMemory<byte> Body)
{
    /// <summary>The member that a refusal has.</summary>
    public const string ErrorName = "error";

    /// <summary>The member that says what was done.</summary>
    public const string MessageName = "message";

    /// <summary>How answers are written: apostrophes stay as they are, no browser reads this.</summary>
    public static readonly JsonWriterOptions Form = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>It was done.</summary>
    /// <param name="message">What was done, for people.</param>
    /// <param name="writeMembers">Writes the same for programs.</param>
    public static ControlAnswer Done(string message, Action<Utf8JsonWriter> writeMembers) => Make(StatusCodes.Status200OK, message, json =>
    {
        json.WriteString(MessageName, message);
        writeMembers(json);
    });

    /// <summary>It was refused, or failed.</summary>
    /// <param name="status">The status of HTTP.</param>
    /// <param name="error">Why, in one line.</param>
    public static ControlAnswer Refused(int status, string error) => Make(status, error, json => json.WriteString(ErrorName, error));

    private static ControlAnswer Make(int status, string text, Action<Utf8JsonWriter> writeMembers)
    {
        using JsonLine line = new(Form);
        line.Begin();
        writeMembers(line.Json);
        line.End();
        return new ControlAnswer(status, text, line.Bytes);
    }
}
