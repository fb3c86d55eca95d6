"""HTTP messages as the suite handles them: plain values, bytes kept as they were on the wire."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlsplit

from conformance import __version__

Pairs = tuple[tuple[str, str], ...]

#: What the suite calls itself: there are servers that serve nobody who does not say so (RFC 9110 section 10.1.5).
USER_AGENT = f"par-conformance/{__version__}"

#: JSON deeper than this is refused before it is parsed: the parser's own recursion must not decide.
DEEPEST_JSON = 100
#: Strings (skipped as a whole, the last one perhaps unfinished) and brackets. Possessive, so that it is linear.
_STRUCTURE = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)

#: Half of a character beyond the basic plane: without its other half it is no text, and cannot be sent on.
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


@dataclass(frozen=True)
class Request:
    """One HTTP request. `certificate` names the role whose client certificate is shown (mutual TLS).

    `role/sibling` and `role/impostor` are certificates that look like it (`ClientCertificate.variant`). Of a `raw` one
    the content is the whole message as it goes over the wire, and nothing is added.
    """

    method: str
    url: str
    headers: Pairs = ()
    content: bytes = b""
    certificate: str | None = None
    fresh_connection: bool = False
    repeatable: bool = False
    raw: bool = False


@dataclass(frozen=True)
class Response:
    """One HTTP response, its body decoded from gzip or deflate and cut at a limit.

    `rest` is what followed the answer to a raw request on the same connection.
    """

    status: int
    headers: Pairs
    body: bytes
    url: str
    started: float
    seconds: float
    received: float = field(compare=False, default=0.0)
    cut: bool = False
    rest: bytes = field(default=b"", repr=False)

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
        return self._object

    @cached_property
    def _object(self) -> dict[str, Any] | None:
        return parse_json_object(self.body)

    @property
    def is_redirect(self) -> bool:
        """A status that sends a browser elsewhere, with an address to go to."""
        return self.status in {301, 302, 303, 307, 308} and self.header("location") is not None


class Died(Exception):  # noqa: N818 - an observation about the target, not an error of the suite
    """No answer came: refused, reset, timed out, or not HTTP. The text says which."""


def parse_json_object(body: bytes) -> dict[str, Any] | None:
    """One JSON object, or None.

    Invalid UTF-8, NaN, duplicate members, numbers beyond a double's range, halves of surrogate pairs and absurd
    nesting are no JSON object.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return None
    if _too_deep(text):
        return None
    try:
        value = json.loads(
            text, object_pairs_hook=_members, parse_constant=_no_constant, parse_float=_number, parse_int=_integer
        )
        if _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode()
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _too_deep(text: str) -> bool:
    if text.count("[") + text.count("{") <= DEEPEST_JSON:  # however they stand, they do not go so deep
        return False
    depth = 0
    for found in _STRUCTURE.finditer(text):
        sign = found[0]
        if sign in "[{":
            depth += 1
            if depth > DEEPEST_JSON:
                return True
        elif sign in "]}":
            depth -= 1
    return False


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice")
    return members


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is out of range")
    return number


def _integer(text: str) -> int:
    _number(text)
    return int(text)


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


def split(url: str) -> SplitResult:
    """The parts of a URL that a server may have sent: what is no URL at all has none."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # looked at now, for it may be no number
    except ValueError:
        return SplitResult("", "", "", "", "")
    return parts


def host_of(url: str) -> str | None:
    """The host name of a URL in lower case; None where it has none."""
    return split(url).hostname


def query_of(url: str) -> dict[str, str]:
    """The query parameters of a URL; the first value counts."""
    return _first_values(split(url).query)


def fragment_of(url: str) -> dict[str, str]:
    """The parameters in a URL's fragment; the first value counts."""
    return _first_values(split(url).fragment)


def _first_values(text: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        values.setdefault(name, value)
    return values


def origin(url: str) -> str:
    """Scheme, host and port of a URL, the default port left out (RFC 6454 section 4)."""
    parts = split(url)
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
