#!/usr/bin/env bash
# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# server.git and a clone of it. Production is at v1.2.3; main has a fix on top, then a change of the
# same line that does not go onto production alone.

set -euo pipefail
cd "$1"
export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=Ada GIT_AUTHOR_EMAIL=ada@shop.example
export GIT_COMMITTER_NAME=Ada GIT_COMMITTER_EMAIL=ada@shop.example

save() {
    printf '%s\n' one two "$2" four five >"seed/app/cart.txt"
    git -C seed add --all
    git -C seed commit --quiet --message "$1"
}

git init --quiet --template= --initial-branch=main seed
mkdir seed/app
save "begin" three
git -C seed tag --annotate --message 1.2.3 v1.2.3
echo search >seed/app/search.txt
save "feature" three
save "fix" fixed
save "fix it again" "fixed twice"
git clone --quiet --template= --bare seed server.git
git clone --quiet --template= "file://$1/server.git" clone
rm -r seed
