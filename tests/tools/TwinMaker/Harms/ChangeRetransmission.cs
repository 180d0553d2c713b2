// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using System.Linq;
using ColoWire.TwinMaker.Transformations;

namespace ColoWire.TwinMaker.Harms;

/// <summary>The first guest, not the second, retransmits a segment in which one byte has changed.</summary>
internal sealed class ChangeRetransmission : IHarm
{
    private const int MostFramesBetween = 2;

    /// <summary>Bytes that were verified longer ago need not be cached (R8); a second is a sender's initial retransmission
    /// timeout (RFC 6298).</summary>
    private const long LongestGapMicroseconds = 1_000_000;

    private const TcpFlags Borders = TcpFlags.Syn | TcpFlags.Fin | TcpFlags.Rst | TcpFlags.Urg;

    public IReadOnlyList<int> Places(Capture capture) =>
    [
        .. Enumerable.Range(0, capture.Frames.Count).Where(index =>
            capture.News[index]?.NewLength > 0 && !capture.Frames[index].Tcp.HasAny(Borders)),
    ];

    public HarmReport Do(HarmScene scene, int place, DeterministicRandom random)
    {
        TwinFrame original = scene.Capture.Frames[place];
        SegmentNews news = scene.Capture.News[place]!;
        int latest = Latest(scene.Capture, place, random.Between(0, MostFramesBetween));
        TwinFrame again = RetransmitSegments.SentAgain(original, scene.Capture.Frames[latest]);
        int offset = news.NewOffset + random.Between(0, news.NewLength - 1);
        again.Payload[offset] ^= (byte)random.Between(1, byte.MaxValue);
        RestoreChecksums.Restore(again);
        scene.Primary.Insert(latest + 1, again);
        return new HarmReport("retransmit", original.Flow, [latest + 2], ["retransmit"]);
    }

    /// <summary>The frame of the flow after which the copy is sent: soon, and before a SYN, FIN or RST.</summary>
    private static int Latest(Capture capture, int place, int framesBetween)
    {
        List<int> connection = capture.News[place]!.Connection.Indices;
        int at = connection.IndexOf(place);
        while (framesBetween-- > 0 && at + 1 < connection.Count && MayComeBetween(capture.Frames[connection[at + 1]]))
            at++;
        return connection[at];

        bool MayComeBetween(TwinFrame next) =>
            !next.Tcp.HasAny(Borders) && next.TimeMicroseconds - capture.Frames[place].TimeMicroseconds <= LongestGapMicroseconds;
    }
}
