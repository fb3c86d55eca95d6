"""An entry of the list of hostile servers: what it does, and how much of the suite is sent to it."""

from __future__ import annotations

import functools
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from tests.hostile.line import Asked, Connect, Line, Speak
from tests.hostile.manners import place_of, politely

#: What is sent to a server that is not worth the whole suite: each step of the flow, its controls, its fuzzing aside.
SELECTION = (
    "test_metadata::test_metadata_names_the_par_endpoint",
    "test_metadata::test_published_endpoints_belong_together",
    "test_endpoint::test_ordinary_request_is_accepted",
    "test_response::test_success_is_201[first]",
    "test_response::test_expires_in_is_positive",
    "test_response::test_request_uri_is_an_absolute_uri",
    "test_response::test_success_is_not_cacheable",
    "test_error_response::test_error_is_a_json_object",
    "test_pushed_request::test_push_that_carries_a_request_uri_is_refused",
    "test_pushed_request::test_pushed_state_comes_back",
    "test_authorization_request::test_used_request_uri_brings_no_second_code",
    "test_authorization_request::test_unknown_request_uri_brings_no_code",
    "test_lifetime::test_expired_request_uri_brings_no_code",
    "test_token_request::test_code_is_redeemed_once",
)


@dataclass(frozen=True)
class Hostile:
    """One hostile server.

    `full`: it gets a share of all checks; `drawn`: drawn payloads, too; `context`: it speaks TLS; `connect`: it speaks
    no HTTP.
    """

    name: str
    about: str
    speak: Speak | None = None
    connect: Connect | None = None
    full: bool = False
    drawn: bool = False
    context: Callable[[], ssl.SSLContext] | None = None


#: Every hostile server, in the order of the modules.
SERVERS: list[Hostile] = []


def hostile(*places: str, full: bool = False, drawn: bool = False) -> Callable[[Speak], Speak]:
    """List a way to answer; where it is not asked at one of these places, the server is polite. No place: always."""

    def enter(speak: Speak) -> Speak:
        @functools.wraps(speak)
        async def answer(asked: Asked, line: Line) -> None:
            await (speak if not places or place_of(asked) in places else politely)(asked, line)

        _enter(Hostile(speak.__name__, _about(speak), speak=answer, full=full, drawn=drawn))
        return speak

    return enter


def connection(context: Callable[[], ssl.SSLContext] | None = None) -> Callable[[Connect], Connect]:
    """List a way to treat a connection before any request is read."""

    def enter(connect: Connect) -> Connect:
        _enter(Hostile(connect.__name__, _about(connect), connect=connect, context=context))
        return connect

    return enter


def _about(function: Callable[..., object]) -> str:
    return " ".join((function.__doc__ or "").split())


def _enter(server: Hostile) -> None:
    assert server.about, f"{server.name} does not say what it does"
    assert server.name not in {known.name for known in SERVERS}, f"there are two servers {server.name}"
    SERVERS.append(server)
