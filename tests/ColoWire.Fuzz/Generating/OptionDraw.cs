// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using ColoWire.Engine;
using ColoWire.Engine.Wire;

namespace ColoWire.Fuzz.Generating;

/// <summary>
/// Draws engine options from all allowed values. A number's range is the one of the same name in <see cref="EngineLimits"/>, so
/// that a new option is drawn without a change here.
/// </summary>
internal static class OptionDraw
{
    /// <summary>Limits of the memory of one fuzzer: more slots and flows would find no further faults.</summary>
    private static readonly Dictionary<string, int> Most = new()
    {
        [nameof(EngineOptions.SlotsPerSide)] = 2048,
        [nameof(EngineOptions.LargeSlotsPerSide)] = 16,
        [nameof(EngineOptions.Flows)] = 2048,
        [nameof(EngineOptions.Shards)] = 5,
    };

    /// <summary>Networks that a policy rule may use.</summary>
    public static readonly (string Text, AddressPrefix Prefix)[] Networks =
    [
        ("10.0.0.0/24", new AddressPrefix([10, 0, 0, 0], 24)),
        ("10.0.0.1/32", new AddressPrefix([10, 0, 0, 1], 32)),
        ("10.0.1.2/31", new AddressPrefix([10, 0, 1, 2], 31)),
        ("fd00::/64", new AddressPrefix([0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 64)),
        ("0.0.0.0/0", new AddressPrefix([0, 0, 0, 0], 0)),
    ];

    // AdviseMemory has no effect on frames; the guest's addresses are learned.
    private static readonly string[] NotDrawn = [nameof(EngineOptions.AdviseMemory), nameof(EngineOptions.GuestAddresses)];

    private static readonly PropertyInfo[] Properties =
        [.. typeof(EngineOptions).GetProperties().Where(p => p.CanWrite && !NotDrawn.Contains(p.Name))];

    private static readonly Dictionary<string, Range<int>> Ranges = typeof(EngineLimits)
        .GetFields(BindingFlags.Public | BindingFlags.Static)
        .Where(field => field.FieldType == typeof(Range<int>))
        .ToDictionary(field => field.Name, field => (Range<int>)field.GetValue(null)!);

    /// <summary>The options before drawing: the defaults, with less memory.</summary>
    public static EngineOptions Base { get; } = new() { SlotsPerSide = 512, LargeSlotsPerSide = 4, Flows = 256 };

    /// <summary>The options that may be drawn, in the order of their names.</summary>
    public static IEnumerable<PropertyInfo> All => Properties;

    /// <summary>Draws options; each has its default or, with equal probability, another allowed value.</summary>
    public static EngineOptions Draw(Dice dice)
    {
        EngineOptions options = Base with { HashKey = FlowHashKey.FromSeed(dice.Next()) };
        int rarity = dice.Between(1, 4);
        foreach (PropertyInfo property in Properties)
        {
            // The generator draws it: only in some kinds of cases do clients send.
            if (property.Name != nameof(EngineOptions.Inbound) && dice.OneIn(rarity) && Draw(property, dice) is { } value)
            {
                property.SetValue(options, value);
            }
        }

        return options;
    }

    /// <summary>Draws a value of an option.</summary>
    /// <returns>The value, or null when no value can be chosen.</returns>
    public static object? Draw(PropertyInfo property, Dice dice)
    {
        Type type = property.PropertyType;
        if (type == typeof(int))
        {
            return Number(property.Name, dice);
        }

        if (type == typeof(bool))
        {
            return dice.OneIn(2);
        }

        if (type.IsEnum)
        {
            Array values = Enum.GetValues(type);
            return values.GetValue(dice.Below(values.Length));
        }

        if (type == typeof(IReadOnlyList<ToleratedField>))
        {
            return Enumerable.Range(0, dice.Between(0, 4))
                .Select(_ => dice.Pick<ToleratedField>(Enum.GetValues<ToleratedField>())).ToArray();
        }

        return type == typeof(IReadOnlyList<PolicyRule>)
            ? Enumerable.Range(0, dice.Between(0, 4)).Select(_ => Rule(dice)).ToArray()
            : null;
    }

    private static int Number(string name, Dice dice)
    {
        Range<int> range = Ranges.TryGetValue(name, out Range<int> found)
            ? found
            : throw new InvalidOperationException($"EngineLimits has no range for the option {name}");
        int most = Math.Min(range.Maximum, Most.GetValueOrDefault(name, range.Maximum));
        return dice.Below(6) switch
        {
            0 => range.Minimum,
            1 => most,
            2 => Math.Min(range.Default, most),
            _ => dice.LogBetween(range.Minimum, most),
        };
    }

    private static PolicyRule Rule(Dice dice) => new(dice.Pick<PolicyAction>(Enum.GetValues<PolicyAction>()))
    {
        Protocol = dice.OneIn(2)
            ? dice.Pick<byte>([Protocol.Tcp, Protocol.Udp, Protocol.Icmp, Protocol.Sctp, Protocol.IcmpV6, 0])
            : null,
        Ports = dice.OneIn(3) ? new PortRange(FrameWriter.FirstPort, (ushort)(FrameWriter.FirstPort + dice.Below(4))) : null,
        Network = dice.OneIn(4) ? dice.Pick<(string, AddressPrefix Prefix)>(Networks).Prefix : null,
        Vlan = dice.OneIn(6) ? dice.Between(0, 6) : null,
    };
}
