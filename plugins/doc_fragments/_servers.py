# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How to reach the servers that signals come from. Private to oncall.recovery."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  prometheus:
    description:
      - Where Prometheus is, or what speaks its HTTP API, such as Thanos, Mimir or VictoriaMetrics.
    type: dict
    suboptions: &server
      url:
        description:
          - Address of the server, with the path below which it lies, if any. Needed where a signal
            is asked for there. Falls back to E(RECOVERY_PROMETHEUS_URL) or
            E(RECOVERY_ALERTMANAGER_URL).
          - One with a user name or password in it is refused.
        type: str
      username:
        description:
          - User name for basic authentication. Falls back to E(RECOVERY_PROMETHEUS_USERNAME) or
            E(RECOVERY_ALERTMANAGER_USERNAME).
        type: str
      password:
        description:
          - Password that goes with it. Falls back to E(RECOVERY_PROMETHEUS_PASSWORD) or
            E(RECOVERY_ALERTMANAGER_PASSWORD).
        type: str
      token:
        description:
          - Bearer token, in place of a user name and password. Falls back to
            E(RECOVERY_PROMETHEUS_TOKEN) or E(RECOVERY_ALERTMANAGER_TOKEN).
        type: str
      ca_cert:
        description:
          - Path of the certificate authority's certificates, in PEM format. Falls back to
            E(RECOVERY_PROMETHEUS_CA_CERT) or E(RECOVERY_ALERTMANAGER_CA_CERT), then to those of the
            system.
        type: path
      client_cert:
        description:
          - Path of the certificate to log in with, in PEM format. The file may hold the key, too.
            Falls back to E(RECOVERY_PROMETHEUS_CLIENT_CERT) or
            E(RECOVERY_ALERTMANAGER_CLIENT_CERT).
        type: path
      client_key:
        description:
          - Path of the certificate's key. Falls back to E(RECOVERY_PROMETHEUS_CLIENT_KEY) or
            E(RECOVERY_ALERTMANAGER_CLIENT_KEY).
        type: path
      validate_certs:
        description:
          - Whether to check the server's certificate.
        type: bool
        default: true
  alertmanager:
    description:
      - Where Alertmanager is, or what speaks its HTTP API. The same options as for
        O(prometheus).
    type: dict
    suboptions: *server
"""
