// SPDX-License-Identifier: GPL-2.0-or-later

using System;

namespace ColoWire.Ports.Linux;

/// <summary>Sleeps until one of some ports has received something, or for a time (poll(2)). Belongs to one thread.</summary>
public sealed unsafe class IdleWait
{
    private const short Readable = 1;

    private readonly Libc.PollDescriptor[] descriptors;

    /// <summary>Takes the file descriptors to wait for; negative ones are ignored (see
    /// <see cref="IWaitable.WaitHandle"/>).</summary>
    public IdleWait(ReadOnlySpan<int> waitHandles)
    {
        descriptors = new Libc.PollDescriptor[waitHandles.Length];
        for (int i = 0; i < descriptors.Length; i++)
        {
            descriptors[i] = new Libc.PollDescriptor { FileDescriptor = waitHandles[i], Events = Readable };
        }
    }

    /// <summary>Waits.</summary>
    /// <param name="timeoutMs">The longest wait in milliseconds.</param>
    /// <returns>Whether a descriptor is readable; false after the timeout or a signal.</returns>
    public bool Wait(int timeoutMs)
    {
        // A signal ends the wait early (EINTR). The caller polls its ports and waits again, so there is no retry here.
        fixed (Libc.PollDescriptor* first = descriptors)
        {
            return Libc.Poll(first, (nuint)descriptors.Length, timeoutMs) > 0;
        }
    }
}
