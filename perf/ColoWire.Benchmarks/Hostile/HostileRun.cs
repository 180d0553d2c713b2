// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Benchmarks.Shards;
using ColoWire.Engine;

namespace ColoWire.Benchmarks.Hostile;

/// <summary>A workload that is prepared once and measured turn by turn.</summary>
internal sealed class HostileRun : IDisposable
{
    private readonly HostileRig rig;
    private readonly Func<HostileRig, double> turn;

    private HostileRun(EngineOptions options, Action<HostileRig> prepare, Func<HostileRig, double> turn)
    {
        rig = new HostileRig(options);
        this.turn = turn;
        prepare(rig);
    }

    /// <summary>Makes a run that measures the CPU time per frame.</summary>
    /// <param name="options">Options of the engine.</param>
    /// <param name="prepare">Brings the appliance into the state for the measurement.</param>
    /// <param name="turn">Sends frames to the appliance, and returns their number.</param>
    public static HostileRun PerFrame(EngineOptions options, Action<HostileRig> prepare, Func<HostileRig, int> turn)
    {
        return new HostileRun(options, prepare, Measure);

        double Measure(HostileRig rig)
        {
            long start = ThreadClock.NowNs;
            int frames = turn(rig);
            return (ThreadClock.NowNs - start) / (double)frames;
        }
    }

    /// <summary>Makes a run that measures the CPU time of the longest poll.</summary>
    /// <param name="options">Options of the engine.</param>
    /// <param name="prepare">Brings the appliance into the state in which each turn begins.</param>
    /// <param name="turn">The measured work, which calls <see cref="HostileRig.MeasurePoll"/> for each poll.</param>
    public static HostileRun LongestPoll(EngineOptions options, Action<HostileRig> prepare, Action<HostileRig> turn)
    {
        return new HostileRun(options, prepare, Measure);

        double Measure(HostileRig rig)
        {
            turn(rig);
            double longest = rig.LongestPollNs;
            rig.LongestPollNs = 0;
            return longest;
        }
    }

    /// <summary>Runs and measures one turn.</summary>
    public double Measure() => turn(rig);

    /// <inheritdoc/>
    public void Dispose() => rig.Dispose();
}
