# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options that several modules share; their documentation stands in the doc fragments.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import env_fallback

KINDS = ["Deployment", "StatefulSet", "DaemonSet"]
SCALABLE_KINDS = ["Deployment", "StatefulSet", "ReplicaSet"]


def _from_environment(*names: str) -> tuple[t.Any, list[str]]:
    return (env_fallback, [f"K8S_AUTH_{name}" for name in names])


# Names, aliases and environment variables are those of kubernetes.core, in its order.
CONNECTION_OPTIONS: dict[str, dict[str, t.Any]] = {
    "kubeconfig": {"type": "raw", "no_log": True, "fallback": _from_environment("KUBECONFIG")},
    "context": {"type": "str", "fallback": _from_environment("CONTEXT")},
    "host": {"type": "str", "fallback": _from_environment("HOST")},
    "api_key": {"type": "str", "no_log": True, "fallback": _from_environment("API_KEY")},
    "username": {"type": "str", "fallback": _from_environment("USERNAME")},
    "password": {"type": "str", "no_log": True, "fallback": _from_environment("PASSWORD")},
    "validate_certs": {
        "type": "bool",
        "aliases": ["verify_ssl"],
        "fallback": _from_environment("VALIDATE_CERTS", "VERIFY_SSL"),
    },
    "ca_cert": {
        "type": "path",
        "aliases": ["ssl_ca_cert"],
        "fallback": _from_environment("CA_CERT", "SSL_CA_CERT"),
    },
    "client_cert": {
        "type": "path",
        "aliases": ["cert_file"],
        "fallback": _from_environment("CLIENT_CERT", "CERT_FILE"),
    },
    "client_key": {
        "type": "path",
        "aliases": ["key_file"],
        "no_log": False,
        "fallback": _from_environment("CLIENT_KEY", "KEY_FILE"),
    },
    "proxy": {"type": "str", "fallback": _from_environment("PROXY")},
    "no_proxy": {"type": "str", "fallback": _from_environment("NO_PROXY")},
    "proxy_headers": {
        "type": "dict",
        "options": {
            "proxy_basic_auth": {
                "type": "str",
                "no_log": True,
                "fallback": _from_environment("PROXY_HEADERS_PROXY_BASIC_AUTH"),
            },
            "basic_auth": {
                "type": "str",
                "no_log": True,
                "fallback": _from_environment("PROXY_HEADERS_BASIC_AUTH"),
            },
            "user_agent": {
                "type": "str",
                "fallback": _from_environment("PROXY_HEADERS_USER_AGENT"),
            },
        },
    },
    "persist_config": {"type": "bool", "fallback": _from_environment("PERSIST_CONFIG")},
    "impersonate_user": {"type": "str", "fallback": _from_environment("IMPERSONATE_USER")},
    "impersonate_groups": {
        "type": "list",
        "elements": "str",
        "fallback": _from_environment("IMPERSONATE_GROUPS"),
    },
}


def _workload_options(kinds: list[str]) -> dict[str, dict[str, t.Any]]:
    kind = {"type": "str", "choices": kinds, "default": "Deployment"}
    return {
        "kind": kind,
        "name": {"type": "str"},
        "namespace": {"type": "str"},
        "label_selectors": {"type": "list", "elements": "str"},
        "field_selectors": {"type": "list", "elements": "str"},
        "all_namespaces": {"type": "bool", "default": False},
        "workloads": {
            "type": "list",
            "elements": "dict",
            "options": {
                "kind": kind,
                "namespace": {"type": "str"},
                "name": {"type": "str", "required": True},
            },
        },
    }


WORKLOAD_OPTIONS = _workload_options(KINDS)
SCALABLE_WORKLOAD_OPTIONS = _workload_options(SCALABLE_KINDS)

# The guards of a rollback in their order, without those that nothing overrides.
OVERRIDABLE_GUARDS = [
    "kill_switch",
    "lock",
    "cooldown",
    "recent_rollout",
    "owner",
    "paused",
    "controller_caught_up",
    "references_exist",
    "references_changed",
    "migration_barrier",
    "mutable_tag",
    "health",
    "quota",
]

WORKLOADS_EXCLUDE_EACH_OTHER = [
    ("name", "workloads"),
    ("name", "label_selectors"),
    ("name", "field_selectors"),
    ("workloads", "label_selectors"),
    ("workloads", "field_selectors"),
    ("workloads", "namespace"),
]
WORKLOADS_REQUIRED = [("name", "label_selectors", "field_selectors", "workloads")]

# Every module that works on a Git repository has these.
GIT_OPTIONS: dict[str, dict[str, t.Any]] = {
    "repo": {"type": "str", "required": True},
    "remote": {"type": "str", "default": "origin"},
    "clones": {
        "type": "path",
        "default": "~/.cache/oncall-recovery/git",
        "fallback": (env_fallback, ["RECOVERY_GIT_CLONES"]),
    },
    "clone_filter": {"type": "str"},
    "token": {
        "type": "str",
        "no_log": True,
        "fallback": (env_fallback, ["RECOVERY_GIT_TOKEN"]),
    },
    "token_user": {"type": "str", "no_log": False, "default": "x-access-token"},
    "ssh_key": {
        "type": "path",
        "no_log": False,
        "fallback": (env_fallback, ["RECOVERY_GIT_SSH_KEY"]),
    },
    "known_hosts": {
        "type": "path",
        "fallback": (env_fallback, ["RECOVERY_GIT_KNOWN_HOSTS"]),
    },
    "ca_cert": {"type": "path", "fallback": (env_fallback, ["RECOVERY_GIT_CA_CERT"])},
    "committer_name": {
        "type": "str",
        "fallback": (env_fallback, ["RECOVERY_GIT_COMMITTER_NAME"]),
    },
    "committer_email": {
        "type": "str",
        "fallback": (env_fallback, ["RECOVERY_GIT_COMMITTER_EMAIL"]),
    },
}

