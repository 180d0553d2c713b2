// SPDX-License-Identifier: GPL-2.0-or-later

using System.Threading;
using ColoWire.Engine.Frames;

namespace ColoWire.Engine.Checkpoint;

/// <summary>
/// What of a guest's protection is lost: the way of the primary's frames, the secondary, the requester, or a choice between the
/// two replicas because one of them goes on alone. From these follows the <see cref="Protection"/>, which is published at each
/// change.
/// </summary>
internal sealed class Losses
{
    private readonly ICapturePort primary;
    private readonly ICapturePort secondary;
    private readonly GuestState.Writer guest;
    private int takenOver;

    /// <summary>Nothing is lost.</summary>
    /// <param name="primary">Where the primary's frames come in.</param>
    /// <param name="secondary">Where the secondary's frames come in.</param>
    /// <param name="guest">Where the protection is published.</param>
    /// <param name="failed">Of the path in which a duty has failed: what was lost stays lost; null at the start.</param>
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

    /// <summary>Whether frames of the primary do not come to ColoWire.</summary>
    public bool IsBypassed { get; private set; }

    /// <summary>Whether the secondary's port had a link when it was looked at last.</summary>
    public bool HasSecondaryLink { get; private set; }

    /// <summary>Whether the secondary's link was lost, or the hypervisor has said that there is no secondary, and no checkpoint
    /// has finished since.</summary>
    public bool IsSecondaryLost { get; private set; }

    /// <summary>Whether the secondary is lost and its link is back, so that the next checkpoint ends the loss.</summary>
    public bool IsSecondaryReturning => IsSecondaryLost && HasSecondaryLink;

    /// <summary>Whether no checkpoint can be had.</summary>
    public bool IsRequesterLost { get; private set; }

    /// <summary>Whether one of the two goes on alone.</summary>
    public bool IsTakenOver => Volatile.Read(ref takenOver) != 0;

    /// <summary>Any thread: one of the two goes on alone from now on.</summary>
    public void TakeOver(Protection alone) => Volatile.Write(ref takenOver, (int)alone);

    /// <summary>Looks whether frames of the primary come to ColoWire.</summary>
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

    /// <summary>Looks at the link of the secondary's port.</summary>
    /// <returns>Whether it has changed.</returns>
    public bool FollowSecondaryLink()
    {
        bool hasLink = secondary.HasLink;
        bool hasChanged = hasLink != HasSecondaryLink;
        HasSecondaryLink = hasLink;
        return hasChanged;
    }

    /// <summary>The secondary is lost, until a checkpoint has finished.</summary>
    public void LoseSecondary()
    {
        IsSecondaryLost = true;
        _ = Publish();
    }

    /// <summary>The secondary is back where no checkpoint is to be had.</summary>
    public void RegainSecondary()
    {
        IsSecondaryLost = false;
        _ = Publish();
    }

    /// <summary>No checkpoint can be had.</summary>
    public void LoseRequester()
    {
        IsRequesterLost = true;
        _ = Publish();
    }

    /// <summary>Checkpoints can be had again.</summary>
    public void RegainRequester()
    {
        IsRequesterLost = false;
        _ = Publish();
    }

    /// <summary>A checkpoint has finished: the secondary is a copy of the primary, unless its frames cannot come in.</summary>
    public void EndAtCheckpoint()
    {
        IsSecondaryLost = IsSecondaryLost && !secondary.HasLink;
        IsRequesterLost = false;
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
            : Protection.InStep);
    }
}
