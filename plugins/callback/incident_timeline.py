# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: incident_timeline
type: notification
short_description: Put every task of a run onto the timeline of an incident
version_added: 0.2.0
author:
  - oncall.recovery contributors (@oncall-recovery)
description:
  - Writes an event for each task and host, with the task's name, whether it changed something or
    failed, with which message, and how long it took. Arguments and results are not written.
  - Values that look like secrets are masked, and of a task with C(no_log) there is no message.
  - It is told the incident by O(incident), or by the extra variable C(recovery_incident), or learns
    it when a task of the run opens one with M(oncall.recovery.incident). Tasks before that are
    written then. A run that is told none is not touched.
  - A run never fails, and hardly waits, because of it. What could not be written is a warning at
    the end. With O(store=configmap), it writes every few seconds and at the end.
  - A run with C(--check) writes nothing.
requirements:
  - to be listed in C(callbacks_enabled) of C(ansible.cfg) or in E(ANSIBLE_CALLBACKS_ENABLED)
  - kubernetes, with O(store=configmap)
options:
  incident:
    description:
      - Id of the incident. The extra variable C(recovery_incident) goes before it.
    type: str
    env:
      - name: RECOVERY_INCIDENT
    ini:
      - section: callback_incident_timeline
        key: incident
  store:
    description:
      - Where the record is kept. The extra variable C(recovery_incident_store) goes before it.
    type: str
    choices:
      - folder
      - configmap
    default: folder
    env:
      - name: RECOVERY_INCIDENT_STORE
    ini:
      - section: callback_incident_timeline
        key: store
  folder:
    description:
      - The folder with all records. The extra variable C(recovery_incident_folder) goes before it.
    type: path
    default: ~/.local/share/oncall-recovery/incidents
    env:
      - name: RECOVERY_INCIDENT_FOLDER
    ini:
      - section: callback_incident_timeline
        key: folder
  namespace:
    description:
      - Namespace of the ConfigMaps. By default that of the context. The extra variable
        C(recovery_incident_namespace) goes before it.
      - The connection is that of the extra variables of this collection's playbooks, such as
        C(recovery_kubeconfig), of the environment variables C(K8S_AUTH_*), which are those of all
        its modules, of the pod's service account, or of the default kubeconfig.
    type: str
    env:
      - name: RECOVERY_INCIDENT_NAMESPACE
    ini:
      - section: callback_incident_timeline
        key: namespace
  skipped:
    description:
      - Whether tasks that were skipped are written, too.
    type: bool
    default: false
    ini:
      - section: callback_incident_timeline
        key: skipped
seealso:
  - module: oncall.recovery.incident
  - module: oncall.recovery.incident_info
