// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using System.IO;
using System.Linq;
using ColoWire.Engine;
using ColoWire.Options;
using ColoWire.Ports;
using ColoWire.Ports.Checkpoint;
using ColoWire.Ports.Linux;
using ColoWire.Tests.Shared;
using NUnit.Framework;
using static ColoWire.Tests.Program.OptionCase;

namespace ColoWire.Tests.Program;

internal sealed class OptionTests
{
    private const string HalfPair =
        "colowire.json: a string in it has half of a surrogate pair (\\uD800 to \\uDFFF); both halves are expected, or neither";

    private static readonly int[] HighestCpu = [7];

    [Test]
    public void Names_are_unique_and_in_snake_case()
    {
        string[] names = [.. OptionTable.Rows.Select(row => row.Name)];
        Assert.That(names, Is.Unique);
        Assert.That(names, Has.All.Match("^[a-z]+(_[a-z]+)*$"));
        Assert.That(OptionTable.Rows.Select(row => row.Flag), Has.All.Match("^--[a-z]+(-[a-z]+)*$"));
    }

    [Test]
    public void The_sample_in_the_repository_is_what_the_table_generates()
    {
        string sample = File.ReadAllText(Repository.PathOf("native-config/colowire.json"));
        Assert.That(
            sample, Is.EqualTo(OptionDocuments.SampleJson()), "regenerate it: colowire options > native-config/colowire.json");
    }

    [Test]
    public void The_sample_loads_and_means_the_defaults()
    {
        ApplianceOptions loaded = Load(OptionDocuments.SampleJson());
        ApplianceOptions defaults = new()
        {
            PrimaryIn = new PortSpec(PortKind.Pcap, "primary0"),
            SecondaryIn = new PortSpec(PortKind.Pcap, "secondary0"),
            OutDevice = new PortSpec(PortKind.Pcap, "outside0"),
            ControlSocket = DefaultPaths.ControlSocket,
            FailureFolder = DefaultPaths.FailureFolder,
            Cores = loaded.Cores,
            XdpQueues = loaded.XdpQueues,
            PolicyTexts = loaded.PolicyTexts,
            Engine = new EngineOptions
            {
                AdviseMemory = HugePages.Advise,
                Strict = loaded.Engine.Strict,
                Policies = loaded.Engine.Policies,
            },
        };
        Assert.That(loaded, Is.EqualTo(defaults));
        Assert.That(loaded.Cores, Is.EqualTo(HighestCpu), "the highest-numbered CPU allowed");
        Assert.That(loaded.Engine.Strict, Is.Empty);
        Assert.That(loaded.Engine.Policies, Is.Empty);
    }

    [TestCase("adaptive", IdleStrategy.Adaptive)]
    [TestCase("spin_then_poll", IdleStrategy.SpinThenPoll)]
    [TestCase("spin", IdleStrategy.Spin)]
    [TestCase("block", IdleStrategy.Block)]
    public void An_idle_strategy_means_what_its_name_says(string word, IdleStrategy expected) =>
        Assert.That(Bind([.. PortArguments, "--idle", word], Machine).Idle, Is.EqualTo(expected));

    [TestCase("--idle", "poll", "adaptive or spin_then_poll or spin or block")]
    [TestCase("--partial-checksums", "mend", "complete or pass")]
    public void A_word_that_is_no_choice_is_a_fault(string flag, string word, string allowed) =>
        AssertEqual(Faults([.. PortArguments, flag, word]), $"{flag} (command line): '{word}' is unknown: {allowed}");

