// SPDX-License-Identifier: GPL-2.0-or-later

using System;

namespace ColoWire.Ports.Pcap;

/// <summary>libpcap is loaded at its first use. Where it is not installed, that use fails with one of several
/// exceptions.</summary>
internal static class LibpcapMissing
{
    /// <summary>Whether an exception is one of them.</summary>
    public static bool Is(Exception exception) =>
        exception is DllNotFoundException
        || (exception is TypeInitializationException && exception.InnerException is not null && Is(exception.InnerException));

    /// <summary>The error for the operator.</summary>
    public static PortException Exception(Exception cause) =>
        new("libpcap is not installed; it is needed for 'pcap:' and 'file:' ports (Debian: apt-get install libpcap0.8)", cause);
}
