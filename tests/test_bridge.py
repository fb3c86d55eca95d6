"""The bridge to Authlete's API: what it forwards, what becomes of each action, and a whole run through it."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx2
import pytest
from aiohttp import web

from conformance.bridge.authlete import PUSH, TOKEN, Api, Bridge
from conformance.bridge.cli import api_of
from conformance.bridge.serving import serving
from conformance.check import cases_of, functions
from conformance.clock import TurnedClock
from conformance.doctor import NO_CERTIFICATE, examine
from conformance.emulator import Emulator, emulate
from conformance.profile.keyring import Person
from conformance.report.record import Run
from conformance.run import Session
from conformance.server.dialects import load_dialects
from conformance.verdict import Answer, Verdict
from tests import webserver

PEOPLE = {"first": Person("john", "a-password-of-john")}


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


@dataclass
class Front:
    """A bridge in front of an emulator of the API."""

    emulator: Emulator
    bridge: Bridge


@contextmanager
def front(clock: TurnedClock | None = None, **settings: object) -> Iterator[Front]:
    """A bridge in front of an emulator of the API, over plain http."""
    now = (clock or TurnedClock()).now
    issuer = f"http://127.0.0.1:{free_port()}"
    with ExitStack() as stack:
        dialect = load_dialects()["authlete-api"]
        emulator = stack.enter_context(emulate(dialect, {"service_issuer": issuer, **settings}, now=now))
        loaded = emulator.load()
        bridge = Bridge(api_of(emulator.environment), loaded.keyring.users, issuer, now=now)
        stack.enter_context(serving(bridge, int(issuer.rpartition(":")[2])))
        yield Front(emulator, bridge)


def trial(only: str = "", **settings: object) -> tuple[Front, Run]:
    """Run every check, or those whose requirements begin so, through a bridge."""
    clock = TurnedClock()
    with front(clock, **settings) as running:
        loaded = running.emulator.load()
        clients = {role: client for role, client in loaded.profile.clients.items() if role != "mtls"}
        profile = loaded.profile.model_copy(
            update={
                "clients": clients,  # certificates need https, which has a test of its own
                "limits": loaded.profile.limits.model_copy(
                    update={"examples": 0, "concurrency": 8, "request_seconds": 60}
                ),
                "browser": loaded.profile.browser.model_copy(update={"off": True}),
            }
        )
        session = Session.of(replace(loaded, profile=profile), clock=clock)
        try:
            chosen = [
                case
                for function in functions()
                for case in cases_of(function, profile)
                if any(id.startswith(only) for id in case.check.requirements) and not case.check.long
            ]
            session.start(chosen, selection=only or None)
            return running, session.conclude(wait=True, evidence=False)
        finally:
            session.close()


def test_service_can_be_tested_before_its_server_exists() -> None:
    running, run = trial("rfc9126")

    findings = {
        item.id: f"{item.verdict}: {item.reason}"
        for item in run.requirements
        if item.id.startswith("rfc9126")
        and item.verdict in {Verdict.FAIL, Verdict.WARN, Verdict.NOTE, Verdict.INCONCLUSIVE}
    }
    assert running.emulator.running.authorization_server.crashes == []
    # The server in front serves plain http here.
    assert {id for id in findings if "https" not in id and "http" not in id} == set(), findings
    assert run.gate is not Answer.PASS or not findings


def test_doctor_tells_that_http_shows_no_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    with front() as running:
        for name, value in running.emulator.environment.items():
            monkeypatch.setenv(name, value)
        found = {finding.subject.split(" (")[0]: finding for finding in examine(running.emulator.profile)}

    assert found["client mtls"].fix == NO_CERTIFICATE
    assert [subject for subject, finding in found.items() if not finding.good] == ["client mtls"]


# -- what is forwarded -----------------------------------------------------------------------------------------------


Answers = dict[str, dict[str, Any]]
Calls = list[tuple[str, str, dict[str, Any]]]


@contextmanager
def fake(answers: Answers) -> Iterator[tuple[httpx2.Client, Calls]]:
    """A client of a bridge whose API answers as it is told, and what that API was asked: path, credentials, body."""
    calls: Calls = []

    async def answer(request: web.Request) -> web.Response:
        calls.append((request.path, request.headers["Authorization"], await request.json()))
        return web.json_response(answers[request.path])

    issuer = f"http://127.0.0.1:{free_port()}"
    with webserver.serving(answer) as url:
        bridge = Bridge(Api(url, "Bearer a-token"), PEOPLE, issuer)
        with (
            serving(bridge, int(issuer.rpartition(":")[2])),
            httpx2.Client(base_url=issuer, trust_env=False, timeout=20) as client,
        ):
            yield client, calls


@pytest.mark.parametrize(
    ("path", "call", "action", "status"),
    [
        *(("/api/par", "/pushed_auth_req", action, status) for action, status in PUSH.items()),
        *(("/api/token", "/auth/token", action, status) for action, status in TOKEN.items()),
        ("/api/par", "/pushed_auth_req", "SOMETHING_NEW", 500),
    ],
)
def test_action_becomes_a_status(path: str, call: str, action: str, status: int) -> None:
    with fake({call: {"action": action, "responseContent": '{"told":"as it is"}'}}) as (client, calls):
        answer = client.post(path, data={"a": "b"}, auth=("a-client", "a-secret"))

    assert (answer.status_code, answer.json()) == (status, {"told": "as it is"})
    assert ("www-authenticate" in answer.headers) == (status == 401)
    assert len(calls) == 1


def test_push_is_forwarded_as_it_came() -> None:
    form = "state=%41+b&scope=openid&state="
    headers = {"Content-Type": "application/x-www-form-urlencoded", "DPoP": "a-proof"}
    with fake({"/pushed_auth_req": {"action": "CREATED"}}) as (client, calls):
        client.post("/api/par", content=form, headers=headers, auth=("an%3Aid", "a%2Bsecret"))
        issuer = str(client.base_url).rstrip("/")

    assert calls == [
        (
            "/pushed_auth_req",
            "Bearer a-token",
            {
                "parameters": form,
                "clientId": "an:id",
                "clientSecret": "a+secret",
                "dpop": "a-proof",
                "htm": "POST",
                "htu": f"{issuer}/api/par",
            },
        )
    ]


def test_large_push_is_for_the_api_to_judge() -> None:
    with fake({"/pushed_auth_req": {"action": "PAYLOAD_TOO_LARGE"}}) as (client, calls):
        answer = client.post("/api/par", data={"state": "x" * 1_500_000})

    assert answer.status_code == 413
    assert len(calls[0][2]["parameters"]) > 1_500_000


@pytest.mark.parametrize(
    ("pressed", "call", "body"),
    [
        ("authorized", "/auth/authorization/issue", {"ticket": "a-ticket", "subject": "john"}),
        ("denied", "/auth/authorization/fail", {"ticket": "a-ticket", "reason": "DENIED"}),
    ],
)
def test_decision_of_a_person_is_told_to_the_api(pressed: str, call: str, body: dict[str, str]) -> None:
    end = {"action": "LOCATION", "responseContent": "https://client.example/callback?code=c"}
    with fake({"/auth/authorization": {"action": "INTERACTION", "ticket": "a-ticket"}, call: end}) as (client, calls):
        page = client.get("/api/authorization?client_id=a&request_uri=b")
        fields = dict(re.findall(r'name="(ticket|csrf)" value="([^"]*)"', page.text))
        person = {"loginId": "john", "password": PEOPLE["first"].password}
        forged = client.post("/api/authorization/decision", data={**fields, **person, "csrf": "x", pressed: "1"})
        answer = client.post("/api/authorization/decision", data={**fields, **person, pressed: "1"})

    assert calls[0][2] == {"parameters": "client_id=a&request_uri=b"}
    assert forged.status_code == 400
    assert (answer.status_code, answer.headers["location"]) == (302, end["responseContent"])
    assert calls[1][0] == call
    assert body.items() <= calls[1][2].items()
    assert len(calls) == 2
