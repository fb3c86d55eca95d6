"""Faults of the HTTP server itself: where a message ends, and what is none (RFC 9112)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any, cast

from aiohttp import web

from conformance.server.app import AuthorizationServer
from conformance.server.errors import OAuthError
from conformance.server.faults import fault

LENGTHS = "rfc9112-6.3-differing-lengths-refused"
CHUNKED = re.compile(rb"\r\nTransfer-Encoding: chunked(?=\r\n)", re.IGNORECASE)


class _Reading:
    """A protocol that reads a connection with other eyes, and hands on what it makes of it."""

    def __init__(self, inner: asyncio.Protocol, read: Callable[[bytes], bytes]) -> None:
        self._inner = inner
        self._read = read

    def data_received(self, data: bytes) -> None:
        """Hand it on."""
        self._inner.data_received(self._read(data))

    def __getattr__(self, name: str) -> Any:
        """All else is the strict parser's own."""
        return getattr(self._inner, name)


class _Lenient(AuthorizationServer):
    """Makes something of messages that are none."""

    def read(self, data: bytes) -> bytes:
        """What is taken for the message."""
        raise NotImplementedError

    def connection(self, handlers: Callable[[], asyncio.Protocol]) -> Callable[[], asyncio.Protocol]:
        """A reader in front of the parser."""
        return lambda: cast(asyncio.Protocol, _Reading(handlers(), self.read))


@fault(LENGTHS)
class FirstLengthCounts(_Lenient):
    """BUG: of two Content-Length fields the first one counts (RFC 9112 section 6.3)."""

    def read(self, data: bytes) -> bytes:
        """Leave the second one out."""
        return re.sub(rb"(\r\nContent-Length: \d+)\r\nContent-Length: \d+", rb"\1", data)


@fault(LENGTHS)
class LastLengthCounts(_Lenient):
    """BUG: of two Content-Length fields the last one counts (RFC 9112 section 6.3)."""

    def read(self, data: bytes) -> bytes:
        """Leave the first one out."""
        return re.sub(rb"\r\nContent-Length: \d+(\r\nContent-Length: \d+)", rb"\1", data)


@fault(LENGTHS)
class LengthsAreReadAsNumbersOfTheLanguage(_Lenient):
    """BUG: Content-Length is read as the programming language reads numbers, with a sign (RFC 9112 section 6.3)."""

    def read(self, data: bytes) -> bytes:
        """A plus is none."""
        return data.replace(b"\r\nContent-Length: +", b"\r\nContent-Length: ")


@fault("rfc9112-6.1-connection-closed-after-both-framings")
class ConnectionGoesOnAfterBothFramings(_Lenient):
    """BUG: Transfer-Encoding wins over Content-Length, and the connection is kept (RFC 9112 section 6.1)."""

    def read(self, data: bytes) -> bytes:
        """Leave the length out."""
        return re.sub(rb"\r\nContent-Length: \d+(?=\r\n)", b"", data) if CHUNKED.search(data) else data


@fault("rfc9112-6.3-undetermined-length-refused")
class EveryCodingIsChunked(_Lenient):
    """BUG: that there is a transfer coding is taken for chunked (RFC 9112 section 6.3)."""

    def read(self, data: bytes) -> bytes:
        """Chunked it is."""
        return re.sub(rb"\r\nTransfer-Encoding: [^\r]*", b"\r\nTransfer-Encoding: chunked", data)


@fault("rfc9112-7.1-malformed-chunks-refused")
class ChunkSizesMayHaveAPrefix(_Lenient):
    """BUG: chunk sizes are read as the programming language reads hexadecimal numbers (RFC 9112 section 7.1)."""

    def read(self, data: bytes) -> bytes:
        """The size that the chunk truly has, where a prefix stands before one."""
        head, blank, body = data.partition(b"\r\n\r\n")
        if CHUNKED.search(head + blank) and body.startswith(b"0x10\r\n"):
            first = body.removeprefix(b"0x10\r\n").partition(b"\r\n")[0]
            body = b"%x" % len(first) + body.removeprefix(b"0x10")
        return head + blank + body


