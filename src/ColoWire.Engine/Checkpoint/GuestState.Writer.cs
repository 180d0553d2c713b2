// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Engine.Checkpoint;

/// <content>The writer's side, for the gate's thread alone.</content>
public sealed partial class GuestState
{
    /// <summary>Writes the state of a guest. There is one writer for each guest.</summary>
    internal sealed class Writer
    {
        /// <summary>Makes the state of a guest, and its writer.</summary>
        /// <param name="requester">The requester, which says whether checkpoints can be made at all.</param>
        /// <param name="options">Validated options.</param>
        /// <param name="failed">The state of the path in which a duty has failed: its epoch and its mode are taken over; null
        /// at the start.</param>
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

        /// <summary>The state, for all threads.</summary>
        public GuestState State { get; }

        /// <summary>Begins an epoch, at which every shard flushes.</summary>
        /// <param name="reason">The reason counted for the held frames, which leave unverified.</param>
        /// <param name="next">Its number.</param>
        /// <param name="isFresh">Whether flows discard the verified bytes.</param>
        /// <param name="isCopy">Whether a checkpoint has made the secondary a copy of the primary.</param>
        public void BeginEpoch(UnverifiedReason reason, uint next, bool isFresh, bool isCopy)
        {
            State.copiedEpoch = isCopy ? next : State.copiedEpoch;
            State.epochReason = reason;
            // Release. Partner: CaptureDuty.BeginEpoch, which may see this epoch before a shard does. The shard leaves a frame
            // of this epoch in its ring until it sees the epoch itself.
            State.capturedEpoch = next;
            if (isFresh)
            {
                State.freshEpoch = next;
            }

            // Release: the reason and the fresh epoch are written. Partner: ShardView.RefreshFlush.
            State.flushedEpoch = next;
            // Release: mode, protection and all of the above are written. Partner: ShardView.RefreshEpoch.
            State.epoch = next;
        }

        /// <summary>Assigns frames that are captured from now on to the next epoch. They wait until it begins.</summary>
        public void CaptureNextEpoch() =>
            // Release. Partner: CaptureDuty.BeginEpoch.
            State.capturedEpoch++;

        /// <summary>Begins the epoch to which captured frames belong already, without a flush: frames that waited for a
        /// checkpoint that was broken off are compared with the held frames. Whether the secondary is a copy of the primary is
        /// unknown, so that only frames that both sent leave.</summary>
        public void ContinueEpoch() =>
            // Release. Partner: ShardView.RefreshEpoch.
            State.epoch = State.capturedEpoch;

        /// <summary>Publishes whether both replicas are stopped for the checkpoint that ends the loss of the secondary. Called
        /// after the epoch was written.</summary>
        public void SetReturning(bool isReturning)
        {
            // Written only on a change, so that the cache line stays shared by the shards' cores.
            if (State.isReturning != isReturning)
            {
                // Release: the epoch is written. Partner: ShardView.RefreshEpoch, which reads in the other order.
                State.isReturning = isReturning;
            }
        }

        /// <summary>Publishes whether both replicas are stopped for a checkpoint. Called after the epoch was written.</summary>
        public void SetReplicasStopped(bool areStopped)
        {
            // Written only on a change, as isReturning is.
            if (State.areReplicasStopped != areStopped)
            {
                // Release: the epoch is written. Partner: ClientIntake.Take, which reads in the other order.
                State.areReplicasStopped = areStopped;
            }
        }

        /// <summary>Publishes which replica's frames leave.</summary>
        /// <returns>Whether that has changed.</returns>
        public bool SetProtection(Protection now)
        {
            if (State.protection == now)
            {
                return false;
            }

            // Release. Partner: ShardView.RefreshProtection.
            State.protection = now;
            return true;
        }

        /// <summary>Changes the mode, before the epoch with which it takes effect.</summary>
        public void SetMode(CompareMode mode)
        {
            // Release, before the first frame that is only observed. Partner: EgressDuty.SendHome, which gets such a frame from
            // a shard that has seen the epoch.
            State.hasObserved = true;
            State.mode = mode;
        }

        /// <summary>Counts a checkpoint that was broken off after both replicas had been stopped.</summary>
        public void CountBrokenCheckpoint() =>
            // Release. Partner: ShardView.RefreshEpoch.
            State.brokenCheckpoints++;

        /// <summary>Makes flows discard the verified bytes, because frames bypassed the comparison.</summary>
        public void CountBypass() =>
            // Release. Partner: ShardView.RefreshBypasses.
            State.bypasses++;
    }
}
