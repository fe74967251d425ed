#!/usr/bin/env bash
# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Prints what a shell needs so that ansible-playbook, the collection and the running cluster are at hand.

set -euo pipefail
cd "$(dirname "$0")/.."

venv="$(printf '%q' "$PWD/.venv")"

# The modules need this environment's kubernetes and GitPython, whichever Python Ansible would find.
cat <<END
export PATH=$venv/bin:"\$PATH"
export ANSIBLE_COLLECTIONS_PATH=$venv/collections:"\${ANSIBLE_COLLECTIONS_PATH:-\$HOME/.ansible/collections}"
export ANSIBLE_PYTHON_INTERPRETER=$venv/bin/python
END

if kubeconfig="$(.venv/bin/python -m tests.cluster kubeconfig 2>/dev/null)"; then
    printf 'export KUBECONFIG=%q\n' "$kubeconfig"
else
    echo "env: no cluster is running, so KUBECONFIG stays as it is; start one with: make cluster" >&2
fi
