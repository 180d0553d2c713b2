// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Ports.Xdp;
using ColoWire.Wire.Tests.Ports;
using NUnit.Framework;

namespace ColoWire.Wire.Tests.Xdp;

/// <summary>Where frames go. Beats bear times of the past and of the future, so that no test depends on the machine's speed.</summary>
[TestFixture]
[Category("Wire")]
internal sealed class PortProgramTests
{
    private const long MillisecondNs = 1_000_000;
    private const int Timeout = 20;

    private PassingWire wire = null!;

    [SetUp]
    public void SetUp() => wire = new PassingWire();

    [TearDown]
    public void TearDown() => wire?.Dispose();

    [TestCase(XdpMode.Native)]
    [TestCase(XdpMode.Generic)]
    public void While_it_beats_frames_come_to_the_packet_socket(XdpMode mode) => wire.Inside(() =>
    {
        using PortProgram program = PortProgram.Load(PassingWire.Capture, PassingWire.ToWire(mode, Timeout));
        using FarEnd guest = new(PassingWire.Guest);
        using FarEnd captured = new(PassingWire.Capture);
        using FarEnd away = new(PassingWire.Away);
        program.Beat(0, Later(60_000));
        program.TakeOver();

        byte[][] sent = PassingWire.Send(guest, 5);

        Assert.That(captured.Receive(5), Is.EqualTo(sent).AsCollection);
        Assert.That(Counts(program), Is.EqualTo((0, 5, 0, 0)));
        Assert.That(away.Receive(0), Is.Empty);
    });

    [TestCase(XdpMode.Native)]
    [TestCase(XdpMode.Generic)]
    public void When_the_last_beat_is_too_old_frames_leave_by_the_wire(XdpMode mode) => wire.Inside(() =>
    {
        using PortProgram program = PortProgram.Load(PassingWire.Capture, PassingWire.ToWire(mode, Timeout));
        using FarEnd guest = new(PassingWire.Guest);
        using FarEnd captured = new(PassingWire.Capture);
        using FarEnd away = new(PassingWire.Away);
        program.Beat(0, Later(-Timeout));
        program.TakeOver();

        byte[][] sent = PassingWire.Send(guest, 5);

        Assert.That(away.Receive(5), Is.EqualTo(sent).AsCollection);
        Assert.That(Counts(program), Is.EqualTo((0, 0, 5, 0)));
        Assert.That(captured.Receive(0), Is.Empty);
    });

    [Test]
    public void The_beats_of_a_live_process_stop_and_start_again() => wire.Inside(() =>
    {
        const int patientMs = 60_000;
        using PortProgram program = PortProgram.Load(PassingWire.Capture, PassingWire.ToWire(XdpMode.Native, patientMs));
        using FarEnd guest = new(PassingWire.Guest);
        using FarEnd captured = new(PassingWire.Capture);
        using FarEnd away = new(PassingWire.Away);
        program.TakeOver();
        program.Beat(0, PassingWire.NowNs);
        PassingWire.Send(guest, 1);
        Assert.That(captured.Receive(1), Has.Count.EqualTo(1));

        // In the place of a minute without a beat: the last one was more than a minute ago.
        program.HandOver();
        program.TakeBack();
        program.Beat(0, Later(-patientMs - 1));
        PassingWire.Send(guest, 2);
        Assert.That(away.Receive(2), Has.Count.EqualTo(2));
        Assert.That(program.TakePassedBy(), Is.EqualTo(new PassedBy(2, 0)));

        program.Beat(0, PassingWire.NowNs);
        PassingWire.Send(guest, 3);
        Assert.That(captured.Receive(3), Has.Count.EqualTo(3));
        Assert.That(Counts(program), Is.EqualTo((0, 4, 2, 0)));
        Assert.That(program.TakePassedBy(), Is.EqualTo(new PassedBy(0, 0)), "each is told of once");
    });

    [TestCase(XdpMode.Native)]
    [TestCase(XdpMode.Generic)]
    public void Frames_of_the_secondary_leave_by_no_wire(XdpMode mode) => wire.Inside(() =>
    {
        using PortProgram program = PortProgram.Load(PassingWire.Capture, PassingWire.ToNowhere(mode, Timeout));
        using FarEnd guest = new(PassingWire.Guest);
        using FarEnd away = new(PassingWire.Away);
        program.Beat(0, Later(-Timeout));
        program.TakeOver();

        PassingWire.Send(guest, 5);

        WaitFor(() => program.DroppedFrames == 5);
        Assert.That(Counts(program), Is.EqualTo((0, 0, 0, 5)));
        Assert.That(away.Receive(0), Is.Empty);
        Assert.That(program.TakePassedBy(), Is.EqualTo(new PassedBy(0, 5)));
    });

    [Test]
    public void A_queue_without_a_socket_goes_to_the_wire_although_it_beats() => wire.Inside(() =>
    {
        PortProgramOptions options = PassingWire.ToWire(XdpMode.Native, Timeout) with { ToSocket = true };
        using PortProgram program = PortProgram.Load(PassingWire.Capture, options);
        using FarEnd guest = new(PassingWire.Guest);
        using FarEnd away = new(PassingWire.Away);
        program.Beat(0, Later(60_000));
        program.TakeOver();

        byte[][] sent = PassingWire.Send(guest, 5);

        Assert.That(away.Receive(5), Is.EqualTo(sent).AsCollection);
        Assert.That(Counts(program), Is.EqualTo((0, 0, 5, 0)));
    });

