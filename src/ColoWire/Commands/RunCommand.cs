// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.CommandLine;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using ColoWire.Control;
using ColoWire.Engine;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Pipelines;
using ColoWire.Hosting;
using ColoWire.Options;
using ColoWire.Ports;
using ColoWire.Ports.Checkpoint;
using ColoWire.Ports.Linux;
using ColoWire.Reports;
using ColoWire.Services;
using ColoWire.Writing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Logging;

namespace ColoWire.Commands;

/// <summary><c>colowire run</c> and <c>colowire observe</c>: run an appliance until a signal or the end of its
/// captures.</summary>
internal static class RunCommand
{
    /// <summary>A stop takes five seconds at most: the host stops waiting shortly after the appliance does.</summary>
    private static readonly TimeSpan ShutdownPatience = Appliance.DrainPatience + TimeSpan.FromMilliseconds(800);

    /// <summary>Time of a stop that is kept for closing the ports, after the last output has been written.</summary>
    private static readonly TimeSpan EndReserve = TimeSpan.FromMilliseconds(100);

    /// <summary>Makes one of the two commands.</summary>
    public static Command Create(Verbs verb, StandardOutputs outputs, TimeProvider time)
    {
        Command command = verb == Verbs.Observe
            ? new Command("observe", "Compares live traffic; the primary's frames leave at once, differences are only reported.")
            : new Command(
                "run", "Compares live traffic; a frame of the primary leaves when the secondary has produced the same.");
        OptionBinder binder = new(verb);
        binder.AddTo(command);
        Option<bool> json = new("--json")
        {
            Description = "Each second, and at the end, one JSON object of counters on the standard output.",
        };
        command.Options.Add(json);
        Option<bool> takeOver = new("--take-over")
        {
            Description = "Take the capture interfaces even from another ColoWire that runs on them.",
        };
        command.Options.Add(takeOver);
        command.SetAction(parse =>
        {
            ApplianceOptions options = binder.Bind(parse) with { TakesOver = parse.GetValue(takeOver) };
            EngineOptions engine = options.Engine with { HashKey = DrawHashKey() };
            engine = verb == Verbs.Observe ? engine with { Mode = CompareMode.Observe } : engine;
            return Run(options with { Engine = engine }, parse.GetValue(json), outputs, time);
        });
        return command;
    }

    private static int Run(ApplianceOptions options, bool json, StandardOutputs outputs, TimeProvider time)
    {
        // First of all: a signal that arrives while the ports are opened causes an orderly stop, too.
        StopSignals signals = StopSignals.Take(StopSignals.HangUp(), outputs.Log, ExitCodes.Failure, time);
        List<string> faults = [];
        // Before the ports are opened: another instance may listen at this path.
        using ControlSocket? control = Try(
            faults, () => options.ControlSocket is string path ? ControlSocket.Listen(path) : null);
        FailureFolder? failures = Try(
            faults, () => options.FailureFolder is string path ? FailureFolder.Open(path, time) : null);
        using CheckpointRequester? requester = Try(faults, () => MakeRequester(options));
        if (faults.Count != 0)
        {
            faults.AddRange(FindPortFaults(options, time));
            throw new OptionException(faults);
        }

        AppliancePorts ports = OpenPorts(options, time);
        // All other threads of the process keep off the cores of the duties.
        CpuAffinity.KeepFree(options.Cores);
        using Appliance appliance = new(options, ports, requester as ICheckpointRequester ?? new NoCheckpoints(), time);
        StatusForm form = json ? StatusForm.Json : Console.IsOutputRedirected ? StatusForm.Log : StatusForm.Terminal;
        using (IHost host = Host(appliance, form, control, failures, signals, outputs, time))
        {
            if (signals.IsStopping)
            {
                return ExitCodes.Success;
            }

            ApplianceService service = host.Services.GetRequiredService<ApplianceService>();
            host.Run();
            if (service.Refusal is PortException refusal)
            {
                throw refusal;
            }
        }

        ReportEnd(appliance, json, outputs, signals);
        return ExitCode(appliance.End, ports.IsImpaired, ports.Faults.Any());
    }

    /// <summary>The exit code of the process.</summary>
    /// <param name="end">How the appliance ended.</param>
    /// <param name="isImpaired">Whether an interface is missing, or not this process's.</param>
    /// <param name="hasFaults">Whether the ports have another permanent fault.</param>
    internal static int ExitCode(ApplianceEnd end, bool isImpaired, bool hasFaults) => end switch
    {
        ApplianceEnd.Failed => ExitCodes.InternalFailure,
        ApplianceEnd.Drained when !isImpaired => hasFaults ? ExitCodes.BadInput : ExitCodes.Success,
        _ => ExitCodes.Failure,
    };

    /// <summary>Opens something; adds the faults if that fails.</summary>
    private static T? Try<T>(List<string> faults, Func<T?> open)
        where T : class
    {
        try
        {
            return open();
        }
        catch (OptionException exception)
        {
            faults.AddRange(exception.Faults);
        }
        catch (PortException exception)
        {
            faults.Add(exception.Message);
        }

        return null;
    }