    [TestCase("compare_timeout", 1, 600_000, " ms")]
    [TestCase("expired_scan_cycle", 1, 600_000, " ms")]
    [TestCase("grace_ms", 0, 600_000, " ms")]
    [TestCase("reorder_window", 0, 65_536, " datagrams")]
    [TestCase("retransmit_window", 0, 4096, " segments")]
    [TestCase("fragment_memory", 256, 1_048_576, " KiB")]
    [TestCase("fragment_timeout_ms", 1, 600_000, " ms")]
    [TestCase("checkpoint_retry_ms", 10, 600_000, " ms")]
    [TestCase("checkpoint_max_ms", 10, 600_000, " ms")]
    [TestCase("checkpoint_interval_ms", 0, 60_000, " ms")]
    [TestCase("checkpoint_share", 0, 1000, " checkpoints")]
    [TestCase("command_timeout_ms", 10, 600_000, " ms")]
    [TestCase("max_queue_size", 1, 1_048_576, " frames")]
    [TestCase("shards", 1, 64, "")]
    [TestCase("flows", 16, 16_777_216, " connections")]
    [TestCase("slots", 64, 4_194_304, " frames")]
    [TestCase("large_slots", 0, 65_536, " frames")]
    [TestCase("capture_buffer", 1, 1024, " MiB")]
    [TestCase("memory_limit", 1, 1_048_576, " MiB")]
    public void A_number_is_allowed_from_its_minimum_to_its_maximum(string name, long minimum, long maximum, string unit)
    {
        foreach (long outside in new[] { minimum - 1, maximum + 1, long.MaxValue })
        {
            string expected = $"{name} (colowire.json): {outside} is out of range: {minimum} to {maximum}{unit}";
            AssertEqual(Faults($$"""{ {{RequiredPorts}}, "{{name}}": {{outside}} }"""), expected);
        }

        // Other faults may come of it (memory), but not this one.
        foreach (long inside in new[] { minimum, maximum })
        {
            Assert.That(Faults($$"""{ {{RequiredPorts}}, "{{name}}": {{inside}} }"""), Has.None.Contains("out of range"));
        }
    }

    [TestCase("\"compare_timeout\": \"3s\"", "compare_timeout (colowire.json): '3s' is not a whole number: 1 to 600000 ms")]
    [TestCase("\"compare_timeout\": \"3000\"", "compare_timeout (colowire.json): '3000' is not a whole number: 1 to 600000 ms")]
    [TestCase("\"compare_timeout\": 1.5", "compare_timeout (colowire.json): 1.5 is not a whole number: 1 to 600000 ms")]
    [TestCase("\"compare_timeout\": null", "compare_timeout (colowire.json): null is not a whole number: 1 to 600000 ms")]
    [TestCase("\"mode\": \"lookstep\"", "mode (colowire.json): 'lookstep' is unknown: lockstep or observe")]
    [TestCase("\"mode\": 1", "mode (colowire.json): 1 is unknown: lockstep or observe")]
    [TestCase("\"overflow\": \"drop\"", "overflow (colowire.json): 'drop' is unknown: flush or hold")]
    [TestCase("\"rst\": \"hold\"", "rst (colowire.json): 'hold' is unknown: compare or pass")]
    [TestCase("\"dup\": \"compare\"", "dup (colowire.json): 'compare' is unknown: hold or pass")]
    [TestCase("\"secondary_loss\": true", "secondary_loss (colowire.json): true is unknown: bypass or hold")]
    [TestCase("\"requester\": 1", "requester (colowire.json): 1 is no requester: " + RequesterSpec.Allowed)]
    [TestCase("\"trace\": \"yes\"", "trace (colowire.json): 'yes' is neither: true or false")]
    [TestCase("\"cores\": 2", "cores (colowire.json): 2 is not a list of CPUs: CPU numbers and ranges, for example 2,4-6")]
    [TestCase("\"cores\": [1, \"a\"]",
        "cores (colowire.json): [1,\"a\"] is not a list of CPUs: CPU numbers and ranges, for example 2,4-6")]
    [TestCase("\"cores\": [8, 1]", "cores (colowire.json): this process may not use CPU 8: allowed: 0,1,2,3,4,5,6,7")]
    [TestCase("\"cores\": [1, 2, 1]", "cores (colowire.json): CPU 1 is given more than once: each CPU runs one thread")]
    [TestCase("\"cores\": \"0-4\"", "shards (default): 1 is too few: 2 of 5 cores compare, and each needs one or more")]
    [TestCase("\"compare_timeot\": 1", "compare_timeot (colowire.json): unknown key; the nearest known one is 'compare_timeout'")]
    [TestCase("\"outdev\": \"pcap:x\"", "outdev (colowire.json): is given twice; once is allowed")]
    public void A_fault_in_the_file_says_what_and_where_and_what_is_allowed(string entry, string fault)
    {
        AssertEqual(Faults($"{{ {RequiredPorts}, {entry} }}"), fault);
    }

