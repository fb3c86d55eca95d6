"""One run from a profile to a record: what the pytest plugin and the tests drive."""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO

from rich.console import Console

from conformance import __version__, baseline, measure
from conformance.check import Case, verified_by
from conformance.clock import Clock
from conformance.engine import LONGEST_WORD, Engine
from conformance.judge import bound, explains, judge
from conformance.live import LiveLine
from conformance.plans import Applied, in_force
from conformance.profile.load import LoadedProfile, load
from conformance.profile.model import Profile
from conformance.report import record, seal, terminal, write
from conformance.report.allure import Place, severity
from conformance.report.attestation import PrivateKey
from conformance.report.comparison import BREAKING, State
from conformance.requirements import Catalogue
from conformance.requirements import load as load_catalogue
from conformance.server import AuthorizationServer, Running, serve
from conformance.verdict import BROKEN, Answer, Level, Verdict

#: Exit status of a run; 2 is a wrong profile or command line, 3 is pytest's own.
EXIT = {Answer.PASS: 0, Answer.FAIL: 1, Answer.INCOMPLETE: 10}

REFERENCE = Path(__file__).parent.parent / "targets" / "reference.yaml"
_LIBRARIES = ("pytest", "httpx2", "hypothesis", "playwright", "pyjwt", "cryptography", "pydantic", "aiohttp")


def reference_profile() -> Path:
    """The profile of the embedded server: beside the package in a checkout, inside it in a wheel."""
    packaged = Path(__file__).parent / "targets" / "reference.yaml"
    return REFERENCE if REFERENCE.exists() else packaged


