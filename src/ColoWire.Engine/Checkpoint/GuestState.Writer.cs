// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Engine.Checkpoint;

/// <content>The writer's side, for the gate's thread alone.</content>
public sealed partial class GuestState
{
    /// <summary>Writes the state of a guest. There is one writer for each guest.</summary>
    internal sealed class Writer
    {
        /// <summary>Makes the state of a guest, and its writer.</summary>
        /// <param name="requester">Says whether checkpoints can be had at all.</param>
        /// <param name="options">Validated options.</param>
        /// <param name="failed">The state of the path in which a duty has failed: its epoch and its mode go on; null at the
        /// start.</param>
        public Writer(ICheckpointRequester requester, EngineOptions options, GuestState? failed)
        {
            State = new GuestState(requester, options);
            if (failed is not null)
            {
                State.epoch = failed.epoch;
                State.capturedEpoch = failed.capturedEpoch;
                State.mode = failed.mode;
                State.hasObserved = failed.hasObserved;
            }
        }

        /// <summary>What all threads read.</summary>
        public GuestState State { get; }

        /// <summary>Begins an epoch. Every shard flushes at the sight of it.</summary>
        /// <param name="reason">Why what is held leaves unverified.</param>
        /// <param name="next">Its number.</param>
        /// <param name="isFresh">Whether flows forget what was said before.</param>
        public void BeginEpoch(UnverifiedReason reason, uint next, bool isFresh)
        {
            State.epochReason = reason;
            // Release. Partner: CaptureDuty.BeginEpoch, which may see this epoch before a shard does. The shard leaves a frame
            // that bears it where it is until the epoch itself is seen.
            State.capturedEpoch = next;
            if (isFresh)
            {
                State.freshEpoch = next;
            }

            // Release: the reason and the fresh epoch are written. Partner: Shard.RefreshFlush.
            State.flushedEpoch = next;
            // Release: mode, protection and all of the above are written. Partner: Shard.RefreshEpoch.
            State.epoch = next;
        }

        /// <summary>Frames that come in from now on belong to the next epoch, which has not begun: they wait for it.</summary>
        public void CaptureNextEpoch() =>
            // Release. Partner: CaptureDuty.BeginEpoch.
            State.capturedEpoch++;

        /// <summary>Begins the epoch to which frames belong already, without a flush: the frames that waited for a checkpoint
        /// that broke off are compared with what is held. Whether the secondary is a copy of the primary is not known, so only
        /// what both say leaves.</summary>
        public void ContinueEpoch() =>
            // Release. Partner: Shard.RefreshEpoch.
            State.epoch = State.capturedEpoch;

        /// <summary>Says whether both replicas are stopped for the checkpoint that ends the loss of the secondary. Called after
        /// the epoch was written.</summary>
        public void SetReturning(bool isReturning)
        {
            // A line that is written only when it changes stays in the shards' caches.
            if (State.isReturning != isReturning)
            {
                // Release: the epoch is written. Partner: Shard.RefreshEpoch, which reads in the other order.
                State.isReturning = isReturning;
            }
        }

        /// <summary>Says who speaks for the guest.</summary>
        /// <returns>Whether that has changed.</returns>
        public bool SetProtection(Protection now)
        {
            if (State.protection == now)
            {
                return false;
            }

            // Release. Partner: Shard.RefreshProtection.
            State.protection = now;
            return true;
        }

        /// <summary>Changes the mode, before the epoch with which it takes effect.</summary>
        public void SetMode(CompareMode mode)
        {
            // Release, before the first frame that is only observed. Partner: EgressDuty.SendHome, which gets such a frame from a
            // shard that has seen the epoch.
            State.hasObserved = true;
            State.mode = mode;
        }

        /// <summary>Has flows forget what was said before, because frames went past the comparison.</summary>
        public void CountBypass() =>
            // Release. Partner: Shard.RefreshBypass.
            State.bypasses++;
    }
}
