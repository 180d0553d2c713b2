// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using ColoWire.Simulation.Judging;
using ColoWire.Simulation.World;

namespace ColoWire.Simulation;

/// <content>The text of a failure.</content>
internal sealed partial class Simulation
{
    private string Explain(Exception failure)
    {
        int flow = (failure as OracleException)?.Flow ?? EventLog.NoFlow;
        IEnumerable<string> lines =
        [
            $"Simulation of seed {options.Seed} (features {options.Features}) failed at {scheduler.NowNs / 1e6:F4} ms: "
                + (failure is OracleException ? failure.Message : failure.ToString()),
            $"  repeat: -- 'TestRunParameters.Parameter(name=\"first\",value=\"{options.Seed}\")' "
                + "'TestRunParameters.Parameter(name=\"seeds\",value=\"1\")' "
                + "'TestRunParameters.Parameter(name=\"trace\",value=\"FILE\")'",
            $"  {options}",
            flow == EventLog.NoFlow ? "  last events:" : $"  last events of flow {flow} ({population.Flows[flow]}):",
            .. log.LastOf(flow, 60).Select(line => "    " + line),
        ];
        return string.Join('\n', lines);
    }
}
