# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finding and loading credentials in kubernetes.core's order.

Plain ones are read here, all others by the ``kubernetes`` package.

Private to oncall.recovery: it may change in any release.
"""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible_collections.oncall.recovery.plugins.module_utils._errors import (
    InvalidInput,
    MissingLibrary,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.plain_credentials import (
    NotPlain,
    PlainConfiguration,
    plain_configuration,
)

if t.TYPE_CHECKING:
    from collections.abc import Mapping

SERVICE_ACCOUNT_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


def load_configuration(options: Mapping[str, t.Any]) -> t.Any:
    """Return a PlainConfiguration where that is enough, else a ``kubernetes.client.Configuration``.

    ``options`` are the collection's connection options by name. The order is that of
    kubernetes.core (its ``module_utils/k8s/client.py``): enough options to authenticate alone;
    else a named kubeconfig or context; else the pod's service account; else the default
    kubeconfig. Single options then override what was loaded.

    Raises MissingLibrary without the ``kubernetes`` package, and InvalidInput where the
    credentials cannot be loaded.
    """
    try:
        return plain_configuration(options)
    except NotPlain:
        return _configuration_by_the_package(options)


def _configuration_by_the_package(options: Mapping[str, t.Any]) -> t.Any:
    try:
        import kubernetes.config
        from kubernetes.client.configuration import Configuration
    except ImportError as error:
        raise MissingLibrary(
            "Python package kubernetes",
            f"cannot be imported ({error})",
            "Install it where the module runs: pip install kubernetes",
        ) from error

    configuration = Configuration()
    try:
        if not _authenticates_alone(options):
            _load_from_files(kubernetes.config, configuration, options)
    # The package lets YAML, key and type errors of a broken kubeconfig through as they are.
    except Exception as error:
        raise InvalidInput(
            _credential_source(options),
            f"holds no usable credentials ({_one_line(error)})",
            "Name a valid kubeconfig, or set host with api_key or a client certificate",
        ) from error
    _apply_overrides(configuration, options)
    return configuration


def connection_pool(configuration: t.Any, connections: int) -> t.Any:
    """A urllib3 pool of at most ``connections`` for one that was loaded here."""
    if isinstance(configuration, PlainConfiguration):
        return configuration.connection_pool(connections)
    from kubernetes.client.rest import RESTClientObject

    configuration.connection_pool_maxsize = connections
    configuration.retries = None
    return RESTClientObject(configuration).pool_manager


def namespace_of_context(options: Mapping[str, t.Any], configuration: t.Any) -> str:
    """The namespace to use where the caller names none: the context's, else ``default``.

    That is what kubectl does, too.
    """
    if isinstance(configuration, PlainConfiguration):
        return configuration.namespace
    if _authenticates_alone(options):
        return "default"
    kubeconfig = options.get("kubeconfig")
    if not kubeconfig and not options.get("context") and SERVICE_ACCOUNT_NAMESPACE.is_file():
        return SERVICE_ACCOUNT_NAMESPACE.read_text(encoding="utf-8").strip() or "default"
    if isinstance(kubeconfig, dict):
        contexts = kubeconfig.get("contexts") or []
        current = kubeconfig.get("current-context")
    else:
        from kubernetes.config import list_kube_config_contexts

        contexts, active = list_kube_config_contexts(kubeconfig or None)
        current = active["name"]
    wanted = options.get("context") or current
    for context in contexts:
        if context["name"] == wanted:
            return str(context["context"].get("namespace") or "default")
    return "default"


def _authenticates_alone(options: Mapping[str, t.Any]) -> bool:
    if not options.get("host"):
        return False
    return bool(
        options.get("api_key")
        or (options.get("username") and options.get("password"))
        or (options.get("client_cert") and options.get("client_key"))
    )


def _load_from_files(config: t.Any, configuration: t.Any, options: Mapping[str, t.Any]) -> None:
    kubeconfig = options.get("kubeconfig")
    keywords = {
        "context": options.get("context"),
        "persist_config": bool(options.get("persist_config")),
        "client_configuration": configuration,
    }
    if isinstance(kubeconfig, dict):
        config.load_kube_config_from_dict(config_dict=kubeconfig, **keywords)
        return
    if not kubeconfig and not options.get("context"):
        try:
            config.load_incluster_config(client_configuration=configuration)
            return
        except config.ConfigException:
            pass
    config.load_kube_config(config_file=kubeconfig or None, **keywords)


def _apply_overrides(configuration: t.Any, options: Mapping[str, t.Any]) -> None:
    if options.get("host"):
        configuration.host = options["host"].rstrip("/")
    if options.get("api_key"):
        configuration.api_key = {"authorization": f"Bearer {options['api_key']}"}
        configuration.refresh_api_key_hook = None
    attributes = {
        "username": "username",
        "password": "password",
        "validate_certs": "verify_ssl",
        "ca_cert": "ssl_ca_cert",
        "client_cert": "cert_file",
        "client_key": "key_file",
        "proxy": "proxy",
        "no_proxy": "no_proxy",
    }
    for option, attribute in attributes.items():
        if options.get(option) is not None:
            setattr(configuration, attribute, options[option])
    proxy_headers = {k: v for k, v in (options.get("proxy_headers") or {}).items() if v is not None}
    if proxy_headers:
        import urllib3

        configuration.proxy_headers = urllib3.util.make_headers(**proxy_headers)


def _credential_source(options: Mapping[str, t.Any]) -> str:
    kubeconfig = options.get("kubeconfig")
    if isinstance(kubeconfig, str):
        return f"kubeconfig {kubeconfig}"
    if isinstance(kubeconfig, dict):
        return "kubeconfig given as a dictionary"
    return "the default kubeconfig"


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
