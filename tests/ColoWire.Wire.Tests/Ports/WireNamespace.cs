// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using System.Threading;
using ColoWire.Ports.Linux;
using Microsoft.Win32.SafeHandles;
using NUnit.Framework;

namespace ColoWire.Wire.Tests.Ports;

/// <summary>
/// A network namespace with one virtual cable, <see cref="Near"/> to <see cref="Far"/>, both ends in it. Code runs inside on a thread
/// of its own, because a namespace belongs to a thread.
/// </summary>
internal sealed partial class WireNamespace : IDisposable
{
    public const string Near = "near0";
    public const string Far = "far0";

    private const int NewMounts = 0x20000;
    private const int NewNetwork = 0x40000000;
    private const nuint Recursive = 0x4000;
    private const nuint Slave = 0x80000;

    private static int last;

    private readonly string name =
        string.Create(CultureInfo.InvariantCulture, $"cwports-{Environment.ProcessId}-{Interlocked.Increment(ref last)}");

    public WireNamespace()
    {
        if (!Environment.IsPrivilegedProcess)
            Assert.Ignore("needs root: makes network namespaces");
        Run("ip", $"netns add {name}");
        try
        {
            // No frame may be on the cable that the tests did not send.
            Inside("sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1");
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

    /// <summary>Runs a command of the shell in the namespace.</summary>
    public void Inside(string command) => Run("ip", $"netns exec {name} {command}");

    /// <summary>Runs code in the namespace, with a view of sysfs that fits it.</summary>
    public void Inside(Action code)
    {
        ExceptionDispatchInfo? failure = null;
        Thread thread = new(() =>
        {
            try
            {
                Enter();
                code();
            }
            catch (Exception exception)
            {
                failure = ExceptionDispatchInfo.Capture(exception);
            }
        });
        thread.Start();
        thread.Join();
        failure?.Throw();
    }

    /// <summary>Waits for what the kernel does in its own time: it tells of carriers and addresses up to a second late.</summary>
    public static void WaitUntil(Func<bool> condition, string what) =>
        Assert.That(SpinWait.SpinUntil(condition, TimeSpan.FromSeconds(3)), Is.True, what);

    public void Dispose() => Run("ip", $"netns del {name}");

    private void Enter()
    {
        using SafeFileHandle file = File.OpenHandle($"/run/netns/{name}");
        Check(SetNamespace((int)file.DangerousGetHandle(), NewNetwork), "setns");
        Check(Unshare(NewMounts), "unshare");
        Check(Mount("none", "/", null, Recursive | Slave, 0), "mount /");
        Check(Mount("sysfs", "/sys", "sysfs", 0, 0), "mount /sys");
    }

    private static void Check(int result, string what)
    {
        if (result != 0)
            throw new IOException($"{what}: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    private static void Run(string program, string arguments)
    {
        using Process process = Process.Start(
            new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        string output = process.StandardError.ReadToEnd() + process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new IOException($"{program} {arguments}: exit {process.ExitCode}: {output}");
    }

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    private static partial int SetNamespace(int fileDescriptor, int kind);

    [LibraryImport("libc", EntryPoint = "unshare", SetLastError = true)]
    private static partial int Unshare(int flags);

    [LibraryImport("libc", EntryPoint = "mount", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Mount(string source, string target, string? type, nuint flags, nint data);
}
