// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Threading;
using ColoWire.Figures;

namespace ColoWire.Rig.Live;

/// <summary>How long it takes from the exec of ColoWire to the first frame at the sink, compiled as it runs and as native code.
/// The wire is closed, so that nothing else forwards.</summary>
/// <param name="contest">Where it runs.</param>
/// <param name="prober">Sends until the first one comes.</param>
/// <param name="options">ColoWire's options.</param>
internal sealed class StartStep(Contest contest, Prober prober, string[] options)
{
    private const long Pairs = 50_000;
    private const long Rate = 10_000;
    private const long NsPerMicrosecond = 1000;

    /// <summary>Time in which the load begins.</summary>
    private static readonly TimeSpan LoadTime = TimeSpan.FromMilliseconds(200);

    /// <summary>Measures it.</summary>
    /// <param name="rounds">The rounds.</param>
    /// <param name="program">The program that is compiled as it runs.</param>
    /// <param name="native">The one that is native code.</param>
    public Row[] Measure(IEnumerable<int> rounds, string program, string native)
    {
        List<double> compiled = [], ahead = [];
        foreach (int _ in rounds)
        {
            compiled.Add(StartMs(program));
            ahead.Add(StartMs(native));
        }

        return
        [
            new Row(XdpCommand.Group, "start-up, exec to the first forwarded frame", "ms", compiled)
            {
                Anchor = "NativeAOT", AnchorRuns = ahead, Note = $"at {Rate / 1000} kpps",
            },
        ];
    }

    private double StartMs(string program)
    {
        SpaceProcess load = prober.Start(Appliance.Name, Pairs, Rate, untilFirst: true);
        Thread.Sleep(LoadTime);
        // The shell says the time just before it becomes the program: microseconds since 1970.
        contest.Start(
            Appliance.Name, "exec at ",
            ["bash", "-c", "echo \"exec at ${EPOCHREALTIME/./}\"; exec \"$@\"", program, program, .. options]);
        Probe probe = Prober.Finish(load);
        contest.End(Appliance.Name);
        if (probe.Came == 0)
        {
            throw new RigException($"nothing came through {program}");
        }

        long execNs = long.Parse(contest.Process(Appliance.Name).FirstLine["exec at ".Length..],
            System.Globalization.CultureInfo.InvariantCulture) * NsPerMicrosecond;
        return Math.Round((probe.FirstAt - execNs) / 1e6, 1);
    }
}
