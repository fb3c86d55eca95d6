"""Targets that do no part of the protocol: no negative check may pass on them, and the run says what is the matter."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp import web

from conformance.check import cases_of, functions
from conformance.profile.load import load
from conformance.report.record import Run
from conformance.run import Session
from conformance.verdict import Answer, Verdict
from tests.webserver import Answer as Respond

PAGE = "<html><body><form method='post' action='/login'><input name='u'><input type='password' name='p'></form></body>"


def metadata(request: web.Request) -> web.Response | None:
    """Metadata that names the endpoints of the very server."""
    if "well-known" not in request.path:
        return None
    base = f"http://{request.host}"
    return web.json_response(
        {
            "issuer": base,
            "authorization_endpoint": f"{base}/authorize",
            "token_endpoint": f"{base}/token",
            "pushed_authorization_request_endpoint": f"{base}/par",
            "response_types_supported": ["code"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }
    )


def refuses_everything(request: web.Request) -> web.Response:
    """400 to every push and every authorization request."""
    return metadata(request) or web.json_response({"error": "invalid_request"}, status=400)


def breaks_on_everything(request: web.Request) -> web.Response:
    """500 to everything, the metadata too."""
    return web.Response(status=500, text="oops")


def login_page_for_everything(request: web.Request) -> web.Response:
    """200 and a login page to everything, the metadata too."""
    return web.Response(text=PAGE, content_type="text/html")


def login_page_behind_metadata(request: web.Request) -> web.Response:
    """Good metadata, and 200 with a login page to everything else."""
    return metadata(request) or web.Response(text=PAGE, content_type="text/html")


def run(path: Path) -> Run:
    session = Session.of(load(path))
    try:
        session.start([case for function in functions() for case in cases_of(function, session.loaded.profile)])
        return session.conclude(wait=True)
    finally:
        session.close()


@pytest.mark.parametrize(
    "respond",
    [refuses_everything, breaks_on_everything, login_page_for_everything, login_page_behind_metadata],
)
def test_nothing_passes_but_what_the_metadata_say(
    respond: Respond, web: Callable[[Respond], str], profile_at: Callable[..., Path]
) -> None:
    # What is tried in a browser would take most of the time.
    found = run(profile_at(web(respond), browser={"off": True}, features={"raw_http": True}))

    passed = [check for check in found.checks if check.outcome == "pass"]
    beside = [check.name for check in passed if any("well-known" not in one.url for one in check.exchanges)]
    assert beside == []
    said = {check.name for check in passed} - {"liveness::target_answers_to_the_end"}
    assert bool(said) == (respond in {refuses_everything, login_page_behind_metadata})  # these have metadata
    assert sum(check.outcome == "inconclusive" for check in found.checks) > 200
    assert found.gate in {Answer.FAIL, Answer.INCOMPLETE}
    assert found.conformance is not Answer.PASS
    assert found.sentence


def test_absent_target_is_incomplete_and_said_once(profile_at: Callable[..., Path]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    found = run(profile_at(f"http://127.0.0.1:{port}"))

    assert found.gate is Answer.INCOMPLETE
    assert len(found.problems) == 1
    assert "does not answer" in found.problems[0]
    assert {item.verdict for item in found.requirements} <= {
        Verdict.INCONCLUSIVE,
        Verdict.UNTESTED,
        Verdict.NOT_APPLICABLE,
    }
