# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parts of JSON patches (RFC 6902) that overwrite nobody's change.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    Patch = list[dict[str, t.Any]]


def preconditions(workload: Mapping[str, t.Any]) -> Patch:
    """The ``test`` operations: what must still be as it was read.

    ``generation`` moves with the spec only, so the controllers' own status updates do not get in
    the way.
    """
    metadata = workload["metadata"]
    tested = ["uid", "generation"]
    if not metadata.get("annotations"):
        # Annotations that someone adds meanwhile do not move the generation; this keeps them.
        tested.append("resourceVersion")
    return [{"op": "test", "path": f"/metadata/{name}", "value": metadata[name]} for name in tested]


def holds(patch: Patch, live: Mapping[str, t.Any]) -> bool:
    """Whether every ``test`` of the patch finds in ``live`` what it expects."""
    return all(
        _value_at(live, step["path"]) == step["value"] for step in patch if step["op"] == "test"
    )


def _value_at(live: Mapping[str, t.Any], pointer: str) -> t.Any:
    """The value that a JSON Pointer through objects leads to; None where there is none."""
    value: t.Any = live
    for part in pointer.split("/")[1:]:
        value = (value or {}).get(part.replace("~1", "/").replace("~0", "~"))
    return value


def annotate(path: str, metadata: Mapping[str, t.Any], annotations: Mapping[str, str]) -> Patch:
    """Set these annotations below ``path``, that of ``metadata``'s own, and keep the others."""
    if not annotations:
        return []
    if not metadata.get("annotations"):
        return [{"op": "add", "path": path, "value": dict(annotations)}]
    return [
        {
            "op": "add",
            "path": f"{path}/{name.replace('~', '~0').replace('/', '~1')}",
            "value": value,
        }
        for name, value in annotations.items()
    ]
