// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Ports.Linux;
using SharpPcap;
using SharpPcap.LibPcap;

namespace ColoWire.Ports.Pcap;

/// <summary>An interface that libpcap has opened.</summary>
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

    /// <summary>Opens an interface for frames to come in.</summary>
    /// <param name="interfaceName">As the operator calls it.</param>
    /// <param name="bufferMiB">The kernel's buffer; see <see cref="PortLimits.BufferMiB"/>.</param>
    /// <param name="snapLength">See <see cref="PortLimits.SnapLength"/>; null for what the MTU needs.</param>
    /// <exception cref="PortException">It cannot be opened.</exception>
    public static OpenDevice OpenForReceive(string interfaceName, int bufferMiB, int? snapLength)
    {
        int length = snapLength ?? PcapCapturePort.SnapLengthFor(LiveInterface.MtuOf(interfaceName));
        OpenDevice handle = new(
            LiveDevice.Open(
                interfaceName,
                new DeviceConfiguration { Mode = DeviceModes.Promiscuous, Immediate = true, Snaplen = length, BufferSize = bufferMiB << 20 }),
            length);
        handle.IgnoreOutgoing(interfaceName);
        return handle;
    }

    /// <summary>Opens an interface for frames to leave.</summary>
    /// <param name="interfaceName">As the operator calls it.</param>
    /// <param name="configuration">How.</param>
    /// <param name="filter">What it still captures.</param>
    /// <exception cref="PortException">It cannot be opened.</exception>
    public static OpenDevice OpenForTransmit(string interfaceName, DeviceConfiguration configuration, string filter) =>
        new(LiveDevice.Open(interfaceName, configuration, filter), configuration.Snaplen);

    /// <inheritdoc/>
    public bool IsCutOff() => !Libc.TryGetBoundInterface(Descriptor, out int index) || index != InterfaceIndex;

    /// <summary>Closes it. Nobody may use it any more: libpcap crashes when it is closed under a thread.</summary>
    public void Dispose() => Device.Dispose();

    /// <summary>
    /// Keeps out what this host sends. Not by the filter <c>inbound</c>: libpcap runs a new filter on the first frame in user space,
    /// where this one cannot be evaluated, and the frame would be lost in silence.
    /// </summary>
    private void IgnoreOutgoing(string interfaceName)
    {
        // In the kernel, so that such frames take no room in the ring; kernels before 4.20 do not know it.
        _ = Libc.SetPacketOption(Descriptor, Libc.PacketIgnoreOutgoing, 1);
        // In libpcap for those, and for what was sent since the interface was opened.
        if (Libpcap.SetDirection(Device.Handle, Libpcap.DirectionIn) == Libpcap.Failed)
        {
            string reason = Device.LastError;
            Device.Dispose();
            throw new PortException($"cannot open interface '{interfaceName}': {reason}");
        }
    }
}
