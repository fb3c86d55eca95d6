"""What went over the wire in the browser as a HAR file (HTTP Archive 1.2): for the viewers that people have.

It is made of the redacted exchanges of the record, never of what the browser itself would write.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from conformance.report.record import CheckResult, Exchange, Message, Run

NAME: Final = "browser.har"
#: The purposes of exchanges that a browser made begin so.
PURPOSE: Final = "browser: "


def in_browser(run: Run) -> list[CheckResult]:
    """The checks that made exchanges in the browser."""
    return [check for check in run.checks if any(exchange.purpose.startswith(PURPOSE) for exchange in check.exchanges)]


def render(run: Run) -> str:
    """The file: one page a check, its exchanges in order, the suite's own beside those of the browser."""
    checks = in_browser(run)
    log = {
        "version": "1.2",
        "creator": {"name": "par-conformance", "version": run.suite_version},
        "comment": "Secrets are replaced by fingerprints.",
        "pages": [_page(number, check) for number, check in enumerate(checks, 1)],
        "entries": [_entry(number, exchange) for number, check in enumerate(checks, 1) for exchange in check.exchanges],
    }
    return json.dumps({"log": log}, indent=1, ensure_ascii=False) + "\n"


def _page(number: int, check: CheckResult) -> dict[str, Any]:
    return {
        "startedDateTime": _moment(check.started or 0),
        "id": f"check_{number}",
        "title": f"{check.name}: {check.outcome}",
        "pageTimings": {},
    }


def _entry(number: int, exchange: Exchange) -> dict[str, Any]:
    spent = round(exchange.seconds * 1000, 3)
    return {
        "pageref": f"check_{number}",
        "startedDateTime": _moment(exchange.started),
        "time": spent,
        "request": _request(exchange),
        "response": _response(exchange),
        "cache": {},
        "timings": {"send": 0, "wait": spent, "receive": 0},
        "comment": exchange.purpose,
    }


def _request(exchange: Exchange) -> dict[str, Any]:
    message = exchange.request
    request: dict[str, Any] = {
        "method": exchange.method,
        "url": exchange.url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _headers(message),
        "queryString": _pairs(_query(exchange.url)),
        "headersSize": -1,
        "bodySize": message.size,
    }
    if message.body:
        request["postData"] = {"mimeType": _header(message, "content-type"), "text": message.body, "params": []}
    return request


def _response(exchange: Exchange) -> dict[str, Any]:
    message, status = exchange.response, exchange.status or 0
    known = {item.value: item.phrase for item in HTTPStatus}
    return {
        "status": status,
        "statusText": known.get(status, exchange.error or ""),
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _headers(message),
        "content": {"size": message.size, "mimeType": _header(message, "content-type"), "text": message.body},
        "redirectURL": _header(message, "location"),
        "headersSize": -1,
        "bodySize": message.size,
    }


def _headers(message: Message) -> list[dict[str, str]]:
    return _pairs(message.headers)


def _header(message: Message, name: str) -> str:
    return next((value for key, value in message.headers if key.lower() == name), "")


def _query(url: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(urlsplit(url).query, keep_blank_values=True)
    except ValueError:
        return []


def _pairs(pairs: list[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in pairs]


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
