// SPDX-License-Identifier: GPL-2.0-or-later

using System.Diagnostics;

namespace ColoWire.Fuzz.Running;

/// <summary>Turns an assertion that does not hold into an exception, so that it is a finding and not the end of the fuzzer.</summary>
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
