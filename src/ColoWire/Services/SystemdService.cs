// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Globalization;
using Microsoft.Extensions.Hosting.Systemd;

namespace ColoWire.Services;

/// <summary>Whether systemd has started this process as a service.</summary>
internal static class SystemdService
{
    /// <summary>Says who is the main process of a service (systemd.exec(5)); a shell that started it has handed the name on.</summary>
    private const string ProcessVariable = "SYSTEMD_EXEC_PID";

    /// <summary>Whether this process is the main one of a service.</summary>
    public static bool IsOne() =>
        Environment.GetEnvironmentVariable(ProcessVariable) == Environment.ProcessId.ToString(CultureInfo.InvariantCulture)
        || SystemdHelpers.IsSystemdService();
}
