// SPDX-License-Identifier: GPL-2.0-or-later

using System.Threading;
using ColoWire.Engine.Frames;

namespace ColoWire.Engine.Checkpoint;

/// <summary>
/// Records what a guest's protection lacks: the primary's frames bypass ColoWire, the secondary is lost, the requester is lost,
/// or one replica sends alone after a fail-over. The resulting <see cref="Protection"/> is published at each change.
/// </summary>
internal sealed class Losses
{
    private readonly ICapturePort primary;
    private readonly ICapturePort secondary;
    private readonly GuestState.Writer guest;
    private int takenOver;
    private long mendedMirrorLossNs = GuestState.NoMirrorLoss;

    /// <summary>Makes a record without losses.</summary>
    /// <param name="primary">The port that receives the primary's frames.</param>
    /// <param name="secondary">The port that receives the secondary's frames.</param>
    /// <param name="guest">The writer of the guest's state.</param>
    /// <param name="failed">The losses of the path in which a duty has failed, which are taken over; null at the start.</param>
    public Losses(ICapturePort primary, ICapturePort secondary, GuestState.Writer guest, Losses? failed)
    {
        this.primary = primary;
        this.secondary = secondary;
        this.guest = guest;
        HasSecondaryLink = failed?.HasSecondaryLink ?? true;
        if (failed is not null)
        {
            takenOver = Volatile.Read(ref failed.takenOver);
            IsBypassed = failed.IsBypassed;
            IsSecondaryLost = failed.IsSecondaryLost;
            IsRequesterLost = failed.IsRequesterLost;
            _ = Publish();
        }
    }

    /// <summary>Whether frames of the primary bypass ColoWire.</summary>
    public bool IsBypassed { get; private set; }

    /// <summary>Whether the secondary's port had a link at the last check.</summary>
    public bool HasSecondaryLink { get; private set; }

    /// <summary>Whether the secondary's link was lost, or the hypervisor has reported that there is no secondary, and no
    /// checkpoint has finished since.</summary>
    public bool IsSecondaryLost { get; private set; }

    /// <summary>Whether the secondary is lost and its link is back, so that the next checkpoint ends the loss.</summary>
    public bool IsSecondaryReturning => IsSecondaryLost && HasSecondaryLink;

    /// <summary>Whether no checkpoint can be made.</summary>
    public bool IsRequesterLost { get; private set; }

    /// <summary>Whether a replica has missed frames of clients within the last <see cref="EngineLimits.MirrorLossShowsNs"/>, and
    /// no checkpoint has finished since.</summary>
    private bool HasMirrorLoss { get; set; }

    /// <summary>Whether one of the two replicas sends alone.</summary>
    public bool IsTakenOver => Volatile.Read(ref takenOver) != 0;

    /// <summary>Lets one of the two replicas send alone from now on. Any thread may call it.</summary>
    public void TakeOver(Protection alone) => Volatile.Write(ref takenOver, (int)alone);

    /// <summary>Checks whether frames of the primary bypass ColoWire.</summary>
    /// <returns>Whether that has changed.</returns>
    public bool FollowPrimary()
    {
        bool isBypassed = primary.IsBypassed;
        if (isBypassed == IsBypassed)
        {
            return false;
        }

        IsBypassed = isBypassed;
        _ = Publish();
        return true;
    }

    /// <summary>Checks the link of the secondary's port.</summary>
    /// <returns>Whether it has changed.</returns>
    public bool FollowSecondaryLink()
    {
        bool hasLink = secondary.HasLink;
        bool hasChanged = hasLink != HasSecondaryLink;
        HasSecondaryLink = hasLink;
        return hasChanged;
    }

    /// <summary>Checks whether a replica has missed frames of clients.</summary>
    /// <param name="nowNs">The engine's clock, in nanoseconds.</param>
    /// <returns>Whether that has changed.</returns>
    public bool FollowMirror(long nowNs)
    {
        long lastNs = guest.State.LastMirrorLossNs;
        bool hasLoss = lastNs != mendedMirrorLossNs && nowNs - lastNs < EngineLimits.MirrorLossShowsNs;
        if (hasLoss == HasMirrorLoss)
        {
            return false;
        }

        HasMirrorLoss = hasLoss;
        _ = Publish();
        return true;
    }

    /// <summary>Records that the secondary is lost, until a checkpoint has finished.</summary>
    public void LoseSecondary()
    {
        IsSecondaryLost = true;
        _ = Publish();
    }

    /// <summary>Records that the secondary is back, where no checkpoint can be made.</summary>
    public void RegainSecondary()
    {
        IsSecondaryLost = false;
        _ = Publish();
    }

    /// <summary>Records that no checkpoint can be made.</summary>
    public void LoseRequester()
    {
        IsRequesterLost = true;
        _ = Publish();
    }

    /// <summary>Records that checkpoints can be made again.</summary>
    public void RegainRequester()
    {
        IsRequesterLost = false;
        _ = Publish();
    }

    /// <summary>Ends the losses after a finished checkpoint, which has made the secondary a copy of the primary. Without a link
    /// the secondary stays lost.</summary>
    public void EndAtCheckpoint()
    {
        IsSecondaryLost = IsSecondaryLost && !secondary.HasLink;
        IsRequesterLost = false;
        HasMirrorLoss = false;
        mendedMirrorLossNs = guest.State.LastMirrorLossNs;
        _ = Publish();
    }

    /// <summary>Publishes the protection.</summary>
    /// <returns>Whether it has changed.</returns>
    public bool Publish()
    {
        Protection alone = (Protection)Volatile.Read(ref takenOver);
        return guest.SetProtection(
            alone != default ? alone
            : IsBypassed ? Protection.Bypassed
            : IsSecondaryLost ? Protection.DegradedNoSecondary
            : IsRequesterLost ? Protection.DegradedNoCheckpoints
            : HasMirrorLoss ? Protection.DegradedMirrorLoss
            : Protection.InStep);
    }
}
