// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.CommandLine;
using System.IO;
using System.Linq;
using ColoWire.Figures;

namespace ColoWire.Rig.Live;

/// <summary>What the verbs <c>wire</c> and <c>xdp</c> are asked for.</summary>
/// <param name="RowsPath">Where the rows go; null: nowhere.</param>
/// <param name="Program">The published <c>colowire</c>.</param>
/// <param name="Tools">The folder of the programs that perf/rig/build.sh has compiled.</param>
/// <param name="Only">The one step to run, by words of its name; null: all.</param>
/// <param name="Rounds">How often each row is measured.</param>
/// <param name="Limit">The time for all of it.</param>
internal sealed record LiveOptions(string? RowsPath, string Program, string Tools, string? Only, int Rounds, TimeSpan? Limit)
{
    /// <summary>Rounds of a part in which each round takes seconds.</summary>
    public const int UsualRounds = 5;

    /// <summary>Makes a verb that takes these options.</summary>
    /// <param name="name">The verb.</param>
    /// <param name="description">What it measures.</param>
    /// <param name="run">Measures it.</param>
    /// <param name="more">Options of this verb alone.</param>
    public static Command CreateCommand(
        string name, string description, Action<LiveOptions, ParseResult> run, params Option[] more)
    {
        Option<string?> rows = MeasureOptions.Rows();
        Option<string?> only = MeasureOptions.Only();
        Option<int> rounds = MeasureOptions.Rounds(UsualRounds);
        Option<int> seconds = MeasureOptions.Seconds();
        Option<string> program = new("--colowire")
        {
            Description = "The published colowire.",
            HelpName = "FILE",
            Required = true,
        };
        Option<string> tools = new("--tools")
        {
            Description = "The folder that perf/rig/build.sh has filled.",
            HelpName = "FOLDER",
            Required = true,
        };
        Command command = new(name, description) { rows, only, rounds, seconds, program, tools };
        foreach (Option option in more)
        {
            command.Add(option);
        }

        command.SetAction(parse =>
        {
            LiveOptions options = new(
                parse.GetValue(rows),
                ExistingFile(program.Name, parse.GetRequiredValue(program)),
                parse.GetRequiredValue(tools),
                parse.GetValue(only),
                parse.GetValue(rounds),
                MeasureOptions.Limit(parse.GetValue(seconds)));
            options.CheckMachine();
            run(options, parse);
            return 0;
        });
        return command;
    }

    /// <summary>A path that is a file, for it is found out now and not after minutes.</summary>
    /// <exception cref="RigException">It is none.</exception>
    public static string ExistingFile(string option, string path) =>
        File.Exists(path) ? Path.GetFullPath(path) : throw new RigException($"{option} {path}: there is no such file");

    /// <summary>One of the compiled programs.</summary>
    public string ToolPath(string name) => ExistingFile("--tools", Path.Combine(Tools, name));

    /// <summary>Adds rows to the file and prints them.</summary>
    public void Tell(params ReadOnlySpan<Row> rows)
    {
        foreach (Row row in rows)
        {
            Console.WriteLine(
                $"{row.What}: {RowText.Number(row.Ours.Median)} {row.Unit}, {row.Runs.Count} rounds: {row.Verdict}");
            if (RowsPath != null)
            {
                RowFile.Append(RowsPath, row);
            }
        }
    }

    /// <summary>The steps to run.</summary>
    /// <exception cref="RigException">No name has the words of <see cref="Only"/>.</exception>
    public Step[] Choose(Step[] steps)
    {
        Step[] chosen =
            [.. steps.Where(step => Only == null || step.Plan.Name.Contains(Only, StringComparison.OrdinalIgnoreCase))];
        return chosen.Length != 0
            ? chosen
            : throw new RigException(
                $"--only {Only}: no step has this in its name; there are "
                + $"{string.Join("; ", steps.Select(step => step.Plan.Name))}");
    }

    private void CheckMachine()
    {
        if (!Environment.IsPrivilegedProcess)
        {
            throw new RigException("needs root, for network namespaces and raw sockets");
        }

        // Of this process, which perf/run.sh keeps off the measured CPU: the processor count of .NET is that of its own affinity.
        if (!Directory.Exists($"/sys/devices/system/cpu/cpu{Contest.MeasuredCpu}"))
        {
            throw new RigException("needs two CPUs: one for the generator and one for what is measured");
        }

        if (RowsPath != null)
        {
            RowFile.CheckWritable(RowsPath);
        }
    }
}

/// <summary>A step of the plan and what it does.</summary>
/// <param name="Plan">Its name and time.</param>
/// <param name="Run">Runs its rounds and tells its rows.</param>
internal sealed record Step(PlannedStep Plan, Action<System.Collections.Generic.IEnumerable<int>> Run);
