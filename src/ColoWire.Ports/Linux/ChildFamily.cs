// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;

namespace ColoWire.Ports.Linux;

/// <summary>
/// All descendants of the programs that this process starts from now on, also those that have left its process group and session,
/// and daemons, whose parent has ended. The kernel makes this process the parent of such orphans (PR_SET_CHILD_SUBREAPER,
/// prctl(2)), so that all of them are below it in /proc.
/// </summary>
/// <remarks>
/// A cgroup would contain them as well, but creating one takes root, or a delegation that systemd gives to no unit by default;
/// this works for every user. Children that exist before are not in the family. One family per process: the orphans of two could
/// not be told apart.
/// </remarks>
internal sealed class ChildFamily
{
    /// <summary>Passes over /proc at most: in each, processes are found that were started before their parent was
    /// stopped.</summary>
    private const int MostPasses = 32;

    private readonly int self = Environment.ProcessId;
    private readonly HashSet<(int Id, long StartTicks)> foreign;

    /// <summary>Makes this process the parent of orphans.</summary>
    public ChildFamily()
    {
        _ = Libc.AdoptOrphans();
        foreign =
        [
            .. ProcessTable.Read().Where(process => process.Parent == self).Select(process => (process.Id, process.StartTicks)),
        ];
    }

    /// <summary>Kills the children that have run for longer, with all their descendants, and reaps those that have
    /// ended.</summary>
    /// <param name="ageMs">How long a child may run, in milliseconds.</param>
    /// <returns>Whether a process of the family still runs.</returns>
    public bool EndOlderThan(int ageMs)
    {
        long youngestTicks = ProcessTable.NowTicks() - ((long)ageMs * ProcessTable.TicksPerSecond / 1000);
        End(child => child.StartTicks <= youngestTicks);
        Reap();
        return Members(_ => true).Count != 0;
    }

    /// <summary>Kills a program, and all that was started since it was, by it and its descendants.</summary>
    public void EndWith(int program)
    {
        // A program that has ended keeps its id, and its start time in /proc, until its exit code is read.
        if (ProcessTable.TryRead(program, out ProcessRecord first))
        {
            End(child => child.StartTicks >= first.StartTicks);
        }
    }

    /// <summary>Kills all of the family.</summary>
    public void EndAll()
    {
        End(_ => true);
        Reap();
    }

    /// <summary>Stops (SIGSTOP) all processes in question until none is left that could start another one, and then kills
    /// them.</summary>
    private void End(Func<ProcessRecord, bool> isToEnd)
    {
        HashSet<(int Id, long StartTicks)> stopped = [];
        for (int pass = 0; pass < MostPasses; pass++)
        {
            List<ProcessRecord> newcomers = [.. Members(isToEnd).Where(process => stopped.Add((process.Id, process.StartTicks)))];
            newcomers.ForEach(process => Libc.Signal(process.Id, Libc.StopSignal));
            if (newcomers.Count == 0)
            {
                break;
            }
        }

        foreach ((int id, _) in stopped)
        {
            _ = Libc.Signal(id, Libc.KillSignal);
        }
    }

    /// <summary>The running processes of the family: those of this process's children that the filter selects, and all their
    /// descendants.</summary>
    private List<ProcessRecord> Members(Func<ProcessRecord, bool> isSelected)
    {
        List<ProcessRecord> all = ProcessTable.Read();
        ILookup<int, ProcessRecord> children = all.ToLookup(process => process.Parent);
        List<ProcessRecord> members = [];
        Queue<ProcessRecord> next = new(children[self].Where(child => IsOwn(child) && isSelected(child)));
        while (next.TryDequeue(out ProcessRecord process))
        {
            if (!process.HasEnded)
            {
                members.Add(process);
            }

            foreach (ProcessRecord child in children[process.Id])
            {
                next.Enqueue(child);
            }
        }

        return members;
    }

    /// <summary>Reads the exit codes of orphans that have ended: no other process does, and until then each keeps its
    /// id.</summary>
    private void Reap()
    {
        foreach (ProcessRecord process in ProcessTable.Read())
        {
            if (process.Parent == self && process.HasEnded && IsOwn(process))
            {
                _ = Libc.WaitForProcess(process.Id, out int _, Libc.DoNotHang);
            }
        }
    }

    private bool IsOwn(ProcessRecord child) => !foreign.Contains((child.Id, child.StartTicks));
}
