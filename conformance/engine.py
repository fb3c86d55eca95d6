"""The engine: every check is a task on one event loop; whoever waits gives its place back.

It knows neither pytest nor reports: cases in, `CheckResult`s out. Two things are limited: places (checks at work) and
permits (requests in flight, in `http.client`). A check that wakes up needs a permit only, and gets it first.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
import traceback
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from conformance.browser.browser import Browser
from conformance.browser.find import NoBrowserError
from conformance.browser.leg import MOST_WINDOWS, Leg
from conformance.check import Case
from conformance.clock import Clock, RealClock, TurnedClock
from conformance.http.client import Transport
from conformance.http.evidence import Evidence
from conformance.http.message import Died, Request
from conformance.http.pacing import Permits
from conformance.http.redaction import Redactor
from conformance.http.wire import Wire
from conformance.plans import demanded_features
from conformance.profile.load import LoadedProfile, contradictions
from conformance.protocol.authorization import Authorization, Browsers
from conformance.protocol.metadata import discover
from conformance.protocol.par import Par, Shapes
from conformance.protocol.token import Token
from conformance.report.record import CheckResult, Fact
from conformance.target import Target, detect
from conformance.verdict import NotApplicable, NotExercised, Violation

#: How often and how far apart (seconds) a target is asked for a sign of life before it is called dead.
LIVENESS_ATTEMPTS = 4
LIVENESS_PAUSE = 0.5
#: So many checks in a row of which not one request was answered are as good as dead.
UNANSWERED = 16
#: How much longer than an ordinary check a long one may take.
LONG = 10
#: How much longer a check in the browser may take: it starts pages by the dozen, on a machine that may be busy.
IN_BROWSER = 2
#: What a result tells of a server's words (characters); the evidence has more.
LONGEST_MESSAGE = 4000
LONGEST_WORD = 200
#: The requirement that a server breaks which dies of what it is sent.
LIVENESS = "rfc9126-2.3-malformed-answered"


class CheckClock:
    """Time as a check sees it: no check ever sleeps, it waits until a moment and gives its place back."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def now(self) -> float:
        """Unix seconds."""
        return self._wire.clock.now()

    async def until(self, moment: float, reason: str) -> None:
        """Wait for a moment (Unix seconds)."""
        await self._wire.until(moment, reason)


@dataclass
class State:
    """What is known of one case while the run goes on: for the live line and for an interrupted report."""

    case: Case
    future: Future[CheckResult] = field(default_factory=Future)
    evidence: Evidence = field(default_factory=Evidence)
    started: float | None = None
    waiting_until: float | None = None
    progress: tuple[int, int] | None = None
    browser: Browser | None = None
    authorization: Authorization | None = None

    def report(self, done: int, total: int) -> None:
        """Remember how far a long check has come."""
        self.progress = (done, total)


@dataclass(frozen=True)
class Live:
    """How a run stands: checks finished and all, who waits until when (Unix seconds), examples tried and all."""

    finished: int
    everything: int
    waiting: list[tuple[str, float]]
    examples: tuple[int, int]


