// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Globalization;
using ColoWire.Ports.Streams;

namespace ColoWire.Ports.Checkpoint;

/// <summary>
/// The primary's QEMU, asked through its machine protocol (QMP). To set <c>x-checkpoint-delay</c> makes it checkpoint at once, as long as
/// it is in COLO; the events STOP and RESUME delimit the checkpoint.
/// </summary>
/// <remarks>
/// An empty answer to a request proves nothing, and STOP and RESUME come when an operator stops and continues the primary, too. So at each
/// STOP QEMU is asked why it has stopped: <c>colo</c> is a checkpoint. What is none must never count as one: frames would leave that no
/// secondary has said.
/// </remarks>
public sealed class QmpRequester : StreamRequester
{
    private const string NotInColoYet = "the primary is not in COLO yet";
    private const string StatusPrefix = "status-";

    private readonly QmpLines lines;
    private Running running;
    private bool hasSaidWhy;
    private bool isNegotiated;
    private bool hasLeft;
    private bool isAlone;
    private bool asksMigration;
    private string notInColo = NotInColoYet;
    private int changes;

    /// <summary>Makes one that does nothing yet.</summary>
    /// <param name="name">As the operator has written it.</param>
    /// <param name="endpoint">The primary's QMP socket.</param>
    public QmpRequester(string name, StreamEndpoint endpoint)
        : base(name, endpoint, RequesterLimits.QmpLineBytes) =>
        lines = new QmpLines(RequesterLimits.QmpLineBytes);

    /// <summary>Why the primary runs, or does not.</summary>
    private enum Running
    {
        /// <summary>It runs.</summary>
        Yes,

        /// <summary>It has stopped, and has not said why yet.</summary>
        Unknown,

        /// <summary>A checkpoint is made.</summary>
        Checkpoint,

        /// <summary>Somebody has stopped it.</summary>
        Stopped,
    }

    /// <inheritdoc/>
    /// <remarks>A request to a primary that somebody has stopped would make it run.</remarks>
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
        BeLost($"connected to {Endpoint}, where QEMU does not greet: a QMP socket serves one client at a time");
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
            Hear(QmpMessage.Parse(line));
        }

        return used + lines.SkipOverlong(bytes.Length - used);
    }

    private void Hear(QmpMessage message)
    {
        switch (message.Kind)
        {
            case QmpMessageKind.Greeting:
                BeLost("QEMU has greeted, and has not answered yet");
                Send(QmpCommands.Capabilities);
                break;
            case QmpMessageKind.Return:
                HearReturn(message);
                break;
            case QmpMessageKind.Error:
                HearError(message);
                break;
            case QmpMessageKind.Event:
                HearEvent(message);
                break;
            default:
                NoteIgnored();
                break;
        }
    }

    private void HearReturn(QmpMessage message)
    {
        switch (message.Name)
        {
            case QmpCommands.CapabilitiesId:
                isNegotiated = true;
                AskForColo();
                break;
            case QmpCommands.ColoId:
                HearMode(message.Mode);
                break;
            case QmpCommands.MigrationId:
                HearMode(message.Status == "colo" ? "primary" : "none");
                break;
            case QmpCommands.CheckpointId:
                // Outside of COLO it is the same: what counts is the STOP that follows.
                break;
            case string id when id.StartsWith(StatusPrefix, StringComparison.Ordinal):
                HearStatus(id, message.Status);
                break;
            default:
                NoteIgnored();
                break;
        }
    }

    private void HearError(QmpMessage message)
    {
        switch (message.Name)
        {
            case QmpCommands.ColoId when !asksMigration:
                // A QEMU without replication does not know the question.
                asksMigration = true;
                AskForColo();
                break;
            case QmpCommands.CheckpointId:
                Fail($"QEMU has refused: {Shown(message.Text)}");
                break;
            case QmpCommands.CapabilitiesId or QmpCommands.ColoId or QmpCommands.MigrationId:
                BeLost($"QEMU has refused '{message.Name}': {Shown(message.Text)}");
                break;
            default:
                NoteIgnored();
                break;
        }
    }

    private void HearEvent(QmpMessage message)
    {
        switch (message.Name)
        {
            case "STOP":
                HearStop();
                break;
            case "RESUME":
                HearResume();
                break;
            case "COLO_EXIT" when message.Mode == "secondary":
                HearMode(message.Mode);
                break;
            case "COLO_EXIT":
                hasLeft = true;
                notInColo = $"the primary has left COLO (reason {Shown(message.Text)})";
                BeAlone();
                break;
            case "MIGRATION" when isNegotiated:
                AskForColo();
                break;
            default:
                NoteIgnored();
                break;
        }
    }

    /// <summary>Whether it is in COLO. One that has lost its secondary says so on, until it was told to go on alone.</summary>
    private void HearMode(string mode)
    {
        switch (mode)
        {
            case "primary" when !hasLeft && !IsReady:
                isAlone = false;
                notInColo = NotInColoYet;
                BeReady();
                AskForStatus();
                break;
            case "primary":
                break;
            case "secondary":
                BeLost($"{Endpoint} is the secondary's QEMU: the primary's is needed");
                break;
            case "none":
                hasLeft = false;
                BeAlone();
                break;
            default:
                NoteIgnored();
                break;
        }
    }

    private void BeAlone()
    {
        if (!isAlone)
        {
            isAlone = true;
            LoseSecondary(notInColo);
        }
    }

    private void HearStop()
    {
        running = Running.Unknown;
        hasSaidWhy = false;
        changes++;
        AskForStatus();
        if (IsOutstanding)
        {
            // As early as can be: some milliseconds later the secondary says things that belong to the time after the checkpoint.
            running = Running.Checkpoint;
            Begin();
        }
    }

    private void HearResume()
    {
        bool isCheckpoint = running == Running.Checkpoint && HasBegun;
        running = Running.Yes;
        changes++;
        if (isCheckpoint && hasSaidWhy)
        {
            Complete();
        }
        else if (isCheckpoint)
        {
            Fail("the primary has stopped and gone on before it said why");
        }
    }

    private void HearStatus(string id, string status)
    {
        if (id != StatusId())
        {
            // It has stopped or gone on since.
            return;
        }

        switch (status)
        {
            case "running":
                running = running == Running.Checkpoint ? running : Running.Yes;
                break;
            case "colo":
                hasSaidWhy = true;
                if (IsReady && !HasBegun)
                {
                    running = Running.Checkpoint;
                    Begin();
                }

                break;
            case "":
                NoteIgnored();
                break;
            default:
                running = Running.Stopped;
                if (HasBegun)
                {
                    Fail($"the primary was stopped by somebody else ({Shown(status)})");
                }

                break;
        }
    }

    private void AskForColo() => Send(asksMigration ? QmpCommands.Migration : QmpCommands.Colo);

    private void AskForStatus() => Send(QmpCommands.Make("query-status", StatusId()));

    private string StatusId() => StatusPrefix + changes.ToString(CultureInfo.InvariantCulture);
}
