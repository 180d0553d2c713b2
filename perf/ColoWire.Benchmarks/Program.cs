// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Benchmarks.Shards;

return ShardCommand.Run(args);
