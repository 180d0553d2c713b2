// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Threading;
using ColoWire.Fuzz.Cases;
using ColoWire.Fuzz.Generating;
using ColoWire.Fuzz.Running;

namespace ColoWire.Fuzz;

/// <summary>The command line: <c>run</c> many cases, <c>show</c> one of them, <c>replay</c> one from a file.</summary>
internal static class FuzzCommands
{
    private static readonly Option<ulong> Seed = new("--seed")
    {
        Description = "Seed of the first case",
        DefaultValueFactory = _ => 1,
    };

    private static readonly Option<string> Frames = new("--frames")
    {
        Description = "Frames to run, for example 100M (K, M and G are thousands, millions and thousand millions)",
        Validators =
        {
            result => Check(result, TryCount(result.GetValueOrDefault<string>(), out _), "a count such as 5000, 300K or 100M"),
        },
    };

    private static readonly Option<long> Cases = new("--cases")
    {
        Description = "Cases to run",
        DefaultValueFactory = _ => long.MaxValue,
    };

    private static readonly Option<double> Minutes = new("--minutes")
    {
        Description = "Minutes to run",
        DefaultValueFactory = _ => 1,
        Validators =
        {
            result => Check(result, result.GetValueOrDefault<double>() is > 0 and <= 100_000, "above 0, at most 100000"),
        },
    };

    private static readonly Option<int> Jobs = new("--jobs")
    {
        Description = "Cases at a time",
        DefaultValueFactory = _ => Environment.ProcessorCount,
        Validators = { result => Check(result, result.GetValueOrDefault<int>() is > 0 and <= 1024, "1 to 1024") },
    };

    private static readonly Option<DirectoryInfo> Out = new("--out")
    {
        Description = "Folder for the failing cases: NAME.case for replay, NAME.primary.pcap and NAME.secondary.pcap",
    };

    private static readonly Option<bool> Alike = new("--alike")
    {
        Description =
            "Only cases in which both sides say the same, frame by frame: whatever diverges then is a needless checkpoint",
    };

    private static readonly Option<bool> Whole = new("--whole")
    {
        Description = "Leave failing cases as they are: only their seeds are printed",
    };

    private static readonly Option<DirectoryInfo> Captures = new("--captures")
    {
        Description = "Folder of captures of replicas, NAME.pcap and NAME.secondary.pcap",
        DefaultValueFactory = _ => new DirectoryInfo(Path.Combine(AppContext.BaseDirectory, "fixtures")),
    };

    private static readonly Argument<FileInfo> CaseFile = new("FILE") { Description = "A case, as --out writes it" };

    public static RootCommand Make()
    {
        Command run = new("run", "Runs cases until frames, cases or minutes are reached; exit code 1 when one fails")
        {
            Seed, Frames, Cases, Minutes, Jobs, Out, Alike, Whole, Captures,
        };
        run.SetAction(Run);
        Command show = new("show", "Prints the case of a seed") { Seed, Alike, Captures };
        show.SetAction(Show);
        Command replay = new(
            "replay", "Runs a case from a file, makes it smaller where it fails, and prints that") { CaseFile, Out };
        replay.SetAction(Replay);
        return new RootCommand("Mutated frames and sequences through whole appliances") { run, show, replay };
    }

    private static int Run(ParseResult parsed)
    {
        AssertionListener.Install();
        Func<CaseGenerator> newGenerator = Generators(parsed);
        CampaignLimits limits = new()
        {
            Frames = parsed.GetValue(Frames) is { } frames && TryCount(frames, out long count) ? count : long.MaxValue,
            Cases = parsed.GetValue(Cases),
            Time = TimeSpan.FromMinutes(parsed.GetValue(Minutes)),
        };
        Campaign campaign = new(newGenerator, parsed.GetValue(Seed), limits);
        using (Timer progress = StartProgress(campaign))
        {
            campaign.Run(parsed.GetValue(Jobs));
        }

        EndProgress();
        Console.WriteLine(Summary(campaign));
        Console.WriteLine(
            $"longest poll {campaign.SlowestPollNs / 1e6:F2} ms; dearest case {campaign.SlowestCase.NsPerFrame:F0} ns per frame "
            + $"(seed {campaign.SlowestCase.Seed})");
        foreach ((Finding first, int found) in campaign.Findings)
        {
            Console.WriteLine($"\n{found} cases, first seed {first.Seed}: {first.Failure.Kind} {first.Failure.Place}");
            if (parsed.GetValue(Whole))
            {
                continue;
            }

            Report(newGenerator().Make(first.Seed), first.Failure, parsed.GetValue(Out));
        }

        return campaign.Findings.Count == 0 ? 0 : 1;
    }

