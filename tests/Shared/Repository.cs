// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.IO;

namespace ColoWire.Tests.Shared;

/// <summary>The working tree that the tests were built from: pages, scripts and captures are read there.</summary>
internal static class Repository
{
    /// <summary>Its root, an absolute path.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The absolute path of a file or folder.</summary>
    /// <param name="path">From the root, with '/' between folders.</param>
    public static string PathOf(string path) => Path.Combine(Root, path);

    private static string FindRoot()
    {
        string folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "ColoWire.sln")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new FileNotFoundException("ColoWire.sln");
        }

        return folder;
    }
}
