"""Messages as they are: bytes out over a connection of its own, whatever a client library thinks of them (RFC 9112)."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import h11

from conformance.http.message import USER_AGENT, Pairs, Request, split

#: So long after an answer more may come (seconds): whoever leaves the connection open says nothing by itself.
GRACE = 0.5
#: No answer is read beyond this, with all that follows it (bytes).
LARGEST = 2 * 1024 * 1024
_PIECE = 65_536


@dataclass(frozen=True)
class Message:
    """A request in its parts: the first line, the header lines and the body, none with an end of line."""

    start: bytes
    fields: tuple[bytes, ...]
    body: bytes

    def without(self, *names: str) -> Message:
        """The same without these header fields."""
        left_out = {name.lower().encode() for name in names}
        return replace(
            self, fields=tuple(line for line in self.fields if line.partition(b":")[0].lower() not in left_out)
        )

    def plus(self, *lines: bytes) -> Message:
        """The same with further header lines behind the others."""
        return replace(self, fields=(*self.fields, *lines))

    def chunked(self) -> Message:
        """The same with its body in chunks (RFC 9112 section 7.1): no value is cut, so that secrets are still known."""
        first, sign, others = self.body.partition(b"&")
        pieces = [piece for piece in (first + sign, others) if piece]
        body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (*pieces, b""))
        return replace(self.without("content-length").plus(b"Transfer-Encoding: chunked"), body=body)

    def encode(self) -> bytes:
        """What goes over the wire."""
        return b"\r\n".join((self.start, *self.fields, b"", self.body))


def message(request: Request) -> Message:
    """A request as it should be, to be spoilt. `Content-Length` comes last."""
    parts = urlsplit(request.url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [f"Host: {parts.netloc}", *(f"{name}: {value}" for name, value in request.headers)]
    # Without Accept-Encoding an answer may be compressed (RFC 9110 section 12.5.3), and would not be read.
    lines += ["Accept: application/json", "Accept-Encoding: identity", f"User-Agent: {USER_AGENT}"]
    lines += [f"Content-Length: {len(request.content)}"]
    return Message(
        f"{request.method} {target} HTTP/1.1".encode(), tuple(line.encode() for line in lines), request.content
    )


def carrying(request: Request, spoilt: Message) -> Request:
    """The request that carries a message to where this one goes, as it is."""
    return replace(request, headers=(), content=spoilt.encode(), raw=True)


@dataclass(frozen=True)
class Answer:
    """What came back: the first response, and what followed it on the same connection."""

    status: int
    headers: Pairs
    body: bytes
    rest: bytes


async def exchange(url: str, context: ssl.SSLContext, content: bytes) -> Answer:
    """Send bytes to the host of a URL and read what comes. Time is the caller's to limit.

    Raises OSError where the connection fails, ValueError where what comes is no response of HTTP/1.1.
    """
    parts = split(url)
    secure = context if parts.scheme == "https" else None
    port = parts.port or (443 if secure else 80)
    reader, writer = await asyncio.open_connection(parts.hostname, port, ssl=secure)
    sending = asyncio.create_task(_send(writer, content))
    try:
        return await _answer(reader)
    finally:
        sending.cancel()
        writer.close()


async def _send(writer: asyncio.StreamWriter, content: bytes) -> None:
    """Send all of it, or as much as is taken: whoever has seen enough may answer and close."""
    with contextlib.suppress(OSError):
        writer.write(content)
        await writer.drain()


async def _answer(reader: asyncio.StreamReader) -> Answer:
    parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=LARGEST)
    # It reads answers to requests that it has heard of; which one it was makes no difference to it.
    parser.send(h11.Request(method="POST", target="/", headers=[("Host", "any"), ("Content-Length", "0")]))
    parser.send(h11.EndOfMessage())
    head: h11.Response | None = None
    body, received = b"", 0
    while True:
        try:
            event = parser.next_event()
        except h11.RemoteProtocolError as failure:
            raise ValueError(f"no answer in HTTP: {failure}") from failure
        match event:
            case h11.NEED_DATA:
                piece = await reader.read(_PIECE)
                received += len(piece)
                if received > LARGEST:
                    raise ValueError(f"the answer has more than {LARGEST:,} bytes")
                parser.receive_data(piece)
            case h11.Response():
                head = event
            case h11.Data():
                body += bytes(event.data)
            case h11.EndOfMessage() if head is not None:
                break
            case h11.ConnectionClosed():
                raise ValueError("the connection was closed without an answer")
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers.raw_items())
    return Answer(head.status_code, headers, body, parser.trailing_data[0] + await _rest(reader))


async def _rest(reader: asyncio.StreamReader) -> bytes:
    """What comes after the answer, until the connection is closed or nothing has come for a while."""
    rest = b""
    with contextlib.suppress(TimeoutError, OSError):
        while len(rest) < _PIECE:
            async with asyncio.timeout(GRACE):
                piece = await reader.read(_PIECE)
            if not piece:
                break
            rest += piece
    return rest
