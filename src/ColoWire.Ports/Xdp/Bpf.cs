// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.InteropServices;
using System.Text;
using ColoWire.Ports.Linux;

namespace ColoWire.Ports.Xdp;

/// <summary>Maps and programs in the kernel (bpf(2), linux/bpf.h). Each error becomes one line.</summary>
internal static unsafe partial class Bpf
{
    /// <summary>Kinds of maps (enum bpf_map_type).</summary>
    public const uint HashMap = 1;
    public const uint ArrayMap = 2;
    public const uint DeviceMap = 14;
    public const uint SocketMap = 17;

    /// <summary>BPF_F_MMAPABLE: a process can map the memory of the map.</summary>
    public const uint MemoryMappable = 1 << 10;

    /// <summary>BPF_PSEUDO_MAP_FD in the source register of a load: its constant is the descriptor of a map.</summary>
    public const ulong LoadsMap = 1UL << 12;

    /// <summary>The bits of the source register in an instruction.</summary>
    public const ulong SourceRegister = 0xFUL << 12;

    private const int LogBytes = 64 << 10;

    /// <summary>BPF_PROG_TYPE_XDP, and BPF_XDP, where such a program is attached.</summary>
    private const uint XdpProgram = 6;
    private const uint XdpAttachment = 37;

    /// <summary>Commands (enum bpf_cmd).</summary>
    private enum Command
    {
        MapCreate = 0,
        MapUpdateElement = 2,
        ProgramLoad = 5,
        ProgramDescriptorById = 13,
        MapDescriptorById = 14,
        ObjectInfoByDescriptor = 15,
    }

