// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.IO;
using System.Text;
using ColoWire.Engine.Frames;
using ColoWire.Ports;
using ColoWire.Ports.Files;

namespace ColoWire.Commands;

/// <summary>
/// The capture of <c>--out</c>. Frames are written to a temporary file in the same folder, which replaces the capture at
/// <see cref="Keep"/>: until then, and when the comparison fails, an existing file stays as it is. A pipe or a device is written
/// directly.
/// </summary>
internal sealed class CompareOutput : IDisposable
{
    /// <summary>NAME_MAX (linux/limits.h).</summary>
    private const int LongestNameBytes = 255;

    private readonly string path;
    private readonly string? finalPath;
    private readonly string? temporaryPath;

    /// <summary>Opens the capture.</summary>
    /// <param name="path">Its path; null to discard the frames.</param>
    /// <param name="primary">The capture whose frames leave.</param>
    /// <exception cref="PortException">It cannot be written.</exception>
    public CompareOutput(string? path, FileCapturePort primary)
    {
        this.path = path ?? string.Empty;
        if (string.IsNullOrEmpty(path) || !IsReplaceable(path))
        {
            Port = path is null ? new DiscardPort() : new FileInjectPort(path, primary.HasNanoseconds, origin: primary);
            return;
        }

        finalPath = FinalPath(path);
        temporaryPath = Path.Combine(Path.GetDirectoryName(finalPath) ?? "/", $".colowire-{Path.GetRandomFileName()}");
        try
        {
            Port = new FileInjectPort(path, primary.HasNanoseconds, origin: primary, temporaryPath: temporaryPath);
        }
        catch (PortException)
        {
            DeleteTemporary();
            throw;
        }
    }

    /// <summary>The port to which the frames are sent.</summary>
    public IInjectPort Port { get; }

    /// <summary>Closes the capture.</summary>
    /// <exception cref="PortException">It could not be written whole.</exception>
    public void Close()
    {
        Port.Dispose();
        if (Port is IFaultReporter { Fault: { } fault })
        {
            throw new PortException(fault);
        }
    }

    /// <summary>Replaces the file that existed by the capture, which must be closed.</summary>
    /// <exception cref="PortException">The file cannot be replaced.</exception>
    public void Keep()
    {
        if (temporaryPath is null || finalPath is null)
        {
            return;
        }

        try
        {
            if (File.Exists(finalPath))
            {
                File.SetUnixFileMode(temporaryPath, File.GetUnixFileMode(finalPath));
            }

            File.Move(temporaryPath, finalPath, overwrite: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new PortException($"cannot write capture '{path}': the complete file cannot be renamed to it", exception);
        }
    }

    /// <summary>Closes the capture; deletes it unless it was kept.</summary>
    public void Dispose()
    {
        Port.Dispose();
        DeleteTemporary();
    }

    /// <summary>Whether a path is free, or that of a regular file. /dev/stdout and the like stand for a file that this process
    /// has open already.</summary>
    private static bool IsReplaceable(string path)
    {
        string full = Path.GetFullPath(path);
        bool isSystem = full.StartsWith("/dev/", StringComparison.Ordinal) || full.StartsWith("/proc/", StringComparison.Ordinal);
        // The port refuses a name that is too long; a temporary file would have another name.
        bool isNameTooLong = Encoding.UTF8.GetByteCount(Path.GetFileName(full)) > LongestNameBytes;
        return !isSystem && !isNameTooLong && (!Path.Exists(path) || FileKind.IsRegular(path));
    }

    /// <summary>The file that is replaced: of a symbolic link its target.</summary>
    private static string FinalPath(string path)
    {
        try
        {
            return File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? Path.GetFullPath(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // There is no such file yet, or the links go in a circle, which the port reports.
            return Path.GetFullPath(path);
        }
    }

    private void DeleteTemporary()
    {
        try
        {
            // After Keep there is no such file.
            if (temporaryPath is not null && Path.Exists(temporaryPath))
            {
                File.Delete(temporaryPath);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The folder has become read-only meanwhile.
        }
    }
}
