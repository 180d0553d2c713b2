// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using NUnit.Framework;

namespace ColoWire.Wire.Tests;

/// <summary>What every test here needs.</summary>
[SetUpFixture]
internal sealed class WireSetUp
{
    [OneTimeSetUp]
    public void RequireRoot()
    {
        if (!Environment.IsPrivilegedProcess)
            Assert.Ignore("needs root: makes network namespaces");
        NetworkNamespace.RemoveStale();
    }
}