@fault("rfc9112-3.2-one-host-required")
class HostMayBeMissing(_Lenient):
    """BUG: a request without Host is for the only host that there is (RFC 9112 section 3.2)."""

    def read(self, data: bytes) -> bytes:
        """Add it."""
        head = data.partition(b"\r\n\r\n")[0]
        if not head.startswith(b"POST ") or b"\r\nHost:" in head:
            return data
        return data.replace(b"\r\n", b"\r\nHost: 127.0.0.1\r\n", 1)


@fault("rfc9112-3.2-one-host-required")
class SecondHostIsOverlooked(_Lenient):
    """BUG: of two Host fields the first one counts (RFC 9112 section 3.2)."""

    def read(self, data: bytes) -> bytes:
        """Leave the second one out."""
        return data.replace(b"\r\nHost: other-host.example", b"")


@fault("rfc9112-5.1-blank-before-colon-refused")
class NamesAreTrimmed(_Lenient):
    """BUG: blanks around the name of a header field are taken away (RFC 9112 section 5.1)."""

    def read(self, data: bytes) -> bytes:
        """Trim."""
        head, blank, body = data.partition(b"\r\n\r\n")
        return re.sub(rb"(\r\n[A-Za-z-]+) +:", rb"\1:", head) + blank + body


@fault("rfc9112-7.1-chunked-push-accepted")
class LengthIsRequired(AuthorizationServer):
    """BUG: a body without Content-Length is answered with 411 (RFC 9112 section 7.1)."""

    async def read_body(self, request: web.Request) -> bytes:
        """Look at the field."""
        if request.method == "POST" and request.content_length is None:
            raise OAuthError("invalid_request", "a length is required", status=411)
        return await super().read_body(request)


@fault("rfc9112-3.2.2-absolute-form-accepted")
class AbsoluteUrlIsNotFound(_Lenient):
    """BUG: the request target is looked up as it is, host and all (RFC 9112 section 3.2.2)."""

    def read(self, data: bytes) -> bytes:
        """Nothing has such a path."""
        return re.sub(rb"^POST https?:/", b"POST /", data)


@fault("rfc9126-2.3-status-413")
class LimitIsReadFromContentLength(AuthorizationServer):
    """BUG: a body is as large as Content-Length says, and in chunks as large as it likes (RFC 9126 section 2.3)."""

    async def read_body(self, request: web.Request) -> bytes:
        """Measure by the field."""
        if request.content_length is None:
            return await request.content.read()
        return await super().read_body(request)


@fault("rfc9112-2.2-malformed-message-breaks-nothing", examples=100)
class UnknownMethodsAreServerErrors(_Lenient):
    """BUG: a method in lower case meets a table without it, and an exception (RFC 9112 section 2.2)."""

    def read(self, data: bytes) -> bytes:
        """What fails behind a parser that lets it through."""
        return re.sub(rb"^post [^ ]+", b"POST /fails", data)

    def application(self) -> web.Application:
        """With a place to fail in."""
        app = super().application()
        app.router.add_route("POST", "/fails", self._fail)
        return app

    async def _fail(self, _: web.Request) -> web.StreamResponse:
        return web.Response(status=500)


@fault("rfc9700-4.13-forwarded-host-not-believed")
class ForwardedHostIsBelieved(AuthorizationServer):
    """BUG: people are sent on to the host that X-Forwarded-Host or Forwarded names (RFC 9700 section 4.13)."""

    def finish_response(self, endpoint: str, request: web.Request, response: web.StreamResponse) -> None:
        """Put it in the place of the own one."""
        super().finish_response(endpoint, request, response)
        told = re.search(r"host=([^;]+)", request.headers.get("Forwarded", ""))
        host = request.headers.get("X-Forwarded-Host") or (told[1] if told else "")
        if host and "Location" in response.headers:
            response.headers["Location"] = response.headers["Location"].replace(request.host, host)
