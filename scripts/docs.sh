#!/usr/bin/env bash
# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Builds the site of the collection's documentation in docs/_build/html. A warning is an error.

set -euo pipefail
cd "$(dirname "$0")/.."

mkdir -p docs/_build/rst
chmod go-w docs/_build/rst # antsibull-docs writes to no folder that others may write to
# It also writes a log into the home folder.
HOME="$PWD/docs/_build" .venv/bin/antsibull-docs collection --use-current --squash-hierarchy --cleanup everything --fail-on-error \
    --dest-dir docs/_build/rst oncall.recovery
.venv/bin/sphinx-build --quiet --builder html --fail-on-warning --keep-going --conf-dir docs \
    docs/_build/rst docs/_build/html
echo "docs: docs/_build/html/index.html"
