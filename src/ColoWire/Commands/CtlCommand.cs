// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.CommandLine;
using System.IO;
using System.Linq;
using System.Text.Json;
using ColoWire.Control;
using ColoWire.Options;
using ColoWire.Ports.Linux;
using ColoWire.Reports;

namespace ColoWire.Commands;

/// <summary><c>colowire ctl</c>: sends an order to the control socket of a running appliance.</summary>
internal static class CtlCommand
{
    /// <summary>Columns of a table that is written to a file or a pipe.</summary>
    private const int RedirectedWidth = 120;

    private static readonly Option<string[]> Socket = new("--socket")
    {
        Description = $"The control socket of the instance that is meant. Default: {DefaultPaths.ControlSocket}.",
        HelpName = "path",
        Arity = ArgumentArity.ZeroOrMore,
        Recursive = true,
    };

    private static readonly Option<bool> Json = new("--json")
    {
        Description = "The answer as one JSON object on the standard output.",
        Recursive = true,
    };

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        Command command = new("ctl", "Sends an order to a running ColoWire, at its control socket (option control_socket).")
        {
            Socket, Json,
        };
        foreach (ControlOrder order in ControlOrder.All)
        {
            string[] words = order.Words.Split(' ');
            Command leaf = new(words[^1], order.Help);
            leaf.SetAction(parse => Give(order, Path(parse), parse.GetValue(Json), parse.InvocationConfiguration));
            Parent(command, words).Subcommands.Add(leaf);
        }

        return command;
    }

    /// <summary>The command whose subcommand is the last word of an order.</summary>
    private static Command Parent(Command command, string[] words)
    {
        if (words.Length == 1)
        {
            return command;
        }

        Command? group = command.Subcommands.FirstOrDefault(known => known.Name == words[0]);
        if (group is null)
        {
            group = new Command(
                words[0], words[0] == "mode" ? "When the primary's frames leave." : "One of the two goes on alone, for good.");
            command.Subcommands.Add(group);
        }

        return group;
    }

    private static string Path(ParseResult parse)
    {
        string[]? paths = parse.GetResult(Socket) is { Implicit: false } result
            ? [.. result.Tokens.Select(token => token.Value)]
            : null;
        OptionPlace place = new(Socket.Name, OptionPlace.CommandLine);
        return paths switch
        {
            null => DefaultPaths.ControlSocket,
            [string path] when SocketPathRow.PathError(path) is string error =>
                throw new OptionException(place.Fault($"'{path}': {error}")),
            [string path] => path,
            [] => throw new OptionException(place.Fault("its value is missing: a path")),
            _ => throw new OptionException(place.Fault("is given more than once; once is allowed")),
        };
    }

    private static int Give(ControlOrder order, string path, bool json, InvocationConfiguration streams)
    {
        try
        {
            (bool done, JsonElement answer) = ControlClient.Send(path, order);
            Write(order, done, answer, json, streams);
            return done ? ExitCodes.Success : ExitCodes.Failure;
        }
        catch (IOException exception) when (exception is not OutputException)
        {
            streams.Error.WriteLine($"colowire: {exception.Message}");
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            streams.Error.WriteLine(
                $"colowire: '{path}': the answer to '{order.Words}' is not one of this version: is "
                + "another version running there?");
        }

        return ExitCodes.Failure;
    }

    private static void Write(ControlOrder order, bool done, JsonElement answer, bool json, InvocationConfiguration streams)
    {
        if (order.Kind == OrderKind.Status && done && !json)
        {
            ApplianceSnapshot status = answer.Deserialize(ReportJson.Default.ApplianceSnapshot);
            StatusText.Write(streams.Output, status, Console.IsOutputRedirected ? RedirectedWidth : null);
            return;
        }

        string said = json ? answer.GetRawText().TrimEnd() : Words(answer, done);
        if (!done && !json)
        {
            streams.Error.WriteLine($"colowire: {said}");
            return;
        }

        try
        {
            streams.Output.WriteLine(said);
            streams.Output.Flush();
        }
        catch (OutputException exception) when (order.Kind != OrderKind.Status)
        {
            // The exit code reports the outcome of the order only.
            streams.Error.WriteLine($"colowire: {exception.Message}; the answer is: {said}");
        }
    }

    private static string Words(JsonElement answer, bool done) =>
        answer.GetProperty(done ? ControlAnswer.MessageName : ControlAnswer.ErrorName).GetString() ?? string.Empty;
}
