// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Globalization;
using ColoWire.Ports.Streams;

namespace ColoWire.Ports.Checkpoint;

/// <summary>
/// Asks the primary's QEMU through its machine protocol (QMP, docs/interop/qmp-spec.rst). Setting <c>x-checkpoint-delay</c> makes
/// it checkpoint at once, while it is in COLO; the events STOP and RESUME delimit the checkpoint.
/// </summary>
/// <remarks>
/// An empty answer to the request proves nothing, and STOP and RESUME are sent, too, when an operator stops and continues the
/// primary. So at each STOP, QEMU is asked for its status: <c>colo</c> is a checkpoint. A stop for another reason must not count
/// as a checkpoint: frames would leave that the secondary has not produced.
/// </remarks>
public sealed class QmpRequester : StreamRequester
{
    private const string NotInColoYet = "the primary is not in COLO yet";
    private const string StatusPrefix = "status-";

    private readonly QmpLines lines;
    private Running running;
    private bool isReasonKnown;
    private bool isNegotiated;
    private bool hasLeft;
    private bool isAlone;
    private bool asksMigration;
    private string notInColo = NotInColoYet;
    private int changes;

    /// <summary>Creates a requester that does not run yet.</summary>
    /// <param name="name">The name that the operator wrote.</param>
    /// <param name="endpoint">The primary's QMP socket.</param>
    public QmpRequester(string name, StreamEndpoint endpoint)
        : base(name, endpoint, RequesterLimits.QmpLineBytes) =>
        lines = new QmpLines(RequesterLimits.QmpLineBytes);

    /// <summary>Whether the primary runs, and why not.</summary>
    private enum Running
    {
        /// <summary>It runs.</summary>
        Yes,

        /// <summary>It has stopped; the reason is not known yet.</summary>
        Unknown,

        /// <summary>It has stopped for a checkpoint.</summary>
        Checkpoint,

        /// <summary>It has stopped for another reason, an operator's command for example.</summary>
        Stopped,
    }

    /// <inheritdoc/>
    /// <remarks>A request to a primary that an operator has stopped would make it run.</remarks>
    protected override bool CanAsk => IsReady && running is (Running.Yes or Running.Checkpoint);

    /// <inheritdoc/>
    protected override string Peer => "QEMU";

    /// <inheritdoc/>
    protected override void OnConnected()
    {
        lines.Reset();
        running = Running.Yes;
        isNegotiated = false;
        hasLeft = false;
        isAlone = false;
        notInColo = NotInColoYet;
        SetUnavailable($"connected to {Endpoint}, and QEMU has sent no greeting: a QMP socket serves one client at a time");
    }

    /// <inheritdoc/>
    protected override void Ask() => Send(QmpCommands.Checkpoint);

    /// <inheritdoc/>
    protected override void Look()
    {
        if (isNegotiated && (!IsReady || IsOutstanding))
        {
            AskForColo();
        }

        if (isNegotiated && running != Running.Yes)
        {
            AskForStatus();
        }
    }

    /// <inheritdoc/>
    protected override int Take(ReadOnlyMemory<byte> bytes)
    {
        int used = 0;
        while (lines.TryTake(bytes[used..], out ReadOnlyMemory<byte> line, out int taken))
        {
            used += taken;
            Handle(QmpMessage.Parse(line));
        }

        return used + lines.SkipOverlong(bytes.Length - used);
    }

    private void Handle(QmpMessage message)
    {
        switch (message.Kind)
        {
            case QmpMessageKind.Greeting:
                SetUnavailable("QEMU has sent its greeting, and no answer yet");
                Send(QmpCommands.Capabilities);
                break;
            case QmpMessageKind.Return:
                HandleReturn(message);
                break;
            case QmpMessageKind.Error:
                HandleError(message);
                break;
            case QmpMessageKind.Event:
                HandleEvent(message);
                break;
            default:
                CountIgnored();
                break;
        }
    }

