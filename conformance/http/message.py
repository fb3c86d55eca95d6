"""HTTP messages as the suite handles them: plain values, bytes kept as they were on the wire."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Pairs = tuple[tuple[str, str], ...]

#: JSON deeper than this is refused before it is parsed: the parser's own recursion must not decide.
DEEPEST_JSON = 100


@dataclass(frozen=True)
class Request:
    """One HTTP request. `certificate` names the role whose client certificate is shown (mutual TLS)."""

    method: str
    url: str
    headers: Pairs = ()
    content: bytes = b""
    certificate: str | None = None
    fresh_connection: bool = False
    repeatable: bool = False


@dataclass(frozen=True)
class Response:
    """One HTTP response, its body decoded from gzip or deflate and cut at a limit."""

    status: int
    headers: Pairs
    body: bytes
    url: str
    started: float
    seconds: float
    received: float = field(compare=False, default=0.0)
    cut: bool = False

    def header(self, name: str) -> str | None:
        """The first value of a header, whatever its case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def all(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    @property
    def text(self) -> str:
        """The body as text; what is not UTF-8 becomes replacement characters."""
        return self.body.decode("utf-8", "replace")

    @property
    def media_type(self) -> str:
        """The media type in lower case, without parameters; empty when none is said."""
        return (self.header("content-type") or "").split(";")[0].strip().lower()

    def json_object(self) -> dict[str, Any] | None:
        """The body as one JSON object (RFC 8259), or None where it is not one."""
        return parse_json_object(self.body)

    @property
    def is_redirect(self) -> bool:
        """A status that sends a browser elsewhere, with an address to go to."""
        return self.status in {301, 302, 303, 307, 308} and self.header("location") is not None


class Died(Exception):  # noqa: N818 - an observation about the target, not an error of the suite
    """No answer came: refused, reset, timed out, or not HTTP. The text says which."""


def parse_json_object(body: bytes) -> dict[str, Any] | None:
    """One JSON object, or None: invalid UTF-8, NaN, duplicate members and absurd nesting are no JSON object."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return None
    if _depth(text) > DEEPEST_JSON:
        return None
    try:
        value = json.loads(text, object_pairs_hook=_members, parse_constant=_no_constant)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _depth(text: str) -> int:
    depth = deepest = 0
    in_string = escaped = False
    for sign in text:
        if in_string:
            if escaped:
                escaped = False
            elif sign == "\\":
                escaped = True
            elif sign == '"':
                in_string = False
        elif sign == '"':
            in_string = True
        elif sign in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif sign in "]}":
            depth -= 1
    return deepest


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice")
    if any(isinstance(value, float) and not math.isfinite(value) for value in members.values()):
        raise ValueError("a number is out of range")
    return members


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


def query_of(url: str) -> dict[str, str]:
    """The query parameters of a URL; the first value counts."""
    return _first_values(urlsplit(url).query)


def fragment_of(url: str) -> dict[str, str]:
    """The parameters in a URL's fragment; the first value counts."""
    return _first_values(urlsplit(url).fragment)


def _first_values(text: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        values.setdefault(name, value)
    return values


def origin(url: str) -> str:
    """Scheme, host and port of a URL, the default port left out (RFC 6454 section 4)."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = None
    host = (parts.hostname or "").lower()
    if ":" in host:
        host = f"[{host}]"
    if port is None or port == {"http": 80, "https": 443}.get(parts.scheme):
        return f"{parts.scheme}://{host}"
    return f"{parts.scheme}://{host}:{port}"