    [TestCase("pcap:")]
    [TestCase("tap:eth1")]
    [TestCase("file:")]
    [TestCase("a name with spaces")]
    public void A_port_needs_a_kind_and_a_name(string port)
    {
        string[] arguments = [.. PortArguments[..5], port];
        Assert.That(
            Faults(arguments).Single(),
            Does.StartWith($"--outdev (command line): '{port}' is no port: ").And.EndWith("allowed are " + PortSpec.Allowed));
    }

    [Test]
    public void All_ports_are_required_and_no_two_are_the_same()
    {
        AssertEqual(Faults([]),
            "--primary-in (command line) or primary_in (--config FILE): missing, it is required: " + PortSpec.Allowed,
            "--secondary-in (command line) or secondary_in (--config FILE): missing, it is required: " + PortSpec.Allowed,
            "--outdev (command line) or outdev (--config FILE): missing, it is required: " + PortSpec.Allowed);
        AssertEqual(Faults(["--primary-in", "pcap:a", "--secondary-in", "a", "--outdev", "pcap:a"]),
            "--secondary-in (command line): 'pcap:a' is primary_in already: three different ports are needed",
            "--outdev (command line): 'pcap:a' is primary_in already: three different ports are needed");
    }

    [Test]
    public void Every_fault_is_found_in_one_pass()
    {
        string[] faults = Faults("""{ "primary_in": "tap:1", "slotz": 1, "compare_timeout": 0, "cores": [99], "shards": 65 }""");
        Assert.That(faults, Has.Length.EqualTo(7));
        Assert.That(faults, Has.One.StartsWith("slotz "));
        Assert.That(faults, Has.One.StartsWith("primary_in "));
        Assert.That(faults, Has.One.StartsWith("--secondary-in "));
        Assert.That(faults, Has.One.StartsWith("--outdev "));
        Assert.That(faults, Has.One.StartsWith("compare_timeout "));
        Assert.That(faults, Has.One.StartsWith("cores "));
        Assert.That(faults, Has.One.StartsWith("shards "));
    }

    [Test]
    public void Memory_beyond_the_limit_is_refused_and_the_fault_says_what_to_lower()
    {
        string fault = Faults([.. PortArguments, "--slots", "65536"]).Single();
        Assert.That(fault, Does.StartWith("memory_limit (default): 320 MiB is less than the "));
        Assert.That(
            fault, Does.Contain("frame arena 290").And.Contain("lower slots, large_slots, flows, shards or capture_buffer"));
        Assert.That(Faults([.. PortArguments, "--slots", "65536", "--memory-limit", "1024"]), Is.Empty);
    }

    [Test]
    public void Memory_beyond_the_machine_is_refused()
    {
        MachineFacts small = new([0], 64 * ApplianceOptions.BytesPerMiB);
        string fault = Faults(PortArguments, small).Single();
        Assert.That(
            fault, Does.Match(@"memory_limit \(default\): \d+ MiB are needed \(.*\), and the machine has 64 MiB: lower slots"));
    }

    [Test]
    public void The_default_fits_the_default_limit()
    {
        long bytes = Load($"{{ {RequiredPorts} }}").MemoryPlan().Sum(part => part.Bytes);
        Assert.That(bytes, Is.LessThan(256 * ApplianceOptions.BytesPerMiB));
        Assert.That(bytes, Is.GreaterThan(64 * ApplianceOptions.BytesPerMiB), "both kernel buffers are part of it");
    }

    [Test]
    public void The_command_line_overrides_the_file()
    {
        string path = Path.Combine(TestContext.CurrentContext.WorkDirectory, "override.json");
        File.WriteAllText(path, $"{{ {RequiredPorts}, \"compare_timeout\": 5, \"max_queue_size\": 0, \"shards\": 2 }} // done");
        ApplianceOptions options = Bind(
            ["--config", path, "--compare-timeout", "70", "--max-queue-size", "9", "--trace"], Machine);
        Assert.That(options.Engine.CompareTimeoutMs, Is.EqualTo(70));
        Assert.That(options.Engine.MaxQueueSize, Is.EqualTo(9), "what is overridden is not judged");
        Assert.That(options.Engine.Shards, Is.EqualTo(2));
        Assert.That(options.Trace, Is.True);
    }

