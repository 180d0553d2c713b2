// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Diagnostics;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using SharpPcap.LibPcap;

namespace ColoWire.Ports.Pcap;

/// <summary>
/// The functions of libpcap that SharpPcap does not offer, or only with an allocation or an exception per frame. They take
/// SharpPcap's handles.
/// </summary>
internal static unsafe partial class Libpcap
{
    /// <summary>A call has read a record.</summary>
    public const int GotRecord = 1;

    /// <summary>No record has arrived.</summary>
    public const int NothingYet = 0;

    /// <summary>A call has failed; the device's error text says why (PCAP_ERROR).</summary>
    public const int Failed = -1;

    /// <summary>The end of a file, or <c>pcap_breakloop</c> (PCAP_ERROR_BREAK).</summary>
    public const int EndOfFile = -2;

    /// <summary>Only frames that arrive (PCAP_D_IN).</summary>
    public const int DirectionIn = 1;

    private const string Library = "pcap";
    private const string StandardLibrary = "libc";
    private const int FromStart = 0;

    /// <summary>The library names that SharpPcap tries, in its order: both must load the same library, because they share its
    /// structures.</summary>
    private static readonly string[] LibraryNames = ["libpcap.so", "libpcap.so.0", "libpcap.so.0.8", "libpcap.so.1"];

    static Libpcap() => NativeLibrary.SetDllImportResolver(typeof(Libpcap).Assembly, Resolve);

    /// <summary>Appends a record to a dump file (pcap_dump(3PCAP)). It returns nothing: the error is in the C stream.</summary>
    [LibraryImport(Library, EntryPoint = "pcap_dump", SetLastError = true)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    public static partial void Dump(nint dumper, PacketHeader* header, byte* bytes);

    /// <summary>Writes out what a dump file buffers (pcap_dump_flush(3PCAP)).</summary>
    [LibraryImport(Library, EntryPoint = "pcap_dump_flush", SetLastError = true)]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    public static partial int DumpFlush(nint dumper);

    /// <summary>The C stream of a dump file (pcap_dump_file(3PCAP)).</summary>
    [LibraryImport(Library, EntryPoint = "pcap_dump_file")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    public static partial nint DumpFile(nint dumper);

    /// <summary>Passes the frames that have arrived to a callback (pcap_dispatch(3PCAP)). A non-blocking device does not
    /// wait.</summary>
    /// <param name="device">The device.</param>
    /// <param name="most">Frames at most, at least 1.</param>
    /// <param name="callback">Called for each frame, with memory that is valid until it returns.</param>
    /// <param name="user">The first argument of the callback.</param>
    /// <returns>How many frames, or <see cref="Failed"/>.</returns>
    [LibraryImport(Library, EntryPoint = "pcap_dispatch")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    public static partial int Dispatch(
        PcapHandle device, int most, delegate* unmanaged[Cdecl]<nint, PacketHeader*, byte*, void> callback, nint user);

    /// <summary>Reads the counters of a device (pcap_stats(3PCAP)). SharpPcap's own structure for them is wrong on 64-bit
    /// Linux.</summary>
    [LibraryImport(Library, EntryPoint = "pcap_stats")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    public static partial int Statistics(PcapHandle device, out DeviceStatistics statistics);

    /// <summary>Chooses between frames that arrive and frames that leave (pcap_setdirection(3PCAP)).</summary>
    [LibraryImport(Library, EntryPoint = "pcap_setdirection")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    public static partial int SetDirection(PcapHandle device, int direction);

    /// <summary>The descriptor that becomes readable when frames have arrived (pcap_get_selectable_fd(3PCAP)).</summary>
    [LibraryImport(Library, EntryPoint = "pcap_get_selectable_fd")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    public static partial int SelectableDescriptor(PcapHandle device);

    /// <summary>Continues to read a capture at this byte, where a record must begin.</summary>
    public static void SeekFile(PcapHandle device, long offset)
    {
        int result = Seek(File(device), (nint)offset, FromStart);
        Debug.Assert(result == 0, "a capture file can be sought in: pipes are refused when it is opened");
    }

    /// <summary><c>struct pcap_stat</c> (pcap/pcap.h); the counters wrap at 2^32.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct DeviceStatistics
    {
        public uint Received;
        public uint DroppedByKernel;
        public uint DroppedByInterface;
    }

    /// <summary>The C stream of a capture that is read (pcap_file(3PCAP)).</summary>
    [LibraryImport(Library, EntryPoint = "pcap_file")]
    [UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]
    private static partial nint File(PcapHandle device);

    [LibraryImport(StandardLibrary, EntryPoint = "fseeko")]
    private static partial int Seek(nint stream, nint offset, int origin);

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath)
    {
        if (name != Library)
        {
            return 0;
        }

        foreach (string candidate in LibraryNames)
        {
            if (NativeLibrary.TryLoad(candidate, out nint handle))
            {
                return handle;
            }
        }

        throw new DllNotFoundException(
            $"none of {string.Join(", ", LibraryNames)} is installed (Debian: apt-get install libpcap0.8)");
    }
}
