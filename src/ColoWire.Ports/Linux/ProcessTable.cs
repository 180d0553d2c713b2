// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;

namespace ColoWire.Ports.Linux;

/// <summary>A process, with what <see cref="ChildFamily"/> needs.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Parent">The id of its parent.</param>
/// <param name="StartTicks">When it was started, in 1/100 s since the boot; together with the id it is unique.</param>
/// <param name="HasEnded">Whether only its exit code is left (a zombie).</param>
internal readonly record struct ProcessRecord(int Id, int Parent, long StartTicks, bool HasEnded);

/// <summary>The processes of the machine, from /proc (proc_pid_stat(5)).</summary>
internal static class ProcessTable
{
    /// <summary>Ticks of a second in what /proc says (USER_HZ, 100 on every processor that .NET runs on).</summary>
    public const int TicksPerSecond = 100;

    // The positions of fields behind the name, which may hold any character and ends at the last parenthesis.
    private const int StateField = 0;
    private const int ParentField = 1;
    private const int StartField = 19;

    /// <summary>The time since the boot, in 1/100 s.</summary>
    public static long NowTicks()
    {
        string seconds = File.ReadAllText("/proc/uptime").Split(' ')[0];
        return (long)(double.Parse(seconds, CultureInfo.InvariantCulture) * TicksPerSecond);
    }

    /// <summary>Reads all visible processes; one that ends meanwhile may be missing.</summary>
    public static List<ProcessRecord> Read()
    {
        List<ProcessRecord> processes = [];
        foreach (string folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out int id)
                && TryRead(id, out ProcessRecord process))
            {
                processes.Add(process);
            }
        }

        return processes;
    }

    /// <summary>Reads one process.</summary>
    /// <returns>False when there is none.</returns>
    public static bool TryRead(int id, out ProcessRecord process)
    {
        process = default;
        try
        {
            string stat = File.ReadAllText($"/proc/{id.ToString(CultureInfo.InvariantCulture)}/stat");
            string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            process = new ProcessRecord(
                id,
                int.Parse(fields[ParentField], CultureInfo.InvariantCulture),
                long.Parse(fields[StartField], CultureInfo.InvariantCulture),
                fields[StateField] is "Z" or "X");
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
