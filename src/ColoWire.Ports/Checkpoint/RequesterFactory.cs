// SPDX-License-Identifier: GPL-2.0-or-later

using System;

namespace ColoWire.Ports.Checkpoint;

/// <summary>The options of the operator with which requesters are created.</summary>
/// <param name="HasVnetHeader">Whether messages of a notify_dev contain the length of a vnet header.</param>
/// <param name="CommandTimeoutMs">How long a command may run, in ms; see <see cref="RequesterLimits.CommandTimeoutMs"/>.</param>
/// <param name="Speaker">Describes the cause of a checkpoint for a command.</param>
public sealed record RequesterSettings(bool HasVnetHeader, int CommandTimeoutMs, CauseSpeaker Speaker);

/// <summary>Creates the checkpoint requester of an appliance.</summary>
public static class RequesterFactory
{
    /// <summary>Creates a requester that does not run yet.</summary>
    /// <returns>Null for the requester <c>none</c>.</returns>
    /// <exception cref="PortException">It cannot be created; one line says why.</exception>
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