"""

EXAMPLES = r"""
# ansible.cfg
# [defaults]
# callbacks_enabled = oncall.recovery.incident_timeline
#
# ansible-playbook oncall.recovery.rollback -e recovery_incident=INC-2041 -e @workload.yml
"""

import contextlib
import os
import time
import typing as t
from pathlib import Path

from ansible import context
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.callback import CallbackBase
from ansible_collections.oncall.recovery.plugins.module_utils._errors import RecoveryError
from ansible_collections.oncall.recovery.plugins.module_utils._incident.event import new_event
from ansible_collections.oncall.recovery.plugins.module_utils._incident.folder import FolderStore
from ansible_collections.oncall.recovery.plugins.module_utils._incident.incident import require_id
from ansible_collections.oncall.recovery.plugins.module_utils._incident.timeline import (
    MOST_WAITING,
    TaskOutcome,
    Timeline,
)
from ansible_collections.oncall.recovery.plugins.module_utils._options import CONNECTION_OPTIONS

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ansible_collections.oncall.recovery.plugins.module_utils._incident.event import Event
    from ansible_collections.oncall.recovery.plugins.module_utils._incident.record import Store

OPENS_INCIDENTS = "oncall.recovery.incident"
# They write their own events.
WRITE_THEMSELVES = (OPENS_INCIDENTS, "oncall.recovery.incident_event")
SECONDS_BETWEEN_WRITES = {"folder": 0.0, "configmap": 5.0}
CONNECTIONS = 2


# Ansible's base class has no types.
class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Writes what a run does onto the timeline of an incident."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "oncall.recovery.incident_timeline"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *arguments: t.Any, **options: t.Any) -> None:
        super().__init__(*arguments, **options)
        self._timeline: Timeline | None = None
        self._variables: Mapping[str, t.Any] = {}
        # Events of the time before the incident is known.
        self._early: list[Event] = []
        self._begun: dict[tuple[str, str], float] = {}
        self._playbook = "playbook"
        self._is_told_off = bool(context.CLIARGS.get("check"))
        self._has_complained = False

    def v2_playbook_on_start(self, playbook: t.Any) -> None:
        with self._never_failing():
            # pylint: disable-next=protected-access
            self._playbook = Path(playbook._file_name).name

    def v2_playbook_on_play_start(self, play: t.Any) -> None:
        with self._never_failing():
            if self._timeline is None:
                self._variables = play.get_variable_manager().extra_vars
                self._look_for_incident(self._variables)
            name = str(play.get_name()).strip() or "a play"
            self._add(new_event(type="task", text=f"Play began: {name}", source=self._playbook))

    def v2_runner_on_start(self, host: t.Any, task: t.Any) -> None:
        with self._never_failing():
            # pylint: disable-next=protected-access
            self._begun[(str(host), task._uuid)] = time.monotonic()

    def v2_runner_on_ok(self, result: t.Any) -> None:
        with self._never_failing():
            self._tell(result, "changed" if result.is_changed() else "ok")

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:
        with self._never_failing():
            self._tell(result, "failed, ignored" if ignore_errors else "failed")

    def v2_runner_on_unreachable(self, result: t.Any) -> None:
        with self._never_failing():
            self._tell(result, "unreachable")

    def v2_runner_on_skipped(self, result: t.Any) -> None:
        with self._never_failing():
            if self.get_option("skipped"):
                self._tell(result, "skipped")

    def v2_playbook_on_stats(self, stats: t.Any) -> None:
        with self._never_failing():
            bad = sorted({*stats.failures, *stats.dark})
            ended = f"failed on {', '.join(bad)}" if bad else "ended well"
            self._add(new_event(type="task", text=f"Run {ended}", source=self._playbook))
            warning = self._timeline.finish() if self._timeline else ""
            if warning:
                self._display.warning(warning)

    def _tell(self, result: t.Any, status: str) -> None:
        told = _Told(result)
        began = self._begun.pop((told.host, told.uuid), None)
        if told.action == OPENS_INCIDENTS and self._timeline is None:
            self._learn_from(told.result)
        if told.action in WRITE_THEMSELVES and "failed" not in status:
            return
        outcome = TaskOutcome(
            task=told.name,
            host=told.host,
            status=status,
            action=told.action,
            where=told.role or self._playbook,
            message=told.message if status not in ("ok", "changed", "skipped") else "",
            seconds=None if began is None else time.monotonic() - began,
            items=told.items,
            is_check=told.is_check,
        )
        self._add(outcome.as_event())

    def _add(self, event: Event) -> None:
        if self._is_told_off:
            return
        if self._timeline:
            self._timeline.add(event)
        else:
            self._early.append(event)
            del self._early[:-MOST_WAITING]

    def _look_for_incident(self, variables: Mapping[str, t.Any]) -> None:
        identity = variables.get("recovery_incident") or self.get_option("incident")
        if identity:
            place = {
                name: str(variables.get(f"recovery_incident_{name}") or self.get_option(name) or "")
                for name in ("store", "folder", "namespace")
            }
            self._begin(str(identity), place)

    def _learn_from(self, result: Mapping[str, t.Any]) -> None:
        incident = result.get("incident") or {}
        if incident.get("status") == "open":
            place = {
                "store": str(incident["store"]),
                "folder": str(Path(str(incident["path"] or "")).parent),
                "namespace": str(incident["namespace"] or ""),
            }
            self._begin(str(incident["id"]), place)

    def _begin(self, identity: str, place: Mapping[str, str]) -> None:
        require_id(identity)
        every = SECONDS_BETWEEN_WRITES.get(place["store"], 0.0)
        connection = connection_from(self._variables, os.environ)
        self._timeline = Timeline(identity, lambda: _opened_store(place, connection), every)
        self._timeline.waiting.extend(self._early)
        self._early.clear()

    @contextlib.contextmanager
    def _never_failing(self) -> Iterator[None]:
        """Whatever goes wrong here is said once, and is no concern of the run."""
        try:
            yield
        except Exception as error:  # pylint: disable=broad-exception-caught
            if not self._has_complained:
                self._has_complained = True
                cause = " ".join(str(error).split())[:300] or type(error).__name__
                self._display.warning(f"incident_timeline: {cause}")


class _Told:
    """What a result tells, in all supported releases of ansible-core.

    Until 2.18 the attributes of results are private, from 2.19 on they are not.
    """

    def __init__(self, result: t.Any) -> None:
        task = getattr(result, "task", None) or result._task  # pylint: disable=protected-access
        host = getattr(result, "host", None) or result._host  # pylint: disable=protected-access
        told = getattr(result, "result", None)
        # pylint: disable-next=protected-access
        self.result: Mapping[str, t.Any] = result._result if told is None else told
        self.uuid = str(task._uuid)  # pylint: disable=protected-access
        self.host = str(host.get_name())
        self.name = str(result.task_name)
        self.action = str(getattr(task, "resolved_action", None) or task.action)
        role = getattr(task, "_role", None)
        self.role = f"role {role.get_name()}" if role else ""
        self.is_check = bool(task.check_mode)
        self._is_secret = task.no_log is True or bool(self.result.get("_ansible_no_log"))

    @property
    def items(self) -> int:
        results = self.result.get("results")
        return len(results) if isinstance(results, list) else 0

    @property
    def message(self) -> str:
        """What a failure says; nothing where that is not to be logged."""
        if self._is_secret or "censored" in self.result:
            return ""
        said = [self.result.get("msg"), *self._messages_of_items()]
        return "; ".join(str(message) for message in said if message)

    def _messages_of_items(self) -> Iterator[t.Any]:
        results = self.result.get("results")
        for item in results if isinstance(results, list) else ():
            if isinstance(item, dict) and item.get("failed") and not item.get("_ansible_no_log"):
                yield item.get("msg")


def _opened_store(place: Mapping[str, str], connection: Mapping[str, t.Any]) -> Store:
    """The store at this place. Raises RecoveryError."""
    if place["store"] == "folder":
        return FolderStore(Path(place["folder"]).expanduser())
    if place["store"] != "configmap":
        raise RecoveryError("recovery_incident_store", "is neither folder nor configmap")
    from ansible_collections.oncall.recovery.plugins.module_utils._incident.config_map import (
        ConfigMapStore,
    )
    from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import Client

    client = Client(connection, user_agent="oncall.recovery", connections=CONNECTIONS)
    return ConfigMapStore(client, place["namespace"] or client.default_namespace())


def connection_from(
    variables: Mapping[str, t.Any], environment: Mapping[str, str]
) -> dict[str, t.Any]:
    """The connection options that modules would get in this run, but for those of single hosts.

    ``variables`` are the extra variables, of which the collection's playbooks make options.
    """
    options: dict[str, t.Any] = {}
    for name, option in CONNECTION_OPTIONS.items():
        names = option["fallback"][1] if "fallback" in option else []
        found = next((environment[known] for known in names if environment.get(known)), None)
        options[name] = variables.get(f"recovery_{name}", found)
    for name in ("validate_certs", "persist_config"):
        if options[name] is not None:
            options[name] = boolean(options[name], strict=False)
    return options
