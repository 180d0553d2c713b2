// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using ColoWire.Engine.Failures;
using ColoWire.Engine.Frames;
using ColoWire.Hosting;
using ColoWire.Ports;
using ColoWire.Ports.Files;

namespace ColoWire.Services;

/// <summary>The folder of saved failures: for each the stack trace, and a capture of each side's frames, which <c>colowire
/// compare</c> reads. Only their owner may read the files, because they contain data of the guests.</summary>
internal sealed class FailureFolder
{
    /// <summary>Failures that are kept; another one removes the oldest.</summary>
    public const int MostFailures = 16;

    private const string Prefix = "failure-";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly string path;

    private readonly TimeProvider time;

    private FailureFolder(string path, TimeProvider time)
    {
        this.path = path;
        this.time = time;
    }

    /// <summary>Opens a folder, and checks that files can be written to it.</summary>
    /// <exception cref="PortException">No file can be written; the message says why.</exception>
    public static FailureFolder Open(string path, TimeProvider time)
    {
        if (!Directory.Exists(path))
        {
            throw new PortException($"failure_folder: there is no folder '{path}': create it, or name another one");
        }

        try
        {
            string probe = Path.Combine(path, $"{Prefix}probe-{Environment.ProcessId}");
            Create(probe).Dispose();
            File.Delete(probe);
            return new FailureFolder(path, time);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new PortException($"failure_folder: cannot write to '{path}': {IoFault.Reason(exception)}", exception);
        }
    }

    /// <summary>Saves a failure.</summary>
    /// <returns>Text for the log: where it was saved, or why it was not.</returns>
    public string Save(PathFailure failure)
    {
        string name = $"{Prefix}{time.GetUtcNow().ToString("yyyyMMdd'T'HHmmss.fff'Z'", CultureInfo.InvariantCulture)}";
        string start = Path.Combine(path, name);
        long unixOffsetNs = new MonotonicClock(time).UnixOffsetNs;
        try
        {
            using (StreamWriter text = new(Create($"{start}.txt")))
            {
                text.WriteLine(FailureLog.Text(failure, "saved beside this file"));
                text.WriteLine(failure.Exception);
            }

            IEnumerable<CulpritFrame> frames = failure.Culprits.SelectMany(culprit => culprit.Frames);
            foreach (IGrouping<Side, CulpritFrame> side in frames.GroupBy(frame => frame.Side))
            {
                string file = $"{start}.{side.Key.ToString().ToLowerInvariant()}.pcap";
                Create(file).Dispose();
                FrameFile.Write(file, side.Select(frame => (unixOffsetNs + frame.ArrivalNs, frame.Bytes)));
            }

            RemoveOldest();
            return $"saved as {start}.*";
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or PortException)
        {
            return $"not saved: {IoFault.Reason(exception)}";
        }
    }

    private static FileStream Create(string file) =>
        new(file, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = OwnerOnly });

    /// <summary>Names begin with the time, so the oldest is the first in order.</summary>
    private void RemoveOldest()
    {
        string[] names = [.. Directory.EnumerateFiles(path, $"{Prefix}*.txt").Order(StringComparer.Ordinal)];
        foreach (string oldest in names.SkipLast(MostFailures).Select(file => Path.GetFileNameWithoutExtension(file)))
        {
            foreach (string file in Directory.GetFiles(path, $"{oldest}.*"))
            {
                File.Delete(file);
            }
        }
    }
}