    private static int Show(ParseResult parsed)
    {
        Console.Write(CaseText.Write(Generators(parsed)().Make(parsed.GetValue(Seed))));
        return 0;
    }

    private static Func<CaseGenerator> Generators(ParseResult parsed)
    {
        Corpus corpus = Corpus.Read(parsed.GetRequiredValue(Captures).FullName);
        bool isAlike = parsed.GetValue(Alike);
        return () => new CaseGenerator(corpus, isAlike);
    }

    private static int Replay(ParseResult parsed)
    {
        AssertionListener.Install();
        FuzzCase made = CaseText.Read(File.ReadLines(parsed.GetRequiredValue(CaseFile).FullName));
        RunResult result = Campaign.RunOnce(made);
        if (result.Failure is null)
        {
            Console.WriteLine($"{result.Frames} frames, no failure");
            return 0;
        }

        Report(made, result.Failure, parsed.GetValue(Out));
        return 1;
    }

    /// <summary>Minimises a failing case, prints it, and writes it to the folder where one is given.</summary>
    private static void Report(FuzzCase made, Failure failure, DirectoryInfo? folder)
    {
        FuzzCase smallest = new Minimiser(candidate => Campaign.RunOnce(candidate).Failure?.Kind == failure.Kind).Minimise(made);
        Failure last = Campaign.RunOnce(smallest).Failure ?? failure;
        Console.WriteLine($"seed {made.Seed}: {last.Kind}: {last.Detail}");
        Console.WriteLine(CaseText.Write(smallest));
        if (folder is null)
        {
            return;
        }

        folder.Create();
        string name = Path.Combine(
            folder.FullName, string.Concat(last.Kind.Select(c => char.IsLetterOrDigit(c) ? c : '-')) + $"-{made.Seed}");
        File.WriteAllText(name + ".case", $"# {last.Kind}: {last.Detail.Split('\n')[0]}\n{CaseText.Write(smallest)}");
        CasePcap.Write(smallest, name);
        Console.WriteLine($"written: {name}.case, {name}.primary.pcap, {name}.secondary.pcap");
    }

    private static Timer StartProgress(Campaign campaign)
    {
        bool isTerminal = !Console.IsErrorRedirected;
        TimeSpan every = isTerminal ? TimeSpan.FromSeconds(1) : TimeSpan.FromMinutes(1);
        return new Timer(
            _ => Console.Error.Write(isTerminal ? $"\r{Summary(campaign)}   " : Summary(campaign) + "\n"), null, every, every);
    }

    private static void EndProgress()
    {
        if (!Console.IsErrorRedirected)
        {
            Console.Error.WriteLine();
        }
    }

    private static string Summary(Campaign campaign) => string.Create(
        CultureInfo.InvariantCulture,
        $"{campaign.Frames / 1e6:F2} M frames in {campaign.Cases} cases, {campaign.Elapsed.TotalSeconds:F0} s, "
            + $"{campaign.Frames / 1e3 / campaign.Elapsed.TotalSeconds:F0} k frames/s, "
            + $"{campaign.Findings.Sum(f => f.Count)} failures");

    private static void Check(OptionResult result, bool isAllowed, string allowed)
    {
        if (!isAllowed)
        {
            result.AddError(
                $"{result.Option.Name}: '{string.Join(' ', result.Tokens.Select(t => t.Value))}', allowed is {allowed}");
        }
    }

    private static bool TryCount(string? text, out long count)
    {
        count = 0;
        if (string.IsNullOrEmpty(text))
        {
            return false;
        }

        long unit = char.ToUpperInvariant(text[^1]) switch
        {
            'K' => 1000,
            'M' => 1_000_000,
            'G' => 1_000_000_000,
            _ => 1,
        };
        bool isNumber = double.TryParse(
            unit == 1 ? text : text[..^1], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number);
        count = (long)Math.Min(number * unit, long.MaxValue / 2);
        return isNumber && count > 0;
    }
}