    [TestCase(XdpMode.Native)]
    [TestCase(XdpMode.Generic)]
    public void Frames_go_to_the_socket_of_their_queue_until_it_is_closed(XdpMode mode) => wire.Inside(() =>
    {
        using PortProgram program = PortProgram.Load(PassingWire.Capture, PassingWire.ToWire(mode, Timeout) with { ToSocket = true });
        using FarEnd guest = new(PassingWire.Guest);
        using FarEnd away = new(PassingWire.Away);
        using (BareSocket socket = new(InterfaceIndex.Of(PassingWire.Capture)))
        {
            program.SetSocket(0, socket.Descriptor);
            program.Beat(0, Later(60_000));
            program.TakeOver();
            PassingWire.Send(guest, 4);
            WaitFor(() => program.ToSocketFrames == 4);
            Assert.That(away.Receive(0), Is.Empty);
        }

        byte[][] sent = PassingWire.Send(guest, 5);

        Assert.That(away.Receive(5), Is.EqualTo(sent).AsCollection);
        Assert.That(Counts(program), Is.EqualTo((4, 0, 5, 0)));
    });

    [Test]
    public void A_hand_over_is_immediate_and_no_late_beat_undoes_it() => wire.Inside(() =>
    {
        using PortProgram program = PortProgram.Load(PassingWire.Capture, PassingWire.ToWire(XdpMode.Native, Timeout));
        using FarEnd guest = new(PassingWire.Guest);
        using FarEnd away = new(PassingWire.Away);
        program.TakeOver();
        program.Beat(0, Later(60_000));

        program.HandOver();
        program.Beat(0, Later(70_000));
        byte[][] sent = PassingWire.Send(guest, 5);

        Assert.That(away.Receive(5), Is.EqualTo(sent).AsCollection);
        Assert.That(Counts(program), Is.EqualTo((0, 0, 5, 0)));
    });

    [Test]
    public void Closed_means_that_a_beat_never_ages_and_that_nothing_takes_the_wire() => wire.Inside(() =>
    {
        using PortProgram program = PortProgram.Load(PassingWire.Capture, PassingWire.ToWire(XdpMode.Native, timeoutMs: 0));
        using FarEnd guest = new(PassingWire.Guest);
        using FarEnd captured = new(PassingWire.Capture);
        using FarEnd away = new(PassingWire.Away);
        program.TakeOver();
        program.Beat(0, PortProgram.BeatCycleNs);
        byte[][] sent = PassingWire.Send(guest, 5);
        Assert.That(captured.Receive(5), Is.EqualTo(sent).AsCollection);

        program.HandOver();
        PassingWire.Send(guest, 2);

        WaitFor(() => program.DroppedFrames == 2);
        Assert.That(Counts(program), Is.EqualTo((0, 5, 0, 2)));
        Assert.That(away.Receive(0), Is.Empty);
    });

    [Test]
    public void A_beat_is_written_when_the_last_one_has_some_age() => wire.Inside(() =>
    {
        using PortProgram program = PortProgram.Load(PassingWire.Capture, PassingWire.ToWire(XdpMode.Native, timeoutMs: 100));
        long old = Later(-200);
        program.Beat(0, old);

        program.Beat(0, old + PortProgram.BeatCycleNs - 1);
        Assert.That(program.LastBeatNs, Is.EqualTo(old));
        program.Beat(0, old + PortProgram.BeatCycleNs);
        Assert.That(program.LastBeatNs, Is.EqualTo(old + PortProgram.BeatCycleNs));
    });

    [Test]
    public void A_beat_tells_how_old_the_last_one_was_when_the_program_could_see_it() => wire.Inside(() =>
    {
        using PortProgram program = PortProgram.Load(PassingWire.Capture, PassingWire.ToWire(XdpMode.Native, timeoutMs: 60_000));
        long firstNs = Later(-59_000);
        Assert.That(program.Beat(0, firstNs), Is.Positive, "since it was loaded");
        Assert.That(program.Beat(0, firstNs), Is.Zero, "none was due");

        // The caller has read its clock 20 s ago: the program has judged by the beat before it until now.
        Assert.That(program.Beat(0, Later(-20_000)), Is.GreaterThanOrEqualTo(59_000 * MillisecondNs));
        Assert.That(program.Beat(0, PassingWire.NowNs), Is.GreaterThanOrEqualTo(20_000 * MillisecondNs));

        long beforeNs = PassingWire.NowNs;
        program.HandOver();
        Assert.That(program.Beat(0, PassingWire.NowNs), Is.Zero, "it has handed over");
        program.TakeBack();
        long silentNs = program.Beat(0, PassingWire.NowNs);
        Assert.That(silentNs, Is.InRange(1, PassingWire.NowNs - beforeNs), "since it handed over");
    });

    [Test]
    public void A_beat_that_is_too_old_itself_ends_no_silence() => wire.Inside(() =>
    {
        using PortProgram program = PortProgram.Load(PassingWire.Capture, PassingWire.ToWire(XdpMode.Native, Timeout));
        program.Beat(0, Later(-3 * Timeout));
        Assert.That(program.Beat(0, Later(-2 * Timeout)), Is.Zero);
        Assert.That(program.Beat(0, PassingWire.NowNs), Is.GreaterThanOrEqualTo(2L * Timeout * MillisecondNs));
    });

    private static long Later(int milliseconds) => PassingWire.NowNs + (milliseconds * MillisecondNs);

    private static (long ToSocket, long Passed, long ToWire, long Dropped) Counts(PortProgram program) =>
        (program.ToSocketFrames, program.PassedFrames, program.ToWireFrames, program.DroppedFrames);

    private static void WaitFor(Func<bool> condition) => WireNamespace.WaitUntil(condition, "the frames were counted");
}
