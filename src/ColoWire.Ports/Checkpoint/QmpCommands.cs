// SPDX-License-Identifier: GPL-2.0-or-later

using System.Globalization;
using System.Text;

namespace ColoWire.Ports.Checkpoint;

/// <summary>The commands that are sent to QEMU (docs/interop/qmp-spec.rst), each with an id that its answer repeats.</summary>
internal static class QmpCommands
{
    public const string CapabilitiesId = "qmp_capabilities";
    public const string ColoId = "query-colo-status";
    public const string MigrationId = "query-migrate";
    public const string CheckpointId = "checkpoint";

    /// <summary>Ends the negotiation of capabilities.</summary>
    public static byte[] Capabilities { get; } = Make(CapabilitiesId, CapabilitiesId);

    /// <summary>Asks whether QEMU is in COLO, and on which side.</summary>
    public static byte[] Colo { get; } = Make(ColoId, ColoId);

    /// <summary>The same for a QEMU that does not know that command.</summary>
    public static byte[] Migration { get; } = Make(MigrationId, MigrationId);

    /// <summary>Makes a checkpoint at once, while in COLO.</summary>
    public static byte[] Checkpoint { get; } = Make(
        "migrate-set-parameters",
        CheckpointId,
        string.Create(
            CultureInfo.InvariantCulture, $"\"arguments\":{{\"x-checkpoint-delay\":{RequesterLimits.CheckpointDelayMs}}},"));

    /// <summary>A command as a line of JSON.</summary>
    /// <param name="command">Its name.</param>
    /// <param name="id">The id that its answer repeats.</param>
    /// <param name="arguments">Its arguments as a member of the object, with a comma behind it; empty for none.</param>
    public static byte[] Make(string command, string id, string arguments = "") =>
        Encoding.UTF8.GetBytes($"{{\"execute\":\"{command}\",{arguments}\"id\":\"{id}\"}}\n");
}
