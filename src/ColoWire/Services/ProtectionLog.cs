// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine;
using ColoWire.Engine.Checkpoint;
using ColoWire.Hosting;
using Microsoft.Extensions.Logging;

namespace ColoWire.Services;

/// <summary>Logs each change of the guest's protection.</summary>
internal sealed class ProtectionLog(Appliance appliance, ILogger log)
{
    private const string LeaveUnverified = "leave unverified";
    private const string Wait = "wait";

    private Protection logged = Protection.InStep;

    /// <summary>Looks, and logs a change.</summary>
    public void Look()
    {
        Protection protection = appliance.Path.Guest.Protection;
        if (protection == logged)
        {
            return;
        }

        logged = protection;
        EngineOptions options = appliance.Options.Engine;
        switch (protection)
        {
            case Protection.InStep:
                log.LogInStep();
                break;
            case Protection.Bypassed:
                log.LogBypassed();
                break;
            case Protection.DegradedNoSecondary:
                log.LogNoSecondary(options.SecondaryLoss == SecondaryLossPolicy.Bypass ? LeaveUnverified : Wait);
                break;
            case Protection.DegradedNoCheckpoints:
                log.LogNoCheckpoints(options.RequesterLoss == RequesterLossPolicy.Bypass ? LeaveUnverified : Wait);
                break;
            case Protection.DegradedMirrorLoss:
                log.LogMirrorLoss();
                break;
            default:
                log.LogAlone(protection == Protection.PrimaryAlone ? "primary" : "secondary");
                break;
        }
    }
}
