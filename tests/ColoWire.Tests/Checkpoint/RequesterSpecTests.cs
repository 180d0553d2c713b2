// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Ports.Checkpoint;
using ColoWire.Tests.Program;
using NUnit.Framework;

namespace ColoWire.Tests.Checkpoint;

internal sealed class RequesterSpecTests
{
    [TestCase("none", RequesterKind.None)]
    [TestCase("qmp:unix:/run/primary.qmp", RequesterKind.Qmp, "/run/primary.qmp")]
    [TestCase("qmp:localhost:4444", RequesterKind.Qmp, null, "localhost")]
    [TestCase("qmp:[::1]:4444", RequesterKind.Qmp, null, "::1")]
    [TestCase("notify_dev:unix:/run/n,server", RequesterKind.NotifyDev, "/run/n", null, true)]
    [TestCase("notify_dev:10.0.0.1:9000", RequesterKind.NotifyDev, null, "10.0.0.1")]
    [TestCase("notify_dev:10.0.0.1:9000,server,peer=10.0.0.2", RequesterKind.NotifyDev, null, "10.0.0.1", true)]
    public void A_requester_is_read_as_it_is_written(
        string written, RequesterKind kind, string? path = null, string? host = null, bool isServer = false)
    {
        Assert.That(RequesterSpec.TryParse(written, out RequesterSpec? spec, out string? error), Is.True, error);
        Assert.That(spec!.Kind, Is.EqualTo(kind));
        Assert.That((spec.Endpoint?.Path, spec.Endpoint?.Host, spec.Endpoint?.IsServer ?? false), Is.EqualTo((path, host, isServer)));
        Assert.That(spec.Words, Is.Empty);
        Assert.That(spec.ToString(), Is.EqualTo(written));
    }

    [Test]
    public void A_command_is_cut_into_words_at_spaces()
    {
        Assert.That(RequesterSpec.TryParse("command:/opt/checkpoint  --vm web:1\t$HOME ", out RequesterSpec? spec, out string? error), Is.True, error);
        Assert.That(spec!.Kind, Is.EqualTo(RequesterKind.Command));
        Assert.That(spec.Words, Is.EqualTo(new[] { "/opt/checkpoint", "--vm", "web:1", "$HOME" }));
    }

    [TestCase(null, "'' is no kind of requester")]
    [TestCase("", "'' is no kind of requester")]
    [TestCase("none:", "'none' is no kind of requester")]
    [TestCase("xen:/run/x", "'xen' is no kind of requester")]
    [TestCase("QMP:unix:/run/x", "'QMP' is no kind of requester")]
    [TestCase("qmp", "no address is given")]
    [TestCase("qmp:", "no address is given")]
    [TestCase("qmp:unix:", "no path is given")]
    [TestCase("qmp:host", "'host' names no port")]
    [TestCase("qmp:unix:/run/x,server", "QEMU is the server of its QMP socket: leave ',server' out")]
    [TestCase("notify_dev:host:0", "'0' is no port from 1 to 65535")]
    [TestCase("notify_dev:unix:/a,client", "a path has no comma here (only ',server' follows one)")]
    [TestCase("command: ", "no program is given")]
    [TestCase("command:/bin/sh -c 'exit 0'", "quotes are not allowed: there is no shell, and words end at spaces")]
    public void What_is_none_is_refused_with_what_is_allowed(string? written, string fault)
    {
        Assert.That(RequesterSpec.TryParse(written, out RequesterSpec? spec, out string? error), Is.False);
        Assert.That(spec, Is.Null);
        Assert.That(error, Is.EqualTo($"'{written}' is no requester: {fault}; allowed are {RequesterSpec.Allowed}"));
    }

    [Test]
    public void The_option_takes_what_can_be_read_and_refuses_the_rest_in_a_line()
    {
        Assert.That(OptionCase.Bind([.. OptionCase.PortArguments, "--requester", "qmp:h:1"], OptionCase.Machine).Requester.ToString(), Is.EqualTo("qmp:h:1"));
        OptionCase.AssertEqual(
            OptionCase.Faults([.. OptionCase.PortArguments, "--requester", "qmp:h"]),
            $"--requester (command line): 'qmp:h' is no requester: 'h' names no port; allowed are {RequesterSpec.Allowed}");
    }
}
