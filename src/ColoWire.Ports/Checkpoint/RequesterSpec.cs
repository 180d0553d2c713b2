// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using ColoWire.Ports.Streams;

namespace ColoWire.Ports.Checkpoint;

/// <summary>The kinds of checkpoint requesters.</summary>
public enum RequesterKind
{
    /// <summary>No requests are made.</summary>
    None,

    /// <summary>The primary's QEMU, through QMP.</summary>
    Qmp,

    /// <summary>A COLO manager that speaks as that of Xen does, on a notify_dev.</summary>
    NotifyDev,

    /// <summary>A program.</summary>
    Command,
}

/// <summary>The checkpoint requester as the operator writes it.</summary>
public sealed record RequesterSpec
{
    /// <summary>The forms that are allowed, for messages and help.</summary>
    public const string Allowed =
        "none, qmp:unix:PATH, qmp:HOST:PORT, notify_dev:unix:PATH[,server], notify_dev:HOST:PORT[,server[,peer=ADDRESS]], "
        + "command:PROGRAM [ARGUMENT...]";

    private const string NoneWord = "none";
    private const string QmpWord = "qmp";
    private const string NotifyDevWord = "notify_dev";
    private const string CommandWord = "command";

    private readonly string text;

    private RequesterSpec(string text, RequesterKind kind)
    {
        this.text = text;
        Kind = kind;
    }

    /// <summary>The requester <c>none</c>.</summary>
    public static RequesterSpec None { get; } = new(NoneWord, RequesterKind.None);

    /// <summary>The kind of requester.</summary>
    public RequesterKind Kind { get; }

    /// <summary>The endpoint, of those kinds that use a byte stream.</summary>
    public StreamEndpoint? Endpoint { get; private init; }

    /// <summary>The program and its arguments.</summary>
    public IReadOnlyList<string> Words { get; private init; } = [];

    /// <summary>Parses a requester.</summary>
    /// <param name="written">For example <c>qmp:unix:/run/primary.qmp</c>.</param>
    /// <param name="spec">The requester.</param>
    /// <param name="error">What is wrong and what is allowed, in one line.</param>
    /// <returns>False, with an error, when the text is no requester.</returns>
    public static bool TryParse(
        string? written, [NotNullWhen(true)] out RequesterSpec? spec, [NotNullWhen(false)] out string? error)
    {
        string whole = written ?? string.Empty;
        int colon = whole.IndexOf(':');
        string kind = colon < 0 ? whole : whole[..colon];
        string target = colon < 0 ? string.Empty : whole[(colon + 1)..];
        spec = null;
        string? fault = kind switch
        {
            NoneWord when colon < 0 => Set(None, out spec),
            QmpWord => Stream(whole, RequesterKind.Qmp, target, out spec),
            NotifyDevWord => Stream(whole, RequesterKind.NotifyDev, target, out spec),
            CommandWord => Program(whole, target, out spec),
            _ => $"'{kind}' is no kind of requester",
        };
        error = fault is null ? null : $"'{whole}' is no requester: {fault}; allowed are {Allowed}";
        return spec is not null;
    }

    /// <summary>The requester as it was written.</summary>
    public override string ToString() => text;

    private static string? Set(RequesterSpec made, out RequesterSpec? spec)
    {
        spec = made;
        return null;
    }

    private static string? Stream(string whole, RequesterKind kind, string target, out RequesterSpec? spec)
    {
        spec = null;
        if (target.Length == 0)
        {
            return "no address is given";
        }

        if (!StreamEndpoint.TryParse(target, out StreamEndpoint? endpoint, out string? error))
        {
            return error;
        }

        return kind == RequesterKind.Qmp && endpoint.IsServer
            ? "QEMU is the server of its QMP socket: leave ',server' out"
            : Set(new RequesterSpec(whole, kind) { Endpoint = endpoint }, out spec);
    }

    private static string? Program(string whole, string target, out RequesterSpec? spec)
    {
        spec = null;
        string[] words = target.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        return words.Length == 0 ? "no program is given"
            : target.AsSpan().ContainsAny("\"'\0") ? "quotes are not allowed: there is no shell, and words end at spaces"
            : Set(new RequesterSpec(whole, RequesterKind.Command) { Words = words }, out spec);
    }
}
