#!/usr/bin/python
# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: incident_notify
short_description: Tell people about a stage of an incident
version_added: 0.2.0
author:
  - oncall.recovery contributors (@oncall-recovery)
description:
  - Tells Slack, PagerDuty, Opsgenie, mail or any service that takes JSON what an incident has come
    to. All receivers are told side by side, inside one time limit.
  - It never fails because a receiver cannot be told. Who was not, why, and what to do is in
    RV(failed_receivers), and a warning. Only wrong input is an error, and then nobody was told
    anything.
  - Passing trouble (no connection, a server that is overloaded or has an error) is tried again, up
    to four times inside the limit.
  - Titles, texts and details may come from alerts. They are redacted, bounded, and cannot become
    mentions, headers, or links that hide where they lead.
extends_documentation_fragment:
  - oncall.recovery._attributes
attributes:
  check_mode:
    support: full
    details:
      - Nobody is told. RV(messages) says what would be sent.
  diff_mode:
    support: none
  idempotent:
    support: none
    details:
      - Whoever is told twice gets it twice. PagerDuty and Opsgenie put it to the same alert.
options:
  receivers:
    description:
      - Who is to be told, at most 30. An empty list tells nobody.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - Its name in results. Each is there once.
        type: str
        required: true
      type:
        description:
          - The service.
          - V(slack) needs O(receivers[].url). Services that take the same, such as Mattermost, do,
            too.
          - V(pagerduty) needs O(receivers[].routing_key).
          - V(opsgenie) needs O(receivers[].api_key). For Jira Service Management, set
            O(receivers[].url).
          - V(mail) needs O(receivers[].smtp_host), O(receivers[].from) and O(receivers[].to).
          - V(webhook) needs O(receivers[].url).
        type: str
        choices: [slack, pagerduty, opsgenie, mail, webhook]
        required: true
      stages:
        description:
          - The stages that it wants. All of them where this is left out.
        type: list
        elements: str
        choices: &stages
          - opened
          - acknowledged
          - decided
          - approval_needed
          - acting
          - acted
          - mitigated
          - handed_over
          - resolved
      url:
        description:
          - Of V(slack) the address of the incoming webhook, of V(webhook) the address to post to.
            Both are secrets as a whole.
          - Of V(pagerduty) where its events go, V(https://events.pagerduty.com/v2/enqueue) by
            default.
          - Of V(opsgenie) what stands before C(/v2/alerts), V(https://api.opsgenie.com) by default.
            In the EU it is V(https://api.eu.opsgenie.com), for Jira Service Management
            V(https://api.atlassian.com/jsm/ops/integration).
        type: str
      url_file:
        description:
          - A file that holds O(receivers[].url), on the host where the module runs.
        type: path
      routing_key:
        description:
          - Of V(pagerduty) the integration key of an integration of the Events API v2.
        type: str
      routing_key_file:
        description:
          - A file that holds O(receivers[].routing_key).
        type: path
      api_key:
        description:
          - Of V(opsgenie) the key of an API integration.
        type: str
      api_key_file:
        description:
          - A file that holds O(receivers[].api_key).
        type: path
      token:
        description:
          - Of V(webhook) a bearer token, if the service wants one.
        type: str
      token_file:
        description:
          - A file that holds O(receivers[].token).
        type: path
      ca_cert:
        description:
          - A file in PEM format with the authorities to trust, in place of those of the system.
            Certificates are always checked.
        type: path
      smtp_host:
        description:
          - Of V(mail) the server.
        type: str
      smtp_port:
        description:
          - Its port. By default V(587) with O(receivers[].smtp_security=starttls), V(465) with
            V(tls), V(25) with V(none).
        type: int
      smtp_security:
        description:
          - How the connection is secured. V(starttls) by default, which sends nothing where the
            server cannot do it.
        type: str
        choices: [starttls, tls, none]
      smtp_username:
        description:
          - The name to log in with, together with the password.
        type: str
      smtp_password:
        description:
          - The password to log in with.
        type: str
      smtp_password_file:
        description:
          - A file that holds O(receivers[].smtp_password).
        type: path
      from:
        description:
          - Of V(mail) the sender's address.
        type: str
      to:
        description:
          - Of V(mail) the addresses of the recipients.
        type: list
        elements: str
  incident:
    description:
      - The incident.
    type: dict
    required: true
    suboptions:
      id:
        description:
          - Its id, at most 500 characters. Of PagerDuty it is the C(dedup_key), of Opsgenie the
            alias; mails of one id are one thread.
        type: str
        required: true
      title:
        description:
          - What happened, in a line. The id where this is empty. Of more than 200 characters the
            beginning is sent.
        type: str
        default: ''
      severity:
        description:
          - How bad it is, in your own words. V(critical), V(sev1) and V(p1) are PagerDuty's
            C(critical) and Opsgenie's C(P1), V(error), V(high), V(sev2) and V(p2) C(error) and
            C(P2), V(warning), V(minor), V(sev3) and V(p3) C(warning) and C(P3), V(info), V(low),
            V(sev4) and V(p4) C(info) and C(P5). Anything else counts as V(error).
        type: str
        default: ''
      url:
        description:
          - Where to read more, an address with C(http) or C(https).
        type: str
        default: ''
  stage:
    description:
      - What it has come to.
      - V(opened), V(approval_needed) and V(handed_over) trigger an alert in PagerDuty and create
        one in Opsgenie, or add to the one that is open.
      - V(acknowledged) acknowledges it. Send that when a person took over. The automation should
        not, because nobody is called any more after it, not even by V(handed_over).
      - V(resolved) resolves it in PagerDuty and closes it in Opsgenie.
      - Of the other stages, these two are not told.
    type: str
    choices: *stages
    required: true
  text:
    description:
      - What people should know, in a few sentences. At most 4000 characters are sent.
    type: str
    default: ''
  details:
    description:
      - More facts by name. At most 30, each as a line of at most 500 characters; what is no text
        becomes JSON. Values whose name looks like that of a secret are masked.
    type: dict
    default: {}
  workload:
    description:
      - The workload that it is about.
    type: dict
    suboptions:
      kind:
        description:
          - Its kind.
        type: str
        default: Deployment
      namespace:
        description:
          - Its namespace.
        type: str
        default: ''
      name:
        description:
          - Its name.
        type: str
        required: true
  timeout:
    description:
      - Seconds for all receivers together, 1 or more. Who has not answered then is in
        RV(failed_receivers).
    type: int
    default: 10
notes:
  - Run it on the controller (C(delegate_to=localhost)), so that it does not depend on the hosts
    that are broken. A proxy for HTTP is taken from the environment.
  - Secrets are in no result, warning or error. Redirects are not followed, since they would carry
    secrets elsewhere.
  - A message to Slack has at most 4000 characters, a summary for PagerDuty 1024, a message to
    Opsgenie 130 and its details 8000, as these services have it.
  - "The usual errors: an option that the type needs is missing; an option that it does not have is
    there; a file of a secret cannot be read or is empty; an address is none; two receivers have one
    name."
seealso:
  - name: Incoming webhooks of Slack
    description: How to get an address.
    link: https://api.slack.com/messaging/webhooks
  - name: Events API v2 of PagerDuty
    description: What is sent.
    link: https://developer.pagerduty.com/docs/events-api-v2/overview/
  - name: Alert API of Opsgenie
    description: What is sent.
    link: https://docs.opsgenie.com/docs/alert-api
"""

EXAMPLES = r"""
- name: Tell the channel, and call whoever is on call
  oncall.recovery.incident_notify:
    receivers:
      - name: channel
        type: slack
        url_file: /etc/oncall/slack_url
      - name: on call
        type: pagerduty
        routing_key: "{{ lookup('ansible.builtin.env', 'PAGERDUTY_ROUTING_KEY') }}"
    incident:
      id: INC-2041
      title: Every third request to the shop fails
      severity: critical
      url: https://wiki.example/incidents/INC-2041
    stage: opened
    workload:
      namespace: shop
      name: web
    details:
      share of failing requests: 31 %
  delegate_to: localhost

- name: Ask for an approval by mail, and go on whether or not the mail server is there
  oncall.recovery.incident_notify:
    receivers:
      - name: mail
        type: mail
        smtp_host: mail.example
        smtp_username: oncall
        smtp_password_file: /etc/oncall/smtp_password
        from: oncall@shop.example
        to: [database@shop.example, lead@shop.example]
        stages: [approval_needed, handed_over, resolved]
    incident:
      id: INC-2041
      title: Orders are missing
    stage: approval_needed
    text: >-
      Restoring the backup of 03:00 would lose the orders since then. Approve it in AWX.
  delegate_to: localhost
  register: told

- name: Say that it is over to a service of your own, and to Opsgenie in the EU, and stop at nothing
  oncall.recovery.incident_notify:
    receivers:
      - name: status page
        type: webhook
        url: https://status.shop.example/hooks/incidents
        token_file: /etc/oncall/status_token
        ca_cert: /etc/ssl/shop/ca.pem
      - name: opsgenie
        type: opsgenie
        url: https://api.eu.opsgenie.com
        api_key_file: /etc/oncall/opsgenie_key
    incident:
      id: INC-2041
      title: Every third request to the shop fails
    stage: resolved
    text: Rolled back to revision 7. Users have been served again since 03:14.
    timeout: 5
  delegate_to: localhost
"""

RETURN = r"""
delivered:
  description: Names of the receivers that were told. In check mode, of those that would be.
  returned: success
  type: list
  elements: str
  sample: [channel]
failed_receivers:
  description: The receivers that should have been told and were not.
  returned: success
  type: list
  elements: dict
  contains:
    receiver:
      description: Its name.
      type: str
      sample: on call
    type:
      description: Its type.
      type: str
      sample: pagerduty
    why:
      description: What went wrong, without secrets.
      type: str
      sample: "answered 503: Service Unavailable, after 4 attempts"
    next_step:
      description: What to do.
      type: str
      sample: See whether the service is up, and tell people in another way
left_out:
  description:
    - Names of the receivers that do not want this stage, or whose service has nothing for it.
  returned: success
  type: list
  elements: str
  sample: []
messages:
  description: What would be sent, with the secrets masked.
  returned: in check mode
  type: list
  elements: dict
  contains:
    receiver:
      description: Name of the receiver.
      type: str
      sample: channel
    address:
      description: Where it would go, without what may be a key in it.
      type: str
      sample: https://hooks.slack.com
    body:
      description: The JSON, or of a mail C(from), C(to), C(subject) and C(text).
      type: dict
      sample:
        text: "*Incident opened: Every third request to the shop fails*"
"""

import typing as t

from ansible_collections.oncall.recovery.plugins.module_utils._adapter import (
    finish,
    keep_out_of_results,
    plain_module,
    reporting_errors,
    require_at_least,
)
from ansible_collections.oncall.recovery.plugins.module_utils._incident.notify.announcing import (
    announce,
    receivers_from,
)
from ansible_collections.oncall.recovery.plugins.module_utils._incident.notify.notice import (
    STAGES,
    Notice,
)
from ansible_collections.oncall.recovery.plugins.module_utils._incident.notify.receiver import (
    SMTP_PORTS,
)
from ansible_collections.oncall.recovery.plugins.module_utils._incident.notify.services import (
    SERVICES,
)

TEXT: dict[str, t.Any] = {"type": "str"}
SECRET: dict[str, t.Any] = {"type": "str", "no_log": True}
SECRET_FILE: dict[str, t.Any] = {"type": "path", "no_log": False}
ARGUMENT_SPEC: dict[str, t.Any] = {
    "receivers": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "type": {"type": "str", "choices": list(SERVICES), "required": True},
            "stages": {"type": "list", "elements": "str", "choices": list(STAGES)},
            "url": SECRET,
            "url_file": SECRET_FILE,
            "routing_key": SECRET,
            "routing_key_file": SECRET_FILE,
            "api_key": SECRET,
            "api_key_file": SECRET_FILE,
            "token": SECRET,
            "token_file": SECRET_FILE,
            "ca_cert": {"type": "path"},
            "smtp_host": TEXT,
            "smtp_port": {"type": "int"},
            "smtp_security": {"type": "str", "choices": list(SMTP_PORTS)},
            "smtp_username": TEXT,
            "smtp_password": SECRET,
            "smtp_password_file": SECRET_FILE,
            "from": TEXT,
            "to": {"type": "list", "elements": "str"},
        },
    },
    "incident": {
        "type": "dict",
        "required": True,
        "options": {
            "id": {"type": "str", "required": True},
            "title": {"type": "str", "default": ""},
            "severity": {"type": "str", "default": ""},
            "url": {"type": "str", "default": ""},
        },
    },
    "stage": {"type": "str", "choices": list(STAGES), "required": True},
    "text": {"type": "str", "default": ""},
    "details": {"type": "dict", "default": {}},
    "workload": {
        "type": "dict",
        "options": {
            "kind": {"type": "str", "default": "Deployment"},
            "namespace": {"type": "str", "default": ""},
            "name": {"type": "str", "required": True},
        },
    },
    "timeout": {"type": "int", "default": 10},
}


def main() -> None:
    module = plain_module(ARGUMENT_SPEC)
    with reporting_errors(module):
        require_at_least(module.params, timeout=1)
        receivers = receivers_from(module.params["receivers"])
        keep_out_of_results(module, *(receiver.secrets for receiver in receivers))
        announced = announce(
            receivers,
            Notice.from_options(module.params),
            module.params["timeout"],
            dry_run=module.check_mode,
        )
    finish(module, announced.as_result(), warnings=announced.warnings)


if __name__ == "__main__":
    main()
