// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;
using ColoWire.Hosting;
using ColoWire.Ports.Files;
using ColoWire.Services;
using ColoWire.Writing;
using NUnit.Framework;

namespace ColoWire.Tests.Program;

/// <summary>Which clock the program goes by.</summary>
internal sealed class ClockTests
{
    // ECMA-335, III.3.19 and III.4.2.
    private const byte CallOpcode = 0x28;
    private const byte CallVirtualOpcode = 0x6F;

    /// <summary>The time of day before a line of the log, in the name of a saved failure, and of the frames of a capture that is
    /// written: nothing is decided by it.</summary>
    private static readonly string[] TimeOfDayReaders = [nameof(LineFormatter), nameof(FailureFolder), nameof(MonotonicClock)];

    /// <summary>Since when another process has an interface, in the line that refuses it.</summary>
    private static readonly string[] TimeOfDayReadersOfPorts = ["ProgramOwner"];

    [Test]
    public void Scenario_88_the_wall_clock_may_step_because_nothing_is_decided_by_it()
    {
        Assert.That(CallersOfTheWallClock(typeof(MonotonicClock)), Is.EquivalentTo(TimeOfDayReaders));
        Assert.That(CallersOfTheWallClock(typeof(FileCapturePort)), Is.EquivalentTo(TimeOfDayReadersOfPorts));
    }

    /// <summary>The types of an assembly with a method that asks for the time of day.</summary>
    private static HashSet<string> CallersOfTheWallClock(Type anyOfAssembly)
    {
        using FileStream file = File.OpenRead(anyOfAssembly.Assembly.Location);
        using PEReader image = new(file);
        MetadataReader metadata = image.GetMetadataReader();
        byte[][] calls = [.. metadata.MemberReferences.Where(member => IsWallClock(metadata, member)).SelectMany(CallsOf)];
        IEnumerable<string> callers = metadata.MethodDefinitions
            .Select(metadata.GetMethodDefinition)
            .Where(method => method.RelativeVirtualAddress != 0)
            .Where(method => Array.Exists(calls, call =>
                image.GetMethodBody(method.RelativeVirtualAddress).GetILBytes().AsSpan().IndexOf(call) >= 0))
            .Select(method => OutermostName(metadata, method.GetDeclaringType()));
        return [.. callers];
    }

    private static bool IsWallClock(MetadataReader metadata, MemberReferenceHandle handle)
    {
        MemberReference member = metadata.GetMemberReference(handle);
        if (member.Parent.Kind != HandleKind.TypeReference)
        {
            return false;
        }

        string type = metadata.GetString(metadata.GetTypeReference((TypeReferenceHandle)member.Parent).Name);
        string name = metadata.GetString(member.Name);
        return (type is "DateTime" or "DateTimeOffset" && name is "get_Now" or "get_UtcNow" or "get_Today")
            || (type == "TimeProvider" && name is "GetUtcNow" or "GetLocalNow");
    }

    private static byte[][] CallsOf(MemberReferenceHandle member)
    {
        byte[] token = BitConverter.GetBytes(MetadataTokens.GetToken(member));
        return [[CallOpcode, .. token], [CallVirtualOpcode, .. token]];
    }

    private static string OutermostName(MetadataReader metadata, TypeDefinitionHandle handle)
    {
        TypeDefinition type = metadata.GetTypeDefinition(handle);
        return type.GetDeclaringType().IsNil ? metadata.GetString(type.Name) : OutermostName(metadata, type.GetDeclaringType());
    }
}
