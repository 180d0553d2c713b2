// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.CommandLine;
using System.Globalization;

namespace ColoWire.Figures;

/// <summary>The options that all verbs share which measure something.</summary>
internal static class MeasureOptions
{
    private const int MostRounds = 100;
    private const int MostSeconds = 86_400;

    /// <summary>Where the rows go.</summary>
    public static Option<string?> Rows() => new("--rows")
    {
        Description = "Appends each row to this file as soon as it is measured.",
        HelpName = "FILE",
    };

    /// <summary>What of a verb is measured.</summary>
    public static Option<string?> Only() => new("--only")
    {
        Description = "Only what has these words in its name.",
        HelpName = "WORDS",
    };

    /// <summary>How often each row is measured in turn with its anchor.</summary>
    public static Option<int> Rounds(int preset)
    {
        Option<int> option = Number("--rounds", "How often each row is measured, in turn with its anchor", MostRounds);
        option.DefaultValueFactory = _ => preset;
        return option;
    }

    /// <summary>The time for all of it, in seconds; 0: as long as it takes.</summary>
    public static Option<int> Seconds() => Number(
        "--seconds",
        $"The time for all of it, in seconds; when it runs short, fewer rounds are run, but {TimePlan.LeastRounds} at least",
        MostSeconds);

    /// <summary>What <see cref="Seconds"/> says, as a plan wants it.</summary>
    public static TimeSpan? Limit(int seconds) => seconds == 0 ? null : TimeSpan.FromSeconds(seconds);

    private static Option<int> Number(string name, string description, int most)
    {
        return new Option<int>(name)
        {
            Description = $"{description}, 1 to {most}.",
            HelpName = "NUMBER",
            CustomParser = result =>
            {
                string text = result.Tokens[0].Value;
                bool isAllowed =
                    int.TryParse(text, CultureInfo.InvariantCulture, out int number) && number >= 1 && number <= most;
                if (!isAllowed)
                {
                    result.AddError($"{name} is '{text}'; allowed are 1 to {most}");
                }

                return number;
            },
        };
    }
}
