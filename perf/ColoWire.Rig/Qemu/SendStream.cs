// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Rig.Qemu;

/// <summary>Gives one side's capture to QEMU.</summary>
/// <param name="capture">The capture.</param>
/// <param name="socket">The socket of that side.</param>
internal sealed class SendStream(FramedCapture capture, QemuSocket socket)
{
    private int sentBytes;

    /// <summary>Whether all frames have been sent.</summary>
    public bool IsDone => HasSent(capture.Frames);

    /// <summary>Whether so many frames have been sent.</summary>
    public bool HasSent(int frames) => sentBytes >= capture.Offset(frames);

    /// <summary>Sends what is due and not yet sent, as far as there is room.</summary>
    /// <returns>Whether anything was sent.</returns>
    public bool SendUntil(int dueFrames)
    {
        int dueBytes = capture.Offset(dueFrames);
        if (sentBytes == dueBytes)
        {
            return false;
        }

        int sent = socket.Send(capture.Slice(sentBytes, dueBytes));
        sentBytes += sent;
        return sent != 0;
    }
}
