// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Engine.Flows;

internal sealed class FlowTable
{
    public static long ByteCount(int flows) => flows * 192L;
}
