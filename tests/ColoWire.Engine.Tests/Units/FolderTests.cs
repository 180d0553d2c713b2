// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using NUnit.Framework;

namespace ColoWire.Engine.Tests.Units;

/// <summary>The folders of the engine are layers: a folder uses those before it in the list, and none behind it.</summary>
public sealed class FolderTests
{
    private const string Root = "ColoWire.Engine";

    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly string[] Layers =
    [
        Root, Root + ".Rings", Root + ".Wire", Root + ".Frames", Root + ".Flows", Root + ".Translate", Root + ".Failures",
        Root + ".Checkpoint", Root + ".Exits", Root + ".Fragments", Root + ".Compare", Root + ".Capture",
        Root + ".Egress", Root + ".Shards", Root + ".Pipelines",
    ];

    private static IEnumerable<Type> Types =>
        typeof(EngineOptions).Assembly.GetTypes().Where(type => type.Namespace?.StartsWith(Root) == true);

    [Test]
    public void Each_folder_of_the_engine_is_a_layer() =>
        Assert.That(Types.Select(type => type.Namespace).Distinct(), Is.EquivalentTo(Layers));

    [Test]
    public void No_type_uses_a_folder_of_a_later_layer()
    {
        IEnumerable<string> wrong =
            from type in Types
            from used in Used(type).Distinct()
            where Array.IndexOf(Layers, used.Namespace) > Array.IndexOf(Layers, type.Namespace)
            select $"{type} uses {used}";
        Assert.That(wrong, Is.Empty);
    }

    private static IEnumerable<Type> Used(Type type)
    {
        IEnumerable<MethodBase> methods = [.. type.GetMethods(Declared), .. type.GetConstructors(Declared)];
        return type.GetFields(Declared).Select(field => field.FieldType)
            .Concat(methods.SelectMany(method => method.GetParameters()).Select(parameter => parameter.ParameterType))
            .Concat(methods.OfType<MethodInfo>().Select(method => method.ReturnType))
            .Concat(methods.SelectMany(method => method.GetMethodBody()?.LocalVariables ?? []).Select(local => local.LocalType))
            .SelectMany(Parts);
    }

    /// <summary>The type itself, what it refers to or is an array of, and its arguments.</summary>
    private static IEnumerable<Type> Parts(Type type) =>
        type.HasElementType ? Parts(type.GetElementType()!) : type.GetGenericArguments().SelectMany(Parts).Prepend(type);
}
