// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ColoWire.Engine;
using ColoWire.Engine.Frames;
using SharpPcap.LibPcap;

namespace ColoWire.Ports.Pcap;

/// <summary>
/// Reads a live device in batches: one call has libpcap hand over all frames that have arrived, and each is copied from the kernel's
/// ring to its slot. Frame by frame it would be a call, a copy more, and for the one that is not there a system call.
/// </summary>
internal sealed unsafe class BatchReader : IDisposable
{
    private readonly RecordIntake intake;
    private LibPcapLiveDevice? device;
    private bool smallSlotsSuffice;
    private readonly byte[] aside = GC.AllocateArray<byte>(sizeof(PacketHeader) + EngineLimits.MaxFrameBytes, pinned: true);
    private GCHandle<BatchReader> self;

    // Of the call that runs.
    private SlotPool? pool;
    private FrameRef* room;
    private int taken;
    private long arrivalNs;

    /// <summary>Reads nothing yet.</summary>
    /// <param name="intake">Gets the frames into their slots and counts them.</param>
    public BatchReader(RecordIntake intake)
    {
        this.intake = intake;
        self = new GCHandle<BatchReader>(this);
    }

    /// <summary>From now on reads a device that does not block. A frame that was set aside still comes first.</summary>
    /// <param name="handle">The device; null for none. It is closed when another one is used, or this was disposed of.</param>
    public void Use(OpenDevice? handle)
    {
        device = handle?.Device;
        smallSlotsSuffice = handle?.SnapLength <= EngineLimits.SmallSlotBytes;
    }

    /// <summary>Takes the frames that have arrived. One for which no slot is free is set aside and comes first at the next call.</summary>
    /// <param name="slots">Where they go.</param>
    /// <param name="batch">Filled from the front. Frames that are refused take up room too, so that a call is bounded.</param>
    /// <param name="nowNs">The time of their arrival.</param>
    /// <param name="count">How many were taken.</param>
    /// <returns>False when the device has failed; it says why.</returns>
    public bool TryRead(SlotPool slots, Span<FrameRef> batch, long nowNs, out int count)
    {
        bool good = true;
        fixed (FrameRef* first = batch)
        {
            pool = slots;
            room = first;
            taken = 0;
            arrivalNs = nowNs;
            int read = 0;
            if (intake.HasRecord && !batch.IsEmpty)
            {
                Deliver();
                read = 1;
            }

            while (good && device is not null && read < batch.Length && !intake.HasRecord)
            {
                int most = Math.Clamp(CertainSlots(slots), 1, batch.Length - read);
                int got = Libpcap.Dispatch(device.Handle, most, &Take, GCHandle<BatchReader>.ToIntPtr(self));
                good = got != Libpcap.Failed;
                read = got == most ? read + got : batch.Length;
            }

            count = taken;
        }

        return good;
    }

    /// <summary>Forgets the device. Its thread must have ended.</summary>
    public void Dispose() => self.Dispose();

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Take(nint user, PacketHeader* header, byte* bytes)
    {
        BatchReader reader = GCHandle<BatchReader>.FromIntPtr(user).Target;
        reader.intake.Hold((nint)header, (nint)bytes);
        reader.Deliver();
        if (reader.intake.HasRecord)
        {
            // libpcap takes its memory back now. It hands over no further frame: for more than one all slots were certain.
            reader.intake.MoveTo(reader.aside);
        }
    }

    /// <summary>How many frames find a slot, however long they are.</summary>
    private int CertainSlots(SlotPool slots) =>
        smallSlotsSuffice ? slots.FreeSmall : Math.Min(slots.FreeSmall, slots.FreeLarge);

    private void Deliver() =>
        taken += intake.Deliver(pool!, arrivalNs, out room[taken]) == IntakeResult.Delivered ? 1 : 0;
}
