"""HTTP over raw sockets: a server that can send whatever it likes, on loopback, in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

#: A request is not read beyond this (bytes).
LARGEST = 8 * 1024 * 1024


@dataclass(frozen=True)
class Asked:
    """One request as it came. `number` counts all requests of the server from 0; `memory` is the server's own."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    number: int
    base: str
    memory: dict[str, Any] = field(repr=False)

    @property
    def path(self) -> str:
        """The path without its query."""
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        """The parameters of the query."""
        return dict(parse_qsl(urlsplit(self.target).query))

    @property
    def form(self) -> dict[str, str]:
        """The parameters of the body."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace")))


@dataclass
class Line:
    """The connection on which a request came."""

    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.writer.write(data)
        await self.writer.drain()

    async def endlessly(self, data: bytes, seconds: float = 0) -> None:
        """Send the same bytes until the other end has had enough."""
        while True:
            await self.send(data)
            await asyncio.sleep(seconds)

    async def reply(
        self,
        status: int,
        body: bytes | str = b"",
        media_type: str = "application/json",
        headers: Sequence[tuple[str, str]] = (),
    ) -> None:
        """Send an ordinary answer and close."""
        await self.send(message(status, body, media_type, headers))

    def reset(self) -> None:
        """Close with a TCP reset."""
        raw: socket.socket = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Speak = Callable[[Asked, Line], Awaitable[None]]
Connect = Callable[[asyncio.StreamReader, Line], Awaitable[None]]


def message(
    status: int,
    body: bytes | str = b"",
    media_type: str = "application/json",
    headers: Sequence[tuple[str, str]] = (),
) -> bytes:
    """An ordinary HTTP answer as bytes; header values go out as UTF-8, whatever is in them."""
    content = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Type: {media_type}", f"Content-Length: {len(content)}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return ("\r\n".join([*lines, "Connection: close"]) + "\r\n\r\n").encode() + content


async def asked(reader: asyncio.StreamReader, number: int, base: str, memory: dict[str, Any]) -> Asked:
    """Read one request."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    method, target, _ = first.split(" ", 2)
    body = await reader.readexactly(min(LARGEST, int(headers.get("content-length", 0))))
    return Asked(method, target, headers, body, number, base, memory)


class _Server:
    def __init__(self, speak: Speak | None, connect: Connect | None, context: ssl.SSLContext | None, host: str) -> None:
        self.speak, self.connect, self.context, self.host = speak, connect, context, host
        self.loop = asyncio.new_event_loop()
        self.ready = threading.Event()
        self.over: asyncio.Event | None = None
        self.base = ""
        self.requests = 0
        self.memory: dict[str, Any] = {}
        self.tasks: set[asyncio.Task[None]] = set()

    def run(self) -> None:
        """The thread."""
        asyncio.set_event_loop(self.loop)
        self.loop.set_exception_handler(lambda loop, context: None)
        self.loop.run_until_complete(self.serve())
        self.loop.close()

    async def serve(self) -> None:
        """Answer until it is over."""
        self.over = asyncio.Event()
        server = await asyncio.start_server(self.accept, self.host, 0, ssl=self.context, limit=LARGEST)
        scheme = "https" if self.context else "http"
        self.base = f"{scheme}://{self.host}:{server.sockets[0].getsockname()[1]}"
        self.ready.set()
        await self.over.wait()
        server.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await asyncio.sleep(0.01)  # transports that were aborted close in the next turns of the loop

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection in a task that can be ended."""
        task = self.loop.create_task(self.answer(reader, writer))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        task.add_done_callback(lambda _: writer.transport.abort())  # also where it was ended before it began

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one request."""
        line = Line(writer)
        try:
            if self.connect is not None:
                await self.connect(reader, line)
            elif self.speak is not None:
                request = await asked(reader, self.requests, self.base, self.memory)
                self.requests += 1
                await self.speak(request, line)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            return
        finally:
            writer.close()
            with contextlib.suppress(OSError, asyncio.TimeoutError):
                await asyncio.wait_for(writer.wait_closed(), 0.2)
            writer.transport.abort()


@dataclass
class Running:
    """A server that runs: its URL, how often it was asked, what it remembers."""

    base: str
    _server: _Server = field(repr=False)

    @property
    def requests(self) -> int:
        """How many requests came."""
        return self._server.requests

    @property
    def memory(self) -> dict[str, Any]:
        """What the server's answers left for each other."""
        return self._server.memory


@contextlib.contextmanager
def listening(
    speak: Speak | None = None,
    *,
    connect: Connect | None = None,
    context: ssl.SSLContext | None = None,
    host: str = "127.0.0.1",
    memory: dict[str, Any] | None = None,
) -> Iterator[Running]:
    """Serve while the block runs: `speak` answers requests, or `connect` has the bare connection."""
    server = _Server(speak, connect, context, host)
    server.memory.update(memory or {})
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert server.ready.wait(5)
    try:
        yield Running(server.base, server)
    finally:
        if server.over is not None:
            server.loop.call_soon_threadsafe(server.over.set)
        thread.join(5)
