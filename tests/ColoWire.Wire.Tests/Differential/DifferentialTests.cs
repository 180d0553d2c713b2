// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Tests.Bench;
using NUnit.Framework;

namespace ColoWire.Wire.Tests.Differential;

/// <summary>
/// The same frames into QEMU's own colo-compare and into ColoWire in its place, on the same sockets. Where QEMU is right, the
/// same frames leave and as many checkpoints are asked for; where it is not, the case says so, and which scenario it is.
/// </summary>
internal sealed class DifferentialTests
{
    /// <summary>More than one, it depends on the scan how many.</summary>
    private const int Many = int.MaxValue;

    private static readonly Segment A = new(1000, Fill('A'));
    private static readonly Segment B = new(1100, Fill('B'));
    private static readonly Segment C = new(1200, Fill('C'));
    private static readonly Segment AandB = new(1000, [.. Fill('A'), .. Fill('B')]);
    private static readonly Segment AckOnly = new(1000, []);
    private static readonly Segment SynAck = new(1, []) { Syn = true, Ack = 100 };
    private static readonly Datagram One = new("one");
    private static readonly Datagram Two = new("two");
    private static readonly Datagram Three = new("three");
    private static readonly Datagram Whole = new(Fill('w', 200));

    private static readonly DifferentialCase[] Cases =
    [
        new("1 the same data", [P(A), S(A)], Leaves(0, A)),
        new("2 other data", [P(A), S(A.Flipped(0))], Leaves(1)),
        new("3 the secondary cuts finer", [P(AandB), S(A), S(B)], Leaves(0, AandB)),
        new("4 the primary cuts finer", [P(A), P(B), S(AandB)], Leaves(0, A, B)),
        new("7 sent again", [P(A), S(A), P(A)], Leaves(0, A, A)) { Qemus = Leaves(0, A) },
        new("9 out of order on the primary", [P(B), P(A), S(A), S(B)], Leaves(0, B, A)) { Qemus = Leaves(0, A, B) },
        new("10 out of order, interleaved", [P(B), S(A), P(A), S(B)], Leaves(0, B, A)) { Qemus = Leaves(1, A, B) },
        new("11 overlapping the verified", [P(A), S(A), P(Overlap(1050)), S(Overlap(1100))], Leaves(0, A, Overlap(1050)))
        {
            Qemus = Leaves(1, A),
        },
        new("13 across the end of the numbers",
            [P(At(0xFFFFFFB0, 'A')), S(At(0xFFFFFFB0, 'A')), P(At(0x14, 'B')), S(At(0x14, 'B'))],
            Leaves(0, At(0xFFFFFFB0, 'A'), At(0x14, 'B'))),
        new("15 the streams begin elsewhere", [P(A), S(A with { Sequence = 1001 })], Leaves(1)) { Qemus = Leaves(0, A) },
        new("16 the secondary is ahead", [S(A), S(B), P(A), P(B)], Leaves(0, A, B)),
        new("17 a pure ACK that the secondary has given", [S(AckOnly), P(AckOnly)], Leaves(0, AckOnly)),
        new("17 a pure ACK of what the secondary has acknowledged with data", [P(A), S(A), P(AckOnly with { Sequence = 1100 })],
            Leaves(0, A, AckOnly with { Sequence = 1100 })) { Qemus = Leaves(0, A) },
        new("18 a pure ACK ahead waits", [S(AckOnly), P(AckOnly with { Ack = 6000 })], Leaves(0))
        {
            Qemus = Leaves(0, AckOnly with { Ack = 6000 }),
        },
        new("19 data with an ACK ahead waits", [P(A with { Ack = 6000 }), S(A)], Leaves(0))
        {
            Qemus = Leaves(0, A with { Ack = 6000 }),
        },
        new("22 timestamps differ",
            [P(A with { Options = [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2] }),
                S(A with { Options = [1, 1, 8, 10, 0, 0, 0, 3, 0, 0, 0, 4] })],
            Leaves(0, A with { Options = [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2] })),
        new("23 the windows differ", [P(A), S(A with { Window = 2000 })], Leaves(0, A)),
        new("25 a keepalive of the primary only", [P(A), S(A), P(AckOnly with { Sequence = 1099 })],
            Leaves(0, A, AckOnly with { Sequence = 1099 })) { Qemus = Leaves(0, A) },
        new("26 a SYN-ACK, and data of both behind the primary's", [P(SynAck), S(SynAck), P(At(2, 'A')), S(At(2, 'A'))],
            Leaves(0, SynAck, At(2, 'A'))),
        new("29 the secondary refuses", [P(SynAck), S(new Segment(0, []) { Rst = true, Ack = 100 })], Leaves(1))
        {
            Qemus = Leaves(0, SynAck),
        },
        new("30 FIN with data against a bare one", [P(A with { Fin = true }), S(A), S(new Segment(1100, []) { Fin = true })],
            Leaves(0, A with { Fin = true })),
        new("33 port reuse, and the new streams differ",
            [P(At(500_000, 'A')), S(At(500_000, 'A')), P(SynAck with { Sequence = 100 }), S(SynAck with { Sequence = 100 }),
                P(At(101, 'B')), S(At(101, 'C'))],
            Leaves(1, At(500_000, 'A'), SynAck with { Sequence = 100 }))
        {
            Qemus = Leaves(0, At(500_000, 'A'), SynAck with { Sequence = 100 }, At(101, 'B')),
        },
        new("38 checksums differ", [P(A), S(A with { Checksum = 0x4321 })], Leaves(0, A)),
        new("41 a padded ACK, then data", [P(AckOnly), S(AckOnly with { PadTo = 60 }), P(A), S(A)],
            Leaves(0, AckOnly, A)) { Qemus = Leaves(2, AckOnly) },
        new("43 IP ID and TTL differ, TCP", [P(A), S(A with { Id = 7, Ttl = 63 })], Leaves(0, A)),
        new("43 IP ID and TTL differ, UDP", [P(One), S(One with { Id = 7, Ttl = 63 })], Leaves(0, One)),
        new("44 IP options on one side only, UDP", [P(One), S(One with { IpOptions = [1, 1, 1, 0] })], Leaves(0, One))
        {
            Qemus = Leaves(1),
        },
        new("45 the primary's whole, the secondary's in two", [P(Whole), SFragment(Whole, 0), SFragment(Whole, 1)],
            Leaves(0, Whole)) { Qemus = Leaves(1) },
        new("50 three, then three", [P(One), P(Two), P(Three), S(One), S(Two), S(Three)],
            Leaves(0, One, Two, Three)) { Qemus = Leaves(2, Three, Two, One) },
        new("a datagram", [P(One), S(One)], Leaves(0, One)),
        new("53 no UDP checksum on the secondary", [P(One), S(One with { Checksum = 0 })], Leaves(0, One)) { Qemus = Leaves(1) },
        new("a datagram differs", [P(One), S(Two)], Leaves(1)),
        new("54 two answers in the other order", [P(One), P(Two), S(Two), S(One)], Leaves(0, One, Two))
        {
            Qemus = Leaves(0, Two, One),
        },
        new("57 the same echo", [P(Echo("ping")), S(Echo("ping"))], Leaves(0, Echo("ping"))),
        new("57 another echo", [P(Echo("ping")), S(Echo("pong"))], Leaves(1)),
        new("75 a silent secondary: one request at the timeout", [P(One), Pause, Pause], Leaves(1)) { Qemus = Leaves(Many) },
        new("89 a bare FIN against one with data", [P(A), P(new Segment(1100, []) { Fin = true }), S(A with { Fin = true })],
            Leaves(0, A, new Segment(1100, []) { Fin = true })) { Qemus = Leaves(0, A) },
        new("90 the greatest ACK never falls", [S(AckOnly), S(AckOnly with { Ack = 1 }), P(AckOnly)], Leaves(0, AckOnly)),
        new("91 padded ACKs do not hide a difference",
            [P(Padded), S(Padded), P(new Segment(100, "abc"u8.ToArray())), S(new Segment(100, "xyz"u8.ToArray()))],
            Leaves(1, Padded)) { Qemus = Leaves(0, Padded, new Segment(100, "abc"u8.ToArray())) },
    ];

