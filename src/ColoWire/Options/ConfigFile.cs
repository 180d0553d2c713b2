// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.Json;
using ColoWire.Ports.Files;

namespace ColoWire.Options;

/// <summary>Reads options from a JSON file, in which comments and a comma at the end are allowed.</summary>
internal static class ConfigFile
{
    private static readonly JsonDocumentOptions Reading = new()
    {
        CommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
    };

    /// <summary>Reads a file.</summary>
    /// <param name="path">Its path as the operator has written it, which messages show.</param>
    /// <param name="values">Receives the values.</param>
    /// <param name="faults">Receives the faults.</param>
    /// <returns>Whether the file could be read and is a JSON object.</returns>
    public static bool Read(string path, Dictionary<OptionRow, OptionValue> values, List<string> faults)
    {
        string text;
        if (Path.Exists(path) && !Directory.Exists(path) && !FileKind.IsRegular(path))
        {
            // A pipe or a device may have no end.
            faults.Add($"--config ({OptionPlace.CommandLine}): '{path}': is no regular file");
            return false;
        }

        try
        {
            text = File.ReadAllText(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            string why = exception switch
            {
                FileNotFoundException or DirectoryNotFoundException => "no such file",
                UnauthorizedAccessException when Directory.Exists(path) => "is a directory",
                UnauthorizedAccessException => "permission denied",
                _ => "it cannot be read",
            };
            faults.Add($"--config ({OptionPlace.CommandLine}): '{path}': {why}");
            return false;
        }

        return Parse(path, text, values, faults);
    }

    /// <summary>Reads the text of a file.</summary>
    internal static bool Parse(string path, string text, Dictionary<OptionRow, OptionValue> values, List<string> faults)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text, Reading);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                faults.Add($"{path}: a JSON object is expected, {{ \"primary_in\": ... }}");
                return false;
            }

            foreach (JsonProperty property in document.RootElement.EnumerateObject())
            {
                Take(path, property, values, faults);
            }

            return true;
        }
        catch (JsonException exception)
        {
            faults.Add(
                $"{path} (line {exception.LineNumber + 1}, byte {exception.BytePositionInLine + 1}): not JSON: "
                + JsonFault.Text(text, exception));
            return false;
        }
        catch (InvalidOperationException)
        {
            // An escape such as \ud800 alone is valid JSON and no valid text, which is found only when the string is read.
            faults.Add(
                $"{path}: a string in it has half of a surrogate pair (\\uD800 to \\uDFFF); both "
                + "halves are expected, or neither");
            return false;
        }
    }

    private static void Take(string path, JsonProperty property, Dictionary<OptionRow, OptionValue> values, List<string> faults)
    {
        OptionPlace place = new(property.Name, path);
        OptionRow? row = OptionTable.Find(property.Name);
        if (row == null)
        {
            string nearest = EditDistance.Nearest(property.Name, OptionTable.Rows.Select(r => r.Name));
            faults.Add(place.Fault($"unknown key; the nearest known one is '{nearest}'"));
        }
        else if (!values.TryAdd(row, Value(place, property.Value)))
        {
            faults.Add(place.Fault("is given twice; once is allowed"));
        }
    }

    private static OptionValue Value(OptionPlace place, JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.String => new OptionValue(place, element.GetString() ?? string.Empty, ValueForm.Text),
        JsonValueKind.Number => new OptionValue(place, element.GetRawText(), ValueForm.Number),
        JsonValueKind.True => new OptionValue(place, "true", ValueForm.Flag),
        JsonValueKind.False => new OptionValue(place, "false", ValueForm.Flag),
        JsonValueKind.Array => new OptionValue(
            place, string.Join(',', element.EnumerateArray().Select(e => e.GetRawText())), ValueForm.List)
        {
            Elements = [.. element.EnumerateArray().Select(e => Value(place, e))],
        },
        _ => new OptionValue(place, element.ValueKind == JsonValueKind.Null ? "null" : "{...}", ValueForm.Other),
    };
}
