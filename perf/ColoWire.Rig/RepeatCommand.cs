// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.CommandLine;
using System.Diagnostics;
using ColoWire.Figures;
using ColoWire.Rig.Live;

namespace ColoWire.Rig;

/// <summary><c>ColoWire.Rig repeat</c>: runs a script that measures one round, as often as there is time for. The table makes one
/// row of those with the same name.</summary>
internal static class RepeatCommand
{
    /// <summary>Makes the verb.</summary>
    public static Command Create()
    {
        Option<string> part = new("--part")
        {
            Description = "The part's name, for what is said.",
            HelpName = "NAME",
            Required = true,
        };
        Option<int> rounds = MeasureOptions.Rounds(LiveOptions.UsualRounds);
        Option<int> seconds = MeasureOptions.Seconds();
        Argument<string[]> words = new("COMMAND") { Description = "What measures one round.", Arity = ArgumentArity.OneOrMore };
        Command command = new(
            "repeat", "Runs a command that measures one round, as often as there is time for.") { part, rounds, seconds, words };
        command.SetAction(parse => Run(
            parse.GetRequiredValue(part), parse.GetRequiredValue(words), parse.GetValue(rounds),
            MeasureOptions.Limit(parse.GetValue(seconds))));
        return command;
    }

    private static int Run(string part, string[] words, int rounds, TimeSpan? limit)
    {
        PlannedStep step = new("all rows", limit?.TotalSeconds / rounds ?? 0);
        TimePlan plan = new(part, [step], rounds, limit);
        foreach (int _ in plan.Rounds(step.Name))
        {
            using Process process = Process.Start(new ProcessStartInfo(words[0], words[1..]))!;
            process.WaitForExit();
            if (process.ExitCode != 0)
            {
                throw new RigException($"{string.Join(' ', words)}: exit code {process.ExitCode}");
            }
        }

        return 0;
    }
}
