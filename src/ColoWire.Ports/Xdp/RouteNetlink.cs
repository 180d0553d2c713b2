// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using ColoWire.Ports.Linux;

namespace ColoWire.Ports.Xdp;

/// <summary>
/// Attaches XDP programs to interfaces by rtnetlink(7). A program that is attached by a bpf_link would be detached when the
/// process ends; one that is attached this way stays.
/// </summary>
internal static class RouteNetlink
{
    /// <summary>In place of a descriptor: no program.</summary>
    public const int NoProgram = -1;

    /// <summary>The message type RTM_SETLINK (linux/rtnetlink.h).</summary>
    private const ushort SetLink = 19;

    /// <summary>The attribute IFLA_XDP and those nested in it (linux/if_link.h).</summary>
    private const ushort Xdp = 43;
    private const ushort XdpDescriptor = 1;
    private const ushort XdpAttached = 2;
    private const ushort XdpFlags = 3;
    private const ushort XdpProgramId = 4;
    private const ushort XdpExpectedDescriptor = 8;

    /// <summary>XDP_FLAGS_*.</summary>
    private const int OnlyIfNone = 1 << 0;
    private const int GenericMode = 1 << 1;
    private const int NativeMode = 1 << 2;
    private const int Replace = 1 << 4;

    /// <summary>XDP_ATTACHED_SKB.</summary>
    private const byte AttachedGeneric = 2;

    /// <summary>Attaches a program in place of a given one, or of none.</summary>
    /// <param name="interfaceIndex">The index of the interface.</param>
    /// <param name="mode">Where the program runs.</param>
    /// <param name="program">The descriptor of the program; <see cref="NoProgram"/> detaches.</param>
    /// <param name="expected">The descriptor of the program that is attached now, or <see cref="NoProgram"/>. It fails where
    /// another one is attached.</param>
    public static NetlinkAnswer Attach(int interfaceIndex, XdpMode mode, int program, int expected)
    {
        int flags = mode == XdpMode.Native ? NativeMode : GenericMode;
        NetlinkRequest request = new(SetLink, LinkNetlink.FixedPart(interfaceIndex));
        int nest = request.Begin(Xdp | NetlinkRequest.Nested);
        request.Add(XdpDescriptor, program);
        if (expected == NoProgram)
        {
            request.Add(XdpFlags, flags | OnlyIfNone);
        }
        else
        {
            request.Add(XdpFlags, flags | Replace).Add(XdpExpectedDescriptor, expected);
        }

        using NetlinkSocket socket = new(NetlinkSocket.Route);
        return socket.Ask(request.End(nest));
    }

    /// <summary>The program that is attached to an interface; null for none.</summary>
    /// <exception cref="PortException">There is no such interface.</exception>
    public static AttachedProgram? Attached(int interfaceIndex)
    {
        using NetlinkSocket socket = new(NetlinkSocket.Route);
        NetlinkAnswer answer = socket.Ask(LinkNetlink.Request(interfaceIndex));
        return answer.Error == 0
            ? AttachedIn(answer.Content)
            : throw new PortException($"cannot ask the kernel for the interface with index {interfaceIndex}: {answer.Reason}");
    }

    /// <summary>The attached program in an answer to <see cref="LinkNetlink.Request"/>; null for none.</summary>
    public static AttachedProgram? AttachedIn(ReadOnlySpan<byte> content)
    {
        ReadOnlySpan<byte> xdp = NetlinkAnswer.Find(content[LinkNetlink.FixedBytes..], Xdp);
        ReadOnlySpan<byte> id = NetlinkAnswer.Find(xdp, XdpProgramId);
        if (id.IsEmpty)
        {
            return null;
        }

        bool generic = NetlinkAnswer.Find(xdp, XdpAttached) is [AttachedGeneric];
        return new AttachedProgram(BinaryPrimitives.ReadUInt32LittleEndian(id), generic ? XdpMode.Generic : XdpMode.Native);
    }
}

/// <summary>An XDP program that is attached to an interface.</summary>
/// <param name="Id">The kernel's id of the program.</param>
/// <param name="Mode">Where it runs.</param>
internal readonly record struct AttachedProgram(uint Id, XdpMode Mode);
