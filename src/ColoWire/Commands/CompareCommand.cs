// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.CommandLine;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Threading;
using ColoWire.Engine;
using ColoWire.Options;
using ColoWire.Ports;
using ColoWire.Ports.Files;
using ColoWire.Reports;

namespace ColoWire.Commands;

/// <summary><c>colowire compare</c>: compares two captures. It needs neither root nor a network.</summary>
internal static class CompareCommand
{
    /// <summary>Exit code: the captures are equal.</summary>
    public const int Equal = ExitCodes.Success;

    /// <summary>Exit code: they differ, or not every frame could be compared.</summary>
    public const int Diverged = ExitCodes.Failure;

    /// <summary>Exit code: no frame could be compared, for example because a capture cannot be read.</summary>
    public const int NothingCompared = ExitCodes.BadInput;

    /// <summary>How many divergences are shown with their bytes. By default these fill one or two screens; each takes some 700
    /// bytes of memory.</summary>
    private static readonly Range<int> ShowRange = new(0, 10_000, 10);

    /// <summary>Makes the command.</summary>
    /// <param name="time">The source of the time.</param>
    public static Command Create(TimeProvider time)
    {
        Argument<string> primary = CaptureArgument("PRIMARY", "The primary's capture: a pcap or pcapng file of Ethernet frames.");
        Argument<string> secondary = CaptureArgument("SECONDARY", "The secondary's capture.");
        Option<string> output = new("--out")
        {
            Description = "Write the released frames, in order, into this capture.",
            HelpName = "file",
        };
        Option<string> world = new("--world")
        {
            Description =
                "What clients sent, as a capture: it is passed to the secondary in its own numbers, and resets of clients "
                + "end connections, as with inbound: mirror.",
            HelpName = "file",
        };
        Option<string> secondaryOutput = new("--out-secondary")
        {
            Description = "With --world: write what the secondary would have received into this capture.",
            HelpName = "file",
        };
        Option<bool> json = new("--json") { Description = "Print one JSON object instead of a table." };
        Option<bool> align = new("--align")
        {
            Description = "Shift the secondary's clock so that both captures start together (for captures of two hosts).",
        };
        Option<string> show = new("--show")
        {
            Description = $"How many divergences to show with their bytes. Default: {ShowRange.Default}. "
                + $"Allowed: {ShowRange.Minimum} to {ShowRange.Maximum}.",
            HelpName = "n",
        };
        OptionBinder binder = new(Verbs.Compare);
        int shown = ShowRange.Default;
        Command command = new(
            "compare",
            "Compares two captures. Exit code 0: equal, 1: diverged or not all compared, 2: bad input, nothing "
            + "compared, or no room for "
            + "the result.")
        {
            primary, secondary, world, output, secondaryOutput, json, align, show,
        };
        binder.AddTo(command);
        command.Validators.Add(result =>
        {
            if (result.GetValue(secondaryOutput) is not null && result.GetValue(world) is null)
            {
                result.AddError("--out-secondary (command line): needs --world, the capture of what clients sent");
            }

            if (result.GetValue(show) is string text && (!int.TryParse(text, null, out shown) || !ShowRange.Contains(shown)))
            {
                result.AddError($"--show (command line): '{text}' is out of range: {ShowRange.Minimum} to {ShowRange.Maximum}");
            }
        });
        command.SetAction(parse =>
        {
            // A capture holds what was on a wire: no checksum in it is to be completed.
            EngineOptions engine = binder.Bind(parse).Engine with
            {
                PartialChecksums = PartialChecksumPolicy.Pass,
                Inbound = parse.GetValue(world) is null ? InboundMode.None : InboundMode.Mirror,
            };
            CompareRequest request = new(Required(parse, primary), Required(parse, secondary), engine)
            {
                OutPath = parse.GetValue(output),
                WorldPath = parse.GetValue(world),
                OutSecondaryPath = parse.GetValue(secondaryOutput),
                Json = parse.GetValue(json),
                Align = parse.GetValue(align),
                Show = shown,
                Time = time,
            };
            return RunUntilInterrupted(request, parse.InvocationConfiguration);
        });
        return command;
    }

