"""Evidence: what was sent and received in one check, kept raw in memory and redacted when it is written."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from urllib.parse import parse_qsl

from conformance.http.message import Pairs, Request, Response, split
from conformance.http.redaction import Redactor
from conformance.report import record

#: How much of a body, of a URL, and of all header values together goes into the record (characters).
LONGEST_BODY = 16_384
LONGEST_URL = 8_192
LONGEST_HEADERS = 16_384
#: More header fields than this are not told one by one.
MOST_HEADERS = 100
#: So many of the changes that a check made are told.
MOST_CHANGES = 3
#: How much of each body is kept (bytes), and how much once a run has kept `MUCH` of bodies, headers and URLs.
KEPT = 256 * 1024
KEPT_OF_MANY = 8_192
MUCH = 32 * 1024 * 1024
#: Then a header's value or a query that is longer is left out (characters).
_LONG = 2_048
#: What a header field costs beside its characters (bytes, about).
_FIELD = 200
#: Half a secret at the place of a cut would not be known any more: so much before it is left out (characters).
_MARGIN = 4_096


@dataclass(frozen=True)
class RawExchange:
    """One exchange as it was, its body cut: holds secrets, so it has no readable repr. `size` is the body's own."""

    purpose: str
    request: Request = field(repr=False)
    response: Response | None = field(repr=False)
    started: float
    seconds: float
    error: str | None = None
    size: int = 0


@dataclass
class Evidence:
    """Everything that one check sent, received and waited for, in order."""

    exchanges: list[RawExchange] = field(default_factory=list, repr=False)
    waits: list[record.Wait] = field(default_factory=list)
    changes: dict[str, None] = field(default_factory=dict, repr=False)
    """What was changed in ordinary requests, in words: the last few, in order."""

    def change(self, text: str) -> None:
        """Keep in mind what is under test."""
        self.changes.pop(text, None)
        self.changes[text] = None
        if len(self.changes) > MOST_CHANGES:
            del self.changes[next(iter(self.changes))]

    def add(self, exchange: RawExchange, redactor: Redactor, *, sparing: bool = False) -> int:
        """Learn the secrets of an exchange and keep it, its body cut; `sparing` cuts more. Returns its bytes, about."""
        learn(exchange, redactor)
        request, response = exchange.request, exchange.response
        if sparing:
            request = replace(request, headers=_lean(request.headers))
            if len(request.url) > _LONG:
                request = replace(request, url=request.url.split("?")[0][:_LONG] + "?…")
        size = 0
        if response is not None:
            size = len(response.body)
            headers = _lean(response.headers) if sparing else response.headers
            response = replace(response, headers=headers, body=response.body[: KEPT_OF_MANY if sparing else KEPT])
        self.exchanges.append(replace(exchange, request=request, response=response, size=size))
        pairs = (*request.headers, *(response.headers if response else ()))
        bodies = len(request.content) + (len(response.body) if response else 0)
        return bodies + len(request.url) + sum(len(name) + len(value) + _FIELD for name, value in pairs)

    def records(self, redactor: Redactor) -> list[record.Exchange]:
        """The exchanges for the report, redacted."""
        return [_record(number, raw, redactor) for number, raw in enumerate(self.exchanges, 1)]


def _lean(headers: Pairs) -> Pairs:
    """Without long values: what cannot be kept whole is left out whole, for half a secret would not be known."""
    return tuple(
        (name, value if len(value) <= _LONG else f"({len(value)} characters)") for name, value in headers[:MOST_HEADERS]
    )


def learn(exchange: RawExchange, redactor: Redactor) -> None:
    """Tell the redactor every credential that an exchange carries, by the place in which it stands."""
    request = exchange.request
    redactor.learn_headers(request.headers)
    redactor.learn_fields(parse_qsl(split(request.url).query))
    redactor.learn_fields(parse_qsl(request.content.decode("utf-8", "replace")))
    if exchange.response is None:
        return
    learn_head(exchange.response.headers, redactor)
    members = exchange.response.json_object()
    if members:
        redactor.learn_members(members)


