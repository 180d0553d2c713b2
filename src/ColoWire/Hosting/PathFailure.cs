// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using ColoWire.Engine.Failures;

namespace ColoWire.Hosting;

/// <summary>A duty has failed, which is a bug of ColoWire.</summary>
/// <param name="Exception">What it threw.</param>
/// <param name="Culprits">What the duties were at; most often one.</param>
public sealed record PathFailure(Exception Exception, IReadOnlyList<Culprit> Culprits)
{
    private const string OwnNamespace = "ColoWire.";

    /// <summary>The exception's type and the method of ColoWire that it came from: what two failures of the same bug have in
    /// common.</summary>
    public string Place { get; } = $"{Exception.GetType().Name} in {MethodOf(Exception)}";

    /// <summary>Frames of the primary that were under way and are lost.</summary>
    public long LostOfPrimary { get; init; }

    /// <summary>Frames of the secondary that were under way and are lost.</summary>
    public long LostOfSecondary { get; init; }

    /// <summary>How long it took until frames came to ColoWire again, in nanoseconds.</summary>
    public long AwayNs { get; init; }

    /// <summary>Why the appliance does not go on; null when it does.</summary>
    public string? End { get; init; }

    private static string MethodOf(Exception exception)
    {
        // What the runtime throws for a span or an array is thrown by a helper of its own, the same for all callers.
        DiagnosticMethodInfo? method = new StackTrace(exception).GetFrames()
            .Select(DiagnosticMethodInfo.Create)
            .FirstOrDefault(method => method?.DeclaringTypeName?.StartsWith(OwnNamespace, StringComparison.Ordinal) == true);
        return method is null ? "a method without a name" : $"{ShortName(method.DeclaringTypeName!)}.{method.Name}";

        static string ShortName(string typeName) => typeName[(typeName.LastIndexOf('.') + 1)..];
    }
}
