// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Diagnostics;
using System.Linq;
using System.Runtime.InteropServices;
using System.Threading;
using ColoWire.Ports.Linux;

namespace ColoWire.Ports.Xdp;

/// <summary>The directions of an AF_XDP socket: each has a ring of its own.</summary>
[Flags]
internal enum XdpDirections
{
    /// <summary>Frames that arrive.</summary>
    Receive = 1,

    /// <summary>Frames that leave.</summary>
    Transmit = 2,
}

/// <summary>An AF_XDP socket on one queue of an interface, with its rings (Documentation/networking/af_xdp.rst). A capture port
/// and an inject port can share it (<see cref="XdpSocketSource"/>): each uses the two rings of its direction.</summary>
internal sealed class XdpSocket : IInterfaceHandle
{
    /// <summary>The prefix of the names of AF_XDP ports.</summary>
    public const string NamePrefix = "xdp:";

    private readonly int descriptor;
    private readonly Umem umem;
    private readonly string interfaceName;
    private readonly int queue;
    private readonly uint entries;
    private InterfaceDrops? interfaceDrops;
    private HandleDrops drops;
    private bool isCutOff;
    private int users = 1;

    private XdpSocket(string interfaceName, int queue, Umem umem, XdpOptions options)
    {
        this.interfaceName = interfaceName;
        this.queue = queue;
        this.umem = umem;
        entries = (uint)options.RingFrames;
        LiveInterface.CheckUsable(interfaceName);
        LiveInterface.CheckEthernet(interfaceName);
        CheckMtu();
        InterfaceIndex = Linux.InterfaceIndex.Of(interfaceName);
        descriptor = XdpAbi.OpenSocket();
        if (descriptor < 0)
        {
            throw Refused("open", Marshal.GetLastPInvokeError());
        }
    }

    /// <summary>The socket; readable when frames have arrived.</summary>
    public int Descriptor => descriptor;

    /// <inheritdoc/>
    public int InterfaceIndex { get; }

    /// <summary>The fill ring: chunks into which the kernel receives frames.</summary>
    public ProducerRing<ulong> Fill { get; private set; } = null!;

    /// <summary>The completion ring: chunks of frames that were sent.</summary>
    public ConsumerRing<ulong> Completion { get; private set; } = null!;

    /// <summary>The receive ring; only a socket with <see cref="XdpDirections.Receive"/> has one.</summary>
    public ConsumerRing<XdpAbi.Descriptor> Receive { get; private set; } = null!;

    /// <summary>The transmit ring; only a socket with <see cref="XdpDirections.Transmit"/> has one.</summary>
    public ProducerRing<XdpAbi.Descriptor> Transmit { get; private set; } = null!;

    /// <summary>Whether the driver uses the UMEM without a copy.</summary>
    public bool IsZeroCopy =>
        XdpAbi.TryGetOption(descriptor, XdpAbi.OptionOptions, out uint options) && (options & XdpAbi.OptionsZeroCopy) != 0;

    /// <inheritdoc/>
    public bool IsClosed => users == 0;

