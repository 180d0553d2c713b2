// SPDX-License-Identifier: GPL-2.0-or-later

using System.CommandLine;
using System.CommandLine.Parsing;

namespace ColoWire.TwinMaker;

/// <summary>The command line, and its translation to <see cref="TwinOptions"/>.</summary>
internal sealed class TwinCommandLine
{
    private readonly Argument<string> _primary = new("PRIMARY")
    {
        Description = "A pcap file of the frames that a guest sent.",
    };

    private readonly Argument<string> _secondary = new("SECONDARY")
    {
        Description = "The pcap file to write: what a second guest that says the same would have sent.",
    };

    private readonly Option<int> _seed = Number("--seed", "The seed of every choice that is made.", 0, int.MaxValue, 1);
    private readonly Option<int> _split = Number("--split", "How many of 100 TCP data segments to cut in two.", 0, 100, 25);
    private readonly Option<int> _merge = Number("--merge", "How many of 100 pairs of adjacent TCP data segments to join.", 0, 100, 25);
    private readonly Option<int> _retransmit = Number("--retransmit", "How many of 100 TCP data segments to send twice.", 0, 100, 3);
    private readonly Option<int> _jitter = Number("--jitter-us", "The greatest delay of a frame, in microseconds.", 0, 1_000_000, 300);
    private readonly Option<int?> _flip = OptionalNumber(
        "--flip", "Change one payload byte of the K-th TCP frame with data, and print where.", "K", int.MaxValue);

    private readonly Option<int?> _flipUdp = OptionalNumber(
        "--flip-udp", "Change one payload byte of the K-th UDP frame with data, and print where.", "K", int.MaxValue);

    private readonly Option<int?> _ttl = OptionalNumber(
        "--ttl", "The TTL and hop limit of the second guest (default: as in PRIMARY).", "N", 255);

    private readonly Option<bool> _dropAcks = new("--drop-acks")
    {
        Description = "Leave out pure TCP acknowledgments that a later frame soon makes up for.",
    };

    public TwinCommandLine()
    {
        Root = new RootCommand("Makes from the capture of a guest the capture of its twin: the same words, dressed differently.")
        {
            _primary, _secondary, _seed, _flip, _flipUdp, _split, _merge, _retransmit, _jitter, _dropAcks, _ttl,
        };
    }

    public RootCommand Root { get; }

    public TwinOptions OptionsOf(ParseResult result) => new()
    {
        PrimaryPath = result.GetRequiredValue(_primary),
        SecondaryPath = result.GetRequiredValue(_secondary),
        Seed = result.GetValue(_seed),
        FlippedTcpFrame = result.GetValue(_flip),
        FlippedUdpFrame = result.GetValue(_flipUdp),
        SplitPercent = result.GetValue(_split),
        MergePercent = result.GetValue(_merge),
        RetransmitPercent = result.GetValue(_retransmit),
        JitterMicroseconds = result.GetValue(_jitter),
        DropAcknowledgments = result.GetValue(_dropAcks),
        TimeToLive = result.GetValue(_ttl),
    };

    private static Option<int> Number(string name, string description, int least, int most, int preset)
    {
        Option<int> option = new(name) { Description = description, DefaultValueFactory = _ => preset, HelpName = "N" };
        option.Validators.Add(result => CheckRange(result, name, least, most));
        return option;
    }

    private static Option<int?> OptionalNumber(string name, string description, string helpName, int most)
    {
        Option<int?> option = new(name) { Description = description, HelpName = helpName };
        option.Validators.Add(result => CheckRange(result, name, 1, most));
        return option;
    }

    private static void CheckRange(OptionResult result, string name, int least, int most)
    {
        // What is no number at all was already reported by the parser.
        if (result.Tokens.Count == 1 && int.TryParse(result.Tokens[0].Value, out int value) && (value < least || value > most))
            result.AddError($"{name} {value}: allowed are {least} to {most}");
    }
}
