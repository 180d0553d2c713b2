// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ColoWire.Engine;
using ColoWire.Engine.Frames;
using SharpPcap.LibPcap;

namespace ColoWire.Ports.Pcap;

/// <summary>
/// Reads a live device in batches: one call of pcap_dispatch(3PCAP) passes all frames that have arrived to a callback, which
/// copies each from the kernel's ring to its slot. pcap_next_ex(3PCAP) would cost a call and a copy more for each frame, and a
/// system call where none has arrived.
/// </summary>
internal sealed unsafe class BatchReader : IDisposable
{
    private readonly RecordIntake intake;
    private LibPcapLiveDevice? device;
    private bool smallSlotsSuffice;
    private readonly byte[] aside = GC.AllocateArray<byte>(sizeof(PacketHeader) + EngineLimits.MaxFrameBytes, pinned: true);
    private GCHandle<BatchReader> self;

    // The arguments of the call of TryRead that runs.
    private SlotPool? pool;
    private FrameRef* room;
    private int taken;
    private long arrivalNs;

    /// <summary>Creates a reader without a device.</summary>
    /// <param name="intake">Copies the frames into their slots.</param>
    public BatchReader(RecordIntake intake)
    {
        this.intake = intake;
        self = new GCHandle<BatchReader>(this);
    }

    /// <summary>Sets the device to read, which must be non-blocking. A frame that was set aside still comes first.</summary>
    /// <param name="handle">The device; null for none. It must not be closed before another one is set, or this reader is
    /// disposed of.</param>
    public void Use(OpenDevice? handle)
    {
        device = handle?.Device;
        smallSlotsSuffice = handle?.SnapLength <= EngineLimits.SmallSlotBytes;
    }

    /// <summary>Reads the frames that have arrived. One for which no slot is free is set aside, and comes first at the next
    /// call.</summary>
    /// <param name="slots">The free slots.</param>
    /// <param name="batch">Filled from the front. Frames that are refused take an entry, too, so that a call reads a bounded
    /// number.</param>
    /// <param name="nowNs">The time of arrival of the frames, in nanoseconds of the engine's clock.</param>
    /// <param name="count">How many frames were taken.</param>
    /// <returns>False when the device has failed; its error text says why.</returns>
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

    /// <summary>Releases the device. The port's thread must have ended.</summary>
    public void Dispose() => self.Dispose();

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Take(nint user, PacketHeader* header, byte* bytes)
    {
        BatchReader reader = GCHandle<BatchReader>.FromIntPtr(user).Target;
        reader.intake.Hold((nint)header, (nint)bytes);
        reader.Deliver();
        if (reader.intake.HasRecord)
        {
            // libpcap reuses the memory when this returns. It passes no further frame: more than one is asked for only where
            // slots are certain.
            reader.intake.MoveTo(reader.aside);
        }
    }

    /// <summary>How many frames are certain to find a slot, whatever their length.</summary>
    private int CertainSlots(SlotPool slots) =>
        smallSlotsSuffice ? slots.FreeSmall : Math.Min(slots.FreeSmall, slots.FreeLarge);

    private void Deliver() =>
        taken += intake.Deliver(pool!, arrivalNs, out room[taken]) == IntakeResult.Delivered ? 1 : 0;
}
