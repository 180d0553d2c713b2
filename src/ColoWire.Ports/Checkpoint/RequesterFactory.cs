// SPDX-License-Identifier: GPL-2.0-or-later

using System;

namespace ColoWire.Ports.Checkpoint;

/// <summary>How requesters are made, where an operator may choose.</summary>
/// <param name="HasVnetHeader">Whether messages of a notify_dev come with the length of a vnet header.</param>
/// <param name="CommandTimeoutMs">How long a command may take; see <see cref="RequesterLimits.CommandTimeoutMs"/>.</param>
/// <param name="Speaker">Puts the cause of a checkpoint into words for a command.</param>
public sealed record RequesterSettings(bool HasVnetHeader, int CommandTimeoutMs, CauseSpeaker Speaker);

/// <summary>Makes the checkpoint requester of a running appliance.</summary>
public static class RequesterFactory
{
    /// <summary>Makes it; it does nothing yet.</summary>
    /// <returns>Null where nobody is asked.</returns>
    /// <exception cref="PortException">It cannot be had; one line says why.</exception>
    public static CheckpointRequester? Make(RequesterSpec spec, RequesterSettings settings)
    {
        ArgumentNullException.ThrowIfNull(spec);
        ArgumentNullException.ThrowIfNull(settings);
        return spec switch
        {
            { Kind: RequesterKind.Qmp, Endpoint: { } endpoint } => new QmpRequester(spec.ToString(), endpoint),
            { Kind: RequesterKind.NotifyDev, Endpoint: { } endpoint } =>
                new NotifyDevRequester(spec.ToString(), endpoint, settings.HasVnetHeader),
            { Kind: RequesterKind.Command } =>
                new CommandRequester(spec.ToString(), spec.Words, settings.CommandTimeoutMs, settings.Speaker),
            _ => null,
        };
    }
}
