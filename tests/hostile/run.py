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
from tests.hostile.entry import SELECTION, SERVERS, Hostile
from tests.hostile.line import Running, listening
from tests.hostile.secured import authority

#: Time limits of one request, one check, and the run (seconds).
REQUEST, CHECK, RUN = 0.5, 5, 20
#: One of so many shares of the checks, and so many variants of each, meet a server that is worth it.
SHARES = 4
MOST_VARIANTS = 2


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
            cases = list(sent(session, server))
            # A report of what was chosen is shorter by hundreds of requirements, each of which costs its share.
            session.start(cases, selection=f"{len(cases)} checks")
            for state in session.engine.states.values():
                state.future.result()
            run = session.finish(folder / "reports")
        finally:
            session.close()
        return Attempt(run, folder / "reports", time.perf_counter() - begin, running, canary)


def sent(session: Session, server: Hostile) -> Iterator[Case]:
    """The checks that meet a server: one of each step of the flow; a share of all where it is worth `full`.

    The shares go round, so that every check meets several hostile servers.
    """
    turn = [known.name for known in SERVERS if known.full].index(server.name) if server.full else 0
    for number, function in enumerate(functions()):
        for position, case in enumerate(cases_of(function, session.loaded.profile)):
            name = case.name.split("[")[0]
            if case.check.long:  # drawn payloads cost more than they show at most of the servers
                if server.drawn:
                    yield case
            elif name in SELECTION or (server.full and number % SHARES == turn % SHARES and position < MOST_VARIANTS):
                yield case
