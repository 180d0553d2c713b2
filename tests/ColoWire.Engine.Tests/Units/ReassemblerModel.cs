// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using System.Linq;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Tests.Bench;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Tests.Units;

/// <summary>One fragment, as the model describes it.</summary>
/// <param name="Version">IP version.</param>
/// <param name="Id">The identification.</param>
/// <param name="Start">Its offset in the datagram, in bytes.</param>
/// <param name="Payload">Its bytes.</param>
/// <param name="HasMore">Whether it is not the last (the M flag).</param>
internal sealed record Piece(int Version, uint Id, int Start, byte[] Payload, bool HasMore)
{
    private static readonly byte[] Host6 = [0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

    public byte[] Frame => FragmentBuilder.Fragment(Whole([]), Id, Start, Payload, HasMore);

    /// <summary>The datagram that such fragments make up.</summary>
    public byte[] Whole(byte[] payload)
    {
        // A protocol whose header no comparer reads.
        Other packet = new(99, payload) { DontFragment = false };
        packet = Version == 4 ? packet with { Id = (ushort)Id } : packet with { Source = Host6, Destination = Host6 };
        return packet.Bytes();
    }

    public bool Equals(int start, byte[] payload) => Start == start && Payload.SequenceEqual(payload);
}

/// <summary>
/// A simple model of reassembly in lockstep: every byte is in a dictionary, every fragment in a list. It has no limits of memory.
/// </summary>
/// <param name="side">At a checkpoint the secondary's datagrams are dropped; the later fragments of the primary's are treated as
/// the first ones were.</param>
internal sealed class ReassemblerModel(Side side)
{
    // Datagrams in the order of their first fragments.
    private readonly List<Building> buildings = [];
    private uint epoch;

    /// <summary>The frames that come out, in order.</summary>
    public List<Emitted> Output { get; } = [];

    public void Accept(Piece piece)
    {
        if (piece is { Start: 0, HasMore: false })
        {
            // Only IPv6 has such atomic fragments (RFC 6946), and each is a datagram by itself.
            Output.Add(new Emitted(piece.Whole(piece.Payload), FrameKind.OtherIp, epoch, false, true, 1, [piece.Frame]));
            return;
        }

        Building? building = buildings.Find(b => b.Pieces[0].Version == piece.Version && b.Pieces[0].Id == piece.Id);
        if (building is null)
        {
            building = new Building { Epoch = epoch };
            buildings.Add(building);
        }

        bool isPart = !building.IsGivenUp && building.Accepts(piece);
        building.Pieces.Add(piece);
        if (building.IsGivenUp)
        {
            Output.Add(Alone(piece, building));
        }
        else if (!isPart)
        {
            building.IsGivenUp = true;
            Represent(building, [.. building.Pieces.SkipLast(1)]);
            Output.Add(Alone(piece, building));
        }
        else if (building.Payload is byte[] payload)
        {
            List<byte[]> fragments = [.. building.Pieces.Select(p => p.Frame)];
            Output.Add(new Emitted(piece.Whole(payload), FrameKind.OtherIp, building.Epoch, false, true, fragments.Count, fragments));
            buildings.Remove(building);
        }
    }

    public void Checkpoint()
    {
        GiveUpAll();
        epoch++;
        if (side == Side.Secondary)
        {
            buildings.Clear();
        }
    }

    public void WaitForTimeout()
    {
        buildings.RemoveAll(b => b.IsGivenUp);
        foreach (Building building in buildings)
        {
            building.IsGivenUp = true;
            Represent(building, building.Pieces);
        }
    }

    public void GiveUpAll() => buildings.FindAll(b => !b.IsGivenUp).ForEach(GiveUp);

    /// <summary>One frame represents the fragments received: it has the headers of the first fragment, or of any where the first
    /// is missing.</summary>
    private void Represent(Building building, List<Piece> pieces)
    {
        if (pieces.Count != 0)
        {
            Piece shown = pieces.Find(p => p.Start == 0) ?? pieces[0];
            List<byte[]> fragments = [.. pieces.Select(p => p.Frame)];
            byte[] headers = shown.Frame[..^shown.Payload.Length];
            Output.Add(new Emitted(headers, FrameKind.Fragment, building.Epoch, false, true, fragments.Count, fragments));
        }
    }

    private void GiveUp(Building building)
    {
        building.IsGivenUp = true;
        Output.AddRange(building.Pieces.Select(piece => Alone(piece, building)));
    }

    private static Emitted Alone(Piece piece, Building building) =>
        new(piece.Frame, FrameKind.Fragment, building.Epoch, false, false, 1, []);

    private sealed class Building
    {
        public List<Piece> Pieces { get; } = [];

        public uint Epoch { get; init; }

        public bool IsGivenUp { get; set; }

        public byte[]? Payload
        {
            get
            {
                Dictionary<int, byte> bytes = Bytes();
                return Last is Piece last && bytes.Count == End(last) ? [.. Enumerable.Range(0, End(last)).Select(i => bytes[i])] : null;
            }
        }

        private Piece? Last => Pieces.Find(p => !p.HasMore);

        public bool Accepts(Piece piece)
        {
            if (piece.Payload.Length == 0 || (piece.HasMore && piece.Payload.Length % 8 != 0))
            {
                return false;
            }

            int behind = Pieces.Select(End).DefaultIfEmpty().Max();
            bool endsWell = piece.HasMore
                ? Last is null || End(piece) < End(Last)
                : Last is null ? End(piece) > behind : End(piece) == End(Last);
            bool isNew = !Enumerable.Range(piece.Start, piece.Payload.Length).Any(Bytes().ContainsKey);
            return endsWell && (isNew || Pieces.Exists(p => p.Equals(piece.Start, piece.Payload)));
        }

        private Dictionary<int, byte> Bytes()
        {
            Dictionary<int, byte> bytes = [];
            foreach (Piece piece in Pieces)
            {
                for (int i = 0; i < piece.Payload.Length; i++)
                {
                    bytes[piece.Start + i] = piece.Payload[i];
                }
            }

            return bytes;
        }

        private static int End(Piece piece) => piece.Start + piece.Payload.Length;
    }
}
