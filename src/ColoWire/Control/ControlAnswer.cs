// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using ColoWire.Reports;
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

    /// <summary>The order was carried out.</summary>
    /// <param name="report">The answer.</param>
    /// <param name="type">How its type is serialized.</param>
    public static ControlAnswer Done<T>(T report, JsonTypeInfo<T> type)
        where T : IOrderReport => Make(StatusCodes.Status200OK, report.Message, report, type);

    /// <summary>The order was refused, or has failed.</summary>
    /// <param name="status">The status of HTTP.</param>
    /// <param name="error">The reason, in one line.</param>
    public static ControlAnswer Refused(int status, string error) =>
        Make(status, error, new RefusalReport(error), ReportJson.Default.RefusalReport);

    private static ControlAnswer Make<T>(int status, string text, T report, JsonTypeInfo<T> type)
    {
        using JsonLine line = new(Form);
        line.Write(report, type);
        return new ControlAnswer(status, text, line.Bytes);
    }
}
