// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using System.Linq;
using System.Text.Json;

namespace ColoWire.Figures;

/// <summary>Reads one row; the message for an invalid one has its place, the fault and the allowed values.</summary>
internal static class RowReader
{
    private static readonly string[] RowFields = ["group", "what", "unit", "runs", "anchor", "anchorRuns", "bar", "note"];

    private static readonly string[] BarFields = ["of", "least", "most"];

    /// <summary>Reads a row.</summary>
    /// <param name="line">The JSON object.</param>
    /// <param name="place">File and line of the row, for the message.</param>
    /// <exception cref="BadInputException">The text is no valid row.</exception>
    public static Row Read(string line, string place)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            JsonElement root = Object(document.RootElement, RowFields, $"{place}: the row");
            Row row = new(
                Text(root, "group", place), Text(root, "what", place), Text(root, "unit", place), Numbers(root, "runs", place))
            {
                Anchor = root.TryGetProperty("anchor", out _) ? Text(root, "anchor", place) : null,
                AnchorRuns = root.TryGetProperty("anchorRuns", out _) ? Numbers(root, "anchorRuns", place) : null,
                Bar = root.TryGetProperty("bar", out JsonElement bar) ? ReadBar(bar, place) : null,
                Note = root.TryGetProperty("note", out _) ? Text(root, "note", place) : null,
            };
            return Whole(row, place);
        }
        catch (JsonException exception)
        {
            // The library counts lines from 0, and this text has only one line.
            throw new BadInputException($"{place}: no JSON object at byte {exception.BytePositionInLine}: {Shown(line)}");
        }
    }

    private static Row Whole(Row row, string place)
    {
        if (row.Anchor == null != (row.AnchorRuns == null))
        {
            string half = row.Anchor == null ? "anchorRuns without anchor" : "anchor without anchorRuns";
            throw new BadInputException($"{place}: {half}; either both or none");
        }

        return row.Bar is { Of: BarSubject.Ratio } && row.Anchor == null
            ? throw new BadInputException($"{place}: a bar of the ratio needs anchor and anchorRuns")
            : row;
    }

    private static Bar ReadBar(JsonElement element, string place)
    {
        JsonElement bar = Object(element, BarFields, $"{place}: bar");
        string of = Text(bar, "of", $"{place}: bar");
        BarSubject subject = of switch
        {
            "value" => BarSubject.Value,
            "each" => BarSubject.Each,
            "ratio" => BarSubject.Ratio,
            "interval" => BarSubject.Interval,
            _ => throw new BadInputException($"{place}: bar: of is '{of}'; allowed are value, each, ratio and interval"),
        };
        double? least = bar.TryGetProperty("least", out JsonElement low) ? Number(low, $"{place}: bar: least") : null;
        double? most = bar.TryGetProperty("most", out JsonElement high) ? Number(high, $"{place}: bar: most") : null;
        string given = least == null ? "neither least nor most" : "least and most";
        return least == null != (most == null)
            ? new Bar(subject, least, most)
            : throw new BadInputException($"{place}: bar: {given}; exactly one is needed");
    }

    private static JsonElement Object(JsonElement element, string[] fields, string what)
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            throw new BadInputException($"{what} is {Shown(element.GetRawText())}; an object is needed");
        }

        string? unknown = element.EnumerateObject().Select(field => field.Name).FirstOrDefault(name => !fields.Contains(name));
        return unknown == null
            ? element
            : throw new BadInputException($"{what} has a field '{unknown}'; known are {string.Join(", ", fields)}");
    }

    private static string Text(JsonElement parent, string name, string place) =>
        !parent.TryGetProperty(name, out JsonElement element) ? throw new BadInputException($"{place}: {name} is missing")
        : element.ValueKind != JsonValueKind.String || string.IsNullOrWhiteSpace(element.GetString())
            ? throw new BadInputException($"{place}: {name} is {Shown(element.GetRawText())}; a text is needed")
        : element.GetString()!;

    private static List<double> Numbers(JsonElement parent, string name, string place)
    {
        if (!parent.TryGetProperty(name, out JsonElement element))
        {
            throw new BadInputException($"{place}: {name} is missing");
        }

        return element.ValueKind == JsonValueKind.Array && element.GetArrayLength() != 0
            ? [.. element.EnumerateArray().Select(number => Number(number, $"{place}: {name}"))]
            : throw new BadInputException($"{place}: {name} is {Shown(element.GetRawText())}; an array of numbers is needed");
    }

    private static double Number(JsonElement element, string what) =>
        element.ValueKind == JsonValueKind.Number && element.TryGetDouble(out double number) && double.IsFinite(number)
            ? number
            : throw new BadInputException($"{what}: {Shown(element.GetRawText())} is no number");

    private static string Shown(string text) => text.Length <= 60 ? text : text[..60] + "...";
}
