"""One run of the suite against a hostile server, with limits that keep a test short."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from conformance.check import Case, cases_of, functions
from conformance.clock import TurnedClock
from conformance.profile.load import load
from conformance.report.record import Run
from conformance.run import Session
from tests.hostile.entry import SELECTION, Hostile
from tests.hostile.line import Running, listening
from tests.hostile.secured import authority

#: Time limits of one request, one check, and the run (seconds).
REQUEST, CHECK, RUN = 1, 5, 20


@dataclass(frozen=True)
class Attempt:
    """What a run came to, where it was written, how long it took (seconds), and who was asked."""

    run: Run
    folder: Path
    seconds: float
    server: Running
    canary: Running


@contextmanager
def started(server: Hostile, folder: Path, **limits: int) -> Iterator[tuple[Path, Running, Running]]:
    """A hostile server, a canary on another host, and a profile that names the first one."""
    with ExitStack() as stack:
        canary = stack.enter_context(listening(host="127.0.0.2", speak=_never))
        memory = {"canary": canary.base, "almost": REQUEST * 0.8}
        context = server.context() if server.context else None
        running = stack.enter_context(listening(server.speak, connect=server.connect, context=context, memory=memory))
        secure = server.name.startswith("handshake")
        yield write_profile(folder, running.base, secure=secure, limits=limits), running, canary


async def _never(*_: object) -> None:
    """Whoever is asked has been counted."""


def write_profile(folder: Path, issuer: str, *, secure: bool = False, limits: Mapping[str, int] | None = None) -> Path:
    """A profile for a target on loopback, its secrets beside it."""
    for name, text in (("first.secret", "first-secret-of-a-client"), ("password", "correct horse battery staple")):
        (folder / name).write_text(text, encoding="utf-8")
    authority().cert_pem.write_to_path(folder / "ca.pem")
    short = {"concurrency": 8, "request_seconds": REQUEST, "check_seconds": CHECK, "run_seconds": RUN, "examples": 0}
    clients = {
        role: {
            "client_id": f"{role}-client",
            "auth": auth,
            "redirect_uris": [f"https://{host}.example/callback"],
            "scope": "openid",
            **({"secret": {"file": "first.secret"}} if auth != "none" else {}),
        }
        for role, auth, host in (
            ("first", "client_secret_basic", "client"),
            ("second", "client_secret_post", "second"),
            ("public", "none", "public"),
        )
    }
    profile = {
        "name": "Hostile target",
        "issuer": issuer.replace("http:", "https:") if secure else issuer,
        "plans": ["rfc9126", "rfc9700"],
        "clients": clients,
        "users": {"first": {"username": "alice", "password": {"file": "password"}}},
        "limits": {**short, **(limits or {})},
        "tls": {"ca_file": "ca.pem"},
        "browser": {"off": True},
    }
    path = folder / "hostile.yaml"
    path.write_text(yaml.safe_dump(profile), encoding="utf-8")
    return path


def attempt(server: Hostile, folder: Path) -> Attempt:
    """Run against one hostile server and write the report."""
    with started(server, folder) as (path, running, canary):
        begin = time.perf_counter()
        session = Session.of(load(path), clock=TurnedClock())
        try:
            session.start([case for case in _cases(session) if _is_sent(case, server)])
            for state in session.engine.states.values():
                state.future.result()
            run = session.finish(folder / "reports")
        finally:
            session.close()
        return Attempt(run, folder / "reports", time.perf_counter() - begin, running, canary)


def _is_sent(case: Case, server: Hostile) -> bool:
    """Drawn payloads cost more than they show at most of the servers."""
    wanted = server.drawn if case.check.long else server.full
    return wanted or case.name.split("[")[0] in SELECTION


def _cases(session: Session) -> Iterator[Case]:
    for function in functions():
        yield from cases_of(function, session.loaded.profile)
