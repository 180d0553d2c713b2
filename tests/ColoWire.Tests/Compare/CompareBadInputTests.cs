// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using ColoWire.Tests.Ports;
using NUnit.Framework;

namespace ColoWire.Tests.Compare;

/// <summary>The program itself: what it says on stderr and with which code it exits.</summary>
[TestFixture]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class CompareBadInputTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly ScratchFolder folder = new();

    [SetUp]
    public void SetUp()
    {
        CaptureScript good = new CaptureScript().At(0, TestFrame.Udp("question")).At(1, TestFrame.Udp("another"));
        byte[] bytes = good.ToArray();
        good.Save(folder.File("good.pcap"));
        folder.Write("cut.pcap", bytes[..^3]);
        folder.Write("cut-header.pcap", bytes[..^(TestFrame.Udp("another").Length + 2)]);
        folder.Write("text.pcap", "this is no capture at all, only some text"u8.ToArray());
        folder.Write("empty.pcap", []);
        folder.Write("wifi.pcap", new PcapBuilder(PcapBuilder.MicrosecondMagic, linkType: 105).ToArray());
        folder.Write("two-lengths.pcapng", Two(c => c.Interface(96)));
        folder.Write("two-links.pcapng", Two(c => c.Interface(linkType: 113)));
        folder.Write("two-orders.pcapng", Two(c => c.Section(inBigEndian: true).Interface()));
        folder.Write("no-interface.pcapng", new PcapngBuilder().Section().ToArray());
        folder.Write("no-frames.pcapng", new PcapngBuilder().Section().Interface().ToArray());
        using (Process fifo = Process.Start("mkfifo", [folder.File("fifo")]))
        {
            fifo.WaitForExit();
        }

        File.CreateSymbolicLink(folder.File("link.pcap"), folder.File("good.pcap"));
        Directory.CreateDirectory(folder.File("directory"));
    }

    [TearDown]
    public void TearDown() => folder.Dispose();

    [TestCase("missing.pcap", "good.pcap", "missing.pcap")]
    [TestCase("good.pcap", "missing.pcap", "missing.pcap")]
    [TestCase("directory", "good.pcap", "directory")]
    [TestCase("text.pcap", "good.pcap", "text.pcap")]
    [TestCase("empty.pcap", "good.pcap", "empty.pcap")]
    [TestCase("wifi.pcap", "good.pcap", "Ieee80211 (105)")]
    [TestCase("cut.pcap", "good.pcap", "frame 2 is cut off")]
    [TestCase("good.pcap", "cut.pcap", "frame 2 is cut off")]
    [TestCase("good.pcap", "cut-header.pcap", "frame 2 is cut off")]
    [TestCase("two-lengths.pcapng", "good.pcap", "differ in snapshot length or byte order")]
    [TestCase("good.pcap", "two-lengths.pcapng", "from frame 2 on: ")]
    [TestCase("good.pcap", "two-lengths.pcapng",
        "'editcap -F pcap two-lengths.pcapng FILE', or of several with 'mergecap -F pcap -w FILE ...'")]
    [TestCase("two-orders.pcapng", "good.pcap", "'editcap -F pcap two-orders.pcapng FILE'")]
    [TestCase("two-links.pcapng", "good.pcap", "'tshark -r two-links.pcapng -Y frame.interface_id==0 -F pcap -w FILE'")]
    [TestCase("no-interface.pcapng", "good.pcap", "no-interface.pcapng")]
    [TestCase("fifo", "good.pcap", "'fifo': it is a pipe or a device")]
    [TestCase("good.pcap", "/dev/null", "'/dev/null': it is a pipe or a device")]
    [TestCase("good.pcap", "good.pcap --out fifo",
        "'fifo': no process has opened this pipe for reading within 10000 ms; start its reader first")]
    [TestCase("good.pcap", "good.pcap --out /dev/full", "'/dev/full'")]
    [TestCase("good.pcap", "good.pcap --out nowhere/out.pcap", "nowhere/out.pcap")]
    [TestCase("good.pcap", "good.pcap --out directory", "directory")]
    [TestCase("good.pcap", "good.pcap --out good.pcap", "good.pcap")]
    [TestCase("good.pcap", "good.pcap --out directory/../good.pcap", "good.pcap")]
    [TestCase("good.pcap", "good.pcap --out link.pcap", "good.pcap")]
    [TestCase("link.pcap", "good.pcap --out good.pcap", "good.pcap")]
    [TestCase("good.pcap", "good.pcap --compare-timeout 0", "--compare-timeout")]
    [TestCase("good.pcap", "good.pcap --compare-timeout 600001", "1 to 600000 ms")]
    [TestCase("good.pcap", "good.pcap --show -1", "0 to 10000")]
    [TestCase("good.pcap", "good.pcap --show many", "0 to 10000")]
    [TestCase("good.pcap", "good.pcap --aling", "--align")]
    [TestCase("good.pcap", "", "SECONDARY")]
    [TestCase("good.pcap", "good.pcap good.pcap", "good.pcap")]
    public void A_fault_is_one_line_and_exit_code_2(string primary, string rest, string named)
    {
        byte[] before = File.ReadAllBytes(folder.File("good.pcap"));
        (int exitCode, string output, string errors) = Colowire($"compare {primary} {rest} --json");
        Assert.Multiple(() =>
        {
            Assert.That(exitCode, Is.EqualTo(2));
            Assert.That(output, Is.Empty);
            Assert.That(errors, Does.StartWith("colowire: ").And.EndsWith("\n").And.Contain(named));
            Assert.That(errors.TrimEnd('\n'), Does.Not.Contain("\n"));
            Assert.That(File.ReadAllBytes(folder.File("good.pcap")), Is.EqualTo(before));
        });
    }

    [Test]
    public void Both_captures_that_cannot_be_read_are_reported()
    {
        (int exitCode, _, string errors) = Colowire("compare missing.pcap text.pcap");
        Assert.Multiple(() =>
        {
            Assert.That(exitCode, Is.EqualTo(2));
            Assert.That(errors.TrimEnd('\n').Split('\n'), Has.Length.EqualTo(2));
            Assert.That(errors, Does.Contain("'missing.pcap'").And.Contain("'text.pcap'"));
        });
    }

    [TestCase("cut.pcap good.pcap")]
    [TestCase("good.pcap cut.pcap")]
    public void An_existing_output_stays_when_an_input_is_damaged_and_no_other_file_is_left(string captures)
    {
        byte[] kept = "an earlier result"u8.ToArray();
        folder.Write("keep.pcap", kept);
        int files = Directory.GetFileSystemEntries(folder.Path).Length;
        (int exitCode, _, _) = Colowire($"compare {captures} --out keep.pcap");
        Assert.Multiple(() =>
        {
            Assert.That(exitCode, Is.EqualTo(2));
            Assert.That(File.ReadAllBytes(folder.File("keep.pcap")), Is.EqualTo(kept));
            Assert.That(Directory.GetFileSystemEntries(folder.Path), Has.Length.EqualTo(files));
        });
    }

    [Test]
    public void An_output_by_a_symbolic_link_replaces_the_file_that_it_names_and_keeps_its_mode()
    {
        const UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        folder.Write("result.pcap", "an earlier result"u8.ToArray());
        File.SetUnixFileMode(folder.File("result.pcap"), mode);
        File.CreateSymbolicLink(folder.File("result"), folder.File("result.pcap"));
        (int exitCode, _, string errors) = Colowire("compare good.pcap good.pcap --out result");
        Assert.Multiple(() =>
        {
            Assert.That(exitCode, Is.Zero, errors);
            Assert.That(File.ReadAllBytes(folder.File("result.pcap")), Is.EqualTo(File.ReadAllBytes(folder.File("good.pcap"))));
            Assert.That(File.GetUnixFileMode(folder.File("result.pcap")), Is.EqualTo(mode));
            Assert.That(new FileInfo(folder.File("result")).LinkTarget, Is.EqualTo(folder.File("result.pcap")));
        });
    }

    [TestCase("good.pcap other.pcap", "other.pcap")]
    [TestCase("other.pcap good.pcap", "other.pcap")]
    public void An_output_that_is_an_input_is_refused_by_the_name_of_that_input(string captures, string output)
    {
        File.Copy(folder.File("good.pcap"), folder.File("other.pcap"));
        (int exitCode, _, string errors) = Colowire($"compare {captures} --out {output}");
        Assert.Multiple(() =>
        {
            Assert.That(exitCode, Is.EqualTo(2));
            Assert.That(errors, Does.Contain("'other.pcap' is the capture 'other.pcap' itself"));
        });
    }

    [Test]
    public void The_same_file_twice_is_allowed()
    {
        (int exitCode, string output, string errors) = Colowire("compare good.pcap good.pcap");
        Assert.Multiple(() =>
        {
            Assert.That(exitCode, Is.Zero);
            Assert.That(output, Does.StartWith("equal: 2 frames in 1 flow verified"));
            Assert.That(errors, Is.Empty);
        });
    }

    [Test]
    public void Captures_that_hold_no_frame_are_told_of_after_the_report()
    {
        (int exitCode, string output, string errors) = Colowire("compare no-frames.pcapng no-frames.pcapng");
        Assert.Multiple(() =>
        {
            Assert.That(exitCode, Is.EqualTo(2));
            Assert.That(output, Does.StartWith("nothing compared: the captures hold no frame\n"));
            Assert.That(errors, Is.EqualTo("colowire: nothing compared: the captures hold no frame\n"));
        });
    }

    [Test]
    public void A_named_pipe_gets_the_whole_capture_and_its_end_once()
    {
        using Process reader = Process.Start("cp", [folder.File("fifo"), folder.File("copy.pcap")]);
        (int exitCode, _, string errors) = Colowire("compare good.pcap good.pcap --out fifo");
        Assert.Multiple(() =>
        {
            Assert.That(reader.WaitForExit(Patience), Is.True, "the reader sees the end");
            Assert.That(exitCode, Is.Zero, errors);
            Assert.That(File.ReadAllBytes(folder.File("copy.pcap")), Is.EqualTo(File.ReadAllBytes(folder.File("good.pcap"))));
        });
    }

    [Test]
    public void A_difference_is_exit_code_1_and_no_error()
    {
        new CaptureScript().At(0, TestFrame.Udp("question")).At(1, TestFrame.Udp("enother")).Save(folder.File("other.pcap"));
        (int exitCode, string output, string errors) = Colowire("compare good.pcap other.pcap --out old.pcap");
        Assert.Multiple(() =>
        {
            Assert.That(exitCode, Is.EqualTo(1));
            Assert.That(output, Does.StartWith("diverged: 1 of 1 flow (payload 1)"));
            Assert.That(errors, Is.Empty);
            Assert.That(File.ReadAllBytes(folder.File("old.pcap")), Is.EqualTo(File.ReadAllBytes(folder.File("good.pcap"))));
        });
    }

    [Test]
    public void A_hard_link_to_an_input_is_no_output()
    {
        using (Process link = Process.Start("ln", [folder.File("good.pcap"), folder.File("hard.pcap")]))
        {
            link.WaitForExit();
        }

        (int exitCode, _, string errors) = Colowire("compare good.pcap good.pcap --out hard.pcap");
        Assert.Multiple(() =>
        {
            Assert.That(exitCode, Is.EqualTo(2));
            Assert.That(errors, Does.Contain("hard.pcap"));
            Assert.That(new FileInfo(folder.File("good.pcap")).Length, Is.Positive);
        });
    }

    /// <summary>A pcapng capture of which what comes after the first frame is of another kind.</summary>
    private static byte[] Two(Func<PcapngBuilder, PcapngBuilder> other) =>
        other(new PcapngBuilder().Section().Interface().Frame(0, 1_700_000_000_000_000, TestFrame.Udp("question"))).ToArray();

    private (int ExitCode, string Output, string Errors) Colowire(string arguments)
    {
        List<string> words = [Path.Combine(AppContext.BaseDirectory, "colowire.dll")];
        words.AddRange(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        using Process process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, words)
        {
            WorkingDirectory = folder.Path,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        System.Threading.Tasks.Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        Assert.That(process.WaitForExit(Patience), Is.True, "it ends");
        return (process.ExitCode, output, errors.Result);
    }
}