    /// <summary>Writes the last report. The exit code does not depend on whether it can be written.</summary>
    private static void ReportEnd(Appliance appliance, bool json, StandardOutputs outputs, StopSignals signals)
    {
        // On a terminal both are visible: the log is written before the report.
        _ = outputs.Log.Flush(Patience());
        ApplianceSnapshot snapshot = new SnapshotReader(appliance).Read(outputs.Unwritten, final: true);
        if (json)
        {
            using JsonLine line = new();
            line.Write(snapshot, ReportJson.Default.ApplianceSnapshot);
            outputs.Status.Add(line.Bytes.Span);
        }
        else
        {
            using StringWriter text = new();
            FinalReport.Write(text, snapshot);
            outputs.Status.Add(StandardOutputs.Encoding.GetBytes(text.ToString()));
        }

        _ = outputs.Status.Flush(Patience());

        TimeSpan Patience() =>
            TimeSpan.FromTicks(Math.Min(StandardOutputs.LastWordsPatience.Ticks, Math.Max(0, (signals.Left - EndReserve).Ticks)));
    }

    private static CheckpointRequester? MakeRequester(ApplianceOptions options)
    {
        try
        {
            return RequesterFactory.Make(options.Requester, new RequesterSettings(
                options.HasVnetHeaders,
                options.CommandTimeoutMs,
                (in CheckpointReport cause) =>
                    new CauseWords(
                        DivergenceText.Cause(in cause), FlowText.IsFlow(cause.Flow) ? FlowText.Line(cause.Flow) : string.Empty)));
        }
        catch (PortException exception)
        {
            throw new OptionException([$"requester: {exception.Message}"]);
        }
    }

    /// <summary>Allocates the memory of all frames and opens the ports, which use it.</summary>
    private static AppliancePorts OpenPorts(ApplianceOptions options, TimeProvider time)
    {
        IReadOnlyList<FrameArena> arenas = MakeArenas(options);
        try
        {
            return PortOpener.Open(options, arenas, time);
        }
        catch
        {
            Free(arenas);
            throw;
        }
    }

    private static IReadOnlyList<string> FindPortFaults(ApplianceOptions options, TimeProvider time)
    {
        IReadOnlyList<FrameArena> arenas = MakeArenas(options);
        try
        {
            return PortOpener.FindFaults(options, arenas, time);
        }
        finally
        {
            Free(arenas);
        }
    }

    private static FrameArena[] MakeArenas(ApplianceOptions options)
    {
        List<FrameArena> arenas = [];
        try
        {
            while (arenas.Count < options.Pipelines)
            {
                arenas.Add(FramePath.MakeArena(options.Engine));
            }

            return [.. arenas];
        }
        catch
        {
            Free(arenas);
            throw;
        }
    }

    private static void Free(IReadOnlyList<FrameArena> arenas)
    {
        foreach (FrameArena arena in arenas)
        {
            arena.Dispose();
        }
    }

    private static IHost Host(
        Appliance appliance,
        StatusForm form,
        ControlSocket? control,
        FailureFolder? failures,
        StopSignals signals,
        StandardOutputs outputs,
        TimeProvider time)
    {
        HostApplicationBuilder builder =
            Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Logging.AddProvider(new LineLoggerProvider(outputs.Log, new LineFormatter(SystemdService.IsOne(), time)));
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning);
        // The lifetime of Microsoft.Extensions.Hosting.Systemd is not used: it waits for systemd, and handles SIGTERM only.
        QueuedNotifier notifier = new(new SystemdNotifier(), time);
        builder.Services.AddSingleton<IHostLifetime>(services => new SignalLifetime(
            signals, services.GetRequiredService<IHostApplicationLifetime>(), notifier, Log<SignalLifetime>(services)));
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = ShutdownPatience);
        // Services are stopped in reverse order: first the appliance, then the services that report its last frames.
        builder.Services.AddHostedService(services => new FailureLog(appliance, failures, Log<FailureLog>(services)));
        builder.Services.AddHostedService(services => new DivergenceLog(appliance, Log<DivergenceLog>(services), time));
        builder.Services.AddHostedService(services => new StatusService(
            appliance, form, outputs, services.GetRequiredService<IHostApplicationLifetime>(), Log<StatusService>(services),
            time));
        builder.Services.AddHostedService(services => new WatchdogService(
            appliance, notifier, Log<WatchdogService>(services), time));
        builder.Services.AddSingleton(services => new ApplianceService(
            appliance, services.GetRequiredService<IHostApplicationLifetime>(), Log<ApplianceService>(services)));
        builder.Services.AddHostedService(services => services.GetRequiredService<ApplianceService>());
        if (control is not null)
        {
            // Kestrel warns of late timers on a busy machine; the operator cannot correct that.
            builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Error);
            // Started last, after frames flow, and stopped first, so that no order reaches an appliance that stops.
            builder.Services.AddHostedService(services => new ControlService(
                control, appliance, outputs, services.GetRequiredService<ILoggerFactory>(), time));
        }

        return builder.Build();
    }

    private static ILogger<T> Log<T>(IServiceProvider services) => services.GetRequiredService<ILogger<T>>();

    /// <summary>The key is secret, so that no sender can choose flows whose hashes collide.</summary>
    private static FlowHashKey DrawHashKey()
    {
        Span<byte> seed = stackalloc byte[sizeof(ulong)];
        RandomNumberGenerator.Fill(seed);
        return FlowHashKey.FromSeed(BinaryPrimitives.ReadUInt64LittleEndian(seed));
    }
}
