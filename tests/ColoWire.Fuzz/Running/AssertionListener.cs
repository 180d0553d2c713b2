// SPDX-License-Identifier: GPL-2.0-or-later

using System.Diagnostics;

namespace ColoWire.Fuzz.Running;

/// <summary>Turns a failed assertion into an exception, so that it becomes a finding and does not end the fuzzer.</summary>
internal sealed class AssertionListener : TraceListener
{
    public static void Install()
    {
        Trace.Listeners.Clear();
        Trace.Listeners.Add(new AssertionListener());
    }

    public override void Fail(string? message, string? detailMessage) =>
        throw new InvariantException($"assertion: {message}", new StackTrace().ToString());

    public override void Write(string? message)
    {
    }

    public override void WriteLine(string? message)
    {
    }
}
