# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Credentials that are read without the kubernetes package: the same as it reads them."""

from __future__ import annotations

import base64
import copy
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.oncall.recovery.plugins.module_utils._kube.client import Client
from ansible_collections.oncall.recovery.plugins.module_utils._kube.credentials import (
    load_configuration,
)
from ansible_collections.oncall.recovery.plugins.module_utils._kube.errors import Unreachable
from ansible_collections.oncall.recovery.plugins.module_utils._kube.plain_credentials import (
    NotPlain,
    plain_configuration,
)

from .wire import Server, certificate

PACKAGE_ONLY_USERS: list[dict[str, t.Any]] = [
    {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "true"}},
    {"auth-provider": {"name": "oidc"}},
    {"tokenFile": "/token"},
    {"username": "ada", "password": "s3cret"},
]


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def kubeconfig(pem: Path) -> dict[str, t.Any]:
    data = base64.b64encode(pem.read_bytes()).decode()
    return {
        "current-context": "shop",
        "contexts": [
            {"name": "shop", "context": {"cluster": "c", "user": "u", "namespace": "shop"}},
            {"name": "plain", "context": {"cluster": "c", "user": "token"}},
        ],
        "clusters": [
            {
                "name": "c",
                "cluster": {
                    "server": "https://127.0.0.1:6443/",
                    "certificate-authority-data": data,
                    "tls-server-name": "api.example",
                },
            }
        ],
        "users": [
            {"name": "u", "user": {"client-certificate-data": data, "client-key-data": data}},
            {"name": "token", "user": {"token": "s3cret"}},
        ],
    }


def test_reads_what_the_package_reads(kubeconfig: dict[str, t.Any], pem: Path) -> None:
    import kubernetes.config
    from kubernetes.client.configuration import Configuration

    theirs = Configuration()
    kubernetes.config.load_kube_config_from_dict(
        copy.deepcopy(kubeconfig), client_configuration=theirs
    )
    ours = plain_configuration({"kubeconfig": kubeconfig})
    assert (ours.host, ours.verify_ssl) == (theirs.host, theirs.verify_ssl)
    assert ours.tls_server_name == theirs.tls_server_name
    assert ours.authority == Path(str(theirs.ssl_ca_cert)).read_bytes() == pem.read_bytes()
    assert ours.certificate == Path(str(theirs.cert_file)).read_bytes()
    assert ours.key == Path(str(theirs.key_file)).read_bytes()
    assert ours.namespace == "shop"


def test_token_and_namespace_of_another_context(kubeconfig: dict[str, t.Any]) -> None:
    found = plain_configuration({"kubeconfig": kubeconfig, "context": "plain"})
    assert found.auth_settings()["BearerToken"]["value"] == "Bearer s3cret"
    assert found.namespace == "default"
    assert found.certificate is None


def test_paths_start_from_the_folder_of_the_kubeconfig(
    kubeconfig: dict[str, t.Any], pem: Path, tmp_path: Path
) -> None:
    (tmp_path / "ca.pem").write_bytes(pem.read_bytes())
    cluster = kubeconfig["clusters"][0]["cluster"]
    del cluster["certificate-authority-data"]
    cluster["certificate-authority"] = "ca.pem"
    file = tmp_path / "config"
    file.write_text(yaml.safe_dump(kubeconfig))
    assert plain_configuration({"kubeconfig": str(file)}).authority == pem.read_bytes()


def test_single_options_override_the_kubeconfig(kubeconfig: dict[str, t.Any]) -> None:
    options = {
        "kubeconfig": kubeconfig,
        "host": "https://127.0.0.2/",
        "api_key": "other",
        "validate_certs": False,
    }
    found = plain_configuration(options)
    assert (found.host, found.token, found.verify_ssl) == ("https://127.0.0.2", "other", False)


@pytest.mark.parametrize("user", PACKAGE_ONLY_USERS, ids=lambda user: next(iter(user)))
def test_leaves_other_ways_to_authenticate_to_the_package(
    kubeconfig: dict[str, t.Any], user: dict[str, t.Any]
) -> None:
    kubeconfig["users"][0]["user"] = user
    with pytest.raises(NotPlain):
        plain_configuration({"kubeconfig": kubeconfig})


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "http_proxy", "ALL_PROXY"])
def test_leaves_proxies_to_the_package(
    kubeconfig: dict[str, t.Any], monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    with pytest.raises(NotPlain):
        plain_configuration({"kubeconfig": kubeconfig, "proxy": "http://127.0.0.1:1"})
    monkeypatch.setenv(variable, "http://127.0.0.1:1")
    with pytest.raises(NotPlain):
        plain_configuration({"kubeconfig": kubeconfig})


def test_leaves_pods_and_merged_kubeconfigs_to_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/one:/two")
    with pytest.raises(NotPlain):
        plain_configuration({})
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    with pytest.raises(NotPlain):
        plain_configuration({})


@pytest.mark.parametrize("broken", ["", "[]", "{", "current-context: none\ncontexts: []"])
def test_leaves_what_is_broken_to_the_package_to_tell(tmp_path: Path, broken: str) -> None:
    file = tmp_path / "config"
    file.write_text(broken)
    with pytest.raises(NotPlain):
        plain_configuration({"kubeconfig": str(file)})


def test_server_with_another_certificate_is_refused(pem: Path, tmp_path: Path) -> None:
    other = certificate(tmp_path)
    with Server(pem) as server:
        for authority in (str(other), None):
            options = {"host": server.url, "api_key": "s3cret", "ca_cert": authority}
            client = Client(options, user_agent="test", connections=1)
            with pytest.raises(Unreachable, match=r"(?i)certificate"):
                client.get("/x", subject="it")
            client.close()


def test_server_is_known_by_the_name_that_the_kubeconfig_gives(
    kubeconfig: dict[str, t.Any], pem: Path
) -> None:
    with Server(pem) as server:
        kubeconfig["clusters"][0]["cluster"]["server"] = server.url
        client = Client({"kubeconfig": kubeconfig}, user_agent="test", connections=1)
        with pytest.raises(Unreachable, match=r"api\.example"):
            client.get("/x", subject="it")
        client.close()


def test_token_of_the_options_is_sent(pem: Path) -> None:
    with Server(pem) as server:
        options = {"host": server.url, "api_key": "s3cret", "ca_cert": str(pem)}
        client = Client(options, user_agent="test", connections=1)
        client.get("/x", subject="it")
        client.close()
    assert any(line.lower() == "authorization: bearer s3cret" for line in server.requests[0])


def test_package_is_not_imported_for_plain_credentials(pem: Path) -> None:
    program = (
        "import sys\n"
        f"from {load_configuration.__module__} import connection_pool, load_configuration\n"
        "options = {'host': 'https://127.0.0.1', 'api_key': 'x', 'ca_cert': sys.argv[1]}\n"
        "connection_pool(load_configuration(options), 8)\n"
        "assert 'urllib3' in sys.modules and 'kubernetes' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program, str(pem)], check=True, cwd=_folder_of_imports())


def _folder_of_imports() -> Path:
    import ansible_collections.oncall.recovery as collection

    return Path(next(iter(collection.__path__))).parents[2]
