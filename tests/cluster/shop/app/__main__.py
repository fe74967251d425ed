# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python3 -m app`` is the shop, ``python3 -m app upstream`` the API that it depends on."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from .logs import log, set_up_logs
from .release import read_release
from .server import Application, run
from .settings import SettingsError
from .shop_pages import SHOP_PAGES
from .upstream_pages import UPSTREAM_PAGES

PAGES_BY_COMMAND = {"shop": SHOP_PAGES, "upstream": UPSTREAM_PAGES}
SETTINGS_FOLDER = Path("/etc/shop")


def main(arguments: list[str]) -> int:
    command = arguments[0] if arguments else "shop"
    pages = PAGES_BY_COMMAND.get(command)
    if pages is None:
        print(f"unknown command {command}: use one of {', '.join(PAGES_BY_COMMAND)}")
        return 2
    try:
        application = Application(command, read_release(), SETTINGS_FOLDER, pages)
    except SettingsError as error:
        set_up_logs("INFO")
        log(logging.CRITICAL, "cannot start", error=str(error))
        return 1
    return run(application)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
