// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using ColoWire.Engine.Failures;

namespace ColoWire.Hosting;

/// <summary>A duty has failed, which is a bug of ColoWire.</summary>
/// <param name="Exception">What it threw.</param>
/// <param name="Culprits">The frames and flows that the duties were working on; most often one.</param>
public sealed record PathFailure(Exception Exception, IReadOnlyList<Culprit> Culprits)
{
    private const string OwnNamespace = "ColoWire.";

    /// <summary>The type of the exception and the method of ColoWire that threw it. Failures of the same bug have the same
    /// place.</summary>
    public string Place { get; } = $"{Exception.GetType().Name} in {MethodOf(Exception)}";

    /// <summary>Frames of the primary that were in the path and are lost.</summary>
    public long LostOfPrimary { get; init; }

    /// <summary>Frames of the secondary that were in the path and are lost.</summary>
    public long LostOfSecondary { get; init; }

    /// <summary>How long it took until frames came to ColoWire again, in nanoseconds.</summary>
    public long AwayNs { get; init; }

    /// <summary>Why the appliance does not go on; null when it does.</summary>
    public string? End { get; init; }

    private static string MethodOf(Exception exception)
    {
        // For spans and arrays the runtime throws in a helper method, the same for all callers: that method is skipped.
        DiagnosticMethodInfo? method = new StackTrace(exception).GetFrames()
            .Select(DiagnosticMethodInfo.Create)
            .FirstOrDefault(method => method?.DeclaringTypeName?.StartsWith(OwnNamespace, StringComparison.Ordinal) == true);
        return method is null ? "a method without a name" : $"{ShortName(method.DeclaringTypeName!)}.{method.Name}";

        static string ShortName(string typeName) => typeName[(typeName.LastIndexOf('.') + 1)..];
    }
}