    private string folder = "";
    private RunningComparer qemu = null!;
    private RunningComparer coloWire = null!;

    private static Step Pause => new(Side.Primary, null);

    private static Segment Padded => new(100, []) { PadTo = 60 };

    [OneTimeSetUp]
    public void Start()
    {
        folder = Directory.CreateTempSubdirectory("colowire-differential-").FullName;
        qemu = RunningComparer.Qemu(Directory.CreateDirectory(Path.Combine(folder, "qemu")).FullName);
        coloWire = RunningComparer.ColoWire(Directory.CreateDirectory(Path.Combine(folder, "colowire")).FullName);
    }

    [OneTimeTearDown]
    public void Stop()
    {
        qemu?.Dispose();
        coloWire?.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    [TestCaseSource(nameof(Cases))]
    public void Both_get_the_same(DifferentialCase row)
    {
        byte host = (byte)(1 + Array.IndexOf(Cases, row));
        Outcome expected = row.Qemus ?? row.Right;
        Task<(IReadOnlyList<string> Left, int Requests)> theirs = Task.Run(
            () => row.Play(qemu, host, Math.Min(expected.Requests, 2)));
        (IReadOnlyList<string> left, int requests) = row.Play(coloWire, host, row.Right.Requests);
        Assert.Multiple(() =>
        {
            Assert.That(left, Is.EqualTo(DifferentialCase.Frames(row.Right, host)), "frames that left ColoWire");
            Assert.That(requests, Is.EqualTo(row.Right.Requests), "checkpoints that ColoWire asked for");
            Assert.That(theirs.Result.Left, Is.EqualTo(DifferentialCase.Frames(expected, host)), "frames that left QEMU");
            Assert.That(
                theirs.Result.Requests, expected.Requests == Many ? Is.GreaterThan(1) : Is.EqualTo(expected.Requests),
                "checkpoints that QEMU asked for");
        });
    }

    private static Step P(Packet packet) => new(Side.Primary, Of(packet));

    private static Step S(Packet packet) => new(Side.Secondary, Of(packet));

    private static Step SFragment(Packet packet, int index) =>
        new(Side.Secondary, host => FragmentBuilder.Cut(At(packet, host) with { DontFragment = false }, 77, 104)[index]);

    private static Outcome Leaves(int requests, params Packet[] packets) => new([.. packets.Select(Of)], requests);

    private static FrameOf Of(Packet packet) => host => At(packet, host).Bytes();

    private static Packet At(Packet packet, byte host) => packet with { Destination = [10, 0, 98, host] };

    private static Segment At(uint sequence, char letter) => new(sequence, Fill(letter));

    private static Segment Overlap(uint sequence) =>
        new(sequence, [.. Enumerable.Range(0, 100).Select(i => (byte)(sequence + i < 1100 ? 'A' : 'B'))]);

    private static Echo Echo(string text) => new(1, 1, System.Text.Encoding.ASCII.GetBytes(text));

    private static byte[] Fill(char letter, int count = 100) => [.. Enumerable.Repeat((byte)letter, count)];
}