def learn_head(headers: Pairs, redactor: Redactor) -> None:
    """Tell the redactor what the head of an answer carries: cookies, and the code in a redirect."""
    redactor.learn_headers(headers)
    for location in (value for name, value in headers if name.lower() == "location"):
        parts = split(location)
        redactor.learn_fields(parse_qsl(parts.query) + parse_qsl(parts.fragment))


def _record(number: int, raw: RawExchange, redactor: Redactor) -> record.Exchange:
    request, response = raw.request, raw.response
    sent = Request(
        method=request.method,
        url=_cut(request.url, LONGEST_URL, redactor.text),
        headers=_headers(request.headers, redactor),
        certificate=request.certificate,
    )
    body = _cut(request.content.decode("utf-8", "backslashreplace"), LONGEST_BODY, redactor.text, ellipsis="")
    return record.Exchange(
        number=number,
        purpose=raw.purpose,
        started=raw.started,
        seconds=raw.seconds,
        method=sent.method,
        url=sent.url,
        request=record.Message(headers=list(sent.headers), body=body, size=len(request.content)),
        status=response.status if response else None,
        response=record.Message(
            headers=list(_headers(response.headers, redactor)),
            body=_cut(response.text, LONGEST_BODY, redactor.text, ellipsis="", whole=len(response.body) == raw.size),
            size=raw.size,
        )
        if response
        else record.Message(),
        error=_cut(raw.error, LONGEST_URL, redactor.text) if raw.error else None,
        curl=raw_command(sent.url, body)
        if request.raw
        else curl(sent, body, whole=len(request.content) <= LONGEST_BODY),
    )


def _cut(text: str, limit: int, redacted: Callable[[str], str], *, ellipsis: str = "…", whole: bool = True) -> str:
    """A text redacted and cut. Where it ends early, what a cut may have left of a secret is taken away with it."""
    piece = text[: limit + _MARGIN]
    shown = redacted(piece)
    if not whole or len(piece) < len(text):
        shown, whole = shown[: max(0, len(shown) - _MARGIN)], False
    return shown[:limit] if whole and len(shown) <= limit else shown[:limit] + ellipsis


def _headers(headers: Pairs, redactor: Redactor) -> Pairs:
    shown: list[tuple[str, str]] = []
    room = LONGEST_HEADERS
    for name, value in headers[:MOST_HEADERS]:
        text = _cut(value, max(64, room), partial(redactor.header, name))
        shown.append((redactor.text(name)[:256], text))
        room -= len(text)
    if len(headers) > MOST_HEADERS:
        shown.append(("…", f"and {len(headers) - MOST_HEADERS} more"))
    return tuple(shown)


def raw_command(url: str, message: str) -> str:
    """A command that sends a redacted message as it is."""
    parts = split(url)
    secure = parts.scheme == "https"
    host, port = parts.hostname or "", parts.port or (443 if secure else 80)
    connection = ["openssl", "s_client", "-quiet", "-connect", f"{host}:{port}"] if secure else ["nc", host, str(port)]
    escaped = message.replace("\\", "\\\\").replace("\r", "\\r").replace("\n", "\\n").replace("\0", "\\0")
    return f"{shlex.join(['printf', '%b', escaped])} | {shlex.join(connection)}"


def curl(request: Request, body: str, *, whole: bool = True) -> str:
    """A command that repeats a redacted request; a body that was cut is read from a file."""
    words = ["curl", "-i", "-X", request.method, request.url]
    for name, value in request.headers:
        words += ["-H", f"{name}: {value}"]
    if request.certificate:
        words += ["--cert", "client.pem", "--key", "client.key"]
    if not whole:
        words += ["--data-binary", "@body"]
    elif body:
        words += ["--data-binary", body]
    return shlex.join(words)
