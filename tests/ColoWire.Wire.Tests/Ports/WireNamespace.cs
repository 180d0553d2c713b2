// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Threading;
using ColoWire.Ports.Linux;
using NUnit.Framework;

namespace ColoWire.Wire.Tests.Ports;

/// <summary>A network namespace with one pair of veths, <see cref="Near"/> and <see cref="Far"/>.</summary>
internal sealed class WireNamespace : IDisposable
{
    public const string Near = "near0";
    public const string Far = "far0";

    private readonly NetworkNamespace space = new();

    public WireNamespace()
    {
        try
        {
            Inside($"ip link add {Near} type veth peer name {Far}");
            Inside($"ip link set {Near} up");
            Inside($"ip link set {Far} up");
            Inside(() => WaitUntil(() => InterfaceFacts.Read(Near)!.IsRunning && InterfaceFacts.Read(Far)!.IsRunning, "the cable is up"));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Runs a command, words separated by spaces, in the namespace.</summary>
    public void Inside(string command) => space.Inside(command);

    /// <summary>Runs code in the namespace, with its sysfs mounted.</summary>
    public void Inside(Action code) => space.Inside(code);

    /// <summary>Waits for changes that the kernel makes later: it reports carrier and addresses up to a second late.</summary>
    public static void WaitUntil(Func<bool> condition, string what) =>
        Assert.That(SpinWait.SpinUntil(condition, TimeSpan.FromSeconds(3)), Is.True, what);

    public void Dispose() => space.Dispose();
}
