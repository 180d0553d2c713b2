#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Makes twins of captures, harmless ones and harmful ones, and lets ColoWire judge all of them.
#
#   twins.sh [--seeds N] [OPTION...] [FOLDER...]
#
# tests/fixtures always, and every FOLDER that is there; N twins of each kind of each capture (default 5). Other options go to
# TwinMaker: --without NAME,... for instance leaves a harmless difference out. The last line is
# `twins tried N, false divergences N, missed N, wrong flow N`; the exit code is 0 only when nothing was judged wrongly.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT

dotnet build "$here/TwinMaker/TwinMaker.csproj" -c Release -o "$build" -v quiet -nologo -tl:off -clp:NoSummary >"$build/build.log" || {
  echo "twins.sh: TwinMaker does not build:" >&2
  cat "$build/build.log" >&2
  exit 2
}
dotnet "$build/TwinMaker.dll" matrix "$@" "$here/../fixtures"
