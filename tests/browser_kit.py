"""What the tests of the browser leg share: whether there is a browser, and checks run on an engine of their own."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from conformance.browser.browser import Browser
from conformance.browser.find import NoBrowserError, find
from conformance.browser.install import bundled
from conformance.check import Case, Check
from conformance.clock import Clock
from conformance.engine import Engine
from conformance.profile.load import LoadedProfile, load
from conformance.profile.model import BrowserUse
from conformance.report.record import CheckResult
from conformance.run import at_embedded, reference_profile
from conformance.server import AuthorizationServer, serve

IDS = ("rfc9126-2-post-form",)


@cache
def missing() -> str | None:
    """Why there is no browser to test with; None where there is one."""
    try:
        find(BrowserUse(), bundled=bundled())
    except NoBrowserError as problem:
        return str(problem)
    return None


def needs_browser() -> None:
    """Fail a module, with the reason, where there is no browser: `make test` brings one; a skip would look green."""
    if reason := missing():
        pytest.fail(reason)


def case(function: Callable[..., Awaitable[None]], name: str = "", *, waits: bool = False) -> Case:
    """A case of a function of a test."""
    return Case(name or function.__name__, "A check.", function, Check(IDS, waits=waits))


@contextmanager
def reference(
    *, clock: Clock | None = None, server: type[AuthorizationServer] = AuthorizationServer, **update: Any
) -> Iterator[Engine]:
    """An engine on the reference server; `update` changes the profile."""
    loaded: LoadedProfile = load(reference_profile())
    profile = loaded.profile.model_copy(update={"settings": {"lifetime": 60}, **update})
    with serve(profile, loaded.keyring, server=server, now=clock.now if clock else time.time) as running:
        engine = Engine(replace(loaded, profile=at_embedded(profile, running)), clock=clock)
        try:
            yield engine
        finally:
            engine.stop()


def run_on(path: Path, function: Callable[[Browser], Awaitable[None]]) -> CheckResult:
    """Run one function with a browser against a profile."""
    engine = Engine(load(path))
    try:
        return engine.with_evidence(engine.run([case(function)])[0])
    finally:
        engine.stop()
