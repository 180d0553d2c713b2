// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Options;

/// <summary>The paths that the service uses (<c>native-config/colowire.service</c>).</summary>
internal static class DefaultPaths
{
    /// <summary>The control socket, where <c>ctl</c> connects unless it is given another (RuntimeDirectory= of the
    /// unit).</summary>
    public const string ControlSocket = "/run/colowire/control.sock";

    /// <summary>The folder of saved failures (LogsDirectory= of the unit).</summary>
    public const string FailureFolder = "/var/log/colowire";
}