# Where records of incidents are kept.
INCIDENT_STORE_OPTIONS: dict[str, dict[str, t.Any]] = {
    "store": {
        "type": "str",
        "choices": ["folder", "configmap"],
        "default": "folder",
        "fallback": (env_fallback, ["RECOVERY_INCIDENT_STORE"]),
    },
    "folder": {
        "type": "path",
        "default": "~/.local/share/oncall-recovery/incidents",
        "fallback": (env_fallback, ["RECOVERY_INCIDENT_FOLDER"]),
    },
    "namespace": {
        "type": "str",
        "fallback": (env_fallback, ["RECOVERY_INCIDENT_NAMESPACE"]),
    },
}

# Which tag is in production.
PRODUCTION_TAG_OPTIONS: dict[str, dict[str, t.Any]] = {
    "from_tag": {"type": "str"},
    "from_pattern": {"type": "str"},
    "from_running": {
        "type": "dict",
        "options": {
            "image": {"type": "str"},
            "version": {"type": "str"},
            "revision": {"type": "str"},
        },
    },
    "reachable_from": {"type": "str"},
    "tag_format": {"type": "str"},
}
PRODUCTION_TAG_EXCLUDES = [("from_tag", "from_pattern", "from_running")]


def _login_options(prefix: str = "") -> dict[str, dict[str, t.Any]]:
    """Where a server is and how to log in there; with a prefix, from the environment, too."""
    options: dict[str, dict[str, t.Any]] = {
        "url": {"type": "str"},
        "username": {"type": "str"},
        "password": {"type": "str", "no_log": True},
        "token": {"type": "str", "no_log": True},
        "ca_cert": {"type": "path"},
        "client_cert": {"type": "path"},
        "client_key": {"type": "path", "no_log": False},
    }
    if prefix:
        for name, option in options.items():
            option["fallback"] = (env_fallback, [f"{prefix}_{name.upper()}"])
    return {**options, "validate_certs": {"type": "bool", "default": True}}


_LOGIN_CONSTRAINTS: dict[str, t.Any] = {
    "mutually_exclusive": [("token", "username")],
    "required_together": [("username", "password")],
    "required_by": {"client_key": "client_cert"},
}


def _server(prefix: str) -> dict[str, t.Any]:
    """What is left out may stand in the environment, so its defaults count always."""
    options = _login_options(prefix)
    return {"type": "dict", "apply_defaults": True, "options": options, **_LOGIN_CONSTRAINTS}


# The servers that signals come from.
SERVER_OPTIONS: dict[str, dict[str, t.Any]] = {
    "prometheus": _server("RECOVERY_PROMETHEUS"),
    "alertmanager": _server("RECOVERY_ALERTMANAGER"),
}
_JSON_OPTIONS: dict[str, dict[str, t.Any]] = {
    **_login_options(),
    "url": {"type": "str", "required": True},
    "value": {"type": "str", "required": True},
    "status_code": {"type": "list", "elements": "int", "default": [200]},
}
_SIGNAL_OPTIONS: dict[str, dict[str, t.Any]] = {
    "name": {"type": "str", "required": True},
    "promql": {"type": "str"},
    "range": {"type": "str"},
    "step": {"type": "str"},
    "alerts": {
        "type": "dict",
        "options": {
            "matchers": {"type": "list", "elements": "str", "default": []},
            "silenced": {"type": "bool", "default": False},
            "inhibited": {"type": "bool", "default": False},
        },
    },
    "json": {"type": "dict", "options": _JSON_OPTIONS, **_LOGIN_CONSTRAINTS},
    "workload": {
        "type": "dict",
        "options": {
            "measure": {
                "type": "str",
                "choices": ["rollout", "restarts", "oom_kills"],
                "required": True,
            },
            "kind": {"type": "str", "choices": KINDS, "default": "Deployment"},
            "namespace": {"type": "str"},
            "name": {"type": "str", "required": True},
            "within": {"type": "str", "default": "10m"},
        },
    },
    "comparison": {"type": "str", "choices": [">", ">=", "<", "<=", "==", "!="], "default": ">"},
    "threshold": {"type": "float"},
    "consecutive": {"type": "int", "default": 1},
    "no_data": {
        "type": "str",
        "choices": ["unknown", "healthy", "unhealthy"],
        "default": "unknown",
    },
    "on_error": {"type": "str", "choices": ["unknown", "unhealthy"], "default": "unknown"},
    "tolerance": {"type": "float", "default": 0.1},
}

SIGNALS_OPTIONS: dict[str, dict[str, t.Any]] = {
    "signals": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": _SIGNAL_OPTIONS,
    }
}

# How PostgreSQL's programs reach a server; names and variables are those of libpq.
POSTGRESQL_OPTIONS: dict[str, dict[str, t.Any]] = {
    "host": {"type": "str"},
    "port": {"type": "int"},
    "user": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "passfile": {"type": "path", "no_log": False},
    "service": {"type": "str"},
    "sslmode": {
        "type": "str",
        "choices": ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"],
    },
    "sslrootcert": {"type": "path"},
    "maintenance_database": {"type": "str", "default": "postgres"},
    "bin_dir": {"type": "path"},
    "timeout": {"type": "int", "default": 14400},
}
BACKUP_SOURCES_OPTIONS: dict[str, dict[str, t.Any]] = {
    "sources": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str"},
            "path": {"type": "path"},
            "list_command": {"type": "list", "elements": "str"},
            "fetch_command": {"type": "list", "elements": "str"},
            "wal_path": {"type": "path"},
            "restore_command": {"type": "str"},
        },
    }
}
