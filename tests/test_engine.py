"""The engine: concurrency, waits, limits, and what becomes of a check that breaks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from conformance.check import Case, Check
from conformance.clock import TurnedClock
from conformance.engine import CheckClock, Engine
from conformance.profile.load import LoadedProfile, load
from conformance.run import at_embedded, reference_profile
from conformance.server import serve
from conformance.verdict import NotApplicable, NotExercised, Violation

IDS = ("rfc9126-2-post-form",)


@contextmanager
def target(clock: TurnedClock | None = None, **limits: Any) -> Iterator[Engine]:
    loaded: LoadedProfile = load(reference_profile())
    profile = loaded.profile.model_copy(update={"limits": loaded.profile.limits.model_copy(update=limits)})
    with serve(profile, loaded.keyring, now=clock.now if clock else time.time) as running:
        engine = Engine(replace(loaded, profile=at_embedded(profile, running)), clock=clock)
        try:
            yield engine
        finally:
            engine.stop()


def case(function: Any, name: str = "", waits: bool = False) -> Case:
    return Case(name or function.__name__, "A check.", function, Check(IDS, waits=waits))


async def passes() -> None:
    return None


async def violates() -> None:
    raise Violation("accepted", "it was accepted", expected="a refusal", received="a success")


async def exercises_nothing() -> None:
    raise NotExercised("the control failed")


async def does_not_apply() -> None:
    raise NotApplicable("the feature is off")


async def breaks() -> None:
    raise ZeroDivisionError("a defect of the suite")


async def hangs() -> None:
    await asyncio.Event().wait()


def test_outcomes_are_told_apart() -> None:
    with target(check_seconds=0.5) as engine:
        results = {
            item.name: item
            for item in engine.run(
                [case(f) for f in (passes, violates, exercises_nothing, does_not_apply, breaks, hangs)]
            )
        }

    assert {name: item.outcome for name, item in results.items()} == {
        "passes": "pass",
        "violates": "violation",
        "exercises_nothing": "inconclusive",
        "does_not_apply": "not-applicable",
        "breaks": "inconclusive",
        "hangs": "inconclusive",
    }
    assert results["violates"].observed == "accepted"
    assert results["violates"].broken == list(IDS)
    assert "defect of the suite" in (results["breaks"].message or "")
    assert "time limit" in (results["hangs"].message or "")


def test_waiting_checks_give_their_place_back() -> None:
    async def waits(clock: CheckClock) -> None:
        await clock.until(clock.now() + 0.6, "something")

    with target(concurrency=1) as engine:
        started = time.perf_counter()
        results = engine.run([case(waits, f"waits{number}", waits=True) for number in range(10)])
        seconds = time.perf_counter() - started

    assert [item.outcome for item in results] == ["pass"] * 10
    assert seconds < 3, "ten waits of 0.6 s with one place run beside each other"
    assert all(item.waits[0].reason == "something" for item in results)


def test_waits_do_not_count_towards_the_time_limit() -> None:
    async def waits(clock: CheckClock) -> None:
        await clock.until(clock.now() + 0.8, "something")

    with target(check_seconds=0.4) as engine:
        assert engine.run([case(waits)])[0].outcome == "pass"


def test_too_long_a_wait_is_not_begun() -> None:
    async def waits(clock: CheckClock) -> None:
        await clock.until(clock.now() + 3600, "an hour")

    with target(longest_wait=10) as engine:
        found = engine.run([case(waits)])[0]

    assert found.outcome == "inconclusive"
    assert "longest_wait" in (found.message or "")


def test_turned_clock_jumps_only_when_everybody_waits() -> None:
    clock = TurnedClock()
    order: list[str] = []

    async def waits_an_hour(clock: CheckClock) -> None:
        await clock.until(clock.now() + 3600, "an hour")
        order.append("hour")

    async def waits_a_minute(clock: CheckClock) -> None:
        await clock.until(clock.now() + 60, "a minute")
        order.append("minute")

    async def works(clock: CheckClock) -> None:
        before = clock.now()
        await asyncio.sleep(0.2)
        assert clock.now() - before < 5, "time jumped while a check was at work"
        order.append("work")

    with target(clock, longest_wait=10_000) as engine:
        started = time.perf_counter()
        results = engine.run([case(waits_an_hour, waits=True), case(waits_a_minute, waits=True), case(works)])

    assert [item.outcome for item in results] == ["pass"] * 3
    assert order == ["work", "minute", "hour"]
    assert time.perf_counter() - started < 5
    assert clock.offset > 3500


def test_places_bound_the_checks_at_work() -> None:
    at_work = most = 0

    async def works() -> None:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        await asyncio.sleep(0.02)
        at_work -= 1

    with target(concurrency=3) as engine:
        engine.run([case(works, f"works{number}") for number in range(12)])

    assert most == 3


def test_stopped_run_has_a_result_for_every_check() -> None:
    with target() as engine:
        engine.start([case(hangs), case(passes)])
        engine.result("passes", 5)
        engine.stop()
        states = {name: state.future.result(0).outcome for name, state in engine.states.items()}

    assert states == {"hangs": "inconclusive", "passes": "pass"}


def test_fixture_that_does_not_exist_is_a_defect_of_the_suite() -> None:
    async def wants(nothing_known_by_this_name: object) -> None:
        pytest.fail("never called")

    with target() as engine:
        found = engine.run([case(wants)])[0]

    assert found.outcome == "inconclusive"
    assert "defect of the suite" in (found.message or "")
