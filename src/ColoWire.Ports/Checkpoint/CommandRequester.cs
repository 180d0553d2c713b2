// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using ColoWire.Engine.Checkpoint;
using ColoWire.Ports.Linux;

namespace ColoWire.Ports.Checkpoint;

/// <summary>
/// Runs a program of the operator for each checkpoint; exit code 0 means that the checkpoint is done. No shell is involved. The
/// environment of the program describes the divergence.
/// </summary>
public sealed class CommandRequester : CheckpointRequester
{
    private readonly string path;
    private readonly string[] words;
    private readonly int timeoutMs;
    private readonly CauseSpeaker speaker;
    private readonly ChildFamily family = new();
    private bool hasLeftBehind;

    /// <summary>Makes one that does nothing yet.</summary>
    /// <param name="name">As the operator has written it.</param>
    /// <param name="words">The program, a path or a name that PATH finds, and its arguments.</param>
    /// <param name="timeoutMs">How long it may take, and all that it starts; then it is killed.</param>
    /// <param name="speaker">Puts the cause into the words of its environment.</param>
    /// <exception cref="PortException">There is no such program.</exception>
    public CommandRequester(string name, IReadOnlyList<string> words, int timeoutMs, CauseSpeaker speaker)
        : base(name)
    {
        this.words = [.. words];
        this.timeoutMs = timeoutMs;
        this.speaker = speaker;
        path = Find(this.words[0]);
        SetReady();
    }

    /// <inheritdoc/>
    protected override void Run()
    {
        IdleWait wait = new([RequestHandle]);
        try
        {
            while (!Ending.IsCancellationRequested)
            {
                _ = wait.Wait(RequesterLimits.LookIntervalMs);
                if (TryTakeRequest(out CheckpointReport cause))
                {
                    MakeCheckpoint(cause);
                    hasLeftBehind = true;
                }

                // A process that the program has left running may run as long as the program itself.
                hasLeftBehind = hasLeftBehind && family.EndOlderThan(timeoutMs);
            }
        }
        finally
        {
            family.EndAll();
        }
    }

    private void MakeCheckpoint(in CheckpointReport cause)
    {
        CountRequest();
        using ChildProcess? child = ChildProcess.Start(family, path, words, Environment(cause), out string error);
        if (child is null)
        {
            Fail($"'{words[0]}' cannot be started: {error}");
            return;
        }

        ChildEnd end = child.Wait(timeoutMs, Ending);
        if (end is { How: ChildEndKind.Exited, Code: 0 })
        {
            // Before the event: requests that came while the program ran are met by this checkpoint, later ones are not.
            _ = TryTakeRequest(out CheckpointReport _);
            Complete();
            return;
        }

        string last = end.LastLine.Length == 0 ? "" : $": {Shown(end.LastLine)}";
        Fail(end.How switch
        {
            ChildEndKind.Exited => $"'{words[0]}' has ended with exit code {end.Code}{last}",
            ChildEndKind.Signalled => $"'{words[0]}' was ended by signal {end.Code}{last}",
            ChildEndKind.TimedOut => $"'{words[0]}' took longer than {timeoutMs} ms and was killed{last}",
            _ => $"'{words[0]}' was killed, because ColoWire is stopping{last}",
        });
    }

    private string[] Environment(in CheckpointReport cause)
    {
        CauseWords told = speaker(cause);
        Dictionary<string, string> variables = [];
        foreach (DictionaryEntry variable in System.Environment.GetEnvironmentVariables())
        {
            variables[(string)variable.Key] = (string?)variable.Value ?? "";
        }

        variables["COLOWIRE_REASON"] = told.Reason;
        variables["COLOWIRE_FLOW"] = told.Flow;
        variables["COLOWIRE_EPOCH"] = cause.Epoch.ToString(CultureInfo.InvariantCulture);
        variables["COLOWIRE_OFFSET"] = cause.Divergence.Offset.ToString(CultureInfo.InvariantCulture);
        variables["COLOWIRE_PRIMARY_FRAME"] = cause.Divergence.Primary.Number.ToString(CultureInfo.InvariantCulture);
        variables["COLOWIRE_SECONDARY_FRAME"] = cause.Divergence.Secondary.Number.ToString(CultureInfo.InvariantCulture);
        return [.. variables.Select(variable => $"{variable.Key}={variable.Value}")];
    }

    private static string Find(string program)
    {
        string[] folders = program.Contains('/') ? [""] : (System.Environment.GetEnvironmentVariable("PATH") ?? "").Split(':');
        string[] there = [.. folders.Select(folder => Path.Combine(folder, program)).Where(File.Exists)];
        return there.FirstOrDefault(Libc.MayExecute)
            ?? throw new PortException(there.Length != 0
                ? $"'{there[0]}' is not executable: chmod +x it, or name another program"
                : $"'{program}' is no program: a path, or a name that PATH finds, is needed");
    }
}
