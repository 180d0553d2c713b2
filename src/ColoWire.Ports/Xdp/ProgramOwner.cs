// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Globalization;
using System.IO;
using System.Security.Cryptography;

namespace ColoWire.Ports.Xdp;

/// <summary>The process of ColoWire whose program is attached to an interface.</summary>
/// <param name="ProcessId">Its id; null where the state of the program does not have it.</param>
/// <param name="Since">Since when it has the interface, in local time; null where the state does not have it.</param>
internal sealed record ProgramOwner(int? ProcessId, DateTime? Since)
{
    private const long NanosecondsPerTick = 100;
    private const int UpperHalf = 32;

    /// <summary>This process as it is written into the state of a program (<see cref="PortState.Owner"/>). The random number in
    /// the upper half distinguishes it from a process of the same id in another namespace.</summary>
    public static long ThisProcess { get; } =
        ((long)RandomNumberGenerator.GetInt32(1, int.MaxValue) << UpperHalf) | (uint)Environment.ProcessId;

    /// <summary>Reads it from the state of a program.</summary>
    /// <param name="state">The state.</param>
    /// <param name="nowNs">The time by CLOCK_MONOTONIC, in nanoseconds.</param>
    public static ProgramOwner Of(PortState state, long nowNs) => state.Owner == 0
        ? new ProgramOwner(null, null)
        : new ProgramOwner((int)(uint)state.Owner, DateTime.Now.AddTicks((state.OwnedSinceNs - nowNs) / NanosecondsPerTick));

    /// <summary>Its id, its name and since when it has the interface, for a message; begins with a space where it is not
    /// empty.</summary>
    public override string ToString()
    {
        string process = ProcessId is int id
            ? string.Create(CultureInfo.InvariantCulture, $" (process {id}{NameOf(id)})")
            : string.Empty;
        string since = Since is DateTime begin
            ? string.Create(CultureInfo.InvariantCulture, $" since {begin:yyyy-MM-dd HH:mm:ss}")
            : string.Empty;
        return process + since;
    }

    /// <summary>Its name; empty where this process cannot see it, because it runs in another namespace.</summary>
    private static string NameOf(int processId)
    {
        try
        {
            return $", '{File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}/comm")).Trim()}'";
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return string.Empty;
        }
    }
}
