// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;

namespace ColoWire.TwinMaker.Matrix;

/// <summary>The verb <c>matrix</c>: makes and compares twins of all captures in folders, with a line of progress on a
/// terminal.</summary>
internal static class MatrixCommand
{
    /// <summary>Exit code: the comparison of some twin had a wrong result.</summary>
    public const int Faulty = 1;

    private const string EraseLine = "\r\x1b[K";

    public static int Run(TwinOptions model, int seeds, IReadOnlyList<string> folders)
    {
        List<string> captures = [];
        foreach (string folder in folders)
        {
            if (Directory.Exists(folder))
                captures.AddRange(TwinMatrix.CapturesIn(folder));
            else
                Console.WriteLine($"{folder}: no such folder, skipped");
        }

        if (captures.Count == 0)
            throw new BadInputException($"{string.Join(", ", folders)}: no capture *.pcap; give folders that hold some");

        TwinMatrix matrix = new(model, seeds);
        List<TwinTrial> trials = [];
        for (int index = 0; index < captures.Count; index++)
        {
            ShowProgress($"{index + 1} of {captures.Count} captures, {trials.Count} twins: {Path.GetFileName(captures[index])}");
            trials.AddRange(matrix.Try(captures[index]));
        }

        ShowProgress(string.Empty);
        MatrixReport.Write(Console.Out, trials);
        return trials.Any(trial => trial.IsFault) ? Faulty : 0;
    }

    private static void ShowProgress(string text)
    {
        if (!Console.IsErrorRedirected)
            Console.Error.Write(EraseLine + text);
    }
}
