// SPDX-License-Identifier: GPL-2.0-or-later

using System.IO;
using ColoWire.Ports;
using ColoWire.Ports.Files;
using NUnit.Framework;

namespace ColoWire.Tests.Ports;

[TestFixture]
internal sealed class FileErrorTests
{
    private const string Allowed = "a pcap or pcapng file of Ethernet frames is needed";

    /// <summary>A file that can only be written: the kernel refuses to open it for reading, also for root.</summary>
    private const string WriteOnlyFile = "/sys/bus/platform/drivers_probe";

    private ScratchFolder folder = null!;

    [SetUp]
    public void SetUp() => folder = new ScratchFolder();

    [TearDown]
    public void TearDown() => folder.Dispose();

    [Test]
    public void A_missing_capture() =>
        Assert.That(OpenError(folder.File("none.pcap")), Does.Contain("none.pcap': no such file or directory; " + Allowed));

    [Test]
    public void A_missing_directory() =>
        Assert.That(OpenError(folder.File("none/p.pcap")), Does.Contain("none/p.pcap': no such file or directory; " + Allowed));

    [Test]
    public void A_directory() =>
        Assert.That(OpenError(folder.Path), Is.EqualTo($"cannot read capture '{folder.Path}': it is a directory; {Allowed}"));

    [Test]
    public void An_empty_path() => Assert.That(OpenError(""), Does.Contain("no path is given"));

    [Test]
    public void A_capture_that_may_not_be_read()
    {
        Assume.That(File.Exists(WriteOnlyFile), "needs a file that root cannot read");
        Assert.That(OpenError(WriteOnlyFile), Does.Contain(": permission denied; " + Allowed));
    }

    [TestCase(new byte[] { }, TestName = "An empty file")]
    [TestCase(new byte[] { 1, 2, 3 }, TestName = "A file shorter than a magic number")]
    [TestCase(new byte[] { 0x7F, 0x45, 0x4C, 0x46, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 },
        TestName = "A file that is not a capture")]
    public void Not_a_capture(byte[] bytes)
    {
        string path = folder.Write("not.pcap", bytes);
        Assert.That(OpenError(path), Does.StartWith($"cannot read capture '{path}': ").And.EndsWith("; " + Allowed));
    }

    [Test]
    public void A_link_type_that_is_not_Ethernet()
    {
        string path = folder.Write("cooked.pcap", new PcapBuilder(linkType: 113).ToArray());
        Assert.That(OpenError(path), Is.EqualTo($"cannot use capture '{path}': its link type is LinuxSll (113); {Allowed}"));
    }

    [Test]
    public void A_path_that_is_too_long()
    {
        string path = folder.File(new string('x', 300));
        Assert.That(OpenError(path), Is.EqualTo($"cannot read capture '{path}': the path is too long; {Allowed}"));
    }

    [Test]
    public void A_capture_in_a_missing_directory_cannot_be_written()
    {
        PortException error = Assert.Throws<PortException>(() => new FileInjectPort(folder.File("none/out.pcap")).Dispose())!;
        Assert.That(error.Message, Does.Contain("none/out.pcap': no such file or directory; "));
    }

    [Test]
    public void A_capture_cannot_be_written_over_a_directory()
    {
        PortException error = Assert.Throws<PortException>(() => new FileInjectPort(folder.Path).Dispose())!;
        Assert.That(error.Message, Does.Contain("it is a directory"));
    }

    private static string OpenError(string path)
    {
        string message = Assert.Throws<PortException>(() => new FileCapturePort(path).Dispose())!.Message;
        Assert.That(message, Does.Not.Contain('\n'));
        return message;
    }
}
