// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.IO;
using System.Runtime.InteropServices;

namespace ColoWire.Ports.Linux;

/// <summary>
/// The standard output or standard error, written by system calls only. The runtime's console ends the process where the
/// descriptor is closed, and writes to whatever file has got that descriptor since.
/// </summary>
public sealed class StandardStream : Stream
{
    /// <summary>The descriptor of the standard output (unistd.h).</summary>
    public const int OutputDescriptor = 1;

    /// <summary>The descriptor of the standard error.</summary>
    public const int ErrorDescriptor = 2;

    private const int LastStandardDescriptor = ErrorDescriptor;
    private const int WaitForever = -1;
    private const string Nothing = "/dev/null";

    private readonly int descriptor;
    private readonly string name;
    private readonly bool isInherited;
    private bool isReaderGone;

    /// <summary>Takes a descriptor with which the process was started; it is never closed.</summary>
    /// <param name="descriptor">The descriptor.</param>
    /// <param name="name">Its name in messages.</param>
    public StandardStream(int descriptor, string name)
    {
        this.descriptor = descriptor;
        this.name = name;
        // A descriptor that survived execve(2) has no close-on-exec flag, and each descriptor that the runtime has opened since
        // has one: a descriptor with the flag is not the one with which the process was started.
        int flags = Libc.DescriptorFlags(descriptor);
        isInherited = flags >= 0 && (flags & Libc.ClosedByExec) == 0;
    }

    /// <summary>Whether output is discarded once there is no reader; without ColoWire's handling SIGPIPE would end the program
    /// then.</summary>
    public bool DiscardsWithoutReader { get; init; }

    /// <inheritdoc/>
    public override bool CanRead => false;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>
    /// Opens /dev/null for each standard descriptor that is closed. So no socket of a port gets its number, to which a library or
    /// the runtime might write messages.
    /// </summary>
    public static void OccupyFreeDescriptors()
    {
        int opened;
        do
        {
            opened = Libc.Open(Nothing, Libc.ReadWrite | Libc.CloseOnExec);
        }
        while (opened is >= 0 and < LastStandardDescriptor);

        if (opened > LastStandardDescriptor)
        {
            _ = Libc.Close(opened);
        }
    }

    /// <summary>Writes the bytes; waits while the reader does not read.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <param name="fault">Why not all were written, or null.</param>
    /// <returns>Bytes that were written.</returns>
    public unsafe int WriteSome(ReadOnlySpan<byte> bytes, out string? fault)
    {
        fault = null;
        if (!isInherited)
        {
            fault = $"the {name} is closed";
            return 0;
        }

        int done = 0;
        fixed (byte* first = bytes)
        {
            while (done < bytes.Length && !(isReaderGone && DiscardsWithoutReader))
            {
                nint count = Libc.Write(descriptor, first + done, (nuint)(bytes.Length - done));
                int error = count < 0 ? Marshal.GetLastPInvokeError() : 0;
                done += Math.Max(0, (int)count);
                isReaderGone = error == Libc.BrokenPipe;
                if (error == Libc.TryAgain)
                {
                    // Another process that shares the descriptor has made it non-blocking.
                    Libc.PollDescriptor room = new() { FileDescriptor = descriptor, Events = Libc.Writable };
                    _ = Libc.Poll(&room, 1, WaitForever);
                }
                else if (error is not (0 or Libc.Interrupted) && !(isReaderGone && DiscardsWithoutReader))
                {
                    fault = $"the {name} cannot be written to: {Marshal.GetPInvokeErrorMessage(error)}";
                    return done;
                }
            }
        }

        return bytes.Length;
    }

    /// <inheritdoc/>
    /// <exception cref="OutputException">They could not be written.</exception>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        _ = WriteSome(buffer, out string? fault);
        if (fault != null)
        {
            throw new OutputException(fault);
        }
    }

    /// <inheritdoc/>
    /// <exception cref="OutputException">They could not be written.</exception>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Flush()
    {
        // This stream has no buffer.
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();
}
