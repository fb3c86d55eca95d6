"""TLS that cannot be trusted."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

import trustme

from tests.hostile.entry import connection

if TYPE_CHECKING:
    from tests.hostile.line import Line

NAME = "127.0.0.1"


@cache
def authority() -> trustme.CA:
    """The authority that the profile trusts."""
    return trustme.CA()


def _context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def wrong_name() -> ssl.SSLContext:
    """A certificate for another host."""
    return _context(authority().issue_cert("somebody-else.example"))


def expired() -> ssl.SSLContext:
    """A certificate that ran out yesterday."""
    yesterday = datetime.now(UTC) - timedelta(days=1)
    return _context(authority().issue_cert(NAME, not_after=yesterday))


def untrusted() -> ssl.SSLContext:
    """A certificate of an authority that nobody knows."""
    return _context(trustme.CA().issue_cert(NAME))


def trusted() -> ssl.SSLContext:
    """A certificate without fault."""
    return _context(authority().issue_cert(NAME))


async def _never(reader: asyncio.StreamReader, line: Line) -> None:
    await reader.read(100_000)
    await line.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")


@connection(wrong_name)
async def certificate_of_another(reader: asyncio.StreamReader, line: Line) -> None:
    """A trusted certificate, for another host."""
    await _never(reader, line)


@connection(expired)
async def expired_certificate(reader: asyncio.StreamReader, line: Line) -> None:
    """A trusted certificate that has expired."""
    await _never(reader, line)


@connection(untrusted)
async def unknown_authority(reader: asyncio.StreamReader, line: Line) -> None:
    """A certificate that nobody vouches for."""
    await _never(reader, line)


@connection(trusted)
async def silence_behind_tls(reader: asyncio.StreamReader, line: Line) -> None:
    """A good handshake, and then nothing, not even an end when the other side ends."""
    await asyncio.sleep(600)


@connection(trusted)
async def reset_behind_tls(reader: asyncio.StreamReader, line: Line) -> None:
    """A good handshake, and then a reset."""
    line.reset()


@connection()
async def handshake_that_closes(reader: asyncio.StreamReader, line: Line) -> None:
    """The first bytes of a handshake are answered by an alert, and the connection is closed."""
    await reader.read(5)
    await line.send(b"\x15\x03\x03\x00\x02\x02\x28")


@connection()
async def handshake_that_hangs(reader: asyncio.StreamReader, line: Line) -> None:
    """Half a handshake, and then nothing."""
    await reader.read(5)
    await line.send(b"\x16\x03\x03\x40\x00\x02")
    await asyncio.sleep(600)
