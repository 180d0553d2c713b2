// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;

namespace ColoWire.Ports.Linux;

/// <summary>
/// All that descends from the programs which this process starts from now on: also what has left its process group and its session, and
/// what has lost its parent, as a daemon does. The kernel makes this process the parent of such orphans (PR_SET_CHILD_SUBREAPER, prctl(2)),
/// so that all of them stand below it in /proc.
/// </summary>
/// <remarks>
/// A cgroup would hold them as well, but to make one takes root, or a delegation that systemd gives to no unit by itself; this works for
/// every user. Children that were there before it are none of its own. One family for a process: it cannot tell the orphans of two apart.
/// </remarks>
internal sealed class ChildFamily
{
    /// <summary>Looks in which a process may still have started another one before it was stopped: each generation takes one.</summary>
    private const int MostLooks = 32;

    private readonly int self = Environment.ProcessId;
    private readonly HashSet<(int Id, long StartTicks)> foreign;

    /// <summary>Becomes the parent of orphans.</summary>
    public ChildFamily()
    {
        _ = Libc.AdoptOrphans();
        foreign = [.. ProcessTable.Read().Where(process => process.Parent == self).Select(process => (process.Id, process.StartTicks))];
    }

    /// <summary>Ends what has run for longer, with all that it has started.</summary>
    /// <param name="ageMs">How long it may run, in milliseconds.</param>
    /// <returns>Whether anything of the family runs on.</returns>
    public bool EndOlderThan(int ageMs)
    {
        long youngestTicks = ProcessTable.NowTicks() - ((long)ageMs * ProcessTable.TicksPerSecond / 1000);
        End(child => child.StartTicks <= youngestTicks);
        Bury();
        return Members(_ => true).Count != 0;
    }

    /// <summary>Ends a program and all that was started since it was, by it and what it has started.</summary>
    public void EndWith(int program)
    {
        // A program that has ended keeps its number, and the time of its start, until somebody has asked for its exit code.
        if (ProcessTable.TryRead(program, out ProcessRecord first))
        {
            End(child => child.StartTicks >= first.StartTicks);
        }
    }

    /// <summary>Ends all of it.</summary>
    public void EndAll()
    {
        End(_ => true);
        Bury();
    }

    /// <summary>Stops whatever there is, until nothing is left that could start another process, and kills it then.</summary>
    private void End(Func<ProcessRecord, bool> isDoomed)
    {
        HashSet<(int Id, long StartTicks)> stopped = [];
        for (int look = 0; look < MostLooks; look++)
        {
            List<ProcessRecord> newcomers = [.. Members(isDoomed).Where(process => stopped.Add((process.Id, process.StartTicks)))];
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

    /// <summary>What runs of the family, below those of this process's children that are meant.</summary>
    private List<ProcessRecord> Members(Func<ProcessRecord, bool> isMeant)
    {
        List<ProcessRecord> all = ProcessTable.Read();
        ILookup<int, ProcessRecord> children = all.ToLookup(process => process.Parent);
        List<ProcessRecord> members = [];
        Queue<ProcessRecord> next = new(children[self].Where(child => IsOwn(child) && isMeant(child)));
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

    /// <summary>Asks for the exit codes of orphans that have ended: nobody else does, and until then each keeps its number.</summary>
    private void Bury()
    {
        foreach (ProcessRecord child in ProcessTable.Read().Where(process => process.Parent == self && process.HasEnded && IsOwn(process)))
        {
            _ = Libc.WaitForProcess(child.Id, out int _, Libc.DoNotHang);
        }
    }

    private bool IsOwn(ProcessRecord child) => !foreign.Contains((child.Id, child.StartTicks));
}
