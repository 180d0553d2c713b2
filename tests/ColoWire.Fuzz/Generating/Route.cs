// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Fuzz.Generating;

/// <summary>The addresses and ports of a flow, and the headers before the transport.</summary>
internal sealed class Route
{
    private static readonly byte[] Chain = [0, 43, 60, 135, 51, 60, 0, 59, 50, 44];

    public bool IsV6 { get; init; }

    /// <summary>Identifiers of VLAN tags, outermost first.</summary>
    public ushort[] Vlans { get; init; } = [];

    public byte Source { get; init; }

    public byte Destination { get; init; }

    public ushort SourcePort { get; init; }

    public ushort DestinationPort { get; init; }

    /// <summary>IPv6: types of the extension headers before the transport.</summary>
    public byte[] Extensions { get; init; } = [];

    /// <summary>IPv4: length of the options, in words of 32 bits.</summary>
    public int OptionWords { get; init; }

    /// <summary>Draws one of a few routes, so that frames often belong to the same flow.</summary>
    public static Route Draw(Dice dice, int variety)
    {
        bool isV6 = dice.OneIn(4);
        return new Route
        {
            IsV6 = isV6,
            Vlans = dice.Below(12) switch
            {
                0 => [5],
                1 => [2, 3],
                2 => [1, 2, 3],
                _ => [],
            },
            Source = (byte)dice.Below(3),
            Destination = (byte)dice.Below(4),
            SourcePort = (ushort)(FrameWriter.FirstPort + dice.Below(variety)),
            DestinationPort = (ushort)(40_000 + dice.Below(variety)),
            Extensions = isV6 && dice.OneIn(3) ? DrawChain(dice) : [],
            OptionWords = dice.OneIn(16) ? dice.Between(1, 10) : 0,
        };
    }

    private static byte[] DrawChain(Dice dice)
    {
        byte[] types = new byte[dice.OneIn(8) ? dice.Between(7, 12) : dice.Between(1, 3)];
        int kinds = dice.OneIn(4) ? Chain.Length : 4;
        for (int i = 0; i < types.Length; i++)
        {
            types[i] = Chain[dice.Below(kinds)];
        }

        return types;
    }
}
