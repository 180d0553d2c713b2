#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # what sources this has sourced tests/qemu/lab.sh, which sets work, guest_address and large_sum
# To be sourced after tests/qemu/lab.sh: how fast the guests of a live pair serve their client.

readonly small_batch=25

# small_gets SECONDS: small GETs per second, a connection each, one after the other
small_gets() {
    local end=$((SECONDS + $1))
    # By the number, for by the time ab cuts off its last connection: one guest may have answered by then and the other not, which costs a checkpoint.
    : >"$work/ab"
    while [ "$SECONDS" -lt "$end" ]; do
        inside timeout 30 ab -q -s 20 -n "$small_batch" -c 1 "http://$guest_address/small" >>"$work/ab" || return 1
    done
    ! grep -q '^Failed requests: *[1-9]' "$work/ab" || return 1
    awk '/^Complete requests:/ { n += $3 } /^Time taken for tests:/ { s += $5 } END { printf "%.2f", n / s }' "$work/ab"
}

# large_gets SECONDS: the speed of a GET of 1 MiB in MB/s, the median of as many as there is time for
large_gets() {
    local end=$((SECONDS + $1))
    : >"$work/speeds"
    while [ "$SECONDS" -lt "$end" ]; do
        get large -o "$work/large" -w '%{speed_download}\n' >>"$work/speeds" || return 1
    done
    [ "$(sha256sum <"$work/large")" = "$large_sum  -" ] || return 1
    sort -n "$work/speeds" | awk '{ v[NR] = $1 } END { printf "%.2f", v[int((NR + 1) / 2)] / 1e6 }'
}
