// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.IO;
using System.Text;
using ColoWire.Ports.Streams;

namespace ColoWire.Ports.Checkpoint;

/// <summary>
/// Asks a COLO manager that speaks as that of Xen does: the protocol of the <c>notify_dev</c> of QEMU's colo-compare
/// (net/colo-compare.c).
/// </summary>
/// <remarks>
///     each message:  length (4 bytes, big-endian) │ text
///     with vnet_hdr_support, messages that come in:  length │ length of the vnet header (4 bytes, big-endian) │ text
/// 
///     in:  COLO_USERSPACE_PROXY_INIT          out: COLO_COMPARE_GET_XEN_INIT
///     in:  COLO_CHECKPOINT (it is done)       out: DO_CHECKPOINT
/// QEMU reads the second length with vnet_hdr_support, and never writes it here. Requests are sent also before the first message:
/// a manager that ran before ColoWire does not send it again.
/// </remarks>
public sealed class NotifyDevRequester : StreamRequester
{
    private const int LengthBytes = sizeof(uint);

    private static readonly byte[] InitAnswer = Framed("COLO_COMPARE_GET_XEN_INIT");
    private static readonly byte[] Demand = Framed("DO_CHECKPOINT");

    private readonly int headerBytes;

    /// <summary>Makes one that does nothing yet.</summary>
    /// <param name="name">As the operator has written it.</param>
    /// <param name="endpoint">Where the other end is.</param>
    /// <param name="hasVnetHeader">Whether messages come with the length of a vnet header.</param>
    /// <exception cref="PortException">Nobody can listen there.</exception>
    public NotifyDevRequester(string name, StreamEndpoint endpoint, bool hasVnetHeader)
        : base(name, endpoint, RequesterLimits.NotifyMessageBytes) =>
        headerBytes = hasVnetHeader ? LengthBytes + LengthBytes : LengthBytes;

    /// <inheritdoc/>
    protected override string Peer => "the other end";

    /// <inheritdoc/>
    protected override void OnConnected() => SetReady();

    /// <inheritdoc/>
    protected override void Ask() => Send(Demand);

    /// <inheritdoc/>
    protected override int Take(ReadOnlyMemory<byte> bytes)
    {
        ReadOnlySpan<byte> left = bytes.Span;
        while (left.Length >= headerBytes)
        {
            uint length = BinaryPrimitives.ReadUInt32BigEndian(left);
            if (length > RequesterLimits.NotifyMessageBytes - headerBytes)
            {
                throw new InvalidDataException(
                    $"it announces a message of {length} bytes, longer than any (vnet_hdr_support may be wrong)");
            }

            if (left.Length - headerBytes < length)
            {
                break;
            }

            Handle(left.Slice(headerBytes, (int)length));
            left = left[(headerBytes + (int)length)..];
        }

        return bytes.Length - left.Length;
    }

    private static byte[] Framed(string text)
    {
        byte[] message = new byte[LengthBytes + text.Length];
        BinaryPrimitives.WriteInt32BigEndian(message, text.Length);
        Encoding.ASCII.GetBytes(text, message.AsSpan(LengthBytes));
        return message;
    }

    private void Handle(ReadOnlySpan<byte> text)
    {
        if (text.SequenceEqual("COLO_USERSPACE_PROXY_INIT"u8))
        {
            Send(InitAnswer);
        }
        else if (text.SequenceEqual("COLO_CHECKPOINT"u8))
        {
            Complete();
        }
        else
        {
            CountIgnored();
        }
    }
}