    /// <summary>The number of the system call (asm/unistd.h).</summary>
    private static nint CallNumber => RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => 321,
        Architecture.Arm64 => 280,
        Architecture other => throw new PortException($"the XDP program cannot be loaded on {other}; it can on x64 and arm64"),
    };

    /// <summary>Creates a map.</summary>
    /// <returns>Its descriptor.</returns>
    /// <exception cref="PortException">The kernel refuses.</exception>
    public static int CreateMap(string name, uint kind, int valueBytes, int entries, uint flags = 0, int keyBytes = sizeof(uint))
    {
        MapCreation attributes = new()
        {
            Kind = kind,
            KeyBytes = (uint)keyBytes,
            ValueBytes = (uint)valueBytes,
            Entries = (uint)entries,
            Flags = flags,
        };
        BpfName.Write(name, attributes.Name);
        int map = Call(Command.MapCreate, &attributes, sizeof(MapCreation));
        return map >= 0 ? map : throw Failure($"cannot make the map '{name}' of the XDP program");
    }

    /// <summary>Sets an entry of a map.</summary>
    /// <param name="map">The descriptor of the map.</param>
    /// <param name="key">The key, as many bytes as the map's keys have.</param>
    /// <param name="value">The value, as many bytes as the map's values have.</param>
    /// <param name="what">What is set, for the message.</param>
    /// <exception cref="PortException">The kernel refuses.</exception>
    public static void Update(int map, void* key, void* value, string what)
    {
        MapElement attributes = new() { Map = (uint)map, Key = (ulong)key, Value = (ulong)value };
        if (Call(Command.MapUpdateElement, &attributes, sizeof(MapElement)) < 0)
        {
            throw Failure($"cannot set {what} of the XDP program");
        }
    }

    /// <summary>Loads an XDP program.</summary>
    /// <returns>Its descriptor.</returns>
    /// <exception cref="PortException">The kernel refuses; the message has the last lines of the verifier's log.</exception>
    public static int LoadProgram(string name, ReadOnlySpan<ulong> instructions)
    {
        int program = Load(name, instructions, log: default);
        if (program >= 0)
        {
            return program;
        }

        // Again with a log, for the verifier's message. The first try is made without one, because the log alone can make it
        // fail.
        int error = Marshal.GetLastPInvokeError();
        byte[] log = new byte[LogBytes];
        program = Load(name, instructions, log);
        if (program >= 0)
        {
            return program;
        }

        string reason = LastLines(log);
        Marshal.SetLastPInvokeError(error == Libc.NoSpace ? Marshal.GetLastPInvokeError() : error);
        throw Failure("cannot load the XDP program", reason.Length == 0 ? null : $"the kernel's verifier says: {reason}");
    }

    /// <summary>The kernel's description of a program.</summary>
    public static BpfProgramInfo ProgramInfo(int program)
    {
        BpfProgramInfo info = default;
        ReadInfo(program, &info, sizeof(BpfProgramInfo));
        return info;
    }

    /// <summary>The ids of a program's maps.</summary>
    public static uint[] MapIds(int program)
    {
        uint[] ids = new uint[ProgramInfo(program).MapCount];
        fixed (uint* first = ids)
        {
            BpfProgramInfo info = new() { MapCount = (uint)ids.Length, MapIds = (ulong)first };
            ReadInfo(program, &info, sizeof(BpfProgramInfo));
        }

        return ids;
    }

    /// <summary>The kernel's description of a map.</summary>
    public static BpfMapInfo MapInfo(int map)
    {
        BpfMapInfo info = default;
        ReadInfo(map, &info, sizeof(BpfMapInfo));
        return info;
    }

    /// <summary>Opens a loaded program by its id.</summary>
    /// <returns>Its descriptor; negative when it was unloaded.</returns>
    /// <exception cref="PortException">This process has no permission.</exception>
    public static int OpenProgram(uint id) => Open(Command.ProgramDescriptorById, id, "program");

    /// <summary>Opens a map by its id.</summary>
    /// <returns>Its descriptor; negative when it was freed.</returns>
    /// <exception cref="PortException">This process has no permission.</exception>
    public static int OpenMap(uint id) => Open(Command.MapDescriptorById, id, "map");

    private static int Open(Command command, uint id, string what)
    {
        ById attributes = new() { Id = id };
        int descriptor = Call(command, &attributes, sizeof(ById));
        return descriptor < 0 && Marshal.GetLastPInvokeError() == Libc.NotPermitted
            ? throw new PortException(
                $"no permission to look whether BPF {what} {id}, which is in use, is ColoWire's; root or CAP_SYS_ADMIN is needed")
            : descriptor;
    }

    private static int Load(string name, ReadOnlySpan<ulong> instructions, Span<byte> log)
    {
        ReadOnlySpan<byte> license = "GPL\0"u8;
        fixed (ulong* first = instructions)
        fixed (byte* words = license)
        fixed (byte* text = log)
        {
            ProgramLoading attributes = new()
            {
                Kind = XdpProgram,
                InstructionCount = (uint)instructions.Length,
                Instructions = (ulong)first,
                License = (ulong)words,
                LogLevel = log.IsEmpty ? 0u : 1,
                LogBytes = (uint)log.Length,
                Log = (ulong)text,
                AttachKind = XdpAttachment,
            };
            BpfName.Write(name, attributes.Name);
            return Call(Command.ProgramLoad, &attributes, sizeof(ProgramLoading));
        }
    }

    private static void ReadInfo(int descriptor, void* info, int infoBytes)
    {
        InfoQuestion attributes = new() { Descriptor = (uint)descriptor, InfoBytes = (uint)infoBytes, Info = (ulong)info };
        if (Call(Command.ObjectInfoByDescriptor, &attributes, sizeof(InfoQuestion)) < 0)
        {
            throw Failure("cannot ask the kernel for a BPF object");
        }
    }

    /// <summary>The end of the verifier's log: its reason, and a line of statistics.</summary>
    private static string LastLines(ReadOnlySpan<byte> log)
    {
        int end = log.IndexOf((byte)0);
        string[] lines = Encoding.ASCII.GetString(end < 0 ? log : log[..end]).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return string.Join("; ", lines.Length > 2 ? lines[^2..] : lines);
    }

    private static PortException Failure(string what, string? reason = null) => Marshal.GetLastPInvokeError() switch
    {
        Libc.NotPermitted when reason is null =>
            new PortException($"{what}: no permission; root or CAP_BPF and CAP_NET_ADMIN are needed"),
        Libc.NoSuchCall => new PortException($"{what}: this kernel has no BPF (CONFIG_BPF_SYSCALL)"),
        int error => new PortException($"{what}: {reason ?? Marshal.GetPInvokeErrorMessage(error)}"),
    };

    private static int Call(Command command, void* attributes, int bytes) =>
        (int)SystemCall(CallNumber, (int)command, attributes, (uint)bytes);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint SystemCall(nint number, nint command, void* attributes, nuint bytes);

    /// <summary><c>union bpf_attr</c> for BPF_MAP_CREATE.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct MapCreation
    {
        public uint Kind;
        public uint KeyBytes;
        public uint ValueBytes;
        public uint Entries;
        public uint Flags;
        public uint InnerMap;
        public uint NumaNode;
        public fixed byte Name[BpfName.Bytes];
        public uint InterfaceIndex;
    }

    /// <summary><c>union bpf_attr</c> for BPF_MAP_*_ELEM.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct MapElement
    {
        public uint Map;
        public ulong Key;
        public ulong Value;
        public ulong Flags;
    }

    /// <summary><c>union bpf_attr</c> for BPF_PROG_LOAD.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct ProgramLoading
    {
        public uint Kind;
        public uint InstructionCount;
        public ulong Instructions;
        public ulong License;
        public uint LogLevel;
        public uint LogBytes;
        public ulong Log;
        public uint KernelVersion;
        public uint Flags;
        public fixed byte Name[BpfName.Bytes];
        public uint InterfaceIndex;
        public uint AttachKind;
    }

    /// <summary><c>union bpf_attr</c> for BPF_*_GET_FD_BY_ID.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct ById
    {
        public uint Id;
        public uint NextId;
        public uint OpenFlags;
    }

    /// <summary><c>union bpf_attr</c> for BPF_OBJ_GET_INFO_BY_FD.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct InfoQuestion
    {
        public uint Descriptor;
        public uint InfoBytes;
        public ulong Info;
    }
}