    /// <summary>Compares two captures and writes the result.</summary>
    /// <param name="request">What to compare, and how.</param>
    /// <param name="output">Where the result is written.</param>
    /// <param name="errors">Where faults are written.</param>
    /// <param name="cancellation">Ends the comparison at once.</param>
    /// <returns>The exit code.</returns>
    public static int Run(CompareRequest request, TextWriter output, TextWriter errors, CancellationToken cancellation)
    {
        List<string> faults = [];
        using FileCapturePort? primary = Open(request.PrimaryPath, faults);
        using FileCapturePort? secondary = Open(request.SecondaryPath, faults);
        using FileCapturePort? world = request.WorldPath is { } path ? Open(path, faults) : null;
        if (primary is null || secondary is null || faults.Count != 0)
        {
            // The same file twice, or a library that is missing, is one fault.
            foreach (string fault in faults.Distinct())
            {
                errors.WriteLine($"colowire: {fault}");
            }

            return ExitCodes.BadInput;
        }

        try
        {
            CompareResult result = Compare(request, new CompareInputs(primary, secondary, world), errors, cancellation);
            bool isTerminal = ReferenceEquals(output, Console.Out) && !Console.IsOutputRedirected;
            Write(request, result, output, isTerminal);
            if (!result.IsAnythingCompared)
            {
                errors.WriteLine($"colowire: {CompareText.Verdict(result)}");
                return NothingCompared;
            }

            return result.IsEqual ? Equal : Diverged;
        }
        catch (PortException exception)
        {
            errors.WriteLine($"colowire: {exception.Message}");
            return ExitCodes.BadInput;
        }
        catch (OperationCanceledException)
        {
            return ExitCodes.Interrupted;
        }
    }

    private static Argument<string> CaptureArgument(string name, string description) =>
        new(name) { Description = description, Arity = ArgumentArity.ZeroOrOne };

    // The message of System.CommandLine does not name the missing argument.
    private static string Required(ParseResult parse, Argument<string> argument) => parse.GetValue(argument)
        ?? throw new OptionException($"{argument.Name} (command line): missing; two captures are needed: PRIMARY and SECONDARY");

    private static int RunUntilInterrupted(CompareRequest request, InvocationConfiguration configuration)
    {
        using CancellationTokenSource interruption = new();
        using PosixSignalRegistration registration = PosixSignalRegistration.Create(PosixSignal.SIGINT, context =>
        {
            // The first Ctrl-C ends the comparison within a millisecond. After a second one something hangs, and the runtime ends
            // the process.
            context.Cancel = !interruption.IsCancellationRequested;
            interruption.Cancel();
        });
        return Run(request, configuration.Output, configuration.Error, interruption.Token);
    }

    private static FileCapturePort? Open(string path, List<string> faults)
    {
        try
        {
            return new FileCapturePort(path);
        }
        catch (PortException exception)
        {
            faults.Add(exception.Message);
            return null;
        }
    }

    private static CompareResult Compare(
        CompareRequest request, CompareInputs inputs, TextWriter errors, CancellationToken cancellation)
    {
        (FileCapturePort primary, FileCapturePort secondary, FileCapturePort? world) = inputs;
        if (request.Align && primary.NextArrivalNs is { } primaryNs && secondary.NextArrivalNs is { } secondaryNs)
        {
            secondary.ShiftNs = primaryNs - secondaryNs;
        }

        request.CheckOutPaths();
        using CompareOutput released = new(request.OutPath, primary);
        using CompareOutput received = new(request.OutSecondaryPath, world ?? primary);
        CompareProgress? progress = MakeProgress(request, errors);
        CompareResult result;
        try
        {
            using CompareRun run = new(request.Engine, inputs, released.Port, received.Port, request.Json ? 0 : request.Show)
            {
                Progress = progress,
                Cancellation = cancellation,
            };
            result = run.Run();
        }
        finally
        {
            progress?.Clear();
        }

        released.Close();
        received.Close();
        released.Keep();
        received.Keep();
        return result;
    }

    private static CompareProgress? MakeProgress(CompareRequest request, TextWriter errors)
    {
        bool isTerminal = ReferenceEquals(errors, Console.Error) && !Console.IsErrorRedirected;
        return isTerminal
            ? new CompareProgress(errors, Size(request.PrimaryPath) + Size(request.SecondaryPath), request.Time)
            : null;

        static long Size(string path) => new FileInfo(path).Length;
    }

    private static void Write(CompareRequest request, CompareResult result, TextWriter output, bool isTerminal)
    {
        if (request.Json)
        {
            output.WriteLine(JsonSerializer.Serialize(result, ReportJson.Default.CompareResult));
        }
        else
        {
            new CompareText(output, isTerminal).Write(result, request.Engine.CompareTimeoutMs);
        }

        output.Flush();
    }
}
