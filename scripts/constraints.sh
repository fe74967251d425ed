#!/usr/bin/env bash
# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Resolves requirements-dev.txt for every supported Python and pins the result in constraints.txt.

set -euo pipefail
cd "$(dirname "$0")/.."

resolved="$(env -u UV_CONSTRAINT .venv/bin/uv pip compile --quiet --universal --python-version 3.10 \
    --no-header --no-annotate --no-emit-package ansible-core --no-emit-package resolvelib requirements-dev.txt)"

comments="$(grep '^#\|^$' constraints.txt)"
printf '%s\n%s\n' "$comments" "$resolved" >constraints.txt
