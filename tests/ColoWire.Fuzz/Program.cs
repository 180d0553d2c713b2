// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Fuzz;

return FuzzCommands.Make().Parse(args).Invoke();
