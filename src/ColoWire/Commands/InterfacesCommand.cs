// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers;
using System.Collections.Generic;
using System.CommandLine;
using System.IO;
using System.Linq;
using System.Text;
using System.Text.Json;
using ColoWire.Ports.Linux;
using Spectre.Console;

namespace ColoWire.Commands;

/// <summary><c>colowire interfaces</c>: what can be a port, and what is wrong with it, with the command that mends it.</summary>
internal static class InterfacesCommand
{
    /// <summary>Columns of a table that goes to a file or a pipe: no command in it is broken in two.</summary>
    private const int RedirectedWidth = 200;

    /// <summary>Makes the verb.</summary>
    public static Command Create()
    {
        Option<bool> json = new("--json") { Description = "One JSON object on the standard output." };
        Command command = new("interfaces", "Shows which interfaces can be ports, and what to mend.") { json };
        command.SetAction(parse =>
        {
            IReadOnlyList<InterfaceFacts> interfaces = InterfaceFacts.ReadAll();
            PortPermissions permissions = InterfaceProblems.Permissions(Path.Combine(AppContext.BaseDirectory, "colowire"));
            if (parse.GetValue(json))
            {
                WriteJson(parse.InvocationConfiguration.Output, interfaces, permissions);
            }
            else
            {
                int? width = Console.IsOutputRedirected ? RedirectedWidth : null;
                WriteTable(parse.InvocationConfiguration.Output, interfaces, permissions, width);
            }

            return 0;
        });
        return command;
    }

    /// <summary>Whether an interface can be opened as a port.</summary>
    internal static bool IsUsable(InterfaceFacts facts, PortPermissions permissions) =>
        facts is { IsEthernet: true, IsUp: true, HasDefaultRoute: false } && permissions.Ports == null;

    /// <summary>Writes what people read.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="interfaces">The interfaces.</param>
    /// <param name="permissions">What this process is not allowed.</param>
    /// <param name="width">Columns; null for what the terminal has.</param>
    internal static void WriteTable(
        TextWriter writer, IReadOnlyList<InterfaceFacts> interfaces, PortPermissions permissions, int? width)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(writer) });
        console.Profile.Width = width ?? console.Profile.Width;
        Table table = new Table().AddColumns("interface", "driver", "state", "MTU", "usable", "xdp:", "what is wrong, and the command that mends it");
        table.Border(TableBorder.Rounded).ShowRowSeparators();
        foreach (InterfaceFacts facts in interfaces)
        {
            IReadOnlyList<InterfaceProblem> problems = InterfaceProblems.Of(facts);
            string usable = !IsUsable(facts, permissions) ? "no" : problems.Count == 0 ? "yes" : "with care";
            string[] cells =
                [facts.Name, facts.Driver ?? "-", State(facts), $"{facts.Mtu}", usable, XdpText(facts), string.Join('\n', problems.Select(Text))];
            table.AddRow(cells.Select(cell => new Text(cell)));
        }

        console.Write(table);
        foreach (InterfaceProblem problem in permissions.Problems)
        {
            writer.WriteLine(Text(problem));
        }
    }

    /// <summary>Writes what programs read.</summary>
    internal static void WriteJson(TextWriter writer, IReadOnlyList<InterfaceFacts> interfaces, PortPermissions permissions)
    {
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter json = new(buffer))
        {
            json.WriteStartObject();
            json.WriteStartArray("problems");
            WriteProblems(json, permissions.Problems);
            json.WriteEndArray();
            json.WriteStartArray("interfaces");
            foreach (InterfaceFacts facts in interfaces)
            {
                json.WriteStartObject();
                json.WriteString("name", facts.Name);
                json.WriteString("driver", facts.Driver);
                json.WriteString("state", State(facts));
                json.WriteNumber("mtu", facts.Mtu);
                json.WriteBoolean("usable", IsUsable(facts, permissions));
                WriteXdp(json, facts);
                json.WriteStartArray("problems");
                WriteProblems(json, InterfaceProblems.Of(facts));
                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        writer.WriteLine(Encoding.UTF8.GetString(buffer.WrittenSpan));
    }

    private static void WriteXdp(Utf8JsonWriter json, InterfaceFacts facts)
    {
        XdpFitness fitness = XdpFitness.Of(facts);
        json.WriteStartObject("xdp");
        json.WriteString("support", Name(fitness.Support));
        json.WriteString("why", fitness.Why);
        if (facts.ReceiveQueues is { } queues)
        {
            json.WriteNumber("receive_queues", queues);
        }
        else
        {
            json.WriteNull("receive_queues");
        }

        json.WriteEndObject();
    }

    private static void WriteProblems(Utf8JsonWriter json, IReadOnlyList<InterfaceProblem> problems)
    {
        foreach (InterfaceProblem problem in problems)
        {
            json.WriteStartObject();
            json.WriteString("what", problem.What);
            json.WriteString("command", problem.Command);
            json.WriteEndObject();
        }
    }

    private static string State(InterfaceFacts facts) => facts.IsRunning ? "up" : facts.IsUp ? "no link" : "down";

    private static string XdpText(InterfaceFacts facts)
    {
        (XdpSupport support, string? why) = XdpFitness.Of(facts);
        string how = support == XdpSupport.None ? "no" : Name(support).Replace('_', ' ');
        string text = why == null ? how : $"{how}: {why}";
        return support == XdpSupport.None || facts.ReceiveQueues is not { } queues
            ? text
            : $"{text}\n{queues} receive queue{(queues == 1 ? "" : "s")}";
    }

    private static string Name(XdpSupport support) => support switch
    {
        XdpSupport.None => "none",
        XdpSupport.Generic => "generic",
        XdpSupport.Unknown => "unknown",
        XdpSupport.Native => "native",
        _ => "zero_copy",
    };

    private static string Text(InterfaceProblem problem) =>
        problem.Command == null ? problem.What : $"{problem.What}\n  {problem.Command}";
}
