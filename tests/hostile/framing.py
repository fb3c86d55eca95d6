"""Answers that break the framing of HTTP, or the connection."""

from __future__ import annotations

import asyncio
import json

from tests.hostile.entry import connection, hostile
from tests.hostile.line import Asked, Line, message
from tests.hostile.manners import polite

BODY = json.dumps({"request_uri": "urn:example:1", "expires_in": 60}).encode()
HEAD = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n"


@hostile("par")
async def length_too_long(asked: Asked, line: Line) -> None:
    """Content-Length promises more than comes."""
    await line.send(HEAD + b"Content-Length: 100000\r\n\r\n" + BODY)


@hostile("par")
async def length_too_short(asked: Asked, line: Line) -> None:
    """Content-Length promises less than comes."""
    await line.send(HEAD + b"Content-Length: 5\r\n\r\n" + BODY)


@hostile("par")
async def two_lengths(asked: Asked, line: Line) -> None:
    """Two Content-Length fields that differ."""
    await line.send(HEAD + b"Content-Length: 5\r\nContent-Length: 500\r\n\r\n" + BODY)


@hostile("par")
async def absurd_length(asked: Asked, line: Line) -> None:
    """A negative length, and one with more digits than any number has."""
    length = b"-1" if asked.number % 2 else b"9" * 5000
    await line.send(HEAD + b"Content-Length: " + length + b"\r\n\r\n" + BODY)


@hostile("par")
async def bad_chunks(asked: Asked, line: Line) -> None:
    """Chunks whose sizes are no numbers, or negative, or enormous."""
    size = (b"zz", b"-5", b"f" * 200, b"5;" + b"e" * 200_000)[asked.number % 4]
    await line.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + size + b"\r\n" + BODY)


@hostile("par", "authorize")
async def reset_in_the_middle(asked: Asked, line: Line) -> None:
    """The connection is reset in the middle of the body."""
    await line.send(HEAD + b"Content-Length: 500\r\n\r\n" + BODY[:10])
    await asyncio.sleep(0.02)
    line.reset()


@hostile("par", "authorize")
async def http_of_1991(asked: Asked, line: Line) -> None:
    """HTTP/0.9: a body and nothing else."""
    await line.send(b"<html>hello</html>")


@connection()
async def garbage(reader: asyncio.StreamReader, line: Line) -> None:
    """Bytes that are no HTTP, before anything is asked."""
    await line.send(bytes(range(256)) * 256)


@connection()
async def silence_after_accept(reader: asyncio.StreamReader, line: Line) -> None:
    """The connection is taken, and nothing is ever read or said."""
    await asyncio.sleep(600)


@connection()
async def closed_at_once(reader: asyncio.StreamReader, line: Line) -> None:
    """Every connection is closed as soon as it is there."""
    line.reset()


@hostile("par", "authorize")
async def flood_of_continues(asked: Asked, line: Line) -> None:
    """100 Continue without end."""
    await line.endlessly(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)


@hostile("par")
async def endless_early_hints(asked: Asked, line: Line) -> None:
    """Informational answers with headers, now and then, without end."""
    await line.endlessly(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", 0.05)


@hostile("par")
async def switched_protocols(asked: Asked, line: Line) -> None:
    """101 Switching Protocols, which nobody asked for."""
    await line.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: mail\r\nConnection: Upgrade\r\n\r\n" + BODY)
    await asyncio.sleep(600)


@hostile("par")
async def no_content_with_content(asked: Asked, line: Line) -> None:
    """204 No Content, with content."""
    await line.send(b"HTTP/1.1 204 No Content\r\nContent-Length: 59\r\n\r\n" + BODY)


@hostile("par", "metadata")
async def odd_status_line(asked: Asked, line: Line) -> None:
    """A status of four digits, of none, or below a hundred."""
    status = (b"2010 Created", b"Created", b"099 Low", b"999 High")[asked.number % 4]
    await line.send(b"HTTP/1.1 " + status + b"\r\nContent-Type: application/json\r\n\r\n" + BODY)


@hostile("par", "authorize", "token")
async def two_answers(asked: Asked, line: Line) -> None:
    """A second answer straight behind the first one, as if something else had been asked."""
    await line.send(polite(asked).replace(b"Connection: close\r\n", b"") + message(200, b'{"error": "stolen"}'))
    await asyncio.sleep(0.1)