class Engine:
    """Runs cases against one target, on a thread and event loop of its own."""

    def __init__(self, loaded: LoadedProfile, *, clock: Clock | None = None) -> None:
        self.loaded = loaded
        self.clock: Clock = clock or RealClock()
        self.redactor = Redactor(loaded.keyring.secrets())
        self.states: dict[str, State] = {}
        self.facts: list[Fact] = []
        self.target: Target | None = None
        self.problems: list[str] = []
        self.remarks: list[str] = []
        self.died: str | None = None
        self.preparation = Evidence()
        self.requests = 0
        self.latencies: list[tuple[str, float]] = []
        self._limits = loaded.profile.limits
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run_loop, name="engine", daemon=True)
        self._waiting = 0
        self._unfinished = 0
        self._unanswered = 0
        self._main: Future[None] | None = None
        self._root: asyncio.Task[Any] | None = None
        self._leg: Leg | None = None

    # -- from the outside --------------------------------------------------------------------------------------------

    def start(self, cases: Iterable[Case]) -> None:
        """Start every case: those that wait first, those in the browser next, the others in their order."""
        ordered = sorted(cases, key=lambda case: (not case.check.waits, not case.check.long, not case.uses_browser))
        self.states = {case.name: State(case) for case in ordered}
        self._unfinished = len(ordered)
        self._thread.start()
        self._main = asyncio.run_coroutine_threadsafe(self._all(), self._loop)

    def result(self, name: str, timeout: float | None = None) -> CheckResult:
        """The result of a case, as soon as it is there. TimeoutError after `timeout` seconds."""
        return self.states[name].future.result(timeout)

    def run(self, cases: Iterable[Case]) -> list[CheckResult]:
        """Run cases to their end and stop: the whole engine in one call."""
        self.start(cases)
        try:
            return [state.future.result() for state in self.states.values()]
        finally:
            self.stop()

    def stop(self) -> None:
        """End what still runs; its cases are inconclusive: interrupted."""
        if not self._thread.is_alive():
            self._loop.close()  # where it never ran; else it is closed already
            return
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        for state in self.states.values():
            if not state.future.done():
                state.future.set_result(self._result(state, "inconclusive", message="the run was interrupted"))

    def live(self) -> Live:
        """How things stand, for the live line."""
        states = list(self.states.values())
        drawn = [s.progress for s in states if s.progress]
        drawing = any(s.progress and not s.future.done() for s in states)
        return Live(
            finished=sum(s.future.done() for s in states),
            everything=len(states),
            waiting=[(s.case.title, s.waiting_until) for s in states if s.waiting_until is not None],
            examples=(sum(done for done, _ in drawn), sum(total for _, total in drawn)) if drawing else (0, 0),
        )

    # -- on the loop -------------------------------------------------------------------------------------------------

    def _run_loop(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    async def _end(self) -> None:
        if self._root is not None:  # the checks first: the browser is driven by tasks of its own, which close it
            self._root.cancel()
            await asyncio.gather(self._root, return_exceptions=True)
        if self._leg is not None:
            await self._leg.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if hasattr(self, "_transport"):
            self.requests = self._transport.requests
            self.latencies = self._transport.latencies
            await self._transport.close()

    async def _all(self) -> None:
        self._root = asyncio.current_task()
        self._transport = Transport(self.loaded.profile, self.loaded.keyring, self.redactor, self.clock)
        self._places = Permits(self._limits.concurrency)
        self._nonces: dict[str, str] = {}
        self._shapes = Shapes()
        try:
            self.target = await self._prepare()
        except (Died, NotExercised) as failure:
            self.problems.append(f"the target does not answer: {failure}")
        except Exception:  # a defect of the suite itself must end in a report, not in a hanging run
            self.problems.append(f"the target could not be prepared:\n{traceback.format_exc()}")
        if self.target is None:
            for state in self.states.values():
                state.future.set_result(self._result(state, "inconclusive", message=self.problems[0]))
            return
        self._browsers = Browsers(self.target)
        self._leg = Leg(self.loaded.profile, self.redactor, self._transport.pace, self.target.metadata.issuer)
        self._windows = Permits(min(MOST_WINDOWS, self._limits.concurrency))
        try:
            # Unlike gather, a group that is cancelled waits until its tasks have put their things away.
            async with asyncio.timeout(self._limits.run_seconds), asyncio.TaskGroup() as cases:
                for state in self.states.values():
                    cases.create_task(self._case(state))
        except TimeoutError:
            self._end_early(f"the run did not end within its time limit of {self._limits.run_seconds:g} s")
        if self._leg.problem is not None:
            self.problems.append(f"what only a browser shows could not be tried: {self._leg.problem}")

    def _end_early(self, reason: str) -> None:
        """What has no result yet is inconclusive, for a reason that the whole run has."""
        self.problems.append(reason)
        for state in self.states.values():
            if not state.future.done():
                state.future.set_result(self._result(state, "inconclusive", message=reason))

    async def _prepare(self) -> Target:
        profile = self.loaded.profile
        told = [url for url in profile.endpoints.model_dump().values() if isinstance(url, str)]
        self._transport.allow(*told, *filter(None, (profile.issuer, profile.metadata_url)))
        metadata = await discover(profile, self._transport, self.preparation)
        if metadata.pushed_authorization_request_endpoint is None:
            self.problems.append(
                "the server names no pushed authorization request endpoint, in its metadata or in the profile: "
                "nothing of RFC 9126 can be tried"
            )
        elif metadata.document:
            keys = [mistake.key for mistake in contradictions(profile, dict(metadata.document))]
            if keys:
                listed = ", ".join(keys[:6]) + (f" and {len(keys) - 6} more" if len(keys) > 6 else "")
                self.remarks.append(f"the profile and the metadata contradict each other in {listed}: ask the doctor")
        features = {**detect(profile, metadata)}
        for feature in demanded_features(profile.plans):
            features[feature] = profile.features.get(feature) is not False
        return Target(profile, self.loaded.keyring, metadata, features, tuple(profile.plans))

    async def _case(self, state: State) -> None:
        if not state.case.uses_browser:
            await self._with_place(state)
            return
        async with self._windows.held(0 if state.case.check.waits else 1):
            await self._with_place(state)

    async def _with_place(self, state: State) -> None:
        early = state.case.check.waits or state.case.uses_browser  # what takes long must not begin late
        await self._places.acquire(0 if early else 1)
        try:
            if self.died:
                result = self._result(state, "inconclusive", message=self.died)
            else:
                result = await self._judge(state)
                await self._see_whether_it_lives(state)
        except Exception:  # whatever it is, nobody may wait for this check for ever
            result = self._result(state, "inconclusive", message=f"a defect of the suite:\n{traceback.format_exc()}")
        finally:
            self._places.release()
            self._unfinished -= 1
            self._turn_clock()
        state.future.set_result(result)

    async def _see_whether_it_lives(self, state: State) -> None:
        """After a request without an answer: does the target answer at all? If not, the run ends in good order."""
        exchanges = state.evidence.exchanges
        if exchanges:
            silent = all(exchange.response is None for exchange in exchanges)
            self._unanswered = self._unanswered + 1 if silent else 0
        if self.died or not any(exchange.error for exchange in exchanges) or self.target is None:
            return
        if self._unanswered >= UNANSWERED:
            self._declare_dead(f"the target answered no request of {self._unanswered} checks in a row")
            return
        url = self.target.metadata.pushed_authorization_request_endpoint or self.loaded.profile.issuer
        if url is None:
            return
        attempt = 0
        while attempt < LIVENESS_ATTEMPTS:
            try:
                await self._transport.send(
                    Request("GET", url, fresh_connection=True), self.preparation, purpose="liveness", priority=0
                )
            except Died as died:
                await asyncio.sleep(LIVENESS_PAUSE * attempt)
                # An answer that was waited for to the end of the time limit is a pause by itself.
                attempt += 2 if isinstance(died.__cause__, TimeoutError) else 1
            except NotExercised:
                return
            else:
                return
        at_work = [other.case.name for other in self.states.values() if other.started and not other.future.done()]
        self._declare_dead(f"the target stopped answering while these checks were at work: {', '.join(at_work[:8])}")

    def _declare_dead(self, reason: str) -> None:
        """The first check that sees it says why."""
        if self.died is None:
            self.died = reason
            self.problems.append(reason)

    async def _judge(self, state: State) -> CheckResult:
        state.started = self.clock.now()
        longer = LONG if state.case.check.long else IN_BROWSER if state.case.uses_browser else 1
        seconds = self._limits.check_seconds * longer
        limit = asyncio.timeout(seconds)
        wire = Wire(self._transport, self.clock, lambda moment: self._pause(state, limit, moment), state.evidence)
        wire.progress = state.report
        try:
            assert self.target is not None
            for feature in state.case.check.needs:
                self.target.require(feature)
            await self._with_browser(state)
            async with limit:
                await self._carried_out(state, self._arguments(state, wire, self.target))
        except Violation as seen:
            return self._result(state, "violation", violation=seen)
        except NotApplicable as reason:
            return self._result(state, "not-applicable", message=str(reason))
        except NotExercised as reason:
            return self._result(state, "inconclusive", message=str(reason))
        except Died as reason:
            return self._result(state, "inconclusive", message=f"the target gave no answer: {reason}")
        except TimeoutError:
            message = f"the check did not end within its time limit of {seconds:g} s"
            return self._result(state, "inconclusive", message=message)
        except Exception:  # a defect of the suite itself: said as such, never taken for a verdict on the server
            message = f"the check itself broke, which is a defect of the suite:\n{traceback.format_exc()}"
            return self._result(state, "inconclusive", message=message)
        finally:
            if state.authorization is not None:
                state.authorization.end()
            if state.browser is not None:
                await state.browser.close()
        return self._result(state, "pass")

    async def _carried_out(self, state: State, arguments: dict[str, Any]) -> None:
        """The check itself. What it says of the target counts for nothing where it lost its browser."""
        try:
            await state.case.function(**arguments)
        except Exception as failure:
            if state.browser is not None and state.browser.ended:
                raise NotExercised("the browser ended in the middle of the check") from failure
            raise

    async def _with_browser(self, state: State) -> None:
        """See to it that the browser runs before a check that needs it begins: its start is not the check's time."""
        if not state.case.uses_browser or self._leg is None:
            return
        if self.loaded.profile.browser.off:
            raise NotApplicable("the profile leaves the browser out (browser.off)")
        try:
            await self._leg.process()
        except NoBrowserError as problem:
            raise NotExercised(str(problem)) from problem

    def _arguments(self, state: State, wire: Wire, target: Target) -> dict[str, Any]:
        case = state.case
        state.authorization = authorization = Authorization(wire, target, self._browsers)
        if case.uses_browser:
            assert self._leg is not None
            state.browser = Browser(self._leg, wire, target, authorization)
        available: dict[str, Any] = {
            "par": Par(wire, target, self._nonces, self._shapes),
            "authorization": authorization,
            "browser": state.browser,
            "token": Token(wire, target, self._nonces),
            "target": target,
            "wire": wire,
            "clock": CheckClock(wire),
            "facts": self.facts,
            **case.arguments,
        }
        return {name: available[name] for name in inspect.signature(case.function).parameters}

    async def _pause(self, state: State, limit: asyncio.Timeout, moment: float) -> None:
        rest = moment - self.clock.now()
        if rest > self._limits.longest_wait:
            raise NotExercised(
                f"it would take {rest:.0f} s of waiting, "
                f"more than `limits.longest_wait` ({self._limits.longest_wait} s)"
            )
        deadline = limit.when()
        left = None if deadline is None else deadline - self._loop.time()
        limit.reschedule(None)
        state.waiting_until = moment
        self._waiting += 1
        self._places.release()
        if state.browser is not None:  # its windows stay open: what costs is a page at work
            self._windows.release()
        self._loop.call_soon(self._turn_clock)  # once this wait is known to the clock
        try:
            await self.clock.until(moment)
        finally:
            self._places.overdraw()
            if state.browser is not None:
                self._windows.overdraw()
            self._waiting -= 1
            state.waiting_until = None
        limit.reschedule(None if left is None else self._loop.time() + left)

    def _turn_clock(self) -> None:
        if isinstance(self.clock, TurnedClock) and self._waiting and self._waiting == self._unfinished:
            self.clock.turn()

    def _result(
        self, state: State, outcome: Any, *, message: str | None = None, violation: Violation | None = None
    ) -> CheckResult:
        verified = state.case.check.requirements
        # A finding narrowed to ids that this check does not verify would be lost: then it is about all of them.
        named = [id for id in violation.requirements if id in verified] if violation else []
        broken = (named or list(verified)) if violation else []
        text = violation.message if violation else message
        return CheckResult(
            name=state.case.name,
            title=state.case.title,
            requirements=list(state.case.check.requirements),
            outcome=outcome,
            broken=broken,
            observed=self.shown(violation.observed, LONGEST_WORD) if violation else None,
            message=self.shown(text),
            sent=self.shown("\n".join(state.evidence.changes)) or None,
            expected=self.shown(violation.expected) if violation else None,
            received=self.shown(violation.received) if violation else None,
            started=state.started,
            seconds=max(0.0, self.clock.now() - state.started) if state.started else 0.0,
            waits=state.evidence.waits,
        )

    def shown(self, text: str | None, limit: int = LONGEST_MESSAGE) -> str | None:
        """A text for a report: without secrets, its middle left out where it is long."""
        if text is None:
            return None
        text = self.redactor.text(_without_middle(text, 4 * limit))
        return _without_middle(text, limit)

    def told(self, result: CheckResult) -> CheckResult:
        """The result once more without secrets: at the end more of them are known than when it was made."""
        texts = ("observed", "message", "sent", "expected", "received")
        return result.model_copy(update={name: self.shown(getattr(result, name)) for name in texts})

    def told_fact(self, fact: Fact) -> Fact:
        """A measured fact without secrets."""
        return fact.model_copy(update={"value": self.shown(fact.value), "detail": self.shown(fact.detail)})

    def liveness(self) -> CheckResult | None:
        """Whether the target answered to the end, as a finding of its own; None where it never did."""
        if self.target is None:
            return None
        return CheckResult(
            name="liveness::target_answers_to_the_end",
            title="The server answers to the end of the run, whatever it was sent.",
            requirements=[LIVENESS],
            outcome="violation" if self.died else "pass",
            broken=[LIVENESS] if self.died else [],
            observed="died" if self.died else None,
            message=self.died,
            expected="an answer to every request",
            received="no answer any more" if self.died else None,
        )

    def with_evidence(self, result: CheckResult) -> CheckResult:
        """The result with its exchanges, redacted: made at the end, when every secret is known."""
        evidence = self.states[result.name].evidence if result.name in self.states else self.preparation
        told: dict[str, Any] = {"exchanges": evidence.records(self.redactor)}
        browser = self.states[result.name].browser if result.name in self.states else None
        if browser is not None:
            passed = result.outcome == "pass"
            told["pictures"] = browser.sight.shown(self.redactor, passed=passed)
            told["trace"] = [] if passed else browser.sight.trace(self.redactor)
        return result.model_copy(update=told)


def _without_middle(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit // 2]} … {text[-limit // 2 :]}"
