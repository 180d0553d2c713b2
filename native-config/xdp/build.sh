#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Compiles port.bpf.c and writes its instructions as C#: what ColoWire loads is in the tree, so that neither its build nor a bridge
# host needs clang. Without an option: writes the file. --check: writes nothing, exit 1 with the differences when the file in the
# tree is not what the source makes.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.."
# shellcheck source=../../tests/tools/install.sh
source tests/tools/install.sh

source_file=native-config/xdp/port.bpf.c
code_file=src/ColoWire.Ports/Xdp/PortProgram.Code.cs

case "${1:-}" in
    '' | --check) ;;
    *)
        echo "build.sh: $1: unknown option; allowed: --check" >&2
        exit 2
        ;;
esac

# By their versioned names: another clang, which may be the default one, makes other instructions of the same source.
install_missing clang-14:clang-14 llvm-objdump-14:llvm-14 /usr/include/bpf/bpf_helpers.h:libbpf-dev /usr/include/linux/bpf.h:linux-libc-dev >&2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The instruction set is named because compilers differ in their default, and Linux 5.15 knows this one. The headers of asm/ lie
# in a folder of the machine's own, which clang does not look into when it compiles for another one.
clang-14 -O2 -target bpf -mcpu=v2 -Wall -Wextra -Werror -I"/usr/include/$(uname -m)-linux-gnu" -c "$source_file" -o "$work/port.o"
llvm-objdump-14 -dr "$work/port.o" >"$work/listing"
version=$(clang-14 -dumpversion)

# Lines of the listing:  NUMBER: BYTES<tab>MNEMONIC  and below a load of a map's address:  ADDRESS: R_BPF_64_64<tab>MAP
awk -v clang="${version%%.*}" '
    function word(first,    i, hex) {
        hex = ""
        for (i = first + 7; i >= first; i--) hex = hex bytes[i]
        return "0x" hex
    }
    function put(hex, comment) {
        code = code sprintf("        %s, // %2d  %s\n", hex, count++, comment)
    }
    function places(map) {
        return (map in at) ? at[map] : ""
    }
    /^ +[0-9]+:\t/ {
        split($0, parts, "\t")
        total = split(parts[2], bytes, " ")
        mnemonic = parts[3]
        sub(/ <[A-Za-z0-9_+]+>$/, "", mnemonic)
        last = count
        put(word(1), mnemonic)
        if (total == 16) put(word(9), "(its second half)")
    }
    /R_BPF_/ {
        if ($2 != "R_BPF_64_64" || $3 !~ /^(sockets|wire|state|guests)$/) { print "build.sh: unknown reference: " $0 >"/dev/stderr"; exit 1 }
        at[$3] = at[$3] (at[$3] == "" ? "" : ", ") last
    }
    END {
        print "// SPDX-License-Identifier: GPL-2.0-or-later"
        print ""
        print "// Written by native-config/xdp/build.sh from port.bpf.c with clang " clang ". To change it, change that file and run the script."
        print ""
        print "using System;"
        print ""
        print "namespace ColoWire.Ports.Xdp;"
        print ""
        print "public sealed unsafe partial class PortProgram"
        print "{"
        print "    /// <summary>Where the descriptor of the map <c>sockets</c> belongs: the numbers of the instructions.</summary>"
        print "    internal static ReadOnlySpan<int> SocketsAt => [" places("sockets") "];"
        print ""
        print "    /// <summary>Where the descriptor of the map <c>wire</c> belongs.</summary>"
        print "    internal static ReadOnlySpan<int> WireAt => [" places("wire") "];"
        print ""
        print "    /// <summary>Where the descriptor of the map <c>state</c> belongs.</summary>"
        print "    internal static ReadOnlySpan<int> StateAt => [" places("state") "];"
        print ""
        print "    /// <summary>Where the descriptor of the map <c>guests</c> belongs.</summary>"
        print "    internal static ReadOnlySpan<int> GuestsAt => [" places("guests") "];"
        print ""
        print "    /// <summary>The instructions (<c>struct bpf_insn</c> of linux/bpf.h, as words in the order of a little-endian"
        print "    /// machine).</summary>"
        print "    internal static ReadOnlySpan<ulong> Code =>"
        print "    ["
        printf "%s", code
        print "    ];"
        print "}"
    }' "$work/listing" >"$work/code.cs"

if [ "${1:-}" != --check ]; then
    cp "$work/code.cs" "$code_file"
    echo "$code_file: $(grep -c '^        0x' "$code_file") words"
elif diff -u "$code_file" "$work/code.cs"; then
    echo "$code_file is what $source_file makes"
else
    echo "$code_file is not what $source_file makes with clang $version: run native-config/xdp/build.sh" >&2
    exit 1
fi
