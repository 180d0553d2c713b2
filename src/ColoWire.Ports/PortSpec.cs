// SPDX-License-Identifier: GPL-2.0-or-later

using System.Diagnostics.CodeAnalysis;
using System.IO;
using System.Linq;
using ColoWire.Ports.Linux;

namespace ColoWire.Ports;

/// <summary>The kinds of ports.</summary>
public enum PortKind
{
    /// <summary>An interface, live.</summary>
    Pcap,

    /// <summary>An interface, live, past the kernel's stack (AF_XDP).</summary>
    Xdp,

    /// <summary>A capture.</summary>
    File,
}

/// <summary>Which port an operator means: <c>pcap:INTERFACE</c>, <c>xdp:INTERFACE</c>, <c>file:PATH</c>, or an interface alone.</summary>
/// <param name="Kind">What kind of port.</param>
/// <param name="Target">The interface or the path.</param>
public sealed record PortSpec(PortKind Kind, string Target)
{
    /// <summary>What may be written, for messages and help.</summary>
    public const string Allowed = "pcap:INTERFACE, xdp:INTERFACE, file:PATH, or INTERFACE alone";

    private const string PcapPrefix = "pcap";
    private const string XdpPrefix = "xdp";
    private const string FilePrefix = "file";

    /// <summary>Reads what an operator wrote.</summary>
    /// <param name="text">For example <c>pcap:eth1</c>.</param>
    /// <param name="spec">The port.</param>
    /// <param name="error">One line that says what is wrong and what is allowed.</param>
    /// <returns>False with an error when it is no port.</returns>
    public static bool TryParse(string? text, [NotNullWhen(true)] out PortSpec? spec, [NotNullWhen(false)] out string? error)
    {
        spec = null;
        string written = text ?? string.Empty;
        int colon = written.IndexOf(':');
        string kind = colon < 0 ? PcapPrefix : written[..colon];
        string target = written[(colon + 1)..];
        error = kind switch
        {
            PcapPrefix or XdpPrefix => InterfaceNameError(target),
            FilePrefix => target.Length == 0 ? "no path is given" : null,
            _ => $"'{kind}' is no kind of port",
        };
        if (error is not null)
        {
            error = $"'{written}' is no port: {error}; allowed are {Allowed}";
            return false;
        }

        spec = new PortSpec(kind switch { FilePrefix => PortKind.File, XdpPrefix => PortKind.Xdp, _ => PortKind.Pcap }, target);
        return true;
    }

    /// <summary>Whether both mean the same interface, or the same file.</summary>
    public bool IsSameAs(PortSpec other) =>
        other is not null
        && (Kind == PortKind.File) == (other.Kind == PortKind.File)
        && (Kind == PortKind.File ? Path.GetFullPath(Target) == Path.GetFullPath(other.Target) : Target == other.Target);

    /// <summary>As it is written in full.</summary>
    public override string ToString() => $"{Kind switch { PortKind.File => FilePrefix, PortKind.Xdp => XdpPrefix, _ => PcapPrefix }}:{Target}";

    private static string? InterfaceNameError(string name) => name switch
    {
        "" => "no interface is given",
        "." or ".." => "that is no name of an interface",
        { Length: > InterfaceControl.MaxNameLength } =>
            $"an interface's name has at most {InterfaceControl.MaxNameLength} characters (a path is written file:PATH)",
        _ when name.Contains('/') => "an interface's name has no '/' (a path is written file:PATH)",
        _ when name.Any(c => c is ':' or <= ' ' or > '~') => "an interface's name has no spaces, colons or symbols",
        _ => null,
    };
}
