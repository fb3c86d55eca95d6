"""Messages that no client library sends (RFC 9112): framing, Host, what is no HTTP at all, and what proxies add."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from conformance import expect
from conformance.check import each, verifies
from conformance.checks import flows
from conformance.checks.test_endpoint import of_size
from conformance.checks.test_fuzz import none_fails, ordinary_still_accepted
from conformance.fuzz import strategies
from conformance.fuzz.explore import Problem
from conformance.http import raw
from conformance.http.message import Died, Request, split
from conformance.http.raw import Message
from conformance.http.wire import Wire
from conformance.profile.model import Feature
from conformance.protocol.authorization import Authorization
from conformance.protocol.par import Par, Push, PushAnswer
from conformance.target import Target
from conformance.verdict import NotApplicable, Violation

#: A status by which a server says that it does not do such a thing: no failure of its own (RFC 9110 section 15.6).
_DECLINES = frozenset({501, 505})

UNBROKEN = "rfc9112-2.2-malformed-message-breaks-nothing"

Spoil = Callable[[Message], Message]


async def send_raw(par: Par, spoil: Spoil, push: Push | None = None) -> PushAnswer:
    """The first client's ordinary request in a message that was changed. Violation where nothing at all comes back.

    A connection that is closed without an answer is one: whoever sends such messages is owed no more.
    """
    push = push or par.ordinary()
    request = par.request(push)
    try:
        response = await par.wire.send(
            raw.carrying(request, spoil(raw.message(request))), purpose="raw message", retry_throttled=False
        )
    except Died as died:
        if isinstance(died.__cause__, TimeoutError):
            raise Violation(
                "no-answer",
                f"the message was neither answered nor was its connection closed: {died}",
                expected="HTTP 400 at once",
                received=str(died),
            ) from None
        return PushAnswer(push, None, died=str(died))
    return PushAnswer(push, response)


async def is_refused(par: Par, spoil: Spoil) -> None:
    """The changed message does not lead to a request_uri, while the ordinary push does."""
    await ordinary_still_accepted(par)
    answer = await send_raw(par, spoil)
    expect.that(
        not answer.accepted,
        "accepted",
        "the message was taken for a pushed authorization request",
        expected="HTTP 400",
        received=answer.summary,
    )


async def is_accepted(par: Par, spoil: Spoil) -> None:
    """The changed message, which is right, leads to a request_uri as the ordinary push does."""
    await ordinary_still_accepted(par)
    answer = await send_raw(par, spoil)
    expect.that(
        answer.accepted,
        f"status-{answer.status or 'none'}",
        f"the push was not accepted: {answer.summary}",
        expected="a request_uri, as for the same push in the ordinary form",
        received=answer.summary,
    )


@verifies("rfc9112-7.1-chunked-push-accepted", needs=Feature.RAW_HTTP)
async def test_chunked_push_is_accepted(par: Par) -> None:
    """A push whose body comes in chunks is accepted."""
    await is_accepted(par, Message.chunked)


@verifies("rfc9112-3.2.2-absolute-form-accepted", needs=Feature.RAW_HTTP)
async def test_push_to_an_absolute_url_is_accepted(par: Par) -> None:
    """A push whose request line has the whole URL is accepted."""
    url = par.request(par.ordinary()).url
    await is_accepted(par, lambda message: replace(message, start=f"POST {url} HTTP/1.1".encode()))


LENGTHS: dict[str, Callable[[int], tuple[bytes, ...]]] = {
    "right-first": lambda size: (b"Content-Length: %d" % size, b"Content-Length: %d" % (size - 1)),
    "right-last": lambda size: (b"Content-Length: %d" % (size - 1), b"Content-Length: %d" % size),
    "list": lambda size: (b"Content-Length: %d, %d" % (size, size - 1),),
    "plus": lambda size: (b"Content-Length: +%d" % size,),
    "negative": lambda size: (b"Content-Length: -%d" % size,),
    "word": lambda size: (b"Content-Length: all",),
}


@verifies("rfc9112-6.3-differing-lengths-refused", needs=Feature.RAW_HTTP)
@each(lengths=LENGTHS)
async def test_length_that_is_not_one_number_is_refused(par: Par, lengths: Callable[[int], tuple[bytes, ...]]) -> None:
    """A push whose Content-Length says two things, or no number, is not accepted."""
    await is_refused(par, lambda message: message.without("content-length").plus(*lengths(len(message.body))))


@verifies("rfc9112-6.1-connection-closed-after-both-framings", needs=Feature.RAW_HTTP)
@each(first=("length", "coding"))
async def test_nothing_is_served_after_both_framings(par: Par, target: Target, first: str) -> None:
    """After a request with Content-Length and Transfer-Encoding, what follows on its connection is not answered."""
    host = split(target.par_endpoint).netloc
    following = f"GET /par-conformance-{secrets.token_hex(4)} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()

    def spoil(message: Message) -> Message:
        chunked = message.chunked()
        lines = (b"Content-Length: %d" % (len(chunked.body) + len(following)), b"Transfer-Encoding: chunked")
        bare = chunked.without("transfer-encoding")
        return replace(bare.plus(*(lines if first == "length" else lines[::-1])), body=chunked.body + following)

    await ordinary_still_accepted(par)
    answer = await send_raw(par, spoil)
    rest = answer.response.rest if answer.response is not None else b""
    expect.that(
        not rest.startswith(b"HTTP/"),
        "second-answer",
        "what followed the request on its connection was answered as a request of its own",
        expected="a closed connection",
        received=rest.partition(b"\r\n")[0].decode("latin-1"),
    )


@verifies("rfc9112-6.3-undetermined-length-refused", needs=Feature.RAW_HTTP)
@each(coding=("xchunked", "chunked, gzip", "chunked, identity"))
async def test_coding_that_does_not_end_in_chunked_is_refused(par: Par, coding: str) -> None:
    """A push whose last transfer coding is not chunked is not accepted, and not waited for."""

    def spoil(message: Message) -> Message:
        return message.chunked().without("transfer-encoding").plus(f"Transfer-Encoding: {coding}".encode())

    await is_refused(par, spoil)


@verifies("rfc9112-7.1-malformed-chunks-refused", needs=Feature.RAW_HTTP)
@each(size=("zz", "-1", "0x10", "+10"))
async def test_chunk_whose_size_is_no_number_is_refused(par: Par, size: str) -> None:
    """A chunked push whose first chunk has a size that is no hexadecimal number is not accepted."""

    def spoil(message: Message) -> Message:
        chunked = message.chunked()
        return replace(chunked, body=size.encode() + b"\r\n" + chunked.body.partition(b"\r\n")[2])

    await is_refused(par, spoil)


@verifies("rfc9112-3.2-one-host-required", needs=Feature.RAW_HTTP)
@each(hosts=("none", "two"))
async def test_request_needs_one_host(par: Par, hosts: str) -> None:
    """A push without Host, or with two different ones, is not accepted."""
    if hosts == "none":
        await is_refused(par, lambda message: message.without("host"))
    else:
        await is_refused(par, lambda message: message.plus(b"Host: other-host.example"))


@verifies("rfc9112-5.1-blank-before-colon-refused", needs=Feature.RAW_HTTP)
async def test_blank_before_the_colon_is_refused(par: Par) -> None:
    """A push with a header field whose name ends in a blank is not accepted."""
    await is_refused(par, lambda message: message.plus(b"X-Par-Conformance : 1"))


@verifies("rfc9126-2.3-status-413", needs=Feature.RAW_HTTP)
async def test_oversized_chunked_request_is_not_accepted(par: Par, target: Target) -> None:
    """A body beyond the declared limit is not accepted where it comes in chunks, and its size is said nowhere."""
    limit = target.profile.limits.body_bytes
    if limit is None:
        raise NotApplicable("the profile does not declare the size limit (`limits.body_bytes`)")
    within = await send_raw(par, Message.chunked, of_size(par, limit - 1024))
    if not within.accepted:
        raise NotApplicable(f"within the limit it is not accepted in chunks either: {within.summary}")
    answer = await send_raw(par, Message.chunked, of_size(par, limit + 1024))
    expect.that(
        not answer.accepted,
        "no-limit-in-chunks",
        f"a body of {limit + 1024} bytes was accepted in chunks",
        expected="HTTP 413",
        received=answer.summary,
    )


#: Headers in which proxies hand on which host was asked; {host} stands for one.
FORWARDED = {
    "x-forwarded-host": ("X-Forwarded-Host", "{host}"),
    "forwarded": ("Forwarded", "host={host};proto=https"),
    "x-original-host": ("X-Original-Host", "{host}"),
    "x-forwarded-server": ("X-Forwarded-Server", "{host}"),
}


@verifies("rfc9700-4.13-forwarded-host-not-believed", needs=Feature.RAW_HTTP)
@each(header=FORWARDED)
async def test_forwarded_host_is_not_believed(
    par: Par, authorization: Authorization, wire: Wire, header: tuple[str, str]
) -> None:
    """The answers to a push, and to the authorization request after it, do not name a host that a header brought."""
    host = f"forwarded-{secrets.token_hex(4)}.example"
    field = (header[0], header[1].format(host=host))
    push = par.ordinary()
    answer = await par.send(replace(push, headers=(*push.headers, field)), control=par.ordinary)
    opened = answer if answer.accepted else expect.control_accepted(answer).control
    address = authorization.address(authorization.pairs(opened or answer, None, {}))
    page = await wire.send(Request("GET", address, (field, ("Accept", "text/html"))), purpose="authorization request")
    for what, response in (("push", answer.response), ("authorization request", page)):
        told = "" if response is None else "\n".join((*response.all("location"), response.text))
        expect.that(
            host not in told,
            "host-believed",
            f"the answer to the {what} names the host that {field[0]} brought",
            expected="the server's own addresses, or a refusal",
            received=next((line for line in told.splitlines() if host in line), "")[:200],
        )
    await flows.code(par, authorization)


@verifies(UNBROKEN, needs=Feature.RAW_HTTP, long=True)
async def test_any_message_breaks_nothing(par: Par, target: Target) -> None:
    """Whatever stands in the request line and in header fields: an answer or a closed connection, no server error."""

    async def attempt(drawn: dict[str, Any]) -> Problem | None:
        try:
            answer = await send_raw(par, lambda message: strategies.spoilt(message, drawn))
        except Violation as hangs:
            return Problem(hangs.observed, hangs.message)
        if answer.status is not None and answer.status >= 500 and answer.status not in _DECLINES:
            return Problem("server-error", f"the answer is {answer.summary}")
        return None

    await none_fails(par, target, strategies.messages(), attempt, share=0.5, answered=UNBROKEN)
