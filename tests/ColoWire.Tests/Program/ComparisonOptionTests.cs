// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Linq;
using System.Reflection;
using ColoWire.Engine;
using ColoWire.Options;
using ColoWire.Reports;
using NUnit.Framework;
using static ColoWire.Tests.Program.OptionCase;

namespace ColoWire.Tests.Program;

internal sealed class ComparisonOptionTests
{
    private const string FieldNames =
        "mac, ip_id, ttl, traffic_class, dont_fragment, ip_options, window, zero_window, push, urgent, "
        + "tcp_options, syn_options, checksum";

    /// <summary>Every choice of the engine, none with its default.</summary>
    private const string AllChosen = $$"""
        {
          {{RequiredPorts}},
          "mode": "observe", "compare_timeout": 3001, "expired_scan_cycle": 1001, "checkpoint_retry_ms": 3002,
          "max_queue_size": 1025,
          "grace_ms": 21, "reorder_window": 65, "retransmit_window": 33, "fragment_memory": 4097, "fragment_timeout_ms": 1002,
          "overflow": "hold", "rst": "pass", "dup": "pass", "secondary_loss": "hold", "requester_loss": "hold",
          "checkpoint_retries": 3, "partial_checksums": "pass",
          "checkpoint_max_ms": 15001, "checkpoint_interval_ms": 101, "checkpoint_share": 11,
          "inbound": "mirror", "guest_mac": ["52:54:00:12:34:56"],
          "strict": ["ttl"], "policies": ["pass udp port 123"],
          "shards": 2, "flows": 131073, "slots": 16385, "large_slots": 257
        }
        """;

    private static readonly ToleratedField[] TtlAndWindow = [ToleratedField.Ttl, ToleratedField.Window];

    /// <summary>Without the key of the flow hash, which nobody chooses: it is drawn at each start.</summary>
    private static readonly PropertyInfo[] EngineProperties =
    [
        .. typeof(EngineOptions).GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(property => property.Name != nameof(EngineOptions.HashKey)),
    ];

    [TestCaseSource(nameof(EngineProperties))]
    public void What_an_operator_chooses_reaches_the_engine(PropertyInfo property)
    {
        EngineOptions engine = Load(AllChosen).Engine;
        Assert.That(property.GetValue(engine), Is.Not.EqualTo(property.GetValue(new EngineOptions())));
    }

    [TestCase(nameof(EngineOptions.GraceMs), 21)]
    [TestCase(nameof(EngineOptions.ReorderWindow), 65)]
    [TestCase(nameof(EngineOptions.RetransmitWindow), 33)]
    [TestCase(nameof(EngineOptions.FragmentMemoryKiB), 4097)]
    [TestCase(nameof(EngineOptions.FragmentTimeoutMs), 1002)]
    [TestCase(nameof(EngineOptions.Overflow), OverflowPolicy.Hold)]
    [TestCase(nameof(EngineOptions.Reset), ResetPolicy.Pass)]
    [TestCase(nameof(EngineOptions.Duplicate), DuplicatePolicy.Pass)]
    [TestCase(nameof(EngineOptions.SecondaryLoss), SecondaryLossPolicy.Hold)]
    [TestCase(nameof(EngineOptions.RequesterLoss), RequesterLossPolicy.Hold)]
    [TestCase(nameof(EngineOptions.CheckpointRetries), 3)]
    [TestCase(nameof(EngineOptions.PartialChecksums), PartialChecksumPolicy.Pass)]
    public void Each_choice_means_what_its_name_says(string property, object expected)
    {
        EngineOptions engine = Load(AllChosen).Engine;
        Assert.That(typeof(EngineOptions).GetProperty(property)!.GetValue(engine), Is.EqualTo(expected));
    }

    [Test]
    public void All_fields_of_headers_can_be_strict()
    {
        ToleratedField[] fields = [.. Enum.GetValues<ToleratedField>().Where(field => field < ToleratedField.SecondaryOverlap)];
        string names = string.Join(',', fields.Select(CounterNames.Of));
        Assert.That(Bind([.. PortArguments, "--strict", names], Machine).Engine.Strict, Is.EqualTo(fields));
        Assert.That(OptionTable.Find("strict")!.Allowed, Is.EqualTo(FieldNames));
    }

    [TestCase("\"strict\": [\"ttl\", \"window\"]")]
    [TestCase("\"strict\": \"ttl, window\"")]
    public void Strict_fields_of_a_file_are_a_list(string entry)
    {
        Assert.That(Load($"{{ {RequiredPorts}, {entry} }}").Engine.Strict, Is.EqualTo(TtlAndWindow));
    }

