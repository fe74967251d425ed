# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How to reach the API server. Private to oncall.recovery."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  kubeconfig:
    description:
      - Path of a kubeconfig file, or its content as a dictionary.
      - Without it, and without enough other options to authenticate, the service account of the
        pod is used, else E(KUBECONFIG), else C(~/.kube/config).
      - Falls back to E(K8S_AUTH_KUBECONFIG).
    type: raw
  context:
    description:
      - Name of the context in the kubeconfig. Without it, its current context is used.
      - Falls back to E(K8S_AUTH_CONTEXT).
    type: str
  host:
    description:
      - URL of the API server. Falls back to E(K8S_AUTH_HOST).
    type: str
  api_key:
    description:
      - Bearer token. Falls back to E(K8S_AUTH_API_KEY).
    type: str
  username:
    description:
      - Name for HTTP basic authentication. Falls back to E(K8S_AUTH_USERNAME).
    type: str
  password:
    description:
      - Password for HTTP basic authentication. Falls back to E(K8S_AUTH_PASSWORD).
    type: str
  validate_certs:
    description:
      - Whether to check the API server's certificate. Without it, the kubeconfig decides, and
        where that says nothing, the certificate is checked.
      - The module warns when the certificate is not checked.
      - Falls back to E(K8S_AUTH_VALIDATE_CERTS), then to E(K8S_AUTH_VERIFY_SSL).
    type: bool
    aliases:
      - verify_ssl
  ca_cert:
    description:
      - Path of the certificate authority's certificates.
      - Falls back to E(K8S_AUTH_CA_CERT), then to E(K8S_AUTH_SSL_CA_CERT).
    type: path
    aliases:
      - ssl_ca_cert
  client_cert:
    description:
      - Path of a client certificate.
      - Falls back to E(K8S_AUTH_CLIENT_CERT), then to E(K8S_AUTH_CERT_FILE).
    type: path
    aliases:
      - cert_file
  client_key:
    description:
      - Path of the client certificate's key.
      - Falls back to E(K8S_AUTH_CLIENT_KEY), then to E(K8S_AUTH_KEY_FILE).
    type: path
    aliases:
      - key_file
  proxy:
    description:
      - URL of an HTTP proxy. Falls back to E(K8S_AUTH_PROXY).
    type: str
  no_proxy:
    description:
      - Comma-separated list of hosts that are reached without the proxy.
      - Falls back to E(K8S_AUTH_NO_PROXY).
    type: str
  proxy_headers:
    description:
      - Headers for the proxy.
    type: dict
    suboptions:
      proxy_basic_auth:
        description:
          - V(user:password) for the proxy.
          - Falls back to E(K8S_AUTH_PROXY_HEADERS_PROXY_BASIC_AUTH).
        type: str
      basic_auth:
        description:
          - V(user:password) for basic authentication.
          - Falls back to E(K8S_AUTH_PROXY_HEADERS_BASIC_AUTH).
        type: str
      user_agent:
        description:
          - The user agent that the proxy gets to see.
          - Falls back to E(K8S_AUTH_PROXY_HEADERS_USER_AGENT).
        type: str
  persist_config:
    description:
      - Whether a refreshed token is written back to the kubeconfig file.
      - Falls back to E(K8S_AUTH_PERSIST_CONFIG).
    type: bool
  impersonate_user:
    description:
      - User to act as. Falls back to E(K8S_AUTH_IMPERSONATE_USER).
    type: str
  impersonate_groups:
    description:
      - Groups to act as. Falls back to E(K8S_AUTH_IMPERSONATE_GROUPS), comma-separated.
    type: list
    elements: str
requirements:
  - python >= 3.10
  - kubernetes >= 24.2.0, except 36.0.0 and 36.0.1, which drop bearer tokens
notes:
  - Names and environment variables of the connection options are those of C(kubernetes.core), so
    the credential that AWX injects for Kubernetes works unchanged.
  - That credential switches O(validate_certs) off when no certificate authority is pasted into
    it. The module warns about it.
"""
