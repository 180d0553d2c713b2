// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using ColoWire.TwinMaker.Harms;
using ColoWire.TwinMaker.Transformations;

namespace ColoWire.TwinMaker;

/// <summary>The frames that two guests sent: the first guest, and its twin.</summary>
/// <param name="Primary">The capture itself, with a retransmission where a harm adds one.</param>
/// <param name="Secondary">The frames of the second guest.</param>
/// <param name="Harm">The harm that was done; null for a harmless twin.</param>
internal sealed record Twin(IReadOnlyList<TwinFrame> Primary, IReadOnlyList<TwinFrame> Secondary, HarmReport? Harm)
{
    /// <summary>Makes a twin of a capture; the capture is not changed.</summary>
    /// <returns>The twin, or null if the capture has no place for this harm.</returns>
    public static Twin? Of(Capture capture, TwinOptions options)
    {
        List<TwinFrame> primary = [.. capture.Frames];
        List<TwinFrame> secondary = Copied(capture.Frames);
        HarmReport? report = null;
        if (options.Harm is string name)
        {
            IHarm harm = HarmKinds.Named(name);
            IReadOnlyList<int> places = harm.Places(capture);
            if (places.Count == 0)
                return null;
            if (options.HarmAt > places.Count)
                throw new BadInputException($"--harm-at {options.HarmAt}: allowed are 1 to {places.Count}, the places for --harm {name}");
            DeterministicRandom random = DeterministicRandom.For(options.Seed, $"harm-{name}");
            int place = places[(options.HarmAt ?? random.Between(1, places.Count)) - 1];
            report = harm.Do(new HarmScene(capture, primary, secondary), place, random);
        }

        // The harm comes before splitting, merging and retransmitting, so that each copy of a byte has the change.
        if (options.FlippedTcpFrame is int ordinal)
            Apply(new FlipTcpByte(ordinal));
        foreach (ITransformation transformation in Pipeline.Of(options))
            Apply(transformation);
        return new Twin(primary, secondary, report);

        void Apply(ITransformation transformation) =>
            transformation.Apply(secondary, DeterministicRandom.For(options.Seed, transformation.Name));
    }

    /// <summary>Makes the times of the second guest monotonic; those of a capture of several interfaces may go back.</summary>
    private static List<TwinFrame> Copied(IReadOnlyList<TwinFrame> frames)
    {
        List<TwinFrame> copies = [.. frames.Select(frame => frame.Copy())];
        long now = 0;
        foreach (TwinFrame copy in copies)
            copy.TimeMicroseconds = now = Math.Max(now, copy.TimeMicroseconds);
        return copies;
    }
}
