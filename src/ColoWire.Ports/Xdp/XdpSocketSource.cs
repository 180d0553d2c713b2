// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Ports.Xdp;

/// <summary>
/// Opens the AF_XDP socket of one queue of an interface for the ports of that queue. The kernel binds a queue to one socket only
/// (xsk_bind, net/xdp/xsk.c), so where frames pass in both directions the capture port and the inject port get the same socket.
/// It is closed when both have released it, and opened again after that.
/// </summary>
/// <param name="interfaceName">The interface.</param>
/// <param name="queue">The queue of the interface.</param>
/// <param name="umem">The memory of the frames.</param>
/// <param name="options">How the socket is opened.</param>
/// <param name="directions">The directions in which frames pass.</param>
/// <param name="countsInterface">Whether the socket's counters include those of the interface.</param>
/// <remarks>The thread that opens the ports uses it first, then the upkeep thread alone.</remarks>
internal sealed class XdpSocketSource(
    string interfaceName, int queue, Umem umem, XdpOptions options, XdpDirections directions, bool countsInterface)
{
    private XdpSocket? current;

    /// <summary>The name of the interface.</summary>
    public string InterfaceName => interfaceName;

    /// <summary>The memory of the frames.</summary>
    public Umem Umem => umem;

    /// <summary>Opens the socket, or joins the one that is open.</summary>
    /// <exception cref="PortException">It cannot be opened, or the other port has not released a socket that the kernel has cut
    /// off.</exception>
    public XdpSocket Open()
    {
        if (current is not { IsClosed: false } open)
        {
            return current = XdpSocket.Open(interfaceName, queue, umem, options, directions, countsInterface);
        }

        if (open.IsCutOff())
        {
            throw new PortException($"the former socket of interface '{interfaceName}' is not closed yet");
        }

        open.Join();
        return open;
    }
}
