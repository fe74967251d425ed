# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of the repository that a tool can check and no other tool does."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.oncall.recovery.plugins.doc_fragments import (
    _connection,
    _git,
    _incident_store,
    _postgresql,
    _production_tag,
    _servers,
    _signals,
    _workloads,
)
from ansible_collections.oncall.recovery.plugins.module_utils import _options

CHECKOUT = Path(__file__).resolve().parent.parent.parent
MODULE_UTILS = CHECKOUT / "plugins" / "module_utils"
MODULES = sorted((CHECKOUT / "plugins" / "modules").glob("*.py"))
PLUGINS = sorted((CHECKOUT / "plugins").rglob("*.py"))
ACTION_GROUPS = yaml.safe_load((CHECKOUT / "meta" / "runtime.yml").read_text())["action_groups"]

IMPORT_ROOT = "ansible_collections.oncall.recovery.plugins."
# Their import costs a task up to half a second, and `import git` even runs git.
HEAVY_LIBRARIES = {"git", "jinja2", "jmespath", "kubernetes", "urllib3", "yaml"}
# Who may know whom among the parts of the domain; a part that is not named here knows only itself.
MAY_IMPORT: dict[str, set[str]] = {
    "_adapter": {"_errors"},
    "_adapter_database": {"_database", "_options"},
    "_adapter_git": {"_git", "_options"},
    "_adapter_incident": {"_adapter_kube", "_incident", "_kube", "_options"},
    "_adapter_kube": {"_kube", "_options"},
    # Where signals and the cluster meet, since neither may know the other.
    "_adapter_signals": {"_adapter_kube", "_errors", "_kube", "_signals"},
    "_alerting": {"_errors"},
    "_database": {"_errors", "_redact"},
    # A signal is evidence in the form that signal_info gives it.
    "_decision": {"_errors", "_signals"},
    "_git": {"_errors", "_redact"},
    # Its records can be kept in the cluster.
    "_incident": {"_errors", "_kube", "_redact"},
    "_kube": {"_errors", "_redact"},
    "_signals": {"_errors", "_redact"},
}
ALSO_OF_A_CLUSTER = {"incident", "incident_event", "incident_info", "postmortem", "signal_info"}
LICENCE_HEADER = Path(__file__).read_text().splitlines()[:3]


def name_of(path: Path) -> str:
    return str(path.relative_to(CHECKOUT))


def tracked_python_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.py"],
        cwd=CHECKOUT,
        check=True,
        capture_output=True,
        text=True,
    )
    paths = (CHECKOUT / name for name in listed.stdout.split("\0") if name)
    return sorted(path for path in paths if path.exists() and path.stat().st_size)


def imports_of(tree: ast.AST) -> Iterator[str]:
    """The dotted names that are imported anywhere below ``tree``, as in ``module.attribute``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imports_paid_at_start(tree: ast.AST) -> Iterator[str]:
    """The imports that run when the file is imported: not those inside functions or for types."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from imports_of(node)
        yield from imports_paid_at_start(node)


def documentation_of(module: Path) -> dict[str, Any]:
    for node in ast.parse(module.read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "DOCUMENTATION":
            return yaml.safe_load(ast.literal_eval(node.value))
    raise AssertionError(f"{name_of(module)} has no DOCUMENTATION")


def belongs(module: str, group: str) -> bool:
    """Whether a module is one of the group; signals and records can be those of a cluster, too."""
    return module.startswith(f"{group}_") or (group == "k8s" and module in ALSO_OF_A_CLUSTER)


def members_of(group: str) -> list[str]:
    return [member for member in ACTION_GROUPS[group] if isinstance(member, str)]


@pytest.mark.parametrize("group", ["all", "k8s", "git"])
def test_action_group_lists_every_module_that_belongs_to_it_in_order(group: str) -> None:
    names = [module.stem for module in MODULES if group == "all" or belongs(module.stem, group)]
    assert members_of(group) == sorted(names)


def test_action_group_k8s_reaches_the_modules_of_kubernetes_core() -> None:
    assert {"metadata": {"extend_group": ["kubernetes.core.k8s"]}} in ACTION_GROUPS["k8s"]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.stem)
def test_module_says_what_it_supports(module: Path) -> None:
    documentation = documentation_of(module)
    fragments = documentation["extends_documentation_fragment"]
    assert "oncall.recovery._attributes" in fragments
    for group in ("k8s", "git"):
        fragment = f"oncall.recovery._attributes.actiongroup_{group}"
        assert (fragment in fragments) == belongs(module.stem, group)


