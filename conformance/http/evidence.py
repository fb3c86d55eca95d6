"""Evidence: what was sent and received in one check, kept raw in memory and redacted when it is written."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from conformance.http.message import Request, Response
from conformance.http.redaction import Redactor
from conformance.report import record

#: How much of a body goes into the record (characters).
LONGEST_BODY = 16_384


@dataclass(frozen=True)
class RawExchange:
    """One exchange as it was: holds secrets, so it has no readable repr."""

    purpose: str
    request: Request = field(repr=False)
    response: Response | None = field(repr=False)
    started: float
    seconds: float
    error: str | None = None


@dataclass
class Evidence:
    """Everything that one check sent, received and waited for, in order."""

    exchanges: list[RawExchange] = field(default_factory=list, repr=False)
    waits: list[record.Wait] = field(default_factory=list)

    def add(self, exchange: RawExchange, redactor: Redactor) -> None:
        """Keep an exchange and learn its secrets."""
        self.exchanges.append(exchange)
        learn(exchange, redactor)

    def records(self, redactor: Redactor) -> list[record.Exchange]:
        """The exchanges for the report, redacted."""
        return [_record(number, raw, redactor) for number, raw in enumerate(self.exchanges, 1)]


def learn(exchange: RawExchange, redactor: Redactor) -> None:
    """Tell the redactor every credential that an exchange carries, by the place in which it stands."""
    request = exchange.request
    redactor.learn_headers(request.headers)
    redactor.learn_fields(parse_qsl(urlsplit(request.url).query))
    if len(request.content) <= LONGEST_BODY:
        redactor.learn_fields(parse_qsl(request.content.decode("utf-8", "replace")))
    if exchange.response is None:
        return
    response = exchange.response
    redactor.learn_headers(response.headers)
    location = response.header("location")
    if location:
        parts = urlsplit(location)
        redactor.learn_fields(parse_qsl(parts.query) + parse_qsl(parts.fragment))
    members = response.json_object() if len(response.body) <= LONGEST_BODY else None
    if members:
        redactor.learn_fields(members.items())


def _record(number: int, raw: RawExchange, redactor: Redactor) -> record.Exchange:
    request, response = raw.request, raw.response
    body = request.content[:LONGEST_BODY].decode("utf-8", "backslashreplace")
    return record.Exchange(
        number=number,
        purpose=raw.purpose,
        started=raw.started,
        seconds=raw.seconds,
        method=request.method,
        url=redactor.text(request.url),
        request=record.Message(
            headers=[(name, redactor.text(value)) for name, value in request.headers],
            body=redactor.text(body),
            size=len(request.content),
        ),
        status=response.status if response else None,
        response=record.Message(
            headers=[(name, redactor.text(value)) for name, value in response.headers],
            body=redactor.text(response.text[:LONGEST_BODY]),
            size=len(response.body),
        )
        if response
        else record.Message(),
        error=redactor.text(raw.error) if raw.error else None,
        curl=redactor.text(curl(request)),
    )


def curl(request: Request) -> str:
    """A command that repeats a request. Secrets are replaced by the redactor afterwards."""
    words = ["curl", "-i", "-X", request.method, request.url]
    for name, value in request.headers:
        words += ["-H", f"{name}: {value}"]
    if request.certificate:
        words += ["--cert", "client.pem", "--key", "client.key"]
    if len(request.content) > LONGEST_BODY:
        words += ["--data-binary", "@body"]
    elif request.content:
        words += ["--data-binary", request.content.decode("utf-8", "backslashreplace")]
    return shlex.join(words)
