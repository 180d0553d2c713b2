// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Checkpoint;
using ColoWire.Hosting;
using ColoWire.Options;
using ColoWire.Ports.Linux;
using ColoWire.Services;
using NUnit.Framework;

namespace ColoWire.Tests.Program;

internal sealed class StartReportTests
{
    [Test]
    public void Policies_and_strict_fields_are_told_as_they_were_understood()
    {
        string[] lines = LinesFor("""
            , "policies": ["pass udp port 123", "drop vlan 5"], "strict": ["ttl", "syn_options"]
            """);
        Assert.That(lines, Has.One.EqualTo("policies: pass udp port 123, drop vlan 5; the first that matches counts, then the defaults"));
        Assert.That(lines, Has.One.EqualTo("strict: a difference in ttl, syn_options is a divergence"));
    }

    [Test]
    public void Without_policies_and_strict_fields_there_is_nothing_to_tell_of_them()
    {
        Assert.That(LinesFor(""), Has.Length.EqualTo(6).And.None.Contain("policies").And.None.Contain("strict"));
    }

    private static string[] LinesFor(string entries)
    {
        ApplianceOptions options = OptionCase.Load($"{{ {OptionCase.RequiredPorts}{entries} }}");
        options = options with { Cores = [CpuAffinity.AllowedCpus()[0]], Engine = options.Engine with { LargeSlotsPerSide = 0 } };
        AppliancePorts ports = FakePorts.Of(
            new FakeCapturePort("fake:primary", 0, _ => []), new FakeCapturePort("fake:secondary", 0, _ => []), new FakeInjectPort());
        using Appliance appliance = new(options, ports, new NoCheckpoints(), TimeProvider.System);
        return [.. StartReport.Lines(appliance)];
    }
}
