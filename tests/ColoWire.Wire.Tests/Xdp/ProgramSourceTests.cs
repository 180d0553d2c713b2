// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Diagnostics;
using System.IO;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using ColoWire.Ports.Xdp;
using ColoWire.Wire.Tests.Live;
using NUnit.Framework;

namespace ColoWire.Wire.Tests.Xdp;

/// <summary>The program that runs in the kernel is native-config/xdp/port.bpf.c.</summary>
[TestFixture]
[Category("Wire")]
internal sealed class ProgramSourceTests
{
    /// <summary>The compiler may have to be installed first.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    [Test]
    public void The_instructions_are_what_the_source_makes()
    {
        using Process build = Shell.Start([Path.Combine(BridgeHost.Root, "native-config", "xdp", "build.sh"), "--check"]);
        Assert.That(Shell.Finish(build, Patience), Does.Contain("is what native-config/xdp/port.bpf.c makes"));
    }

    /// <summary>The kernel's tag is a hash of the instructions as they were loaded, without the descriptors of maps: SHA-256 in
    /// Linux 6.18, SHA-1 before.</summary>
    [Test]
    public unsafe void The_kernel_has_loaded_these_instructions()
    {
        using PassingWire wire = new();
        wire.Inside(() =>
        {
            using PortProgram program = PortProgram.Load(PassingWire.Capture, PassingWire.ToNowhere(XdpMode.Native));
            ulong[] loaded = PortProgram.Code.ToArray();
            int[] places =
                [.. PortProgram.SocketsAt, .. PortProgram.WireAt, .. PortProgram.StateAt, .. PortProgram.GuestsAt];
            foreach (int place in places)
                loaded[place] |= Bpf.LoadsMap;
            ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes<ulong>(loaded);

            BpfProgramInfo info = Bpf.ProgramInfo(program.Descriptor);
            string tag = Convert.ToHexString(new ReadOnlySpan<byte>(info.Tag, BpfProgramInfo.TagBytes));

            Assert.That(info.Name, Is.EqualTo(PortProgram.Name));
            Assert.That(tag, Is.EqualTo(Tag(HashAlgorithmName.SHA1, bytes)).Or.EqualTo(Tag(HashAlgorithmName.SHA256, bytes)));
            Assert.That(Bpf.MapIds(program.Descriptor), Has.Length.EqualTo(4));
        });
    }

    private static string Tag(HashAlgorithmName algorithm, ReadOnlySpan<byte> bytes)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(algorithm);
        hash.AppendData(bytes);
        return Convert.ToHexString(hash.GetHashAndReset().AsSpan(0, BpfProgramInfo.TagBytes));
    }
}