    [TestCase("--strict ttl,window")]
    [TestCase("--strict ttl --strict window")]
    public void Strict_fields_of_a_command_line_stand_between_commas_or_alone(string arguments)
    {
        Assert.That(Bind([.. PortArguments, .. arguments.Split(' ')], Machine).Engine.Strict, Is.EqualTo(TtlAndWindow));
    }

    [TestCase("[\"ttl\", \"colour\"]", "'colour' is unknown: " + FieldNames)]
    [TestCase("[\"secondary_overlap\"]", "'secondary_overlap' is unknown: " + FieldNames)]
    [TestCase("[\"keepalive\"]", "'keepalive' is unknown: " + FieldNames)]
    [TestCase("[\"\"]", "'' is unknown: " + FieldNames)]
    [TestCase("[7]", "7 is unknown: " + FieldNames)]
    [TestCase("[\"ttl\", \"mac\", \"ttl\"]", "'ttl' is given twice; once is allowed")]
    [TestCase("true", "true is no list: " + FieldNames)]
    [TestCase("{}", "{...} is no list: " + FieldNames)]
    public void A_strict_field_that_is_none_is_a_fault(string value, string fault)
    {
        AssertEqual(Faults($"{{ {RequiredPorts}, \"strict\": {value} }}"), "strict (colowire.json): " + fault);
    }

    [Test]
    public void Each_strict_field_that_is_none_is_a_fault_of_its_own()
    {
        AssertEqual(
            Faults([.. PortArguments, "--strict", "colour,ttl,smell"]),
            "--strict (command line): 'colour' is unknown: " + FieldNames,
            "--strict (command line): 'smell' is unknown: " + FieldNames);
    }

    [Test]
    public void An_empty_word_empties_the_list_of_the_file()
    {
        string path = System.IO.Path.Combine(TestContext.CurrentContext.WorkDirectory, "strict.json");
        System.IO.File.WriteAllText(path, $"{{ {RequiredPorts}, \"strict\": [\"ttl\"], \"policies\": [\"drop vlan 5\"] }}");
        ApplianceOptions options = Bind(["--config", path, "--strict", "", "--policies", ""], Machine);
        Assert.That(options.Engine.Strict, Is.Empty);
        Assert.That(options.Engine.Policies, Is.Empty);
    }

    [TestCase("3001", "3000",
        "--grace-ms (command line): 3001 ms is more than compare_timeout, 3000 ms: lower it, or raise compare_timeout")]
    [TestCase("3000", "3000", null)]
    [TestCase(null, "19", "grace_ms (default): 20 ms is more than compare_timeout, 19 ms: lower it, or raise compare_timeout")]
    [TestCase(null, "20", null)]
    [TestCase("0", "1", null)]
    [TestCase("600001", "1", "--grace-ms (command line): 600001 is out of range: 0 to 600000 ms")]
    public void Grace_ends_before_the_timeout(string? graceMs, string timeoutMs, string? fault)
    {
        string[] grace = graceMs == null ? [] : ["--grace-ms", graceMs];
        AssertEqual(Faults([.. PortArguments, "--compare-timeout", timeoutMs, .. grace]), fault == null ? [] : [fault]);
    }

    [TestCase("64 0", null,
        "fragment_memory (default): 4096 KiB is more than 64 KiB, half of a side's slots: raise slots or large_slots")]
    [TestCase("64 0", "256",
        "--fragment-memory (command line): 256 KiB is more than 64 KiB, half of a side's slots: raise slots or large_slots")]
    [TestCase("4095 0", null,
        "fragment_memory (default): 4096 KiB is more than 4095 KiB, half of a side's slots: lower it, or "
        + "raise slots or large_slots")]
    [TestCase("4096 0", null, null)]
    [TestCase("64 119", null, null)]
    [TestCase("64 118", null,
        "fragment_memory (default): 4096 KiB is more than 4076 KiB, half of a side's slots: lower it, or "
        + "raise slots or large_slots")]
    [TestCase("256 0", "256", null)]
    [TestCase("63 0", "4096", "--slots (command line): 63 is out of range: 64 to 4194304 frames")]
    public void Fragments_take_half_of_the_slots_at_most(string slots, string? fragmentMemory, string? fault)
    {
        string[] memory = fragmentMemory == null ? [] : ["--fragment-memory", fragmentMemory];
        string[] words = slots.Split(' ');
        AssertEqual(
            Faults([.. PortArguments, "--slots", words[0], "--large-slots", words[1], .. memory]), fault == null ? [] : [fault]);
    }
}
