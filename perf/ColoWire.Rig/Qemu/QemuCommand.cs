// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.CommandLine;
using System.Text.Json;

namespace ColoWire.Rig.Qemu;

/// <summary><c>ColoWire.Rig qemu</c>: gives two captures to a running QEMU's colo-compare and says what came of it.</summary>
internal static class QemuCommand
{
    // Sixty frames of 64 bytes, with their lengths, are what QEMU reads at once (4096 bytes).
    private const int DefaultBatch = 60;
    private const int DefaultWindow = 120;
    private const int MostPairs = 1_000_000;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    /// <summary>Makes the verb.</summary>
    public static Command Create()
    {
        Argument<string> primary = new("PRIMARY") { Description = "The primary's capture, as perf/make-pairs.cs writes it." };
        Argument<string> secondary = new("SECONDARY") { Description = "The secondary's capture." };
        Option<string> folder = new("--sockets")
        {
            Description = "The folder of QEMU's sockets primary_in, secondary_in, outdev and, for --timed, notify_dev.",
            HelpName = "FOLDER",
            Required = true,
        };
        Option<int> processId = new("--pid") { Description = "QEMU's process.", HelpName = "N", Required = true };
        Option<int> window = Number("--window", "Pairs in flight at most.", DefaultWindow);
        Option<int> batch = Number("--batch", "Pairs that are given at a time.", DefaultBatch);
        Option<int> warmUp = Number("--warm-up", "Pairs that are given first and not measured; not with --timed.", 0, least: 0);
        Option<bool> timed = new("--timed") { Description = "Send each frame when its timestamp says, whatever comes out." };
        Option<bool> noNotice = new("--no-notify-dev")
        {
            Description = "With --timed: there is no notify_dev, as of ColoWire without that requester.",
        };
        Command command = new(
            "qemu", "Gives two captures to a running QEMU's colo-compare, or to ColoWire in its place; prints one JSON object.")
        {
            primary, secondary, folder, processId, window, batch, warmUp, timed, noNotice,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(batch) > result.GetValue(window))
            {
                result.AddError($"--batch {result.GetValue(batch)}: allowed are 1 to --window {result.GetValue(window)}");
            }
        });
        command.SetAction(parse =>
        {
            Run(new QemuRequest(
                parse.GetRequiredValue(primary), parse.GetRequiredValue(secondary), parse.GetRequiredValue(folder),
                parse.GetValue(processId))
            {
                Window = parse.GetValue(window),
                Batch = parse.GetValue(batch),
                WarmUp = parse.GetValue(warmUp),
                Timed = parse.GetValue(timed),
                HasNotice = parse.GetValue(timed) && !parse.GetValue(noNotice),
            });
            return 0;
        });
        return command;
    }

    private static void Run(QemuRequest request)
    {
        using QemuDriver driver = new(request);
        Console.WriteLine(JsonSerializer.Serialize(driver.Run(), Json));
    }

    private static Option<int> Number(string name, string description, int preset, int least = 1)
    {
        Option<int> option = new(name) { Description = description, DefaultValueFactory = _ => preset, HelpName = "N" };
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && int.TryParse(result.Tokens[0].Value, out int value)
                && (value < least || value > MostPairs))
            {
                result.AddError($"{name} {result.Tokens[0].Value}: allowed are {least} to {MostPairs}");
            }
        });
        return option;
    }
}
