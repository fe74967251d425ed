# Copyright (c) 2026, oncall.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages of the shop, each of which depends on something else that can break."""

from __future__ import annotations

from http import HTTPStatus

from .dependencies import DependencyError, ask_database, ask_upstream
from .pages import Answer, Context, Page, happens


def product(context: Context) -> Answer:
    """Depends on nothing but the release."""
    return Answer({"page": "product", "version": context.version})


def recommendations(context: Context) -> Answer:
    """A feature behind a flag, without which the page still serves."""
    if not context.settings.recommendations_enabled:
        return Answer({"page": "recommendations", "items": []})
    if happens(context.settings.fault_recommendations_error_share):
        raise RuntimeError("recommendations could not be computed")
    return Answer({"page": "recommendations", "items": ["tea", "cup"]})


def shipping(context: Context) -> Answer:
    """Depends on the upstream API."""
    try:
        quote = ask_upstream(context.settings, context.metrics)
    except DependencyError as error:
        status = HTTPStatus.GATEWAY_TIMEOUT if error.result == "timeout" else HTTPStatus.BAD_GATEWAY
        return Answer({"page": "shipping", "error": str(error)}, status)
    return Answer({"page": "shipping", "quote": quote})


def orders(context: Context) -> Answer:
    """Depends on the database, always."""
    try:
        found = ask_database(context.settings, context.metrics)
    except DependencyError as error:
        body: dict[str, object] = {"page": "orders", "error": str(error)}
        return Answer(body, HTTPStatus.SERVICE_UNAVAILABLE)
    return Answer({"page": "orders", **found})


def catalog(context: Context) -> Answer:
    """Depends on the database unless the cache is on and warm."""
    settings = context.settings
    if not settings.cache_enabled:
        return orders(context)
    cached = context.cache.get("catalog", settings.cache_seconds)
    context.metrics.cache_requests.increase("miss" if cached is None else "hit")
    if cached is not None:
        return Answer({**cached, "cached": True})
    answer = orders(context)
    if answer.status == HTTPStatus.OK:
        context.cache.put("catalog", answer.body)
    return answer


SHOP_PAGES: dict[str, Page] = {
    "/": product,
    "/recommendations": recommendations,
    "/shipping": shipping,
    "/catalog": catalog,
    "/orders": orders,
}
