"""Servers that change their mind."""

from __future__ import annotations

import asyncio
import json
import random

from tests.hostile.entry import hostile
from tests.hostile.line import Asked, Line
from tests.hostile.manners import polite, politely

#: Requests that are answered well before a server turns.
PATIENCE = 30


@hostile(full=True)
async def turns_after_thirty(asked: Asked, line: Line) -> None:
    """Polite for thirty requests, then every answer is garbage."""
    if asked.number < PATIENCE:
        await politely(asked, line)
    else:
        await line.send(b"HTTP/1.1 200 OK\r\n\r\n" + bytes(range(256)) * 20)


@hostile(full=True)
async def dies_after_thirty(asked: Asked, line: Line) -> None:
    """Polite for thirty requests, then never heard of again."""
    if asked.number < PATIENCE:
        await politely(asked, line)
    else:
        line.reset()


@hostile()
async def falls_silent_after_thirty(asked: Asked, line: Line) -> None:
    """Polite for thirty requests, then connections stay open without a word."""
    if asked.number < PATIENCE:
        await politely(asked, line)
    else:
        await asyncio.sleep(600)


@hostile(full=True)
async def accepts_everything(asked: Asked, line: Line) -> None:
    """Nothing is ever refused."""
    await politely(asked, line)


@hostile("par", "token", "authorize", "login")
async def random_statuses(asked: Asked, line: Line) -> None:
    """The right body under any status."""
    status = random.Random(asked.number).choice((200, 201, 204, 301, 304, 400, 401, 403, 404, 409, 418, 451, 500, 503))
    body = polite(asked).partition(b"\r\n\r\n")[2]
    await line.reply(status, b"" if status in {204, 304} else body)


@hostile("par", drawn=True)
async def changes_its_mind(asked: Asked, line: Line) -> None:
    """Accepts a push, refuses the next one, breaks on the third, whatever they are."""
    if asked.number % 3 == 0:
        await politely(asked, line)
    elif asked.number % 3 == 1:
        await line.reply(400, json.dumps({"error": "invalid_request"}), headers=[("Cache-Control", "no-store")])
    else:
        await line.reply(500, "oops", "text/plain")


@hostile("metadata", "par")
async def metadata_changes(asked: Asked, line: Line) -> None:
    """Metadata that names other endpoints at each request."""
    if asked.path == "/par":
        await line.reply(404, "{}")
    else:
        body = polite(asked).partition(b"\r\n\r\n")[2].replace(b"/par", f"/par{asked.number}".encode())
        await line.reply(200, body)


@hostile("par", "token", "authorize")
async def picks_any_hostility(asked: Asked, line: Line) -> None:
    """Something else goes wrong at each request."""
    way = asked.number % 6
    if way == 0:
        line.reset()
    elif way == 1:
        await line.send(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nshort")
    elif way == 2:
        await line.reply(302, headers=[("Location", "http://[")])
    elif way == 3:
        await line.reply(200, b"\xff" * 100_000, "text/html; charset=utf-16")
    elif way == 4:
        await line.reply(503, "[" * 10_000, headers=[("Retry-After", "99")])
    else:
        await politely(asked, line)