    /// <summary>Opens a socket for one user.</summary>
    /// <param name="interfaceName">The interface.</param>
    /// <param name="queue">The queue of the interface.</param>
    /// <param name="umem">The memory of the frames.</param>
    /// <param name="options">How it is opened.</param>
    /// <param name="directions">The directions in which frames pass.</param>
    /// <param name="countsInterface">Whether its counters include those of the interface.</param>
    /// <exception cref="PortException">It cannot be opened.</exception>
    public static XdpSocket Open(
        string interfaceName, int queue, Umem umem, XdpOptions options, XdpDirections directions, bool countsInterface)
    {
        XdpSocket socket = new(interfaceName, queue, umem, options);
        try
        {
            socket.interfaceDrops = countsInterface ? new InterfaceDrops(interfaceName) : null;
            socket.MakeRings(directions);
            socket.Bind(options.Copy || options.Mode == XdpMode.Generic);
            return socket;
        }
        catch (PortException)
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Counts one more user, each of which disposes the socket once.</summary>
    public void Join()
    {
        Debug.Assert(!IsClosed, "a closed socket has no users");
        users++;
    }

    /// <inheritdoc/>
    /// <remarks>The kernel then unbinds the socket and sets its error to ENETDOWN (xsk_notifier, net/xdp/xsk.c), which can be
    /// read once.</remarks>
    public bool IsCutOff() => isCutOff |= Libc.TakeError(descriptor) == Libc.NetworkDown;

    /// <summary>Reads the kernel's counters of this socket (XDP_STATISTICS), and those of the interface where the socket counts
    /// them.</summary>
    public HandleDrops ReadDrops()
    {
        if (XdpAbi.TryGetOption(descriptor, XdpAbi.OptionStatistics, out XdpAbi.Statistics now))
        {
            // ReceiveDropped counts the frames that found no chunk, which FillRingEmpty counts too, and those that are too long
            // for a chunk. ReceiveRingFull counts those that found no entry in the receive ring.
            long noChunk = (long)Math.Min(now.ReceiveDropped, now.FillRingEmpty);
            drops = drops with { ByKernel = noChunk + (long)now.ReceiveRingFull, TooLong = (long)now.ReceiveDropped - noChunk };
        }

        return drops = drops with { ByInterface = interfaceDrops?.Read() ?? 0 };
    }

    /// <summary>Ends the use of the socket by one user, and closes it when that was the last one. The kernel then does not use
    /// its chunks any more, and frees the queue some milliseconds later. The opening thread and the upkeep thread call it, never
    /// at once.</summary>
    public void Dispose()
    {
        Debug.Assert(!IsClosed, "each user disposes the socket once");
        if (--users != 0)
        {
            return;
        }

        Fill?.Dispose();
        Completion?.Dispose();
        Receive?.Dispose();
        Transmit?.Dispose();
        interfaceDrops?.Dispose();
        umem.Leave(descriptor);
        _ = Libc.Close(descriptor);
    }

    private void CheckMtu()
    {
        int most = Umem.MaxFrameBytes - PortLimits.LinkHeaderBytes;
        int mtu = LiveInterface.MtuOf(interfaceName);
        if (mtu > most)
        {
            throw new PortException(
                $"cannot open interface '{interfaceName}' for AF_XDP: its MTU is {mtu}, and a slot holds frames of up to {most}; "
                + $"mend it with: ip link set {interfaceName} mtu {most}, or use pcap:{interfaceName}");
        }
    }

    private void MakeRings(XdpDirections directions)
    {
        // The kernel requires the fill ring and the completion ring of every socket, also where only one of them is used.
        MakeRing(XdpAbi.OptionFillRing);
        MakeRing(XdpAbi.OptionCompletionRing);
        if (directions.HasFlag(XdpDirections.Receive))
        {
            MakeRing(XdpAbi.OptionReceiveRing);
        }

        if (directions.HasFlag(XdpDirections.Transmit))
        {
            MakeRing(XdpAbi.OptionTransmitRing);
        }

        if (!XdpAbi.TryGetOption(descriptor, XdpAbi.OptionMapOffsets, out XdpAbi.MapOffsets offsets))
        {
            throw Refused("map the rings of", Marshal.GetLastPInvokeError());
        }

        Fill = new(Map<ulong>(XdpAbi.FillRingPage, offsets.Fill));
        Completion = new(Map<ulong>(XdpAbi.CompletionRingPage, offsets.Completion));
        if (directions.HasFlag(XdpDirections.Receive))
        {
            Receive = new(Map<XdpAbi.Descriptor>(XdpAbi.ReceiveRingPage, offsets.Receive));
        }

        if (directions.HasFlag(XdpDirections.Transmit))
        {
            Transmit = new(Map<XdpAbi.Descriptor>(XdpAbi.TransmitRingPage, offsets.Transmit));
        }
    }

    private void MakeRing(int option)
    {
        if (XdpAbi.SetOption(descriptor, option, entries) != 0)
        {
            throw Refused("make rings for", Marshal.GetLastPInvokeError());
        }
    }

    private MappedRing<T> Map<T>(long page, in XdpAbi.RingOffsets offsets)
        where T : unmanaged
    {
        MappedRing<T> ring = new(descriptor, page, in offsets, entries);
        return ring.IsMapped ? ring : throw Refused("map the rings of", Marshal.GetLastPInvokeError());
    }

    private void Bind(bool copy)
    {
        // A socket that shares a UMEM is bound with the flags of the first one; to repeat them is an error.
        bool isShared = umem.Members.Any(member => TryBind(XdpAbi.BindSharedUmem, (uint)member));
        if (!isShared)
        {
            if (!umem.TryRegister(descriptor))
            {
                throw Refused("share its memory with", Marshal.GetLastPInvokeError());
            }

            _ = TryBind((ushort)(XdpAbi.BindNeedWakeup | (copy ? XdpAbi.BindCopy : 0)), 0);
        }

        umem.Join(descriptor);
    }

    /// <returns>False when the socket to share with is not bound any more.</returns>
    private bool TryBind(ushort flags, uint sharedWith)
    {
        XdpAbi.SocketAddress address = new()
        {
            Family = XdpAbi.AddressFamily,
            InterfaceIndex = (uint)InterfaceIndex,
            Queue = (uint)queue,
            Flags = flags,
            SharedUmemSocket = sharedWith,
        };
        long start = Stopwatch.GetTimestamp();
        while (XdpAbi.Bind(descriptor, in address) != 0)
        {
            int error = Marshal.GetLastPInvokeError();
            if (error == Libc.BadDescriptor && flags == XdpAbi.BindSharedUmem)
            {
                return false;
            }

            // The queue of a process that has just ended is freed some tens of milliseconds later.
            if (error != Libc.Busy || Stopwatch.GetElapsedTime(start).TotalMilliseconds > PortLimits.RebindMs)
            {
                throw Refused("bind", error);
            }

            Thread.Sleep(PortLimits.RebindPauseMs);
        }

        return true;
    }

    private PortException Refused(string what, int error) => new(
        $"cannot {what} AF_XDP on queue {queue} of interface '{interfaceName}': {Reason(error)}");

    private static string Reason(int error) => error switch
    {
        Libc.NotPermitted => "no permission; root or CAP_NET_RAW and CAP_BPF are needed",
        Libc.Busy =>
            $"another process has been using it for {PortLimits.RebindMs} ms, and the kernel gives a queue to one process only; "
            + "end that one, or name another queue (xdp_queues)",
        Libc.NoBufferSpace or Libc.NoMemory => "the memory may not be locked; raise ulimit -l (LimitMEMLOCK)",
        Libc.InvalidArgument or Libc.NotSupported =>
            "its driver does not support it, or not in the same way as the other ports' drivers; "
            + "try xdp_mode native_copy, or generic",
        Libc.AddressFamilyUnknown => "this kernel is built without AF_XDP (CONFIG_XDP_SOCKETS)",
        _ => Marshal.GetPInvokeErrorMessage(error),
    };
}
