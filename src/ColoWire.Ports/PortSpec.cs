// SPDX-License-Identifier: GPL-2.0-or-later

using System.Diagnostics.CodeAnalysis;
using System.IO;
using System.Linq;
using ColoWire.Ports.Linux;
using ColoWire.Ports.Streams;

namespace ColoWire.Ports;

/// <summary>The kinds of ports.</summary>
public enum PortKind
{
    /// <summary>A network interface, through libpcap.</summary>
    Pcap,

    /// <summary>A network interface, through AF_XDP, which bypasses the kernel's network stack.</summary>
    Xdp,

    /// <summary>A capture file.</summary>
    File,

    /// <summary>A byte stream with frames in QEMU's format.</summary>
    Stream,
}

/// <summary>A port as the operator writes it: <c>pcap:INTERFACE</c>, <c>xdp:INTERFACE</c>, <c>file:PATH</c>, <c>stream:</c> and
/// an endpoint, or an interface alone.</summary>
/// <param name="Kind">The kind of port.</param>
/// <param name="Target">The interface, the path, or the endpoint (<see cref="StreamEndpoint"/>), as written.</param>
public sealed record PortSpec(PortKind Kind, string Target)
{
    /// <summary>The forms that are allowed, for messages and help.</summary>
    public const string Allowed =
        "pcap:INTERFACE, xdp:INTERFACE, file:PATH, stream:unix:PATH[,server], stream:HOST:PORT[,server[,peer=ADDRESS]], "
        + "or INTERFACE alone";

    private const string PcapPrefix = "pcap";
    private const string XdpPrefix = "xdp";
    private const string FilePrefix = "file";
    private const string StreamPrefix = "stream";

    /// <summary>The endpoint of a stream port.</summary>
    public StreamEndpoint Endpoint => StreamEndpoint.TryParse(Target, out StreamEndpoint? endpoint, out string? error)
        ? endpoint
        : throw new System.InvalidOperationException($"no stream port: {error}");

    /// <summary>Parses a port.</summary>
    /// <param name="text">For example <c>pcap:eth1</c>.</param>
    /// <param name="spec">The port.</param>
    /// <param name="error">What is wrong and what is allowed, in one line.</param>
    /// <returns>False, with an error, when the text is no port.</returns>
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
            StreamPrefix => StreamEndpoint.TryParse(target, out _, out string? reason) ? null : reason,
            _ => $"'{kind}' is no kind of port",
        };
        if (error is not null)
        {
            error = $"'{written}' is no port: {error}; allowed are {Allowed}";
            return false;
        }

        spec = new PortSpec(KindOf(kind), target);
        return true;
    }

    /// <summary>Whether both mean the same interface, the same file, or the same address to connect to or to listen at.</summary>
    public bool IsSameAs(PortSpec other) => (Kind, other?.Kind) switch
    {
        (_, null) => false,
        (PortKind.File, PortKind.File) => Path.GetFullPath(Target) == Path.GetFullPath(other.Target),
        (PortKind.Stream, PortKind.Stream) => Endpoint.IsSamePlaceAs(other.Endpoint),
        (PortKind.File or PortKind.Stream, _) or (_, PortKind.File or PortKind.Stream) => false,
        _ => Target == other.Target,
    };

    /// <summary>The same port by the kernel's name of its interface, where the operator wrote an alternative name (ip link
    /// property add): libpcap and sysfs know only the kernel's. Where the interface does not exist, the port is
    /// unchanged.</summary>
    public PortSpec WithKernelsName() => Kind is PortKind.Pcap or PortKind.Xdp
        && InterfaceIndex.Find(Target) is { } index && InterfaceIndex.NameOf(index) is { } name
            ? this with { Target = name }
            : this;

    /// <summary>The port in its full form.</summary>
    public override string ToString() => $"{PrefixOf(Kind)}:{Target}";

    private static PortKind KindOf(string prefix) => prefix switch
    {
        FilePrefix => PortKind.File,
        XdpPrefix => PortKind.Xdp,
        StreamPrefix => PortKind.Stream,
        _ => PortKind.Pcap,
    };

    private static string PrefixOf(PortKind kind) => kind switch
    {
        PortKind.File => FilePrefix,
        PortKind.Xdp => XdpPrefix,
        PortKind.Stream => StreamPrefix,
        _ => PcapPrefix,
    };

    private static string? InterfaceNameError(string name) => name switch
    {
        "" => "no interface is given",
        "." or ".." => "that is no name of an interface",
        { Length: > InterfaceControl.MaxAlternativeNameLength } =>
            $"an interface's name has at most {InterfaceControl.MaxNameLength} characters, an alternative one "
                + $"{InterfaceControl.MaxAlternativeNameLength} (a path is written file:PATH)",
        _ when name.Contains('/') => "an interface's name has no '/' (a path is written file:PATH)",
        _ when name.Any(c => c is ':' or <= ' ' or > '~') => "an interface's name has no spaces, colons or symbols",
        _ => null,
    };
}
