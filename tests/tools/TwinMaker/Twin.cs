// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using ColoWire.TwinMaker.Harms;
using ColoWire.TwinMaker.Transformations;

namespace ColoWire.TwinMaker;

/// <summary>What two guests sent: the first one, and its twin.</summary>
/// <param name="Primary">The capture itself, but for a retransmission that a harm adds.</param>
/// <param name="Secondary">What the second guest would have sent.</param>
/// <param name="Harm">In what they differ harmfully; null where they do not.</param>
internal sealed record Twin(IReadOnlyList<TwinFrame> Primary, IReadOnlyList<TwinFrame> Secondary, HarmReport? Harm)
{
    /// <summary>Makes a twin of a capture, which stays as it is.</summary>
    /// <returns>The twin, or null where the capture has nothing to be harmed in this way.</returns>
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

        // Before anything is cut, joined or sent twice, so that each copy of a byte is the changed one.
        if (options.FlippedTcpFrame is int ordinal)
            Apply(new FlipTcpByte(ordinal));
        foreach (ITransformation transformation in Pipeline.Of(options))
            Apply(transformation);
        return new Twin(primary, secondary, report);

        void Apply(ITransformation transformation) =>
            transformation.Apply(secondary, DeterministicRandom.For(options.Seed, transformation.Name));
    }

    /// <summary>A capture of several interfaces may go back in time; the second guest does not.</summary>
    private static List<TwinFrame> Copied(IReadOnlyList<TwinFrame> frames)
    {
        List<TwinFrame> copies = [.. frames.Select(frame => frame.Copy())];
        long now = 0;
        foreach (TwinFrame copy in copies)
            copy.TimeMicroseconds = now = Math.Max(now, copy.TimeMicroseconds);
        return copies;
    }
}
