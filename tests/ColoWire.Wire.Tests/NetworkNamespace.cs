// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using System.Threading;
using Microsoft.Win32.SafeHandles;

namespace ColoWire.Wire.Tests;

/// <summary>
/// A network namespace of the tests' own, with the loopback interface alone. Code runs inside on a thread of its own, because a
/// namespace belongs to a thread; the sockets that it opens stay inside.
/// </summary>
internal sealed partial class NetworkNamespace : IDisposable
{
    private const string Prefix = "cwtest";
    private const string Folder = "/run/netns";
    private const int NewMounts = 0x20000;
    private const int NewNetwork = 0x40000000;
    private const nuint Recursive = 0x4000;
    private const nuint Slave = 0x80000;

    private static int last;

    public NetworkNamespace()
    {
        Name = string.Create(CultureInfo.InvariantCulture, $"{Prefix}-{Environment.ProcessId}-{Interlocked.Increment(ref last)}");
        Shell.Run("ip", "netns", "add", Name);
        try
        {
            // No frame may be on a cable that the tests did not send.
            Inside("sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public string Name { get; }

    /// <summary>Removes what runs have left that were killed: their namespaces, and the processes in those.</summary>
    public static void RemoveStale()
    {
        string[] files = Directory.Exists(Folder) ? Directory.GetFiles(Folder, $"{Prefix}-*") : [];
        foreach (string name in files.Select(file => Path.GetFileName(file)))
        {
            if (Directory.Exists($"/proc/{name.Split('-')[1]}"))
                continue;
            foreach (string id in Shell.Run("ip", "netns", "pids", name).Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                using Process process = Process.GetProcessById(int.Parse(id, CultureInfo.InvariantCulture));
                process.Kill();
            }

            Shell.Run("ip", "netns", "del", name);
        }
    }

    /// <summary>Runs a command, words parted by spaces, in the namespace.</summary>
    public void Inside(string command) => Shell.Run([.. Words(command.Split(' '))]);

    /// <summary>The words that make a command one in this namespace. The process that they start becomes the command's
    /// own.</summary>
    public string[] Words(params string[] command) => ["ip", "netns", "exec", Name, .. command];

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

    /// <summary>Opens an end of a cable that lies in the namespace.</summary>
    public FarEnd Open(string interfaceName)
    {
        FarEnd? end = null;
        Inside(() => end = new FarEnd(interfaceName));
        return end!;
    }

    public void Dispose() => Shell.Run("ip", "netns", "del", Name);

    private void Enter()
    {
        using SafeFileHandle file = File.OpenHandle($"{Folder}/{Name}");
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

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    private static partial int SetNamespace(int fileDescriptor, int kind);

    [LibraryImport("libc", EntryPoint = "unshare", SetLastError = true)]
    private static partial int Unshare(int flags);

    [LibraryImport("libc", EntryPoint = "mount", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Mount(string source, string target, string? type, nuint flags, nint data);
}
