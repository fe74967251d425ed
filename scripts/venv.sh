#!/usr/bin/env bash
# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Makes .venv: Ansible, the collection and the tools behind the other make targets.
# PYTHON names the interpreter to start from.

set -euo pipefail
cd "$(dirname "$0")/.."

python="${PYTHON:-python3}"

say() { printf 'venv: %s\n' "$*" >&2; }
fail() {
    say "$@"
    exit 1
}

require_python() {
    command -v "$python" >/dev/null || fail "there is no $python on the PATH; install Python 3.10 or later"
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
        fail "$python is $("$python" -V 2>&1), Python 3.10 or later is needed; name one: make venv PYTHON=python3.12"
}

# Debian ships the standard library's venv without the pip it needs, in a package of its own.
require_ensurepip() {
    "$python" -c 'import ensurepip' 2>/dev/null && return
    local package
    package="$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        fail "$python cannot make a virtual environment; on Debian: sudo apt-get install $package, then again"
    fi
    say "installing the system package $package with apt-get"
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package"; } \
        >&2 || fail "apt-get could not install $package; see its message above"
}

# uv reads none of pip's settings; what this machine needs to reach its index is handed on through make.
write_uv_settings() {
    local index certificates
    index="$(pip_setting index-url)"
    certificates="${SSL_CERT_FILE:-$(pip_setting cert)}"
    (
        umask 077
        {
            printf 'export UV_SYSTEM_CERTS := 1\n'
            [ -z "$index" ] || printf 'export UV_DEFAULT_INDEX := %s\n' "$index"
            [ -z "$certificates" ] || printf 'export SSL_CERT_FILE := %s\n' "$certificates"
        } >.venv/uv.mk
    )
    export UV_SYSTEM_CERTS=1
    [ -z "$index" ] || export UV_DEFAULT_INDEX="$index"
    [ -z "$certificates" ] || export SSL_CERT_FILE="$certificates"
}

pip_setting() {
    .venv/bin/pip config list 2>/dev/null | sed -n "s/^\(:env:\.\|install\.\|global\.\|user\.\|site\.\)$1='\(.*\)'\$/\2/p" | head -n 1
}

require_python
require_ensurepip

say "$("$python" -V 2>&1) into .venv: Ansible, the collection's requirements, pytest, ruff, mypy, ansible-lint, nox"
# A system upgrade may have taken away the interpreter that an older .venv links to.
.venv/bin/python -c '' 2>/dev/null || "$python" -m venv --clear .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt uv
write_uv_settings
.venv/bin/uv pip install --quiet --python .venv/bin/python -r requirements-dev.txt -c constraints.txt

# Ansible and the tests import the checkout itself as ansible_collections.oncall.recovery.
mkdir -p .venv/collections/ansible_collections/oncall
ln -sfn ../../../.. .venv/collections/ansible_collections/oncall/recovery

touch .venv/.installed
say "ready: ansible-core $(.venv/bin/python -c 'from importlib.metadata import version; print(version("ansible-core"))'); use it with: eval \"\$(make -s env)\""
