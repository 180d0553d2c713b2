// SPDX-License-Identifier: GPL-2.0-or-later

using System.IO;
using ColoWire.TwinMaker.Harms;

namespace ColoWire.TwinMaker;

/// <summary>Makes one twin and writes it.</summary>
internal static class TwinCommand
{
    /// <summary>Exit code: the capture has no place for this harm.</summary>
    public const int NothingToHarm = 3;

    public static int Run(TwinOptions options, TwinFiles files, TextWriter output, TextWriter errors)
    {
        files.Check();
        Capture capture = new(CaptureFile.Read(files.Primary));
        Twin? twin = Twin.Of(capture, options);
        if (twin is null)
        {
            errors.WriteLine($"TwinMaker: {files.Primary}: has nothing to harm by {options.Harm}");
            return NothingToHarm;
        }

        CaptureFile.Write(files.Secondary, twin.Secondary);
        if (files.PrimaryOut is string path)
            CaptureFile.Write(path, twin.Primary);
        if (twin.Harm is HarmReport harm)
            output.WriteLine(harm.ToJson());
        return 0;
    }
}
