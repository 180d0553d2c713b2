#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# To be sourced: installs Debian packages whose command or file is not there.

# install_missing COMMAND_OR_FILE:PACKAGE ...
install_missing() {
  local pair thing package missing=()
  for pair in "$@"; do
    thing=${pair%%:*}
    package=${pair#*:}
    case "$thing" in
      /*) compgen -G "$thing" >/dev/null || missing+=("$package") ;;
      *) PATH="$PATH:/usr/sbin:/sbin" command -v "$thing" >/dev/null || missing+=("$package") ;;
    esac
  done
  [ ${#missing[@]} = 0 ] && return 0
  if [ "$(id -u)" != 0 ]; then
    echo "missing: ${missing[*]}; as root: apt-get install ${missing[*]}" >&2
    return 1
  fi
  echo "installing ${missing[*]}"
  DEBIAN_FRONTEND=noninteractive apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}
