// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.IO;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace ColoWire.Figures;

/// <summary>A file of rows, one JSON object per line. Each measuring program appends rows to it.</summary>
internal static class RowFile
{
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        IgnoreReadOnlyProperties = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    /// <summary>Checks that a file can be written, before minutes of measuring.</summary>
    public static void CheckWritable(string path) => Append(path, string.Empty);

    /// <summary>Adds a row.</summary>
    public static void Append(string path, Row row) => Append(path, Line(row) + "\n");

    /// <summary>Reads all rows.</summary>
    /// <exception cref="BadInputException">The file cannot be read, or a line is no row.</exception>
    public static IReadOnlyList<Row> Read(string path)
    {
        string[] lines;
        try
        {
            lines = File.ReadAllLines(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new BadInputException($"{path}: cannot be read: {exception.Message}");
        }

        List<Row> rows = [];
        for (int i = 0; i < lines.Length; i++)
        {
            if (!string.IsNullOrWhiteSpace(lines[i]))
            {
                rows.Add(RowReader.Read(lines[i], $"{path}:{i + 1}"));
            }
        }

        return rows.Count != 0 ? rows : throw new BadInputException($"{path}: no rows; at least one is needed");
    }

    /// <summary>The JSON form of a row in the file.</summary>
    internal static string Line(Row row) => JsonSerializer.Serialize(row, Json);

    private static void Append(string path, string text)
    {
        try
        {
            File.AppendAllText(path, text);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new BadInputException($"{path}: cannot be written: {exception.Message}");
        }
    }
}
