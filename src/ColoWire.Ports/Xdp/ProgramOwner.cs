// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Globalization;
using System.IO;
using System.Security.Cryptography;

namespace ColoWire.Ports.Xdp;

/// <summary>The process of ColoWire whose program stands on an interface.</summary>
/// <param name="ProcessId">Its id, where the program says it.</param>
/// <param name="Since">Since when it has the interface, where the program says it.</param>
internal sealed record ProgramOwner(int? ProcessId, DateTime? Since)
{
    private const long NanosecondsPerTick = 100;
    private const int UpperHalf = 32;

    /// <summary>This process as a program's state says it (<see cref="PortState.Owner"/>). The number in the upper half tells it from one of
    /// the same id in another namespace.</summary>
    public static long ThisProcess { get; } =
        ((long)RandomNumberGenerator.GetInt32(1, int.MaxValue) << UpperHalf) | (uint)Environment.ProcessId;

    /// <summary>Reads it from a program's state.</summary>
    /// <param name="state">The state.</param>
    /// <param name="nowNs">The time by CLOCK_MONOTONIC.</param>
    public static ProgramOwner Of(PortState state, long nowNs) => state.Owner == 0
        ? new ProgramOwner(null, null)
        : new ProgramOwner((int)(uint)state.Owner, DateTime.Now.AddTicks((state.OwnedSinceNs - nowNs) / NanosecondsPerTick));

    /// <summary>Who it is and since when, for a line of text.</summary>
    public override string ToString()
    {
        string process = ProcessId is int id ? string.Create(CultureInfo.InvariantCulture, $" (process {id}{NameOf(id)})") : string.Empty;
        string since = Since is DateTime begin ? string.Create(CultureInfo.InvariantCulture, $" since {begin:yyyy-MM-dd HH:mm:ss}") : string.Empty;
        return process + since;
    }

    /// <summary>Its name, where this process may see it: it may run in a namespace of its own.</summary>
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
