// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using ColoWire.Ports.Linux;

namespace ColoWire.Ports.Xdp;

/// <summary>The descriptors of a loaded program and its maps. While the program is attached, the kernel keeps them without a
/// descriptor.</summary>
internal sealed unsafe class ProgramObjects : IDisposable
{
    /// <summary>The name of the map that a later process of ColoWire reads. A change of its layout (<see cref="PortState"/>)
    /// changes the name.</summary>
    public const string StateName = "state";

    /// <summary>The guest's MAC addresses at most: more than the engine learns (MAX_GUESTS of port.bpf.c).</summary>
    public const int MaxGuestAddresses = 256;

    /// <summary>The entry of the map <c>guests</c> that says that there is any address.</summary>
    private const ulong AnyGuest = 0;

    private const int None = -1;

    private int sockets = None;
    private int wire = None;
    private int guests = None;
    private int stateMap = None;
    private StateMemory? memory;

    private ProgramObjects()
    {
    }

    /// <summary>The descriptor of the program.</summary>
    public int Program { get; private set; } = None;

    /// <summary>The memory that the program shares with this process.</summary>
    public PortState State => memory!.State;

    /// <summary>Creates the maps and loads the program.</summary>
    /// <exception cref="PortException">Permission is lacking, or the kernel refuses.</exception>
    public static ProgramObjects Make()
    {
        ProgramObjects objects = new();
        try
        {
            objects.MakeAll();
            return objects;
        }
        catch
        {
            objects.Dispose();
            throw;
        }
    }

    /// <summary>Sets the interface to which the program redirects frames that bypass ColoWire.</summary>
    public void SetWire(int interfaceIndex) =>
        Update(wire, 0, interfaceIndex, $"the interface on the other side ({interfaceIndex})");

    /// <summary>Sets the socket to which the program gives the frames of a queue.</summary>
    public void SetSocket(int queue, int descriptor) =>
        Update(sockets, (uint)queue, descriptor, $"the socket of queue {queue}");

    /// <summary>Adds a MAC address of the guest.</summary>
    /// <param name="address">The address, the first byte in the highest of its six bytes.</param>
    public void AddGuest(ulong address)
    {
        // The key has the bytes in the order of the wire.
        Add(BinaryPrimitives.ReverseEndianness(address << 16));
        Add(AnyGuest);

        void Add(ulong key)
        {
            int present = 1;
            Bpf.Update(guests, &key, &present, $"the guest's address {address:x12}");
        }
    }

    /// <summary>Closes them.</summary>
    public void Dispose()
    {
        memory?.Dispose();
        memory = null;
        Close(Program);
        Close(stateMap);
        Close(wire);
        Close(sockets);
        Close(guests);
        Program = stateMap = wire = sockets = guests = None;
    }

    private static void Update(int map, uint key, int value, string what) => Bpf.Update(map, &key, &value, what);

    private static void Close(int descriptor)
    {
        if (descriptor != None)
        {
            _ = Libc.Close(descriptor);
        }
    }

    private void MakeAll()
    {
        sockets = Bpf.CreateMap("sockets", Bpf.SocketMap, sizeof(uint), PortProgram.MaxQueues);
        wire = Bpf.CreateMap("wire", Bpf.DeviceMap, sizeof(uint), 1);
        guests = Bpf.CreateMap("guests", Bpf.HashMap, sizeof(uint), MaxGuestAddresses + 1, keyBytes: sizeof(ulong));
        stateMap = Bpf.CreateMap(StateName, Bpf.ArrayMap, PortState.QueueBytes, PortProgram.MaxQueues, Bpf.MemoryMappable);
        memory = new StateMemory(stateMap, writable: true);

        ulong[] instructions = PortProgram.Code.ToArray();
        Link(instructions, PortProgram.SocketsAt, sockets);
        Link(instructions, PortProgram.WireAt, wire);
        Link(instructions, PortProgram.StateAt, stateMap);
        Link(instructions, PortProgram.GuestsAt, guests);
        Program = Bpf.LoadProgram(PortProgram.Name, instructions);
    }

    /// <summary>Writes the descriptor of a map into the instructions that load the address of the map
    /// (BPF_PSEUDO_MAP_FD).</summary>
    private static void Link(ulong[] instructions, ReadOnlySpan<int> places, int map)
    {
        foreach (int place in places)
        {
            ulong opcodeAndRegisters = instructions[place] & (uint.MaxValue ^ Bpf.SourceRegister);
            instructions[place] = opcodeAndRegisters | Bpf.LoadsMap | ((ulong)map << 32);
        }
    }
}
