// SPDX-License-Identifier: GPL-2.0-or-later

using System.Text.Json.Serialization;

namespace ColoWire.Reports;

/// <summary>Every JSON object that the program writes, serialized by code that the compiler generates from the records: names in
/// snake_case, in the order of declaration. Without reflection it works in a native build, too.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, GenerationMode = JsonSourceGenerationMode.Serialization)]
// ctl reads it, too.
[JsonSerializable(typeof(ApplianceSnapshot),
    GenerationMode = JsonSourceGenerationMode.Metadata | JsonSourceGenerationMode.Serialization)]
[JsonSerializable(typeof(CompareResult))]
[JsonSerializable(typeof(InterfacesReport))]
[JsonSerializable(typeof(FinishedCheckpointReport))]
[JsonSerializable(typeof(FailoverReport))]
[JsonSerializable(typeof(ModeReport))]
[JsonSerializable(typeof(FlushReport))]
[JsonSerializable(typeof(RefusalReport))]
internal sealed partial class ReportJson : JsonSerializerContext;
