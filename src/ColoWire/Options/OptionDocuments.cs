// SPDX-License-Identifier: GPL-2.0-or-later

using System.Text;

namespace ColoWire.Options;

/// <summary>The documents that are generated from the <see cref="OptionTable"/>: the sample file and the table of the
/// README.</summary>
public static class OptionDocuments
{
    /// <summary>The sample file, with every option, its unit, default and range.</summary>
    public static string SampleJson()
    {
        StringBuilder text = new();
        text.Append("// SPDX-License-Identifier: GPL-2.0-or-later\n");
        text.Append("// Every option of colowire with its default. Put in your three ports; leave out what you do not change.\n");
        text.Append("// The command line overrides this file: \"compare_timeout\" here is --compare-timeout there.\n{\n");
        for (int i = 0; i < OptionTable.Rows.Count; i++)
        {
            OptionRow row = OptionTable.Rows[i];
            text.Append("  // ").Append(row.Help).Append('\n');
            text.Append("  // ").Append(row.Unit.Length == 0 ? "" : $"Unit: {row.Unit}. ");
            text.Append(row.Required ? "Required. " : $"Default: {row.DefaultText}. ").Append($"Allowed: {row.Allowed}.\n");
            text.Append($"  \"{row.Name}\": {row.SampleJson}");
            text.Append(i == OptionTable.Rows.Count - 1 ? "\n" : ",\n\n");
        }

        return text.Append("}\n").ToString();
    }

    /// <summary>The table of the README, in Markdown.</summary>
    public static string Markdown()
    {
        StringBuilder text = new("| option | unit | default | allowed | meaning |\n|---|---|---|---|---|\n");
        foreach (OptionRow row in OptionTable.Rows)
        {
            string fallback = row.Required ? "required" : row.DefaultText;
            string allowed = row.Unit.Length == 0 ? row.Allowed : row.Allowed[..^(row.Unit.Length + 1)];
            text.Append($"| `{row.Name}`<br>`{row.Flag}` | {row.Unit} | {fallback} | {allowed} | {row.Help} |\n");
        }

        return text.ToString();
    }
}
