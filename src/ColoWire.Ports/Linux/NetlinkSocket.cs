// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace ColoWire.Ports.Linux;

/// <summary>Sends requests to the kernel, one at a time, in this thread's network namespace (netlink(7)).</summary>
internal sealed unsafe class NetlinkSocket : IDisposable
{
    /// <summary>Protocols (linux/netlink.h): interfaces and routes; and families that are found by name.</summary>
    public const int Route = 0;
    public const int Generic = 16;

    private const int Domain = 16;
    private const int TypeRawCloseOnExec = 3 | 0x80000;
    private const int Level = 270;
    private const int CappedAcknowledge = 10;
    private const int ExtendedAcknowledge = 11;

    private const ushort ErrorMessage = 2;
    private const ushort HasAttributes = 0x200;
    private const ushort ErrorText = 1;

    /// <summary>Room for the answer about one interface, which takes some kilobytes.</summary>
    private const int AnswerBytes = 64 << 10;

    private readonly int descriptor;
    private readonly byte[] answer = new byte[AnswerBytes];

    public NetlinkSocket(int protocol)
    {
        descriptor = Libc.Socket(Domain, TypeRawCloseOnExec, protocol);
        if (descriptor < 0)
        {
            throw new PortException($"cannot ask the kernel (netlink): {Marshal.GetLastPInvokeErrorMessage()}");
        }

        // Kernels that know neither option answer with the error number alone, which is enough.
        int on = 1;
        _ = Libc.SetSocketOption(descriptor, Level, CappedAcknowledge, &on, sizeof(int));
        _ = Libc.SetSocketOption(descriptor, Level, ExtendedAcknowledge, &on, sizeof(int));
    }

    /// <summary>Sends a request and waits for the answer.</summary>
    public NetlinkAnswer Ask(NetlinkRequest request)
    {
        NetlinkView view = Look(request.Finish());
        ReadOnlySpan<byte> text = view.Text;
        return new NetlinkAnswer(view.Error, text.IsEmpty ? null : Encoding.ASCII.GetString(text), view.Content.ToArray());
    }

    /// <summary>The same without an allocation, for a request that is sent again and again.</summary>
    /// <param name="message">A finished request.</param>
    /// <returns>The answer, in memory that the next request overwrites.</returns>
    public NetlinkView Look(ReadOnlySpan<byte> message)
    {
        fixed (byte* first = message)
        {
            if (Libc.Send(descriptor, first, (nuint)message.Length, 0) < 0)
            {
                return new NetlinkView(Marshal.GetLastPInvokeError(), default, default);
            }
        }

        // The content comes first and the acknowledgement last, in two datagrams or in one.
        ReadOnlySpan<byte> content = default;
        int used = 0;
        while (true)
        {
            ReadOnlySpan<byte> rest = Receive(used);
            if (rest.IsEmpty)
            {
                return new NetlinkView(Marshal.GetLastPInvokeError(), default, default);
            }

            used += rest.Length;
            while (rest.Length >= NetlinkRequest.HeaderBytes)
            {
                int length = Math.Clamp(BinaryPrimitives.ReadInt32LittleEndian(rest), NetlinkRequest.HeaderBytes, rest.Length);
                ReadOnlySpan<byte> payload = rest[NetlinkRequest.HeaderBytes..length];
                if (BinaryPrimitives.ReadUInt16LittleEndian(rest[4..]) == ErrorMessage)
                {
                    return Acknowledgement(BinaryPrimitives.ReadUInt16LittleEndian(rest[6..]), payload, content);
                }

                content = payload;
                rest = rest[Math.Min(rest.Length, NetlinkRequest.Aligned(length))..];
            }
        }
    }

    public void Dispose() => _ = Libc.Close(descriptor);

    /// <summary>Reads <c>struct nlmsgerr</c>: the error, the header of the request, and attributes, one of them the reason as
    /// text.</summary>
    private static NetlinkView Acknowledgement(ushort flags, ReadOnlySpan<byte> payload, ReadOnlySpan<byte> content)
    {
        int error = -BinaryPrimitives.ReadInt32LittleEndian(payload);
        ReadOnlySpan<byte> text = (flags & HasAttributes) == 0
            ? default
            : NetlinkAnswer.Find(payload[(sizeof(int) + NetlinkRequest.HeaderBytes)..], ErrorText);
        return new NetlinkView(error, text.TrimEnd((byte)0), content);
    }

    private ReadOnlySpan<byte> Receive(int from)
    {
        fixed (byte* first = answer)
        {
            nint length = Libc.Receive(descriptor, first + from, (nuint)(AnswerBytes - from), 0);
            return answer.AsSpan(from, (int)Math.Max(0, length));
        }
    }
}

/// <summary>An answer of the kernel, in the memory of the socket.</summary>
/// <param name="error">0, or an error number.</param>
/// <param name="text">The reason as the kernel's text, where it has one.</param>
/// <param name="content">The fixed part and the attributes of the last message.</param>
internal readonly ref struct NetlinkView(int error, ReadOnlySpan<byte> text, ReadOnlySpan<byte> content)
{
    /// <summary>0, or an error number.</summary>
    public int Error { get; } = error;

    /// <summary>The reason as the kernel's text, where it has one.</summary>
    public ReadOnlySpan<byte> Text { get; } = text;

    /// <summary>The fixed part and the attributes.</summary>
    public ReadOnlySpan<byte> Content { get; } = content;
}

/// <summary>An answer of the kernel.</summary>
/// <param name="Error">0, or an error number.</param>
/// <param name="Text">The reason as the kernel's text, where it has one.</param>
/// <param name="Content">The fixed part and the attributes of the last message.</param>
internal readonly record struct NetlinkAnswer(int Error, string? Text, byte[] Content)
{
    /// <summary>The reason: the kernel's text, else that of the error number.</summary>
    public string Reason => Text ?? Marshal.GetPInvokeErrorMessage(Error);

    /// <summary>The value of an attribute; empty when it is not there.</summary>
    public static ReadOnlySpan<byte> Find(ReadOnlySpan<byte> attributes, ushort kind)
    {
        while (attributes.Length >= NetlinkRequest.AttributeHeaderBytes)
        {
            int length = BinaryPrimitives.ReadUInt16LittleEndian(attributes);
            if (length < NetlinkRequest.AttributeHeaderBytes || length > attributes.Length)
            {
                break;
            }

            if ((BinaryPrimitives.ReadUInt16LittleEndian(attributes[2..]) & NetlinkRequest.KindMask) == kind)
            {
                return attributes[NetlinkRequest.AttributeHeaderBytes..length];
            }

            attributes = attributes[Math.Min(attributes.Length, NetlinkRequest.Aligned(length))..];
        }

        return default;
    }
}
