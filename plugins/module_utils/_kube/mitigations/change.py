# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a mitigation changes, as the caller says it, and the field of a live object that this means.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import base64
import dataclasses
import re
import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._errors import (
    InvalidInput,
    RecoveryError,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.kinds import (
    DNS_LABEL,
    require_name,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.document import (
    PROPERTIES,
    Place,
    place_in,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.entry import Field
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.objects import (
    CONFIG_MAP,
    SECRET,
    ObjectReference,
    object_reference,
    require_field,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.mitigations.pointer import (
    ABSENT,
    Tokens,
    canonical,
    named,
    names_in,
    parse_pointer,
    read_at,
)

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    Object = Mapping[str, t.Any]

# Exactly one of these says what a change is about.
TARGETS = ("key", "env", "annotation", "label", "pointer", "replicas")
MOST_REPLICAS = 2**31 - 1
# https://kubernetes.io/docs/concepts/configuration/configmap/ and
# https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/
DATA_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
QUALIFIED_NAME = re.compile(
    r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
)
VARIABLE = re.compile(r"[^=\s\x00-\x1f\x7f]{1,253}")
SCALABLE = ("Deployment", "StatefulSet", "ReplicaSet")
POD_SPEC = {"CronJob": ("spec", "jobTemplate", "spec", "template", "spec"), "Pod": ("spec",)}
USUAL_POD_SPEC = ("spec", "template", "spec")
CONTAINERS = ("containers", "initContainers")


@dataclasses.dataclass(frozen=True)
class Change:
    """One change to one object.

    ``tokens`` lead to the field, except that of an environment variable: ``container`` names its
    container. ``value`` is what the field should hold, ABSENT where it is to be removed; in a
    document the value at its ``place``. ``replicas`` is set where an autoscaler may decide them.
    """

    reference: ObjectReference
    tokens: Tokens
    value: t.Any
    place: Place | None = None
    container: str = ""
    replicas: int | None = None

    def field(self, live: Object) -> Field:
        """The field of the live object. Raises RecoveryError where its container is not there."""
        tokens = self.tokens
        if self.container:
            tokens = (*self._container(live), "env", *tokens)
        uid = live["metadata"]["uid"]
        return Field(self.reference, uid, canonical(live, tokens), self.place)

    def loose_field(self) -> Field:
        """The field as far as it is known without the object."""
        tokens = ("env", *self.tokens) if self.container else self.tokens
        return Field(self.reference, "", tokens, self.place)

    def _container(self, live: Object) -> Tokens:
        way = POD_SPEC.get(self.reference.kind, USUAL_POD_SPEC)
        spec = read_at(live, way)
        known: list[str] = []
        for group in CONTAINERS:
            names = names_in(read_at(spec, (group,)))
            if self.container in names:
                return (*way, group, named(self.container))
            known.extend(names)
        raise RecoveryError(
            str(self.reference),
            f"it has no container {self.container} (it has {', '.join(known) or 'none'})",
            "Name one of those",
        )


def changes_from(options: t.Sequence[Mapping[str, t.Any]], namespace: str) -> list[Change]:
    """Read the option ``changes``; ``namespace`` is for those that name none.

    Raises InvalidInput, and then nothing may be changed.
    """
    if not options:
        raise InvalidInput("changes", "is an empty list", "Say what to change")
    return [_change(option, namespace) for option in options]


def _change(option: Mapping[str, t.Any], namespace: str) -> Change:
    reference = object_reference(
        option["kind"], option["namespace"] or namespace, option["name"], option["api_version"]
    )
    target = _target(reference, option)
    if target == "replicas":
        return _of_replicas(reference, option["replicas"])
    if option["value"] is None and not option["remove"]:
        raise InvalidInput(f"change of {reference}", "has no value", "Set value, or remove: true")
    if option["value"] is not None and option["remove"]:
        raise InvalidInput(f"change of {reference}", "has a value and remove", "Set one of them")
    change = _BUILDERS[target](reference, option)
    if not change.container:
        require_field(reference, change.tokens)
    return change


def _target(reference: ObjectReference, option: Mapping[str, t.Any]) -> str:
    given = [name for name in TARGETS if option[name] is not None]
    if len(given) != 1:
        told = f"names {' and '.join(given)}" if given else "does not say what to change"
        raise InvalidInput(
            f"change of {reference}", told, f"Set exactly one of {', '.join(TARGETS)}"
        )
    (target,) = given
    for name, needs in (("path", "key"), ("container", "env")):
        if option[name] is not None and target != needs:
            raise InvalidInput(f"{name} of {reference}", f"goes with {needs} only", "Leave it out")
    if target == "env" and option["container"] is None:
        raise InvalidInput(f"env of {reference}", "needs a container", "Name the container")
    return target


def _of_key(reference: ObjectReference, option: Mapping[str, t.Any]) -> Change:
    key = option["key"]
    if reference.kind not in (CONFIG_MAP, SECRET):
        raise InvalidInput(f"key of {reference}", "is for ConfigMaps and Secrets", "Use pointer")
    _require(f"key {key[:80]!r} of {reference}", DATA_KEY.fullmatch(key))
    tokens = ("data", key)
    if option["path"] is not None:
        place = place_in(key, option["path"], option["format"])
        value = _text(reference, option) if place.format == PROPERTIES else _value(option)
        return Change(reference, tokens, value, place)
    text = _text(reference, option)
    if reference.kind == SECRET and text is not ABSENT:
        text = base64.b64encode(text.encode()).decode()
    return Change(reference, tokens, text)


def _of_variable(reference: ObjectReference, option: Mapping[str, t.Any]) -> Change:
    name, container = option["env"], require_name("container", option["container"], DNS_LABEL)
    _require(f"env {name[:80]!r} of {reference}", VARIABLE.fullmatch(name))
    text = _text(reference, option)
    value = ABSENT if text is ABSENT else {"name": name, "value": text}
    return Change(reference, (named(name),), value, container=container)


def _of_metadata(group: str, option_name: str) -> t.Callable[..., Change]:
    def change(reference: ObjectReference, option: Mapping[str, t.Any]) -> Change:
        name = option[option_name]
        _require(f"{option_name} {name[:80]!r} of {reference}", QUALIFIED_NAME.fullmatch(name))
        return Change(reference, ("metadata", group, name), _text(reference, option))

    return change


def _of_pointer(reference: ObjectReference, option: Mapping[str, t.Any]) -> Change:
    tokens = parse_pointer(option["pointer"])
    if reference.kind == SECRET and tokens[0] == "data":
        raise InvalidInput(f"pointer into {reference}", "would show its values", "Use key instead")
    return Change(reference, tokens, _value(option))


def _of_replicas(reference: ObjectReference, replicas: int) -> Change:
    if reference.kind not in SCALABLE:
        raise InvalidInput(
            f"replicas of {reference}", f"are for {', '.join(SCALABLE)}", "Use pointer"
        )
    if not 0 <= replicas <= MOST_REPLICAS:
        raise InvalidInput(f"replicas of {reference}", f"is {replicas}", "Use 0 or more")
    return Change(reference, ("spec", "replicas"), replicas, replicas=replicas)


_BUILDERS: dict[str, t.Callable[..., Change]] = {
    "key": _of_key,
    "env": _of_variable,
    "annotation": _of_metadata("annotations", "annotation"),
    "label": _of_metadata("labels", "label"),
    "pointer": _of_pointer,
}


def _value(option: Mapping[str, t.Any]) -> t.Any:
    return ABSENT if option["remove"] else option["value"]


def _text(reference: ObjectReference, option: Mapping[str, t.Any]) -> t.Any:
    """The value as text: YAML makes numbers and switches of what has no quotes."""
    value = _value(option)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    if value is not ABSENT and not isinstance(value, str):
        raise InvalidInput(f"value for {reference}", "is no text", "Write it as text, in quotes")
    return value


def _require(what: str, is_right: object) -> None:
    if not is_right:
        raise InvalidInput(what, "is not a name that Kubernetes allows", "Correct it")
