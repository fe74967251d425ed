# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sphinx's settings for the site that scripts/docs.sh builds."""

from __future__ import annotations

import re
import typing as t

from docutils import nodes

if t.TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "oncall.recovery"
project_copyright = "2026, oncall.recovery contributors"
html_title = html_short_title = "oncall.recovery"

extensions = ["sphinx_antsibull_ext"]
highlight_language = "YAML+Jinja"
pygments_style = "ansible"

html_theme = "sphinx_ansible_theme"
html_theme_options = {"documentation_home_url": "index.html", "topbar_links": {}}
html_show_sphinx = False
html_copy_source = False
html_use_index = False

# Pages of Ansible's own documentation that the generated pages refer to. Fetching its index of
# labels would make the build depend on the network.
ANSIBLE_DOCUMENTATION = "https://docs.ansible.com/projects/ansible/latest/"
ANSIBLE_PAGES = {
    "ansible_configuration_settings": "reference_appendices/config.html",
    "common_return_values": "reference_appendices/common_return_values.html",
}
# A module of another collection, such as those that take the same options.
MODULE_OF_ANOTHER = re.compile(r"ansible_collections\.(?!oncall\.)(\w+)\.(\w+)\.(\w+_module)")


def link_to_ansible(
    _app: Sphinx, _environment: object, node: nodes.Element, content: nodes.TextElement
) -> nodes.reference | None:
    """Resolve a label of Ansible's documentation; leave the others to be reported."""
    page = ANSIBLE_PAGES.get(node["reftarget"])
    module = MODULE_OF_ANOTHER.fullmatch(node["reftarget"])
    if module:
        page = "collections/{}/{}/{}.html".format(*module.groups())
    return page and nodes.reference("", "", content, refuri=ANSIBLE_DOCUMENTATION + page)


def setup(app: Sphinx) -> None:
    app.connect("missing-reference", link_to_ansible)
