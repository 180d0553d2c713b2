// SPDX-License-Identifier: GPL-2.0-or-later

using System.Globalization;
using System.Text;

namespace ColoWire.Ports.Checkpoint;

/// <summary>What is said to QEMU, each with an id by which its answer is known.</summary>
internal static class QmpCommands
{
    public const string CapabilitiesId = "qmp_capabilities";
    public const string ColoId = "query-colo-status";
    public const string MigrationId = "query-migrate";
    public const string CheckpointId = "checkpoint";

    /// <summary>Ends the negotiation.</summary>
    public static byte[] Capabilities { get; } = Make(CapabilitiesId, CapabilitiesId);

    /// <summary>Is it in COLO, and as which of the two?</summary>
    public static byte[] Colo { get; } = Make(ColoId, ColoId);

    /// <summary>The same for a QEMU that does not know the first question.</summary>
    public static byte[] Migration { get; } = Make(MigrationId, MigrationId);

    /// <summary>Makes a checkpoint at once, in COLO.</summary>
    public static byte[] Checkpoint { get; } = Make(
        "migrate-set-parameters",
        CheckpointId,
        string.Create(CultureInfo.InvariantCulture, $"\"arguments\":{{\"x-checkpoint-delay\":{RequesterLimits.CheckpointDelayMs}}},"));

    /// <summary>A command.</summary>
    /// <param name="command">Its name.</param>
    /// <param name="id">What its answer bears.</param>
    /// <param name="arguments">Its arguments, if any, as a member of the object, with a comma.</param>
    public static byte[] Make(string command, string id, string arguments = "") =>
        Encoding.UTF8.GetBytes($"{{\"execute\":\"{command}\",{arguments}\"id\":\"{id}\"}}\n");
}
