// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Ports.Linux;
using SharpPcap;
using SharpPcap.LibPcap;

namespace ColoWire.Ports.Pcap;

/// <summary>An interface that is open with libpcap.</summary>
internal sealed class OpenDevice : IInterfaceHandle
{
    private OpenDevice(LibPcapLiveDevice device, int snapLength)
    {
        Device = device;
        SnapLength = snapLength;
        Descriptor = Libpcap.SelectableDescriptor(device.Handle);
        InterfaceIndex = Libc.TryGetBoundInterface(Descriptor, out int index) ? index : 0;
    }

    /// <summary>The device.</summary>
    public LibPcapLiveDevice Device { get; }

    /// <summary>Bytes captured of a frame at most.</summary>
    public int SnapLength { get; }

    /// <inheritdoc/>
    public int Descriptor { get; }

    /// <inheritdoc/>
    public int InterfaceIndex { get; }

    /// <summary>Opens an interface for frames that arrive.</summary>
    /// <param name="interfaceName">The name that the operator wrote.</param>
    /// <param name="bufferMiB">The kernel's buffer in MiB; see <see cref="PortLimits.BufferMiB"/>.</param>
    /// <param name="snapLength">In bytes, see <see cref="PortLimits.SnapLength"/>; null for what the MTU needs.</param>
    /// <exception cref="PortException">It cannot be opened.</exception>
    public static OpenDevice OpenForReceive(string interfaceName, int bufferMiB, int? snapLength)
    {
        int length = snapLength ?? PcapCapturePort.SnapLengthFor(LiveInterface.MtuOf(interfaceName));
        DeviceConfiguration receiving = new()
        {
            Mode = DeviceModes.Promiscuous,
            Immediate = true,
            Snaplen = length,
            BufferSize = bufferMiB << 20,
        };
        OpenDevice handle = new(LiveDevice.Open(interfaceName, receiving), length);
        handle.IgnoreOutgoing(interfaceName);
        return handle;
    }

    /// <summary>Opens an interface for frames that leave.</summary>
    /// <param name="interfaceName">The name that the operator wrote.</param>
    /// <param name="configuration">SharpPcap's configuration.</param>
    /// <param name="filter">The filter for frames that arrive.</param>
    /// <exception cref="PortException">It cannot be opened.</exception>
    public static OpenDevice OpenForTransmit(string interfaceName, DeviceConfiguration configuration, string filter) =>
        new(LiveDevice.Open(interfaceName, configuration, filter), configuration.Snaplen);

    /// <inheritdoc/>
    public bool IsCutOff() => !Libc.TryGetBoundInterface(Descriptor, out int index) || index != InterfaceIndex;

    /// <inheritdoc/>
    public bool IsClosed { get; private set; }

    /// <summary>Closes it. No thread may use it any more: libpcap crashes when a handle is closed while it is used.</summary>
    public void Dispose()
    {
        Device.Dispose();
        IsClosed = true;
    }

    /// <summary>
    /// Excludes the frames that this host sends. The filter <c>inbound</c> is no way to do so: libpcap applies a new filter to
    /// the first frame in user space, where it cannot evaluate this one, and that frame would be lost without an error.
    /// </summary>
    private void IgnoreOutgoing(string interfaceName)
    {
        // In the kernel, so that such frames take no room in the ring (PACKET_IGNORE_OUTGOING, packet(7); Linux 4.20).
        _ = Libc.SetPacketOption(Descriptor, Libc.PacketIgnoreOutgoing, 1);
        // In libpcap, for older kernels, and for frames that were sent between the opening and the option.
        if (Libpcap.SetDirection(Device.Handle, Libpcap.DirectionIn) == Libpcap.Failed)
        {
            string reason = Device.LastError;
            Device.Dispose();
            throw new PortException($"cannot open interface '{interfaceName}': {reason}");
        }
    }
}