    [TestCase("{ \"compare_timeout\": \n oops }", "colowire.json (line 2, byte 2): not JSON: 'oops }' was found; "
        + "a value is expected: a text in quotation marks, a number, true, false, or a list")]
    [TestCase("{ \"compare_timeout\" 5 }", "colowire.json (line 1, byte 21): not JSON: '5 }' was found; "
        + "a colon is expected between an option and its value")]
    [TestCase("{ \"compare_timeout\": 5\n\"shards\": 1 }", "colowire.json (line 2, byte 1): not JSON: "
        + "'\"shards\": 1 }' was found; a comma, or the end of the list or object, is expected after a value")]
    [TestCase("{ shards: 1 }", "colowire.json (line 1, byte 3): not JSON: 'shards: 1 }' was found; "
        + "the name of an option in quotation marks is expected")]
    [TestCase("{ \"shards\": 1", "colowire.json (line 1, byte 14): not JSON: the file ends here, before an object, a list or a "
        + "text is closed")]
    [TestCase("[]", "colowire.json: a JSON object is expected, { \"primary_in\": ... }")]
    [TestCase("", "colowire.json (line 1, byte 1): not JSON: the file is empty; an object is expected, { \"primary_in\": ... }")]
    [TestCase("{ \"primary_in\": \"\\ud800\" }", HalfPair)]
    [TestCase("{ \"\\udc00\": 1 }", HalfPair)]
    public void A_file_that_is_no_object_or_no_text_is_one_fault(string text, string fault)
    {
        List<string> faults = [];
        ConfigFile.Parse("colowire.json", text, [], faults);
        Assert.That(faults, Is.EqualTo(new[] { fault }));
    }

    [Test]
    public void A_file_that_is_not_there_is_one_fault_among_the_others()
    {
        string[] faults = Faults([.. PortArguments, "--config", "/nonexistent/colowire.json", "--shards", "0"]);
        AssertEqual(
            faults,
            "--config (command line): '/nonexistent/colowire.json': no such file",
            "--shards (command line): 0 is out of range: 1 to 64");
    }

    [Test]
    public void A_file_without_an_end_is_not_read() => AssertEqual(
        Faults([.. PortArguments, "--config", "/dev/zero"]), "--config (command line): '/dev/zero': is no regular file");

    [TestCase("4,5-7", new[] { 4, 5, 6, 7 })]
    [TestCase("0", new[] { 0 })]
    public void Cores_are_numbers_and_ranges(string text, int[] cores)
    {
        Assert.That(Bind([.. PortArguments, "--cores", text, "--shards", "8"], Machine).Cores, Is.EqualTo(cores));
    }

    [Test]
    public void Compare_takes_what_concerns_it_only()
    {
        string[] names = [.. OptionTable.Rows.Where(row => (row.Verbs & Verbs.Compare) != 0).Select(row => row.Name)];
        AssertEqual(
            names,
            "compare_timeout", "expired_scan_cycle", "grace_ms", "reorder_window", "retransmit_window", "fragment_memory",
            "fragment_timeout_ms", "rst", "dup", "strict", "policies", "max_queue_size", "flows", "slots", "large_slots",
            "memory_limit");
    }

    [Test]
    public void The_length_captured_may_be_left_to_the_MTU()
    {
        Assert.That(Load($"{{ {RequiredPorts} }}").SnapLengthBytes, Is.EqualTo(OptionTable.SnapLengthOfMtu));
        Assert.That(Load($"{{ {RequiredPorts}, \"snaplen\": 0 }}").SnapLengthBytes, Is.EqualTo(OptionTable.SnapLengthOfMtu));
        Assert.That(Load($"{{ {RequiredPorts}, \"snaplen\": 64 }}").SnapLengthBytes, Is.EqualTo(64));
        AssertEqual(Faults($"{{ {RequiredPorts}, \"snaplen\": 63 }}"),
            "snaplen (colowire.json): 63 is out of range: 0 or 64 to 65536 bytes");
    }

    [TestCase("kitten", "sitting", 3)]
    [TestCase("", "abc", 3)]
    [TestCase("slots", "slots", 0)]
    public void Edit_distance(string left, string right, int edits)
    {
        Assert.That(EditDistance.Between(left, right), Is.EqualTo(edits));
    }
}
