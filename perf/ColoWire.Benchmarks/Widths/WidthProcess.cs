// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Diagnostics;
using System.Globalization;
using ColoWire.Figures;

namespace ColoWire.Benchmarks.Widths;

/// <summary>A second process of this program, with vectors of one width.</summary>
internal sealed class WidthProcess : IDisposable
{
    private readonly VectorWidth width;
    private readonly Process process;

    /// <summary>Starts it and waits until it is warm.</summary>
    /// <exception cref="BadInputException">The vectors of the process have another width.</exception>
    public WidthProcess(VectorWidth width)
    {
        this.width = width;
        ProcessStartInfo start = new(Environment.ProcessPath!, [WidthCommand.Name])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        if (width.Switch != null)
        {
            start.Environment[width.Switch] = "0";
        }

        process = Process.Start(start)!;
        int bits = (int)Read();
        if (bits != width.Bits)
        {
            Dispose();
            throw new BadInputException($"{width.Switch}=0: vectors of {width.Bits} bits were asked for, and there are {bits}");
        }
    }

    /// <summary>The result of one run: pairs per second of CPU time.</summary>
    public double Measure(WidthWorkload workload)
    {
        process.StandardInput.WriteLine(workload.Name);
        process.StandardInput.Flush();
        return Read();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        process.StandardInput.Close();
        process.WaitForExit();
        process.Dispose();
    }

    private double Read() => double.Parse(
        process.StandardOutput.ReadLine() ?? throw new BadInputException($"the process with {width.Name} has ended"),
        CultureInfo.InvariantCulture);
}
