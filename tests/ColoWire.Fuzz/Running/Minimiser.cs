// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using ColoWire.Engine;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;
using ColoWire.Fuzz.Cases;
using ColoWire.Fuzz.Generating;

namespace ColoWire.Fuzz.Running;

/// <summary>
/// Makes a failing case smaller as long as it fails in the same way: fewer steps (Zeller and Hildebrandt, "Simplifying and
/// isolating failure-inducing input", 2002), options at their defaults, shorter frames.
/// </summary>
internal sealed class Minimiser(Func<FuzzCase, bool> fails)
{
    /// <summary>The smallest case found.</summary>
    public FuzzCase Minimise(FuzzCase made)
    {
        FuzzCase best = made;
        for (int before = int.MaxValue; Size(best) < before;)
        {
            before = Size(best);
            best = WithFewerSteps(best);
            best = WithDefaults(best);
            best = WithShorterFrames(best);
        }

        return best;
    }

    private static int Size(FuzzCase made) => made.Steps.Count + made.Steps.Sum(step => step.Length);

    private FuzzCase WithFewerSteps(FuzzCase made)
    {
        List<int[]> units = Units(made);
        for (int chunk = units.Count / 2; chunk > 0; chunk /= 2)
        {
            for (int at = 0; at < units.Count;)
            {
                List<int[]> rest = [.. units.Take(at), .. units.Skip(at + chunk)];
                if (fails(Of(made, rest)))
                {
                    units = rest;
                }
                else
                {
                    at += chunk;
                }
            }
        }

        return Of(made, units);
    }

    /// <summary>The same case with some of its steps.</summary>
    private static FuzzCase Of(FuzzCase made, List<int[]> units) =>
        made.With([.. units.SelectMany(unit => unit).Order().Select(index => made.Steps[index])]);

    /// <summary>Groups of steps that are kept or removed together: where both sides must send the same, the two arrivals of a
    /// frame.</summary>
    private static List<int[]> Units(FuzzCase made)
    {
        List<int[]> units = [];
        Dictionary<(int Offset, Side Side), Queue<int>> alone = [];
        for (int i = 0; i < made.Steps.Count; i++)
        {
            Step step = made.Steps[i];
            if (!made.IsAlike || step.Kind != StepKind.Frame)
            {
                units.Add([i]);
            }
            else if (alone.TryGetValue((step.Offset, 1 - step.Side), out Queue<int>? twins) && twins.TryDequeue(out int twin))
            {
                units.Add([twin, i]);
            }
            else if (!alone.TryAdd((step.Offset, step.Side), new Queue<int>([i])))
            {
                alone[(step.Offset, step.Side)].Enqueue(i);
            }
        }

        return units;
    }

    private FuzzCase WithDefaults(FuzzCase made)
    {
        FuzzCase best = made;
        foreach (PropertyInfo property in OptionDraw.All)
        {
            EngineOptions options = best.Options with { };
            property.SetValue(options, property.GetValue(OptionDraw.Base));
            best = TryWith(best, options, best.Shape);
        }

        foreach (PropertyInfo property in CaseText.ShapeProperties.Where(p => p.Name is not nameof(Shape.Pipelines) || best.Steps.All(s => s.Pipeline == 0)))
        {
            Shape shape = best.Shape with { };
            property.SetValue(shape, property.GetValue(new Shape()));
            best = TryWith(best, best.Options, shape);
        }

        return best;
    }

    private FuzzCase TryWith(FuzzCase best, EngineOptions options, Shape shape)
    {
        FuzzCase candidate = best.With(best.Steps);
        candidate.Options = options;
        candidate.Shape = shape;
        return fails(candidate) ? candidate : best;
    }

    private FuzzCase WithShorterFrames(FuzzCase made)
    {
        FuzzCase best = made;
        foreach (int offset in made.Steps.Where(s => s.Kind == StepKind.Frame).Select(s => s.Offset).Distinct().ToArray())
        {
            for (bool shrunk = true; shrunk;)
            {
                shrunk = false;
                foreach (FuzzCase candidate in Shorter(best, offset))
                {
                    if (fails(candidate))
                    {
                        best = candidate;
                        shrunk = true;
                        break;
                    }
                }
            }
        }

        return best;
    }

    private static IEnumerable<FuzzCase> Shorter(FuzzCase made, int offset)
    {
        Step step = made.Steps.First(s => s.Kind == StepKind.Frame && s.Offset == offset);
        byte[] frame = made.Frame(in step).ToArray();
        FrameParser.Parse(frame, out FrameLayout layout);
        if (layout.Kind is FrameKind.Tcp or FrameKind.Udp && layout.PayloadLength > 1)
        {
            yield return Replaced(made, offset, WithPayload(frame, in layout, layout.PayloadLength / 2));
            yield return Replaced(made, offset, WithPayload(frame, in layout, layout.PayloadLength - 1));
        }

        if (frame.Length > 14)
        {
            yield return Replaced(made, offset, frame[..^1]);
        }
    }

    private static byte[] WithPayload(byte[] frame, in FrameLayout layout, int length)
    {
        byte[] shorter = frame[..(layout.PayloadOffset + length)];
        int field = layout.NetworkOffset + (layout.IpVersion == 4 ? 2 : 4);
        int headers = layout.PayloadOffset - layout.NetworkOffset - (layout.IpVersion == 4 ? 0 : 40);
        BinaryPrimitives.WriteUInt16BigEndian(shorter.AsSpan(field), (ushort)(headers + length));
        if (layout.Kind == FrameKind.Udp)
        {
            BinaryPrimitives.WriteUInt16BigEndian(shorter.AsSpan(layout.TransportOffset + 4), (ushort)(8 + length));
        }

        return shorter;
    }

    private static FuzzCase Replaced(FuzzCase made, int offset, byte[] frame)
    {
        byte[] bytes = [.. made.Bytes];
        frame.CopyTo(bytes, offset);
        FuzzCase candidate = made.With([.. made.Steps.Select(s => s.Kind == StepKind.Frame && s.Offset == offset ? s with { Length = frame.Length } : s)]);
        candidate.Bytes = bytes;
        return candidate;
    }
}
