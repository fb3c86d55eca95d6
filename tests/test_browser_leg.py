"""The browser leg on the reference server: one browser a run, windows, evidence, clocks, and runs without a browser."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path

import pytest

from conformance.browser.browser import Browser
from conformance.browser.find import VARIABLE
from conformance.browser.leg import MOST_WINDOWS
from conformance.clock import TurnedClock
from conformance.engine import CheckClock
from conformance.profile.model import BrowserUse, Limits
from conformance.protocol.outcome import Ending
from conformance.protocol.par import Par
from conformance.protocol.token import Token
from conformance.run import EXIT, Session, reference_profile
from conformance.verdict import Answer, NotExercised, Violation
from tests.browser_kit import case, missing, reference

needed = pytest.mark.skipif(missing() is not None, reason=missing() or "")


async def brings_a_code(par: Par, browser: Browser, token: Token) -> None:
    tab = await browser.tab()
    answer = await par.accepted()
    outcome = await tab.open(answer)
    assert outcome.ending is Ending.CODE, outcome.summary
    assert (await token.redeem(outcome, answer.push)).accepted
    assert (tab.logins, tab.consents) == (1, 1)


async def shows_the_consent_page(par: Par, browser: Browser) -> None:
    tab = await browser.tab()
    outcome = await tab.open(await par.accepted(), stop="consent")
    assert outcome.ending is Ending.CONSENT_ASKED
    assert outcome.responses[-1].status == 200
    assert "alice" in outcome.responses[-1].text
    raise Violation("seen", "it was seen")


@needed
def test_the_whole_way_ends_in_a_token() -> None:
    with reference() as engine:
        assert engine.run([case(brings_a_code)])[0].outcome == "pass", engine.states["brings_a_code"].future.result()


@needed
def test_what_was_seen_and_done_is_evidence_without_a_secret() -> None:
    with reference() as engine:
        result = engine.with_evidence(engine.run([case(shows_the_consent_page)])[0])
        secrets = [word for word in engine.loaded.keyring.secrets() if len(word) > 6]

    assert [picture.caption for picture in result.pictures] == ["consent asked"]
    assert base64.b64decode(result.pictures[0].data.partition(",")[2]).startswith(b"\xff\xd8")
    assert [step.text for step in result.trace][1:4] == [
        "typed the user name",
        "typed the password",
        "pressed 'Log in'",
    ]
    exchanges = [exchange for exchange in result.exchanges if exchange.purpose == "browser: document"]
    assert [exchange.status for exchange in exchanges] == [303, 200, 303, 200]
    told = result.model_dump_json()
    assert not [secret for secret in secrets if secret in told]
    assert "__Host-session=‹secret" in told


@needed
def test_a_picture_on_which_a_secret_stands_is_withheld() -> None:
    async def shows_a_secret(par: Par, browser: Browser) -> None:
        tab = await browser.tab()
        await tab.open(await par.accepted(), stop="login")
        password = browser.authorization.target.keyring.users["first"].password
        await tab.evaluate("text => { document.body.append(text) }", password)
        await tab.picture("a page with a secret")
        raise NotExercised("it ends here")

    with reference() as engine:
        result = engine.with_evidence(engine.run([case(shows_a_secret)])[0])

    assert [picture.withheld is None for picture in result.pictures] == [True, False]
    assert result.pictures[1].data == ""


@needed
def test_windows_are_bounded_and_share_one_browser() -> None:
    at_work = most = 0
    processes = set()

    async def works(browser: Browser) -> None:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        await browser.tab()
        processes.add(id(await browser.leg.process()))
        at_work -= 1

    with reference() as engine:
        results = engine.run([case(works, f"works{number}") for number in range(9)])

    assert [result.outcome for result in results] == ["pass"] * 9
    assert most <= MOST_WINDOWS
    assert len(processes) == 1


@needed
def test_a_waiting_check_gives_its_window_s_place_away_and_time_is_turned() -> None:
    clock = TurnedClock()

    async def waits(par: Par, browser: Browser, clock: CheckClock) -> None:
        tab = await browser.tab()
        await tab.open(await par.accepted(), stop="login")
        await clock.until(clock.now() + 300, "a slow person")
        assert (await tab.walk()).ending is Ending.CODE

    with reference(clock=clock) as engine:
        results = engine.run([case(waits, f"waits{number}", waits=True) for number in range(MOST_WINDOWS + 1)])

    assert [result.outcome for result in results] == ["pass"] * len(results), results
    assert clock.offset > 290


@needed
def test_an_interrupted_run_closes_the_browser() -> None:
    started = asyncio.Event()

    async def hangs(browser: Browser) -> None:
        await browser.tab()
        started.set()
        await asyncio.Event().wait()

    with reference() as engine:
        engine.start([case(hangs)])
        asyncio.run_coroutine_threadsafe(started.wait(), engine._loop).result(60)
        engine.stop()

        assert engine.states["hangs"].future.result(0).outcome == "inconclusive"


# -- without a browser ---------------------------------------------------------------------------------------------


def test_without_a_browser_the_run_says_so_once_and_ends(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(VARIABLE, "/not/there")
    with reference() as engine:
        results = engine.run([case(brings_a_code), case(shows_the_consent_page)])

    assert [result.outcome for result in results] == ["inconclusive"] * 2
    assert len(engine.problems) == 1
    assert "PAR_BROWSER names /not/there" in engine.problems[0]
    assert engine.problems[0].count("\n") == 0


def test_without_a_browser_the_exit_status_tells_incomplete(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "/not/there")
    session = Session.begin(str(reference_profile()))
    try:
        function = case(brings_a_code)
        session.start([function])
        run = session.conclude(wait=True)
    finally:
        session.close()

    assert EXIT[run.gate] == 10
    assert run.conformance is Answer.INCOMPLETE


def test_a_profile_can_leave_the_browser_out() -> None:
    with reference(browser=BrowserUse(off=True)) as engine:
        results = engine.run([case(brings_a_code)])

    assert results[0].outcome == "not-applicable"
    assert "browser.off" in (results[0].message or "")
    assert engine.problems == []


@needed
def test_check_that_loses_its_browser_says_nothing_of_the_target_and_the_next_one_has_another() -> None:
    async def loses_its_browser(browser: Browser) -> None:
        tab = await browser.tab()
        process = tab.window.context.browser
        assert process is not None
        await process.close()
        raise Violation("no-code", "the page did not come")

    with reference(limits=Limits(concurrency=1)) as engine:
        found = engine.run([case(loses_its_browser), case(brings_a_code)])

    assert [result.outcome for result in found] == ["inconclusive", "pass"]
    assert found[0].message == "the browser ended in the middle of the check"
