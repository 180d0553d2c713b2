// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Linq;
using ColoWire.TwinMaker.Harms;

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

    private readonly Argument<string[]> _folders = new("FOLDER")
    {
        Description = "Folders of captures.",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<int> _seed = Number("--seed", "The seed of every choice that is made.", 0, int.MaxValue, 1);
    private readonly Option<int> _seeds = Number("--seeds", "How many twins of each kind to make of each capture.", 1, 1_000_000, 5);
    private readonly Option<int> _split = Number("--split", "How many of 100 TCP data segments to cut in two.", 0, 100, 25);
    private readonly Option<int> _merge = Number("--merge", "How many of 100 pairs of adjacent TCP data segments to join.", 0, 100, 25);
    private readonly Option<int> _retransmit = Number("--retransmit", "How many of 100 TCP data segments to send twice.", 0, 100, 3);
    private readonly Option<int> _jitter = Number("--jitter-us", "The greatest delay of a frame, in microseconds.", 0, 1_000_000, 300);
    private readonly Option<int?> _flip = OptionalNumber(
        "--flip", "Change one payload byte of the K-th TCP frame with data, and print where.", "K", int.MaxValue);

    private readonly Option<int?> _ttl = OptionalNumber(
        "--ttl", "The TTL and hop limit of the second guest (default: the seed chooses).", "N", 255);

    private readonly Option<string?> _harm = new("--harm")
    {
        Description = "Make one real difference besides the harmless ones, and print which; exit code 3 where there is nothing to harm.",
        HelpName = string.Join('|', HarmKinds.Names),
    };

    private readonly Option<int?> _harmAt = OptionalNumber(
        "--harm-at", "Do the harm at the K-th place where it can be done (default: the seed chooses).", "K", int.MaxValue);

    private readonly Option<string?> _primaryOut = new("--primary-out")
    {
        Description = "The pcap file to write the primary's frames to; --harm retransmit adds one to them.",
        HelpName = "FILE",
    };

    private readonly Option<string[]> _only = Names(
        "--only", $"Make only these harmless differences, of {string.Join(", ", Pipeline.Names)}.");

    private readonly Option<string[]> _without = Names("--without", "Leave these harmless differences out.");
    public TwinCommandLine(Func<TwinOptions, TwinFiles, int> make, Func<TwinOptions, int, IReadOnlyList<string>, int> tryAll)
    {
        Command matrix = new("matrix", "Makes twins of all captures in some folders and lets ColoWire judge them.")
        {
            _folders, _seeds, _split, _merge, _retransmit, _jitter, _ttl, _only, _without,
        };
        matrix.SetAction(result => tryAll(OptionsOf(result), result.GetValue(_seeds), result.GetValue(_folders) ?? []));
        Root = new RootCommand("Makes from the capture of a guest the capture of its twin: the same words, dressed differently.")
        {
            _primary, _secondary, _seed, _flip, _harm, _harmAt, _primaryOut, _split, _merge, _retransmit, _jitter, _ttl, _only, _without,
            matrix,
        };
        _harm.Validators.Add(result => CheckNames(result, "--harm", HarmKinds.Names));
        Root.Validators.Add(CheckTogether);
        Root.SetAction(result => make(OptionsOf(result), new TwinFiles(
            result.GetRequiredValue(_primary), result.GetRequiredValue(_secondary), result.GetValue(_primaryOut))));
    }

    public RootCommand Root { get; }

    private TwinOptions OptionsOf(ParseResult result) => new()
    {
        Seed = result.GetValue(_seed),
        FlippedTcpFrame = result.GetValue(_flip),
        Harm = result.GetValue(_harm),
        HarmAt = result.GetValue(_harmAt),
        SplitPercent = result.GetValue(_split),
        MergePercent = result.GetValue(_merge),
        RetransmitPercent = result.GetValue(_retransmit),
        JitterMicroseconds = result.GetValue(_jitter),
        TimeToLive = result.GetValue(_ttl),
        Only = result.GetValue(_only) is { Length: > 0 } only ? Separate(only) : null,
        Without = Separate(result.GetValue(_without) ?? []),
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

    private static Option<string[]> Names(string name, string description)
    {
        Option<string[]> option = new(name)
        {
            Description = description,
            HelpName = "NAME,...",
        };
        option.Validators.Add(result => CheckNames(result, name, Pipeline.Names));
        return option;
    }

    private static string[] Separate(IEnumerable<string> values) => [.. values.SelectMany(value => value.Split(','))];

    private static void CheckRange(OptionResult result, string name, int least, int most)
    {
        // The parser has already reported a text that is no number.
        if (result.Tokens.Count == 1 && int.TryParse(result.Tokens[0].Value, out int value) && (value < least || value > most))
            result.AddError($"{name} {value}: allowed are {least} to {most}");
    }

    private static void CheckNames(OptionResult result, string name, IReadOnlyCollection<string> known)
    {
        foreach (string value in Separate(result.Tokens.Select(token => token.Value)).Where(value => !known.Contains(value)))
            result.AddError($"{name} {value}: allowed are {string.Join(", ", known)}");
    }

    private void CheckTogether(CommandResult result)
    {
        bool changesPrimary = result.GetValue(_harm) == "retransmit";
        if (changesPrimary && result.GetValue(_primaryOut) is null)
            result.AddError("--harm retransmit: changes the primary too; give --primary-out FILE");
        if (result.GetValue(_harmAt) is not null && result.GetValue(_harm) is null)
            result.AddError("--harm-at: says where, but nothing says what; give --harm KIND");
    }
}
