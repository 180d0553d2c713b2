// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using ColoWire.Reports;
using ColoWire.Writing;
using Microsoft.AspNetCore.Http;

namespace ColoWire.Control;

/// <summary>An answer of the control socket: a JSON object with the member <c>message</c> when the order was carried out, or with
/// <c>error</c>.</summary>
/// <param name="Status">The HTTP status code.</param>
/// <param name="Text">The message or the error.</param>
/// <param name="Body">The JSON object.</param>
internal sealed record ControlAnswer(int Status, string Text, ReadOnlyMemory<byte> Body)
{
    /// <summary>The member of a refusal.</summary>
    public const string ErrorName = "error";

    /// <summary>The member of an order that was carried out.</summary>
    public const string MessageName = "message";

    /// <summary>How answers are written: without escapes for HTML, because no browser shows them.</summary>
    public static readonly JsonWriterOptions Form = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The order was carried out.</summary>
    /// <param name="report">The answer.</param>
    /// <param name="type">How its type is serialized.</param>
    public static ControlAnswer Done<T>(T report, JsonTypeInfo<T> type)
        where T : IOrderReport => Make(StatusCodes.Status200OK, report.Message, report, type);

    /// <summary>The order was refused, or has failed.</summary>
    /// <param name="status">The HTTP status code.</param>
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
