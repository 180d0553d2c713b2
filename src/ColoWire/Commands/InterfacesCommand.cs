// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.CommandLine;
using System.IO;
using System.Linq;
using System.Text.Json;
using ColoWire.Ports.Linux;
using ColoWire.Ports.Xdp;
using ColoWire.Reports;
using Spectre.Console;

namespace ColoWire.Commands;

/// <summary><c>colowire interfaces</c>: shows which interfaces can be ports, and for each problem the command that corrects
/// it.</summary>
internal static class InterfacesCommand
{
    /// <summary>Columns of a table that is written to a file or a pipe: wide enough for each command to fit in one
    /// line.</summary>
    private const int RedirectedWidth = 200;

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        Option<bool> json = new("--json") { Description = "One JSON object on the standard output." };
        Command command = new("interfaces", "Shows which interfaces can be ports, and what to mend.") { json };
        command.SetAction(parse =>
        {
            InterfacesReport report = InterfacesReport.Of(
                InterfaceFacts.ReadAll(), InterfaceProblems.Permissions(Path.Combine(AppContext.BaseDirectory, "colowire")));
            if (parse.GetValue(json))
            {
                WriteJson(parse.InvocationConfiguration.Output, report);
            }
            else
            {
                WriteTable(parse.InvocationConfiguration.Output, report, Console.IsOutputRedirected ? RedirectedWidth : null);
            }

            return 0;
        });
        return command;
    }

    /// <summary>Writes the report for people.</summary>
    /// <param name="writer">Where it is written.</param>
    /// <param name="report">The report.</param>
    /// <param name="width">Columns; null for those of the terminal.</param>
    internal static void WriteTable(TextWriter writer, InterfacesReport report, int? width)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(writer) });
        console.Profile.Width = width ?? console.Profile.Width;
        Table table = new Table().AddColumns(
            "interface", "driver", "state", "MTU", "addresses, bridge", "usable", "xdp:",
            "what is wrong, and the command that mends it");
        table.Border(TableBorder.Rounded).ShowRowSeparators();
        foreach (InterfaceReport one in report.Interfaces)
        {
            string usable = !one.Usable ? "no" : one.Problems.Count == 0 ? "yes" : "with care";
            string problems = string.Join('\n', one.Problems.Select(Text));
            string[] cells =
                [one.Name, one.Driver ?? "-", one.State, $"{one.Mtu}", HostUse(one), usable, XdpText(one.Xdp), problems];
            table.AddRow(cells.Select(cell => new Text(cell)));
        }

        console.Write(table);
        foreach (InterfaceProblem problem in report.Problems)
        {
            writer.WriteLine(Text(problem));
        }
    }

    /// <summary>Writes the report for programs: one JSON object.</summary>
    internal static void WriteJson(TextWriter writer, InterfacesReport report) =>
        writer.WriteLine(JsonSerializer.Serialize(report, ReportJson.Default.InterfacesReport));

    /// <summary>What the host itself has on an interface, a line each: its addresses, and the bridge that it belongs
    /// to.</summary>
    private static string HostUse(InterfaceReport one)
    {
        IEnumerable<string> uses = one.Master is null ? one.Addresses : one.Addresses.Append($"in {one.Master}");
        return uses.Any() ? string.Join('\n', uses) : "-";
    }

    private static string XdpText(XdpReport xdp)
    {
        bool isUnfit = xdp.Support == CounterNames.Of(XdpSupport.None);
        string how = isUnfit ? "no" : xdp.Support.Replace('_', ' ');
        string text = xdp.Why == null ? how : $"{how}: {xdp.Why}";
        return isUnfit || xdp.ReceiveQueues is not { } queues
            ? text
            : $"{text}\n{queues} receive queue{(queues == 1 ? "" : "s")}";
    }

    private static string Text(InterfaceProblem problem) =>
        problem.Command == null ? problem.What : $"{problem.What}\n  {problem.Command}";
}
