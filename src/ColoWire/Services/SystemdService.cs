// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Globalization;
using Microsoft.Extensions.Hosting.Systemd;

namespace ColoWire.Services;

/// <summary>Whether systemd has started this process as a service.</summary>
internal static class SystemdService
{
    /// <summary>The process number of the service's main process (systemd.exec(5)). A child of a shell inherits it, too, with
    /// another number.</summary>
    private const string ProcessVariable = "SYSTEMD_EXEC_PID";

    /// <summary>Whether this process is the main one of a service.</summary>
    public static bool IsOne() =>
        Environment.GetEnvironmentVariable(ProcessVariable) == Environment.ProcessId.ToString(CultureInfo.InvariantCulture)
        || SystemdHelpers.IsSystemdService();
}
