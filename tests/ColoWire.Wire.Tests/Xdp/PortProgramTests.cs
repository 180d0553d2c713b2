// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Linq;
using ColoWire.Ports.Linux;
using ColoWire.Ports.Xdp;
using ColoWire.Wire.Tests.Ports;
using NUnit.Framework;

namespace ColoWire.Wire.Tests.Xdp;

/// <summary>Where the program sends frames. Heartbeats have times of the past and of the future, so that no test depends on the
/// machine's speed.</summary>
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
    public void With_a_heartbeat_frames_go_to_the_packet_socket(XdpMode mode) => wire.Inside(() =>
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
    public void After_the_heartbeat_timeout_frames_go_to_the_out_interface(XdpMode mode) => wire.Inside(() =>
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
    public void A_heartbeat_stops_and_starts_again() => wire.Inside(() =>
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
        Assert.That(program.TakeBypassed(), Is.EqualTo(new BypassedFrames(2, 0)));

        program.Beat(0, PassingWire.NowNs);
        PassingWire.Send(guest, 3);
        Assert.That(captured.Receive(3), Has.Count.EqualTo(3));
        Assert.That(Counts(program), Is.EqualTo((0, 4, 2, 0)));
        Assert.That(program.TakeBypassed(), Is.EqualTo(new BypassedFrames(0, 0)), "each is reported once");
    });

    [TestCase(XdpMode.Native)]
    [TestCase(XdpMode.Generic)]
    public void Frames_of_the_secondary_never_go_to_the_out_interface(XdpMode mode) => wire.Inside(() =>
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
        Assert.That(program.TakeBypassed(), Is.EqualTo(new BypassedFrames(0, 5)));
    });

    [TestCase(XdpMode.Native)]
    [TestCase(XdpMode.Generic)]
    public void After_the_heartbeat_timeout_frames_of_clients_go_on_only_when_they_concern_the_guest(XdpMode mode) =>
        wire.Inside(() =>
        {
            const string guestMac = "525400C01001";
            const string client = "525400C01002";
            const string other = "525400C01003";
            (string Addresses, bool BeforeKnown, bool AfterKnown)[] cases =
            [
                (guestMac + client, true, true),
                (other + client, true, false),
                ("FFFFFFFFFFFF" + client, true, true),
                ("01005E000001" + client, true, true),
                ("333300000001" + client, true, true),
                ("0180C2000000" + client, false, false),
                ("0180C200000F" + client, false, false),
                ("0180C2000010" + client, true, true),
                (client + guestMac, true, false),
                ("FFFFFFFFFFFF" + guestMac, true, false),
            ];
            using PortProgram program = PortProgram.Load(PassingWire.Capture, PassingWire.FromClients(mode, Timeout));
            using FarEnd clients = new(PassingWire.Guest);
            using FarEnd primary = new(PassingWire.Away);
            program.Beat(0, Later(-Timeout));
            program.TakeOver();

            AssertPass(known: false);
            program.AddGuest(0x5254_00C0_1001);
            AssertPass(known: true);
            Assert.That(program.DroppedFrames, Is.Zero, "a frame that concerns no guest is no loss");
            Assert.That(
                program.FilteredFrames, Is.EqualTo(cases.Sum(row => (row.BeforeKnown ? 0 : 1) + (row.AfterKnown ? 0 : 1))));

            void AssertPass(bool known)
            {
                byte[][] sent = [.. cases.Select((row, number) => Frame(row.Addresses, number))];
                Array.ForEach(sent, clients.Send);
                byte[][] expected = [.. sent.Where((_, i) => known ? cases[i].AfterKnown : cases[i].BeforeKnown)];
                Assert.That(primary.Receive(expected.Length), Is.EqualTo(expected).AsCollection, $"known: {known}");
            }
        });

    private static byte[] Frame(string addresses, int number)
    {
        byte[] frame = WireFrames.Frame(60, number);
        Convert.FromHexString(addresses).CopyTo(frame, 0);
        return frame;
    }

    [Test]
    public void Frames_of_a_queue_without_a_socket_go_to_the_out_interface_despite_a_heartbeat() => wire.Inside(() =>
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
        using PortProgram program = PortProgram.Load(
            PassingWire.Capture, PassingWire.ToWire(mode, Timeout) with { ToSocket = true });
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
    public void A_handover_is_immediate_and_no_late_heartbeat_undoes_it() => wire.Inside(() =>
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
    public void Without_a_timeout_a_heartbeat_never_ages_and_no_frame_goes_to_the_out_interface() => wire.Inside(() =>
    {
        using PortProgram program = PortProgram.Load(PassingWire.Capture, PassingWire.ToWire(XdpMode.Native, timeoutMs: 0));
        using FarEnd guest = new(PassingWire.Guest);
        using FarEnd captured = new(PassingWire.Capture);
        using FarEnd away = new(PassingWire.Away);
        program.TakeOver();
        program.Beat(0, Heartbeat.CycleNs);
        byte[][] sent = PassingWire.Send(guest, 5);
        Assert.That(captured.Receive(5), Is.EqualTo(sent).AsCollection);

        program.HandOver();
        PassingWire.Send(guest, 2);

        WaitFor(() => program.DroppedFrames == 2);
        Assert.That(Counts(program), Is.EqualTo((0, 5, 0, 2)));
        Assert.That(away.Receive(0), Is.Empty);
    });

    [Test]
    public void A_heartbeat_is_written_once_per_cycle() => wire.Inside(() =>
    {
        using PortProgram program = PortProgram.Load(PassingWire.Capture, PassingWire.ToWire(XdpMode.Native, timeoutMs: 100));
        long old = Later(-200);
        program.Beat(0, old);

        program.Beat(0, old + Heartbeat.CycleNs - 1);
        Assert.That(program.LastBeatNs, Is.EqualTo(old));
        program.Beat(0, old + Heartbeat.CycleNs);
        Assert.That(program.LastBeatNs, Is.EqualTo(old + Heartbeat.CycleNs));
    });

    [Test]
    public void A_heartbeat_returns_the_age_of_the_previous_one_when_the_program_could_see_it() => wire.Inside(() =>
    {
        using PortProgram program = PortProgram.Load(PassingWire.Capture, PassingWire.ToWire(XdpMode.Native, timeoutMs: 60_000));
        long firstNs = Later(-59_000);
        Assert.That(program.Beat(0, firstNs), Is.Positive, "since the program was loaded");
        Assert.That(program.Beat(0, firstNs), Is.Zero, "no heartbeat was due");

        // The caller has read its clock 20 s ago: until now the program has seen the previous heartbeat.
        Assert.That(program.Beat(0, Later(-20_000)), Is.GreaterThanOrEqualTo(59_000 * MillisecondNs));
        Assert.That(program.Beat(0, PassingWire.NowNs), Is.GreaterThanOrEqualTo(20_000 * MillisecondNs));

        long beforeNs = PassingWire.NowNs;
        program.HandOver();
        Assert.That(program.Beat(0, PassingWire.NowNs), Is.Zero, "the program is handed over");
        program.TakeBack();
        long silentNs = program.Beat(0, PassingWire.NowNs);
        Assert.That(silentNs, Is.InRange(1, PassingWire.NowNs - beforeNs), "since the handover");
    });

    [Test]
    public void A_heartbeat_that_is_itself_too_old_ends_no_bypass() => wire.Inside(() =>
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
