# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What belongs to a database and is in no dump of it: owner, encoding, settings and grants.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._database.quoting import (
    identifier,
    list_items,
    literal,
)
from ansible_collections.oncall.recovery.plugins.module_utils._database.tools import ToolError

if t.TYPE_CHECKING:
    from ansible_collections.oncall.recovery.plugins.module_utils._database.live import Database
    from ansible_collections.oncall.recovery.plugins.module_utils._database.tools import Tools

# Their values are lists of names, which PostgreSQL takes one by one.
LISTS = (
    "local_preload_libraries",
    "search_path",
    "session_preload_libraries",
    "shared_preload_libraries",
    "temp_tablespaces",
    "unix_socket_directories",
)
SETTINGS = """
SELECT CASE WHEN s.setrole <> 0 THEN pg_get_userbyid(s.setrole) END AS role, unnest AS setting
  FROM pg_db_role_setting s, unnest(s.setconfig) WHERE s.setdatabase = {oid}
"""
GRANTS = """
SELECT CASE WHEN a.grantee <> 0 THEN pg_get_userbyid(a.grantee) END AS role,
       a.privilege_type AS privilege, a.is_grantable
  FROM pg_database d, aclexplode(d.datacl) a WHERE d.oid = {oid}
"""
# The provider of a locale as SQL calls it, and since when it can be said.
PROVIDERS = {"c": "libc", "i": "icu", "b": "builtin"}


def creation(live: Database, name: str) -> str:
    """The CREATE DATABASE of one like the live database, empty."""
    row, facts = live.facts["row"], live.facts
    parts = [
        f"CREATE DATABASE {identifier(name)} TEMPLATE template0",
        f"OWNER {identifier(facts['owner'])}",
        f"ENCODING {literal(facts['encoding'])}",
        f"LC_COLLATE {literal(row['datcollate'])}",
        f"LC_CTYPE {literal(row['datctype'])}",
    ]
    provider = PROVIDERS.get(row.get("datlocprovider", ""))
    if provider:
        parts.append(f"LOCALE_PROVIDER {provider}")
        locale = row.get("datlocale") or row.get("daticulocale")
        if locale:
            parts.append(f"{provider.upper()}_LOCALE {literal(locale)}")
    # Naming the default one needs a right on it that using it does not.
    if facts["tablespace"] != "pg_default":
        parts.append(f"TABLESPACE {identifier(facts['tablespace'])}")
    parts.append(f"CONNECTION LIMIT {row['datconnlimit']}")
    return " ".join(parts) + ";"


def copy_properties(tools: Tools, live: Database, name: str) -> list[str]:
    """Give the database ``name`` the settings and grants of the live one.

    Returns what could not be given, since some of it takes a superuser.
    """
    answers = [_refusal(tools, statement) for statement in _properties(tools, live, name)]
    return [answer for answer in answers if answer]


def _refusal(tools: Tools, statement: str) -> str:
    """Run a statement; returns it with the reason where it is refused."""
    try:
        tools.execute(statement)
    except ToolError as error:
        return f"{statement} ({error.cause})"
    return ""


def _properties(tools: Tools, live: Database, name: str) -> list[str]:
    """SQL that gives the database ``name`` the settings and grants of the live one."""
    subject = f"DATABASE {identifier(name)}"
    settings = tools.rows(SETTINGS.format(oid=live.oid))
    grants = tools.rows(GRANTS.format(oid=live.oid))
    statements = [_setting(subject, row["role"], *row["setting"].split("=", 1)) for row in settings]
    # Without a list of its own, a database has the server's defaults, and so has the new one.
    if grants:
        owner = identifier(live.facts["owner"])
        statements.append(f"REVOKE ALL ON {subject} FROM PUBLIC, {owner};")
        statements += [_grant(subject, **row) for row in grants]
    return statements


def _setting(subject: str, role: str | None, name: str, value: str) -> str:
    whose = f"ROLE {identifier(role)} IN {subject}" if role else subject
    values = list_items(value) if name in LISTS else [value]
    # An extension's setting has a dot in it, which is no part of either name.
    quoted = ".".join(map(identifier, name.split(".")))
    return f"ALTER {whose} SET {quoted} TO {', '.join(map(literal, values))};"


def _grant(subject: str, role: str | None, privilege: str, is_grantable: bool) -> str:
    grantee = identifier(role) if role else "PUBLIC"
    option = " WITH GRANT OPTION" if is_grantable else ""
    return f"GRANT {privilege} ON {subject} TO {grantee}{option};"
