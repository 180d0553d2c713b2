// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Text;
using ColoWire.Engine;
using ColoWire.Engine.Frames;
using ColoWire.Fuzz.Generating;

namespace ColoWire.Fuzz.Cases;

/// <summary>
/// A case as text, for people and for <c>replay</c>: lines of <c>option NAME VALUE</c> and <c>shape NAME VALUE</c> where they
/// differ from the base, <c>promise NAME</c>, then one line per step: <c>P PIPELINE HEX</c>, <c>S PIPELINE HEX</c>, <c>W PIPELINE
/// HEX</c>, <c>poll</c>, <c>duty N</c>, <c>advance NS</c>, <c>event NAME</c>, <c>output N</c>.
/// </summary>
internal static class CaseText
{
    public static string Write(FuzzCase made)
    {
        StringBuilder text = new();
        foreach (PropertyInfo property in OptionDraw.All)
        {
            object? value = property.GetValue(made.Options);
            if (!IsSame(value, property.GetValue(OptionDraw.Base)))
            {
                text.AppendLine(CultureInfo.InvariantCulture, $"option {property.Name} {Text(value)}");
            }
        }

        Shape plain = new();
        foreach (PropertyInfo property in ShapeProperties.Where(p => !Equals(p.GetValue(made.Shape), p.GetValue(plain))))
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"shape {property.Name} {Text(property.GetValue(made.Shape))}");
        }

        text.AppendLine(CultureInfo.InvariantCulture, $"promise {made.Promise}");
        foreach (Step step in made.Steps)
        {
            text.AppendLine(Line(made, in step));
        }

        return text.ToString();
    }

    public static FuzzCase Read(IEnumerable<string> lines)
    {
        EngineOptions options = OptionDraw.Base with { };
        Shape shape = new();
        Promise promise = Promise.None;
        List<Step> steps = [];
        using MemoryStream bytes = new();
        Dictionary<string, int> known = [];
        foreach (string[] words in lines.Select(line => line.Split('#')[0].Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(w => w.Length != 0))
        {
            string last = words[^1];
            switch (words[0])
            {
                case "option":
                    PropertyInfo option = OptionDraw.All.Single(p => p.Name == words[1]);
                    option.SetValue(options, Value(option.PropertyType, string.Join(' ', words[2..])));
                    break;
                case "shape":
                    PropertyInfo property = ShapeProperties.Single(p => p.Name == words[1]);
                    property.SetValue(shape, Value(property.PropertyType, last));
                    break;
                case "promise":
                    promise = Enum.Parse<Promise>(last);
                    break;
                case "P" or "S" or "W":
                    byte[] frame = words.Length == 3 ? Convert.FromHexString(last) : [];
                    // A frame with the same bytes on both sides is stored once, as when the case was made.
                    if (!known.TryGetValue(last, out int offset))
                    {
                        known[last] = offset = (int)bytes.Length;
                        bytes.Write(frame);
                    }

                    steps.Add(
                        Step.Frame(
                            (Side)"PSW".IndexOf(words[0], StringComparison.Ordinal), Number(words[1]), offset, frame.Length));
                    break;
                case "event":
                    steps.Add(Step.Of(Enum.Parse<Event>(last)));
                    break;
                case "poll":
                    steps.Add(Step.Of(StepKind.Poll));
                    break;
                default:
                    StepKind kind = words[0] switch
                    {
                        "duty" => StepKind.PollDuty,
                        "advance" => StepKind.Advance,
                        "output" => StepKind.OutputLimit,
                        _ => throw new FormatException($"no step is called '{words[0]}'"),
                    };
                    steps.Add(Step.Of(kind, long.Parse(last, CultureInfo.InvariantCulture)));
                    break;
            }
        }

        return new FuzzCase { Options = options, Shape = shape, Promise = promise, Steps = steps, Bytes = bytes.ToArray() };
    }

    public static IEnumerable<PropertyInfo> ShapeProperties => typeof(Shape).GetProperties().Where(p => p.CanWrite);

    private static string Line(FuzzCase made, in Step step) => step.Kind switch
    {
        StepKind.Frame => $"{"PSW"[(int)step.Side]} {step.Pipeline} {Convert.ToHexString(made.Frame(in step))}",
        StepKind.Poll => "poll",
        StepKind.PollDuty => $"duty {step.Value}",
        StepKind.Advance => $"advance {step.Value}",
        StepKind.OutputLimit => $"output {step.Value}",
        _ => $"event {(Event)step.Value}",
    };

    private static bool IsSame(object? left, object? right) => Text(left) == Text(right);

    private static string Text(object? value) => value switch
    {
        IEnumerable<ToleratedField> fields => string.Join(',', fields),
        IEnumerable<PolicyRule> rules => string.Join(';', rules.Select(Text)),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
    };

    private static string Text(PolicyRule rule) => string.Join(
        ' ',
        (string[])
        [
            rule.Action.ToString(),
            .. rule.Protocol is { } protocol ? [$"proto={protocol}"] : (string[])[],
            .. rule.Ports is { } ports ? [$"ports={ports.First}-{ports.Last}"] : (string[])[],
            .. rule.Network is { } network ? [$"net={OptionDraw.Networks.Single(n => n.Prefix == network).Text}"] : (string[])[],
            .. rule.Vlan is { } vlan ? [$"vlan={vlan}"] : (string[])[],
        ]);

    private static object Value(Type type, string text)
    {
        if (type == typeof(IReadOnlyList<ToleratedField>))
        {
            return text.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(Enum.Parse<ToleratedField>).ToArray();
        }

        return type == typeof(IReadOnlyList<PolicyRule>)
            ? text.Split(';', StringSplitOptions.RemoveEmptyEntries).Select(Rule).ToArray()
            : type.IsEnum ? Enum.Parse(type, text) : Convert.ChangeType(text, type, CultureInfo.InvariantCulture);
    }

    private static PolicyRule Rule(string text)
    {
        string[] words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        PolicyRule rule = new(Enum.Parse<PolicyAction>(words[0]));
        foreach (string[] pair in words[1..].Select(word => word.Split('=')))
        {
            rule = pair[0] switch
            {
                "proto" => rule with { Protocol = (byte)Number(pair[1]) },
                "ports" => rule with
                {
                    Ports = new PortRange((ushort)Number(pair[1].Split('-')[0]), (ushort)Number(pair[1].Split('-')[1])),
                },
                "net" => rule with { Network = OptionDraw.Networks.Single(n => n.Text == pair[1]).Prefix },
                _ => rule with { Vlan = Number(pair[1]) },
            };
        }

        return rule;
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
