// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Globalization;
using System.IO;
using System.Linq;
using ColoWire.Engine;
using ColoWire.Engine.Frames;
using ColoWire.Hosting;
using ColoWire.Ports;
using ColoWire.Ports.Files;

namespace ColoWire.Services;

/// <summary>
/// The folder in which is saved what made a duty fail: the stack, and a capture of each side that <c>colowire compare</c> reads.
/// They hold what the guests say, so that only their owner may read them.
/// </summary>
internal sealed class FailureFolder
{
    /// <summary>Failures of which files are kept; one more removes the oldest.</summary>
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

    /// <summary>Looks whether files can be written to a folder.</summary>
    /// <exception cref="PortException">They cannot, and why.</exception>
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
            throw new PortException($"failure_folder: cannot write to '{path}': {exception.Message}", exception);
        }
    }

    /// <summary>Saves a failure.</summary>
    /// <returns>Where, or why not, in words for the log.</returns>
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

            foreach (IGrouping<Side, CulpritFrame> side in failure.Culprits.SelectMany(culprit => culprit.Frames).GroupBy(frame => frame.Side))
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
            return $"not saved: {exception.Message}";
        }
    }

    private static FileStream Create(string file) =>
        new(file, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = OwnerOnly });

    /// <summary>The names begin with the time, so that the oldest comes first.</summary>
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
