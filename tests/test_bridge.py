"""The bridge to Authlete's API: what it forwards, what becomes of each action, and a whole run through it."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

from conformance.bridge.authlete import Api, Bridge
from conformance.bridge.cli import api_of
from conformance.bridge.serving import serving
from conformance.check import cases_of, functions
from conformance.clock import TurnedClock
from conformance.emulator import Emulator, emulate
from conformance.profile.keyring import Person
from conformance.report.record import Run
from conformance.run import Session
from conformance.server.dialects import load_dialects
from conformance.verdict import Answer, Verdict
from tests.webserver import Answer as WebAnswer

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
                if any(id.startswith(only) for id in case.check.requirements)
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


# -- what is forwarded -----------------------------------------------------------------------------------------------


@dataclass
class Asked:
    """What an API was asked, and what it answers."""

    calls: list[tuple[str, dict[str, Any]]]
    answers: dict[str, dict[str, Any]]


@contextmanager
def fake(web: Any, answers: dict[str, dict[str, Any]], **more: Any) -> Iterator[tuple[str, Asked]]:
    """A bridge in front of an API that answers as it is told."""
    asked = Asked([], answers)

    def answer(method: str, path: str, headers: Any, body: bytes) -> WebAnswer:
        asked.calls.append((path, json.loads(body) if body else {}))
        return 200, {"Content-Type": "application/json"}, json.dumps(answers.get(path, {})).encode()

    issuer = f"http://127.0.0.1:{free_port()}"
    bridge = Bridge(Api(web(answer), "Bearer a-token"), PEOPLE, issuer, **more)
    with serving(bridge, int(issuer.rpartition(":")[2])):
        yield issuer, asked
