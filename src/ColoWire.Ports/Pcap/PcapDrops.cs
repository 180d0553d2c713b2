// SPDX-License-Identifier: GPL-2.0-or-later

using System;

namespace ColoWire.Ports.Pcap;

/// <summary>The frames that one libpcap handle has lost, from its counters (pcap_stats(3PCAP)), which wrap at 2^32.</summary>
internal sealed class PcapDrops
{
    private Libpcap.DeviceStatistics last;
    private long byKernel;
    private long byInterface;
    private long mostByInterface;

    /// <summary>Takes a new reading of the counters.</summary>
    /// <returns>The totals of this handle.</returns>
    public HandleDrops Add(in Libpcap.DeviceStatistics now)
    {
        byKernel += now.DroppedByKernel - last.DroppedByKernel;
        // libpcap reads this counter from sysfs, by the name that the interface had when the handle was opened. While the
        // interface has another name, libpcap reports 0, and the full count again when the name is back. So the greatest value is
        // the right one.
        byInterface += (int)(now.DroppedByInterface - last.DroppedByInterface);
        mostByInterface = Math.Max(mostByInterface, byInterface);
        last = now;
        return new HandleDrops(byKernel, mostByInterface, TooLong: 0);
    }
}
