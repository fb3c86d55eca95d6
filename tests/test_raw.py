"""Messages as they are: what goes over the wire, and what comes back on the same connection."""

from __future__ import annotations

import asyncio
import contextlib
import ssl

import h11
import pytest

from conformance.http import raw
from conformance.http.evidence import raw_command
from conformance.http.message import USER_AGENT, Request

PUSH = Request(
    "POST",
    "http://127.0.0.1:8080/par?tenant=1",
    (("Content-Type", "application/x-www-form-urlencoded"),),
    b"client_id=a&client_secret=a-long-secret",
)


async def answered(said: bytes, *, stays: bool = False) -> raw.Answer:
    """What `exchange` makes of bytes that a server says to anything; `stays`: it leaves the connection open."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65_536)
        writer.write(said)
        await writer.drain()
        if stays:
            await reader.read()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        ended.set()

    ended = asyncio.Event()
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        async with asyncio.timeout(10):
            return await raw.exchange(f"http://127.0.0.1:{port}/", ssl.create_default_context(), b"GET /\r\n\r\n")
    finally:
        server.close()
        await ended.wait()


def read(content: bytes) -> tuple[h11.Request, bytes]:
    """A message as another parser reads it."""
    parser = h11.Connection(h11.SERVER)
    parser.receive_data(content)
    request, body = parser.next_event(), b""
    assert isinstance(request, h11.Request)
    while isinstance(event := parser.next_event(), h11.Data):
        body += bytes(event.data)
    assert isinstance(event, h11.EndOfMessage)
    return request, body


@pytest.mark.parametrize("chunked", [False, True])
def test_right_messages_are_read_by_another_parser(chunked: bool) -> None:
    message = raw.message(PUSH)
    request, body = read((message.chunked() if chunked else message).encode())

    assert (request.method, request.target, body) == (b"POST", b"/par?tenant=1", PUSH.content)
    assert (b"host", b"127.0.0.1:8080") in list(request.headers)


def test_no_value_is_cut_by_chunks() -> None:
    assert b"client_secret=a-long-secret\r\n" in raw.message(PUSH).chunked().encode()


def test_fields_are_left_out_and_added() -> None:
    message = raw.message(PUSH).without("Host", "content-length").plus(b"X: 1")

    assert message.fields == (
        b"Content-Type: application/x-www-form-urlencoded",
        b"Accept: application/json",
        b"Accept-Encoding: identity",
        b"User-Agent: " + USER_AGENT.encode(),
        b"X: 1",
    )


@pytest.mark.parametrize("stays", [False, True])
def test_what_follows_the_answer_is_kept(stays: bool) -> None:
    answer = asyncio.run(
        answered(b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 404 No\r\n", stays=stays)
    )

    assert (answer.status, answer.body, answer.rest) == (201, b"{}", b"HTTP/1.1 404 No\r\n")
    assert answer.headers == (("Content-Length", "2"),)


@pytest.mark.parametrize(
    "said", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", b"\x15\x03\x01 no HTTP\r\n\r\n"]
)
def test_what_is_no_whole_answer_is_an_error(said: bytes) -> None:
    with pytest.raises(ValueError, match=r"HTTP|closed"):
        asyncio.run(answered(said))


def test_command_sends_the_same_bytes() -> None:
    command = raw_command("https://as.example/par", "POST / HTTP/1.1\r\nX: a\\b\0\r\n\r\n")

    assert command == (
        r"printf %b 'POST / HTTP/1.1\r\nX: a\\b\0\r\n\r\n' | openssl s_client -quiet -connect as.example:443"
    )
