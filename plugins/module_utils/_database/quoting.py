# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names and values as PostgreSQL reads them, whatever is in them.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import unicodedata

from ansible_collections.oncall.recovery.plugins.module_utils._errors import InvalidInput

# NAMEDATALEN - 1, which PostgreSQL is compiled with.
LONGEST_IDENTIFIER = 63


def identifier(name: str) -> str:
    """The name in double quotes, as in SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """The text as an SQL string, whatever standard_conforming_strings says."""
    quoted = "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
    return f" E{quoted}" if "\\" in text else quoted


def conninfo(database: str) -> str:
    """What --dbname takes for exactly this database, which may be called ``host=elsewhere``."""
    escaped = database.replace("\\", "\\\\").replace("'", "\\'")
    return f"dbname='{escaped}'"


def shortened(name: str, suffix: str) -> str:
    """``name`` and ``suffix``, with as much of the name as an identifier has room for."""
    room = LONGEST_IDENTIFIER - len(suffix.encode())
    return name.encode()[:room].decode("utf-8", "ignore") + suffix


def require_database_name(option: str, name: str) -> str:
    """Return the name, or raise InvalidInput for what cannot be one."""
    if not name or len(name.encode()) > LONGEST_IDENTIFIER:
        raise InvalidInput(option, f"is {name!r}", f"Use a name of 1 to {LONGEST_IDENTIFIER} bytes")
    if any(unicodedata.category(character) == "Cc" for character in name):
        raise InvalidInput(option, f"{name!r} has control characters in it", "Rename it first")
    return name


def list_items(value: str) -> list[str]:
    """The items of a setting that is a list of names, such as ``"$user", public``."""
    items, item, is_quoted, position = [], "", False, 0
    while position < len(value):
        character = value[position]
        if character == '"' and is_quoted and value[position + 1 : position + 2] == '"':
            item += '"'
            position += 1
        elif character == '"':
            is_quoted = not is_quoted
        elif character == "," and not is_quoted:
            items.append(item)
            item = ""
        elif is_quoted or not character.isspace():
            item += character
        position += 1
    return [*items, item]
