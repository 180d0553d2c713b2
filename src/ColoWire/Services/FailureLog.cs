// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Globalization;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using ColoWire.Engine.Failures;
using ColoWire.Hosting;
using ColoWire.Reports;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ColoWire.Services;

/// <summary>Logs each failure of a duty in a line, and saves the frames that it was working on. By then frames flow
/// again.</summary>
internal sealed class FailureLog(Appliance appliance, FailureFolder? folder, ILogger<FailureLog> log) : BackgroundService
{
    /// <summary>The text of a failure for the log.</summary>
    internal static string Text(PathFailure failure, string saved)
    {
        string flows = string.Join(", ", failure.Culprits.Select(Where).Distinct());
        string at = flows.Length == 0 ? "at no frame" : $"at {flows}";
        string lost = string.Create(
            CultureInfo.InvariantCulture,
            $"{failure.LostOfPrimary} frames of the primary and {failure.LostOfSecondary} of the secondary");
        bool hasFlow = failure.Culprits.Any(culprit => FlowText.IsFlow(culprit.Flow));
        string goesOn = hasFlow ? "; this connection leaves unverified from now on" : "";
        return failure.End is not null
            ? $"{failure.Place}, {at}; {saved}"
            : $"{failure.Place}, {at}; compares again after {DurationText.Of(failure.AwayNs)}, lost are {lost}{goesOn}; {saved}";

        static string Where(Culprit culprit) =>
            FlowText.IsFlow(culprit.Flow) ? FlowText.Line(culprit.Flow) : "a frame of no connection";
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await foreach (PathFailure failure in appliance.Failures.ReadAllAsync(stoppingToken))
            {
                Save(failure);
            }
        }
        catch (OperationCanceledException)
        {
            // The appliance has stopped before this service: its last failure is logged now.
            while (appliance.Failures.TryRead(out PathFailure? failure))
            {
                Save(failure);
            }
        }
    }

    private void Save(PathFailure failure)
    {
        string text = Text(failure, folder?.Save(failure) ?? "nothing is saved (failure_folder)");
        if (failure.End is string reason)
        {
            log.LogFailureForGood(text, reason, ExitCodes.InternalFailure);
        }
        else
        {
            log.LogFailure(text);
        }
    }
}
