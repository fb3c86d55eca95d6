"""Bodies without end, bombs, and answers that never come to their end."""

from __future__ import annotations

import asyncio
import gzip
import zlib

from tests.hostile.entry import hostile
from tests.hostile.line import Asked, Line

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
#: Ten megabytes of nothing, which is ten kilobytes on the wire.
NOTHING = b"\0" * 10_000_000


@hostile("par", "authorize")
async def endless_body(asked: Asked, line: Line) -> None:
    """The body of every answer has no end."""
    await line.send(HEAD + b"\r\n")
    await line.endlessly(b"x" * 65_536)


@hostile()
async def endless_body_of_everything(asked: Asked, line: Line) -> None:
    """The metadata has no end either."""
    await line.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    await line.endlessly(b"10000\r\n" + b"y" * 65_536 + b"\r\n")


@hostile("par", "authorize")
async def gzip_bomb(asked: Asked, line: Line) -> None:
    """A small body that decompresses to a hundred megabytes."""
    bomb = gzip.compress(NOTHING, 9)
    await line.send(HEAD + b"Content-Encoding: gzip\r\n\r\n" + bomb * 10)


@hostile("par", "authorize")
async def deflate_bomb(asked: Asked, line: Line) -> None:
    """The same with deflate, without end."""
    machine = zlib.compressobj(9)
    await line.send(HEAD + b"Content-Encoding: deflate\r\n\r\n")
    while True:
        await line.send(machine.compress(NOTHING) + machine.flush(zlib.Z_SYNC_FLUSH))


@hostile("metadata", "par")
async def nested_gzip(asked: Asked, line: Line) -> None:
    """A bomb within a bomb within a bomb."""
    body = NOTHING
    for _ in range(3):
        body = gzip.compress(body, 9)
    await line.send(HEAD + b"Content-Encoding: gzip, gzip, gzip\r\n\r\n" + body)


@hostile("par", "authorize")
async def endless_after_gzip(asked: Asked, line: Line) -> None:
    """A gzip stream that ends, and bytes after it that do not."""
    await line.send(HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"{}"))
    await line.endlessly(b"z" * 65_536)


@hostile("par", "authorize")
async def gzip_of_nothing(asked: Asked, line: Line) -> None:
    """Compressed blocks without end that hold nothing."""
    machine = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    await line.send(HEAD + b"Content-Encoding: gzip\r\n\r\n" + machine.flush(zlib.Z_SYNC_FLUSH))
    await line.endlessly(b"\x00\x00\x00\xff\xff" * 10_000)


@hostile("metadata")
async def broken_gzip(asked: Asked, line: Line) -> None:
    """A body that says gzip and is none."""
    await line.send(HEAD + b"Content-Encoding: gzip\r\n\r\nthis is no gzip")


@hostile("par", "authorize")
async def trickle(asked: Asked, line: Line) -> None:
    """One byte of the body now and then."""
    await line.send(HEAD + b"Content-Length: 100000\r\n\r\n")
    await line.endlessly(b"{", 0.1)


@hostile("authorize")
async def trickle_of_headers(asked: Asked, line: Line) -> None:
    """One byte of a header now and then."""
    await line.send(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    await line.endlessly(b"s", 0.1)


@hostile()
async def silence(asked: Asked, line: Line) -> None:
    """No answer to anything, on a connection that stays open."""
    await asyncio.sleep(600)


@hostile("par")
async def silence_of_pushes(asked: Asked, line: Line) -> None:
    """Good metadata, and no answer to any push, though the endpoint answers other methods."""
    if asked.method == "POST":
        await asyncio.sleep(600)
    await line.reply(405, "{}")


@hostile("par", "token")
async def nearly_too_late(asked: Asked, line: Line) -> None:
    """Each answer comes at the very end of the time that one may take."""
    await asyncio.sleep(asked.memory["almost"])
    await line.reply(400, '{"error": "invalid_request"}')


@hostile("metadata")
async def metadata_of_ten_megabytes(asked: Asked, line: Line) -> None:
    """Metadata with a member of ten megabytes."""
    await line.reply(200, b'{"issuer": "' + b"i" * 10_000_000 + b'"}')