    private void HandleReturn(QmpMessage message)
    {
        switch (message.Name)
        {
            case QmpCommands.CapabilitiesId:
                isNegotiated = true;
                AskForColo();
                break;
            case QmpCommands.ColoId:
                HandleMode(message.Mode);
                break;
            case QmpCommands.MigrationId:
                HandleMode(message.Status == "colo" ? "primary" : "none");
                break;
            case QmpCommands.CheckpointId:
                // QEMU answers alike outside of COLO: only the STOP that follows counts.
                break;
            case string id when id.StartsWith(StatusPrefix, StringComparison.Ordinal):
                HandleStatus(id, message.Status);
                break;
            default:
                CountIgnored();
                break;
        }
    }

    private void HandleError(QmpMessage message)
    {
        switch (message.Name)
        {
            case QmpCommands.ColoId when !asksMigration:
                // A QEMU that was built without replication does not know the command.
                asksMigration = true;
                AskForColo();
                break;
            case QmpCommands.CheckpointId:
                Fail($"QEMU has refused: {Shown(message.Text)}");
                break;
            case QmpCommands.CapabilitiesId or QmpCommands.ColoId or QmpCommands.MigrationId:
                SetUnavailable($"QEMU has refused '{message.Name}': {Shown(message.Text)}");
                break;
            default:
                CountIgnored();
                break;
        }
    }

    private void HandleEvent(QmpMessage message)
    {
        switch (message.Name)
        {
            case "STOP":
                HandleStop();
                break;
            case "RESUME":
                HandleResume();
                break;
            case "COLO_EXIT" when message.Mode == "secondary":
                HandleMode(message.Mode);
                break;
            case "COLO_EXIT":
                hasLeft = true;
                notInColo = $"the primary has left COLO (reason {Shown(message.Text)})";
                SetAlone();
                break;
            case "MIGRATION" when isNegotiated:
                AskForColo();
                break;
            default:
                CountIgnored();
                break;
        }
    }

    /// <summary>Handles the side of QEMU in COLO. A primary that has lost its secondary still reports "primary", until it is told
    /// to leave COLO.</summary>
    private void HandleMode(string mode)
    {
        switch (mode)
        {
            case "primary" when !hasLeft && !IsReady:
                isAlone = false;
                notInColo = NotInColoYet;
                SetReady();
                AskForStatus();
                break;
            case "primary":
                break;
            case "secondary":
                SetUnavailable($"{Endpoint} is the secondary's QEMU: the primary's is needed");
                break;
            case "none":
                hasLeft = false;
                SetAlone();
                break;
            default:
                CountIgnored();
                break;
        }
    }

    private void SetAlone()
    {
        if (!isAlone)
        {
            isAlone = true;
            LoseSecondary(notInColo);
        }
    }

    private void HandleStop()
    {
        running = Running.Unknown;
        isReasonKnown = false;
        changes++;
        AskForStatus();
        if (IsOutstanding)
        {
            // As early as possible: some milliseconds later the secondary sends frames that belong to the time after the
            // checkpoint.
            running = Running.Checkpoint;
            Begin();
        }
    }

    private void HandleResume()
    {
        bool isCheckpoint = running == Running.Checkpoint && HasBegun;
        running = Running.Yes;
        changes++;
        if (isCheckpoint && isReasonKnown)
        {
            Complete();
        }
        else if (isCheckpoint)
        {
            Fail("the primary has stopped and continued before it reported why");
        }
    }

    private void HandleStatus(string id, string status)
    {
        if (id != StatusId())
        {
            // The machine has stopped or continued since the question.
            return;
        }

        switch (status)
        {
            case "running":
                running = running == Running.Checkpoint ? running : Running.Yes;
                break;
            case "colo":
                isReasonKnown = true;
                if (IsReady && !HasBegun)
                {
                    running = Running.Checkpoint;
                    Begin();
                }

                break;
            case "":
                CountIgnored();
                break;
            default:
                running = Running.Stopped;
                if (HasBegun)
                {
                    Fail($"the primary was stopped, and not for a checkpoint ({Shown(status)})");
                }

                break;
        }
    }

    private void AskForColo() => Send(asksMigration ? QmpCommands.Migration : QmpCommands.Colo);

    private void AskForStatus() => Send(QmpCommands.Make("query-status", StatusId()));

    private string StatusId() => StatusPrefix + changes.ToString(CultureInfo.InvariantCulture);
}