@dataclass
class Session:
    """A run while it goes on."""

    loaded: LoadedProfile
    catalogue: Catalogue
    in_force: dict[str, Applied]
    engine: Engine
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    started: bool = False
    finished: bool = False
    selection: str | None = None
    cases: list[Case] = field(default_factory=list)
    baseline: baseline.Baseline | None = None
    sign_key: PrivateKey | None = field(default=None, repr=False)
    _stack: ExitStack = field(default_factory=ExitStack, repr=False)
    _run: record.Run | None = None
    _live: LiveLine | None = None
    _paths: dict[str, Path] = field(default_factory=dict)

    @classmethod
    def begin(
        cls,
        target: str | None,
        *,
        plans: Sequence[str] | None = None,
        limits: Mapping[str, int | None] | None = None,
        start: bool = True,
        clock: Clock | None = None,
    ) -> Session:
        """Load a profile and start what it needs. Raises ProfileError with every mistake."""
        loaded = load(Path(target) if target else reference_profile())
        return cls.of(loaded, plans=plans, limits=limits, start=start, clock=clock)

    @classmethod
    def of(
        cls,
        loaded: LoadedProfile,
        *,
        plans: Sequence[str] | None = None,
        limits: Mapping[str, int | None] | None = None,
        start: bool = True,
        clock: Clock | None = None,
        server: type[AuthorizationServer] = AuthorizationServer,
    ) -> Session:
        """A session for a loaded profile; `server` is what an embedded target runs."""
        stack = ExitStack()
        profile = loaded.profile
        if plans:
            profile = profile.model_copy(update={"plans": list(plans)})
        given = {name: value for name, value in (limits or {}).items() if value is not None}
        if given:
            profile = profile.model_copy(update={"limits": profile.limits.model_copy(update=given)})
        if profile.embedded and start:
            now = clock.now if clock else time.time
            running = stack.enter_context(serve(profile, loaded.keyring, server=server, now=now, apart=clock is None))
            profile = at_embedded(profile, running)
        loaded = replace(loaded, profile=profile)
        catalogue = load_catalogue()
        return cls(
            loaded=loaded,
            catalogue=catalogue,
            in_force=in_force(profile.plans, catalogue),
            engine=Engine(loaded, clock=clock),
            _stack=stack,
        )

    def start(self, cases: Sequence[Case], *, selection: str | None = None) -> None:
        """Start the chosen checks that verify something in force."""
        self.selection = selection
        self.cases = [case for case in cases if set(case.check.requirements) & set(self.in_force)]
        self.started = True
        self.engine.start(self.cases)

    def hold_against(self, path: Path) -> None:
        """Let the gate count only what an earlier run does not have. Raises BaselineError."""
        self.baseline = baseline.load(path, self.loaded.profile.plans)

    def runs(self, case: Case) -> bool:
        """Whether a case verifies a requirement that is in force."""
        return bool(set(case.check.requirements) & set(self.in_force))

    def live_line(self) -> LiveLine:
        """The line that shows what runs and what waits."""
        if self._live is None:
            self._live = LiveLine(self.engine)
        return self._live

    def level(self, result: record.CheckResult) -> Level:
        """The strongest level among the broken requirements in force."""
        levels = [self.in_force[id].level for id in result.broken if id in self.in_force]
        return min(levels, key=list(Level).index, default=Level.EXPECTED)

    def is_failure(self, result: record.CheckResult) -> bool:
        """Whether a violation is one that pytest should call failed: a broken MUST that no deviation lists."""
        return self.word(result) == Verdict.FAIL

    def word(self, result: record.CheckResult) -> str:
        """The verdict's word for one check."""
        if result.outcome != "violation":
            return result.outcome
        listed = self.loaded.profile.deviations
        open_ids = [
            id
            for id in result.broken
            if id in self.in_force and not any(explains(entry, id, result) for entry in listed)
        ]
        if not open_ids:
            return Verdict.DEVIATION
        word = BROKEN[min((self.in_force[id].level for id in open_ids), key=list(Level).index)]
        if self.baseline is None or word is not Verdict.FAIL:
            return word
        states = {self.baseline.state(id, result) for id in open_ids if self.in_force[id].level is Level.MUST}
        if states & BREAKING:
            return word
        return State.NEW_CHECK if State.NEW_CHECK in states else State.KNOWN

    def severity(self, result: record.CheckResult) -> str:
        """Allure's severity for one check."""
        return severity(self.in_force[id].level for id in result.requirements if id in self.in_force)

    def places(self, result: record.CheckResult) -> list[Place]:
        """The requirements of a check as Allure's labels want them."""
        found = [(self.catalogue.requirements[id], self.catalogue.specification_of(id)) for id in result.requirements]
        return [
            Place(item.id, item.section, specification.id, specification.title, self.catalogue.url(item.id))
            for item, specification in found
        ]

    def finish(self, folder: Path, *, fail_on: str = "must", interrupted: bool = False) -> record.Run:
        """End the run, judge it and write it to `folder`/<target>/<utc>/. What is unfinished is inconclusive."""
        self._run = self.conclude(fail_on=fail_on, interrupted=interrupted)
        stamp = self.started_at.strftime("%Y%m%dT%H%M%SZ")
        name = self.loaded.path.stem
        self._paths = write.write(self._run, folder / name / stamp)
        seal.seal(folder / name / stamp, self._run, self.sign_key)
        self.finished = True
        return self._run

    def conclude(
        self, *, fail_on: str = "must", interrupted: bool = False, wait: bool = False, evidence: bool = True
    ) -> record.Run:
        """End the run and judge it; with `wait` only after every check has come to its own end.

        Without `evidence` the exchanges are left out.
        """
        if wait:
            for state in self.engine.states.values():
                state.future.result()
        self.engine.stop()
        results = [self.engine.told(state.future.result()) for state in self.engine.states.values()]
        liveness = self.engine.liveness()
        if liveness is not None and (self.selection is None or liveness.outcome == "violation"):
            results.append(liveness)
        profile, target = self.loaded.profile, self.engine.target
        results = [bound(result, self.catalogue, target.features if target else {}) for result in results]
        judgement = judge(
            self.catalogue,
            self.in_force,
            results,
            verified_by(),
            profile.deviations,
            today=datetime.now(UTC).date(),
            complete=self.selection is None and not interrupted,
            fail_on=Level(fail_on.upper()),
            baseline=self.baseline,
        )
        allowed = profile.authorization_to_test
        return record.Run(
            suite_version=__version__,
            python=platform.python_version(),
            libraries={name: version(name) for name in _LIBRARIES},
            started=self.started_at,
            finished=datetime.now(UTC),
            interrupted=interrupted,
            seed=str(profile.limits.seed),
            plans=list(profile.plans),
            specifications={
                specification.id: specification.title
                for requirement in self.in_force
                for specification in [self.catalogue.specification_of(requirement)]
            },
            selection=self.selection,
            target=record.Target(
                name=profile.name,
                profile=self.loaded.path.name,
                profile_sha256=self.loaded.sha256,
                issuer=self.engine.shown(target.metadata.issuer, LONGEST_WORD) if target else profile.issuer,
                endpoints=_endpoints(self.engine),
                features={str(name): on for name, on in target.features.items()} if target else {},
                clients={role: client.auth for role, client in profile.clients.items()},
                authorization_by=allowed.by if allowed else None,
                authorization_until=allowed.until if allowed else None,
                authorization_reference=allowed.reference if allowed else None,
                unverified=list(profile.unverified),
            ),
            conformance=judgement.conformance,
            gate=judgement.gate,
            sentence=judgement.sentence,
            problems=[self.engine.shown(text) or "" for text in (*self.engine.problems, *self.engine.remarks)],
            tally=judgement.tally,
            requirements=judgement.requirements,
            checks=[self.engine.with_evidence(result) for result in results] if evidence else results,
            deviations=judgement.deviations,
            baseline=judgement.baseline,
            facts=[*map(self.engine.told_fact, self.engine.facts), *measure.latency(self.engine)],
            requests=self.engine.requests,
        )

    def print_summary(self, stream: IO[str]) -> None:
        """The end of a run in the terminal."""
        if self._run is not None:
            terminal.print_summary(self._run, self._paths, Console(file=stream, highlight=False, soft_wrap=True))

    def close(self) -> None:
        """Stop the engine and the embedded server."""
        self.engine.stop()
        self._stack.close()


def at_embedded(profile: Profile, running: Running) -> Profile:
    """The profile with the address and the trust of an embedded server that has been started."""
    return profile.model_copy(
        update={
            "issuer": running.issuer,
            "tls": profile.tls.model_copy(update={"ca_file": str(running.ca_file)}),
        }
    )


def _endpoints(engine: Engine) -> dict[str, str]:
    if engine.target is None:
        return {}
    metadata = engine.target.metadata
    named = {
        "authorization_endpoint": metadata.authorization_endpoint,
        "token_endpoint": metadata.token_endpoint,
        "pushed_authorization_request_endpoint": metadata.pushed_authorization_request_endpoint,
    }
    return {name: engine.shown(url, LONGEST_WORD) or "" for name, url in named.items() if url}
