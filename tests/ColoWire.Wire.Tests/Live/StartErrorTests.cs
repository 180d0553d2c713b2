// SPDX-License-Identifier: GPL-2.0-or-later

using NUnit.Framework;

namespace ColoWire.Wire.Tests.Live;

/// <summary>What the operator can mend is told in one line for each fault, and the exit code is 2.</summary>
[TestFixture]
[Category("Wire")]
internal sealed class StartErrorTests
{
    private BridgeHost host = null!;

    [OneTimeSetUp]
    public void OneTimeSetUp() => host = new BridgeHost();

    [OneTimeTearDown]
    public void OneTimeTearDown() => host?.Dispose();

    [TestCase("run")]
    [TestCase("observe")]
    public void An_unknown_interface(string verb) => AssertRefused(
        ["colowire: there is no interface 'eth77'; known are lo, out0, primary0, secondary0"],
        [verb, "--primary-in", "pcap:primary0", "--secondary-in", "pcap:eth77", "--outdev", "pcap:out0"]);

    [Test]
    public void The_same_interface_twice() => AssertRefused(
        ["colowire: --outdev (command line): 'pcap:primary0' is primary_in already: three different ports are needed"],
        ["run", "--primary-in", "pcap:primary0", "--secondary-in", "pcap:secondary0", "--outdev", "pcap:primary0"]);

    [Test]
    public void No_permission() => AssertRefused(
        [
            "colowire: no permission to open interface 'primary0'; root, or CAP_NET_RAW and CAP_NET_ADMIN, is needed",
            "colowire: no permission to open interface 'secondary0'; root, or CAP_NET_RAW and CAP_NET_ADMIN, is needed",
        ],
        ["run", "--primary-in", "pcap:primary0", "--secondary-in", "pcap:secondary0", "--outdev", "pcap:out0"],
        // Nobody, who may read the build wherever it lies, and no more.
        "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all,+dac_read_search", "--ambient-caps=+dac_read_search");

    private void AssertRefused(string[] lines, string[] words, params string[] wrapper)
    {
        using ColoWireProcess program = new(host, words, wrapper);
        Assert.That(program.WaitForExit(), Is.EqualTo(2));
        Assert.That(program.Log, Is.EqualTo(lines).AsCollection);
        Assert.That(program.Output, Is.Empty);
    }
}
