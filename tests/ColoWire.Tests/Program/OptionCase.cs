// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.CommandLine;
using ColoWire.Options;
using NUnit.Framework;

namespace ColoWire.Tests.Program;

/// <summary>Options of a file or of a command line, read for a machine of eight CPUs, and what is wrong with them.</summary>
internal static class OptionCase
{
    /// <summary>The entries of a file that are required.</summary>
    public const string RequiredPorts = "\"primary_in\": \"pcap:p\", \"secondary_in\": \"pcap:s\", \"outdev\": \"pcap:o\"";

    public static MachineFacts Machine { get; } = new([0, 1, 2, 3, 4, 5, 6, 7], 1L << 40);

    /// <summary>What is required of a command line.</summary>
    public static string[] PortArguments { get; } = ["--primary-in", "pcap:p", "--secondary-in", "pcap:s", "--outdev", "pcap:o"];

    public static void AssertEqual(string[] actual, params string[] expected) => Assert.That(actual, Is.EqualTo(expected));

    public static ApplianceOptions Load(string json)
    {
        Dictionary<OptionRow, OptionValue> values = [];
        List<string> faults = [];
        ConfigFile.Parse("colowire.json", json, values, faults);
        return new OptionValidator(Verbs.Run, Machine, values).Validate(faults);
    }

    public static ApplianceOptions Bind(string[] arguments, MachineFacts machine)
    {
        OptionBinder binder = new(Verbs.Run);
        Command command = new("run");
        binder.AddTo(command);
        return binder.Bind(command.Parse(arguments), machine);
    }

    public static string[] Faults(string json) => Faults(() => Load(json));

    public static string[] Faults(string[] arguments) => Faults(arguments, Machine);

    public static string[] Faults(string[] arguments, MachineFacts machine) => Faults(() => Bind(arguments, machine));

    private static string[] Faults(Func<ApplianceOptions> load)
    {
        try
        {
            load();
            return [];
        }
        catch (OptionException exception)
        {
            return [.. exception.Faults];
        }
    }
}
