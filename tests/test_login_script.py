"""Login pages that only a script makes: the calls of the script are made from the profile's steps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.web import Request, Response

from conformance.clock import RealClock
from conformance.http.client import Transport
from conformance.http.redaction import Redactor
from conformance.http.wire import Wire
from conformance.login.browser import Browser
from conformance.login.walk import Stop, Walk
from conformance.protocol.outcome import Ending, Outcome
from conformance.verdict import NotExercised
from tests.profiles import PASSWORD, loaded, profile
from tests.webserver import Answer

CLIENT = "https://client.example/callback"
PAGE = '<!doctype html><div id="root"></div><script>window.data = {"flow":"flow-31c7"}</script>'
LOGIN_PAGE = (
    '<!doctype html><form method="post" action="/api"><input name="name"><input type="password" name="word"></form>'
)
SCRIPT = {"X-Token": "{token}", "X-Flow": "{flow}", "Sec-Fetch-Mode": "cors"}
LOGIN: dict[str, Any] = {
    "headers": {"Sec-Fetch-Mode": "navigate"},
    "steps": [
        {
            "at": "/authorize",
            "take": {"token": "cookie:token", "flow": 'page:"flow":"([^"]+)"'},
            "calls": [
                {"path": "/sign-in", "headers": SCRIPT, "body": {"name": "{username}", "password": "{password}"}}
            ],
        },
        {
            "at": "/sign-in",
            "take": {"person": "account.id"},
            "calls": [
                {"path": "/consent", "headers": SCRIPT, "body": {"id": "{person}"}, "take": {"end": "url"}},
                {"method": "GET", "path": "{end}"},
            ],
        },
    ],
    "deny": {
        "calls": [
            {"path": "/reject", "headers": SCRIPT, "body": {}, "take": {"end": "url"}},
            {"method": "GET", "path": "{end}"},
        ]
    },
}


async def application(request: web.Request) -> web.Response:
    """Pages that are a script, and the API that the script calls: it asks for a cookie's value and the flow's name."""
    if request.path == "/authorize":
        assert request.headers.getall("Sec-Fetch-Mode") == ["navigate"]
        response = web.Response(text=PAGE, content_type="text/html")
        response.set_cookie("token", "token-55d0", path="/")
        return response
    if request.path == "/end":
        return web.Response(status=302, headers={"Location": f"{CLIENT}?{request.query_string}"})
    asked = [request.headers.getall(name, []) for name in ("X-Token", "X-Flow", "Sec-Fetch-Mode")]
    if request.cookies.get("token") != "token-55d0" or asked != [["token-55d0"], ["flow-31c7"], ["cors"]]:
        return web.json_response({"error": "forged"}, status=400)
    said = await request.json()
    if request.path == "/sign-in":
        right = said == {"name": "alice", "password": PASSWORD}
        return web.json_response(
            {"account": {"id": "a1"}} if right else {"error": "wrong"}, status=200 if right else 401
        )
    if request.path == "/consent" and said == {"id": "a1"}:
        return web.json_response({"url": "/end?code=code-8861"})
    if request.path == "/consent-too-late":
        return web.json_response({"error": "this request was answered before"}, status=400)
    if request.path == "/reject":
        return web.json_response({"url": "/end?error=access_denied"})
    return web.json_response({"url": f"{CLIENT}?code=code-8861"})


def walked(
    folder: Path,
    issuer: str,
    *,
    login: dict[str, Any] = LOGIN,
    deny: bool = False,
    stop: Stop | None = None,
    user: str | None = "first",
) -> Outcome:
    """Walk from the authorization endpoint to the end."""
    told = loaded(folder, profile({"issuer": issuer, "login": login}))

    async def walk() -> Outcome:
        clock = RealClock()
        transport = Transport(told.profile, told.keyring, Redactor(told.keyring.secrets()), clock)
        transport.allow(issuer)
        wire = Wire(transport, clock, clock.until)
        headers = tuple(told.profile.login.headers.items())
        browser = Browser(told.keyring.users[user] if user else None, headers)
        try:
            page = await browser.get(wire, f"{issuer}/authorize", "authorization request")
            return await Walk(wire, browser, told.profile.login, [CLIENT], {}, deny, stop, base=issuer).run(page)
        finally:
            await transport.close()

    return asyncio.run(walk())


def test_calls_of_a_script_lead_to_the_code(web: Callable[[Answer], str], tmp_path: Path) -> None:
    outcome = walked(tmp_path, web(application))

    assert outcome.ending is Ending.CODE
    assert outcome.parameters == {"code": "code-8861"}


def test_script_may_send_the_browser_to_the_client_itself(web: Callable[[Answer], str], tmp_path: Path) -> None:
    sign_in, consent = LOGIN["steps"]
    straight = {**consent["calls"][0], "path": "/consent-of-an-application"}
    login = {**LOGIN, "steps": [sign_in, {**consent, "calls": [straight, consent["calls"][1]]}]}

    outcome = walked(tmp_path, web(application), login=login)

    assert outcome.ending is Ending.CODE
    assert outcome.parameters == {"code": "code-8861"}


def test_consent_that_is_refused_ends_on_an_error(web: Callable[[Answer], str], tmp_path: Path) -> None:
    sign_in, consent = LOGIN["steps"]
    late = {**consent["calls"][0], "path": "/consent-too-late"}
    login = {**LOGIN, "steps": [sign_in, {**consent, "calls": [late, consent["calls"][1]]}]}

    assert walked(tmp_path, web(application), login=login).ending is Ending.ERROR_PAGE


def test_login_that_is_refused_says_nothing_of_the_request(web: Callable[[Answer], str], tmp_path: Path) -> None:
    sign_in, _ = LOGIN["steps"]
    wrong = {**sign_in["calls"][0], "body": {"name": "{username}", "password": "{password}!"}}
    login = {**LOGIN, "steps": [{**sign_in, "calls": [wrong, {"method": "GET", "path": "/end"}]}]}

    with pytest.raises(NotExercised, match="401"):
        walked(tmp_path, web(application), login=login)


def test_calls_of_a_script_refuse(web: Callable[[Answer], str], tmp_path: Path) -> None:
    outcome = walked(tmp_path, web(application), deny=True)

    assert (outcome.ending, outcome.error) == (Ending.ERROR_REDIRECT, "access_denied")


@pytest.mark.parametrize(
    ("stop", "user", "ending"),
    [
        ("login", "first", Ending.LOGIN_ASKED),
        (None, None, Ending.LOGIN_ASKED),
        ("consent", "first", Ending.CONSENT_ASKED),
    ],
)
def test_pages_of_a_script_are_told_apart(
    web: Callable[[Answer], str], tmp_path: Path, stop: Stop | None, user: str | None, ending: Ending
) -> None:
    assert walked(tmp_path, web(application), stop=stop, user=user).ending is ending


@pytest.mark.parametrize("page", ["<script>nothing of a flow</script>", ""])
def test_page_without_what_is_taken_ends_there(web: Callable[[Answer], str], tmp_path: Path, page: str) -> None:
    issuer = web(lambda request: _with_cookie(page))

    assert walked(tmp_path, issuer).ending is Ending.ERROR_PAGE


def _with_cookie(page: str) -> web.Response:
    response = web.Response(text=page, content_type="text/html")
    response.set_cookie("token", "token-55d0")
    return response


@pytest.mark.parametrize(("flow", "ending"), [("flow=31c7", Ending.CODE), ("error=invalid_request", Ending.ERROR_PAGE)])
def test_login_page_without_what_its_login_takes_is_an_error_page(
    web: Callable[[Answer], str], tmp_path: Path, flow: str, ending: Ending
) -> None:
    login = {
        "steps": [
            {
                "at": "/login",
                "take": {"flow": "flow"},
                "calls": [
                    {"path": "/sign-in", "form": {"flow": "{flow}", "name": "{username}", "secret": "{password}"}}
                ],
            }
        ]
    }
    sent: list[str] = []

    async def refusing_by_its_login_page(request: Request) -> Response:
        if request.path == "/authorize":
            return Response(status=303, headers={"Location": f"/login?{flow}"})
        if request.path == "/login":
            return Response(text=LOGIN_PAGE, content_type="text/html")
        sent.append(request.path)
        return Response(status=303, headers={"Location": f"{CLIENT}?code=code-8861"})

    outcome = walked(tmp_path, web(refusing_by_its_login_page), login=login)

    assert outcome.ending is ending
    assert sent == (["/sign-in"] if ending is Ending.CODE else [])