def as_documented(options: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What documentation has to say about the options of an argument spec."""
    documented = {}
    for name, option in options.items():
        told = {key: option[key] for key in TOLD_OF_AN_OPTION if key in option}
        if "options" in option:
            told["suboptions"] = as_documented(option["options"])
        documented[name] = told
    return documented


def told_by(documentation: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What the documentation of options says, without its prose."""
    told = {}
    for name, option in documentation.items():
        told[name] = {key: option[key] for key in TOLD_OF_AN_OPTION if key in option}
        if "suboptions" in option:
            told[name]["suboptions"] = told_by(option["suboptions"])
    return told


def fragment_of(file: Any, part: str = "DOCUMENTATION") -> dict[str, Any]:
    """The options that a part of a doc fragment documents."""
    return dict(yaml.safe_load(getattr(file.ModuleDocFragment, part))["options"])


TOLD_OF_AN_OPTION = ("type", "elements", "choices", "default", "required", "aliases")
SHARED_OPTIONS = pytest.mark.parametrize(
    ("fragment", "options"),
    [
        pytest.param(fragment_of(_connection), _options.CONNECTION_OPTIONS, id="connection"),
        pytest.param(fragment_of(_git), _options.GIT_OPTIONS, id="git"),
        pytest.param(
            fragment_of(_incident_store), _options.INCIDENT_STORE_OPTIONS, id="incident_store"
        ),
        pytest.param(
            fragment_of(_postgresql),
            {**_options.POSTGRESQL_OPTIONS, **_options.BACKUP_SOURCES_OPTIONS},
            id="postgresql",
        ),
        pytest.param(
            fragment_of(_production_tag), _options.PRODUCTION_TAG_OPTIONS, id="production_tag"
        ),
        pytest.param(fragment_of(_servers), _options.SERVER_OPTIONS, id="servers"),
        pytest.param(fragment_of(_signals), _options.SIGNALS_OPTIONS, id="signals"),
        pytest.param(fragment_of(_workloads), _options.WORKLOAD_OPTIONS, id="workloads"),
        pytest.param(
            fragment_of(_workloads, "SCALABLE"),
            _options.SCALABLE_WORKLOAD_OPTIONS,
            id="scalable workloads",
        ),
    ],
)


@SHARED_OPTIONS
def test_doc_fragment_agrees_with_the_shared_options(
    fragment: dict[str, Any], options: dict[str, dict[str, Any]]
) -> None:
    assert told_by(fragment) == as_documented(options)


def environment_of(option: dict[str, Any]) -> list[str]:
    return list(option["fallback"][1]) if "fallback" in option else []


def environment_told_by(documentation: dict[str, Any]) -> list[str]:
    description = " ".join(documentation["description"])
    return re.findall(r"E\(((?:K8S_AUTH|RECOVERY_GIT|RECOVERY_INCIDENT)_\w+)\)", description)


@SHARED_OPTIONS
def test_doc_fragment_names_the_environment_variables_that_are_read(
    fragment: dict[str, Any], options: dict[str, dict[str, Any]]
) -> None:
    told = {name: environment_told_by(fragment[name]) for name in options}
    assert told == {name: environment_of(option) for name, option in options.items()}


def test_doc_fragment_names_the_environment_variables_of_the_servers() -> None:
    documented = fragment_of(_servers)["prometheus"]["suboptions"]
    servers = [server["options"] for server in _options.SERVER_OPTIONS.values()]
    for name, told in documented.items():
        read = [variable for server in servers for variable in environment_of(server[name])]
        assert re.findall(r"E\((RECOVERY_\w+)\)", " ".join(told["description"])) == read


@pytest.mark.parametrize("plugin", PLUGINS, ids=name_of)
def test_plugin_imports_heavy_libraries_only_where_it_needs_them(plugin: Path) -> None:
    paid = imports_paid_at_start(ast.parse(plugin.read_text()))
    assert not {name for name in paid if name.split(".")[0] in HEAVY_LIBRARIES}


@pytest.mark.parametrize("plugin", PLUGINS, ids=name_of)
def test_only_the_adapters_know_ansible_module(plugin: Path) -> None:
    if not plugin.name.startswith("_adapter"):
        assert "ansible.module_utils.basic.AnsibleModule" not in imports_of(
            ast.parse(plugin.read_text())
        )


@pytest.mark.parametrize("plugin", PLUGINS, ids=name_of)
def test_plugin_imports_only_what_lies_below_it(plugin: Path) -> None:
    imported = imports_of(ast.parse(plugin.read_text()))
    ours = [name.removeprefix(IMPORT_ROOT).split(".") for name in imported if IMPORT_ROOT in name]
    if not plugin.is_relative_to(MODULE_UTILS):
        assert {name[0] for name in ours} <= {"module_utils"}
        return
    assert all(name[0] == "module_utils" for name in ours)
    part = plugin.relative_to(MODULE_UTILS).parts[0].removesuffix(".py")
    assert {name[1] for name in ours} <= {part} | MAY_IMPORT.get(part, set())


@pytest.mark.parametrize("path", tracked_python_files(), ids=name_of)
def test_python_file_has_the_licence_header(path: Path) -> None:
    lines = path.read_text().splitlines()
    first = 1 if lines[0].startswith("#!") else 0
    assert lines[first : first + len(LICENCE_HEADER)] == LICENCE_HEADER
