"""A listener of the suite's own on loopback: it shows whether a server fetches what it was told, and may serve it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

#: What is read of one request (bytes) and how long it may take (seconds).
_LARGEST = 16_384
_PATIENCE = 5
#: So long it may take until a connection is heard of that was made already (seconds).
_SETTLING = 0.05


@dataclass
class Listener:
    """Where it listens, what it serves by path (media type and body), and which paths were asked for."""

    url: str
    serves: Mapping[str, tuple[str, bytes]] = field(default_factory=dict)
    hits: list[str] = field(default_factory=list)

    async def connections(self) -> int:
        """How many connections came; one that was made just now has still to be heard of."""
        await asyncio.sleep(_SETTLING)
        return len(self.hits)


@asynccontextmanager
async def listening(serves: Mapping[str, tuple[str, bytes]] | None = None) -> AsyncIterator[Listener]:
    """Listen on a free port of 127.0.0.1 while the block runs; every connection counts as a hit."""
    listener = Listener("", serves or {})

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        listener.hits.append("connection")
        try:
            async with asyncio.timeout(_PATIENCE):
                head = await reader.readuntil(b"\r\n\r\n")
                path = head[:_LARGEST].split(b" ")[1].decode("latin-1") if head.count(b" ") else ""
                listener.hits[-1] = path
                media_type, body = listener.serves.get(path.split("?")[0], ("text/plain", b""))
                status = "200 OK" if path.split("?")[0] in listener.serves else "404 Not Found"
                writer.write(
                    f"HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\nContent-Length: {len(body)}\r\n"
                    "Connection: close\r\n\r\n".encode()
                    + body
                )
                await writer.drain()
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            return  # whoever connects and speaks no HTTP has still been counted
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    listener.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield listener
    finally:
        server.close()
        await server.wait_closed()
