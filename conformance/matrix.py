"""The kill matrix: every fault of the reference server against every check, the clock turned and not waited for.

A fault can change only checks in whose course one of the methods that it overrides is called. Which those are is learnt
from one traced run of the correct server, so that no fault is tried on checks that cannot notice it.

`python -m conformance.matrix [NAME …]` prints what turned; without names it tries everything that needs no browser,
with `--browser` the rest, and fails where a fault is not caught exactly, or a check is killed by none.
"""

from __future__ import annotations

import functools
import gc
import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

from conformance.check import Case, Function, cases_of, functions, runs_in_browser
from conformance.clock import TurnedClock
from conformance.profile.load import LoadedProfile, load
from conformance.profile.model import Feature
from conformance.report.record import Run
from conformance.run import Session, reference_profile
from conformance.server import AuthorizationServer
from conformance.server.faults import Fault, load_faults
from conformance.verdict import Verdict

#: The plans under which faults are tried, unless they name others.
PLANS = ("rfc9126", "rfc9700")
#: A lifetime that shows a tenth too much; the clock is turned, so that it costs nothing (seconds).
SETTINGS: Mapping[str, Any] = {"lifetime": 60}
#: The verdicts by which a fault is told.
FINDINGS = frozenset({Verdict.FAIL, Verdict.WARN, Verdict.NOTE})
#: A check that hangs on a fault must not hold up the matrix (seconds).
CHECK_SECONDS = 20
BROWSER_SECONDS = 90
#: Examples of each fuzzed payload: only the faults that nothing else finds ask for more.
EXAMPLES = 6
#: For fewer faults than this it does not pay to learn first which checks they concern.
FEW = 8
#: On the command line: the faults that need a browser, and no others.
BROWSER = "--browser"
_SERVER = str(Path(__file__).parent / "server")

Touched = Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Result:
    """What one fault did: which requirements turned into a finding, and which could not be judged any more."""

    name: str
    turns: frozenset[str]
    turned: Mapping[str, Verdict]
    blinded: frozenset[str]
    observed: frozenset[str]
    killed: frozenset[str]
    seconds: float

    @property
    def exact(self) -> bool:
        """Whether those turned that should, and no other."""
        return set(self.turned) == self.turns


@cache
def loaded_profile(name: str = "reference") -> LoadedProfile:
    """A profile of the embedded server, read once, as the matrix tries it."""
    loaded = load(reference_profile().with_name(f"{name}.yaml"))
    profile = loaded.profile.model_copy(
        update={
            "settings": {**loaded.profile.settings, **SETTINGS},
            "limits": loaded.profile.limits.model_copy(update={"check_seconds": CHECK_SECONDS}),
        }
    )
    return replace(loaded, profile=profile)


def trial(
    server: type[AuthorizationServer],
    settings: Mapping[str, Any] | None = None,
    plans: tuple[str, ...] = (),
    loaded: LoadedProfile | None = None,
    only: frozenset[str] | None = None,
    examples: int = EXAMPLES,
    browser: bool = False,
) -> Run:
    """Run every check, or only those of some names, on a server under a turned clock; in a browser only if asked to."""
    loaded = loaded or loaded_profile()
    seconds = {"check_seconds": BROWSER_SECONDS} if browser else {}
    profile = loaded.profile.model_copy(
        update={
            "limits": loaded.profile.limits.model_copy(update={"examples": examples, **seconds}),
            "settings": {**loaded.profile.settings, **SETTINGS, **(settings or {})},
            "plans": list(plans or PLANS),
        }
    )
    session = Session.of(replace(loaded, profile=profile), clock=TurnedClock(), server=server)
    try:
        session.start([case for case in _cases(session, browser) if only is None or case.name in only])
        return session.conclude(wait=True, evidence=False)
    finally:
        session.close()


def _cases(session: Session, browser: bool = False) -> Iterator[Case]:
    """Every check, those in a browser aside: they are slow, and only faults of their own need them."""
    for function in functions():
        yield from (case for case in cases_of(function, session.loaded.profile) if browser or not case.uses_browser)


# -- which checks a fault can change --------------------------------------------------------------------------------


def trace(profile: str = "reference") -> Touched:
    """For each check the names of the server's functions that are called in its course, from a run one by one."""
    loaded = loaded_profile(profile)
    limits = loaded.profile.limits.model_copy(update={"concurrency": 1, "examples": EXAMPLES})
    loaded = replace(loaded, profile=loaded.profile.model_copy(update={"limits": limits}))
    touched: dict[str, set[str]] = {}
    current: list[set[str]] = [set()]

    def watch(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(_SERVER):
            current[0].add(frame.f_code.co_name)

    def watched(case: Case) -> Case:
        @functools.wraps(case.function)
        async def run(**arguments: Any) -> None:
            current[0] = touched.setdefault(case.name, set())
            await case.function(**arguments)

        return replace(case, function=run)

    threading.setprofile(watch)
    try:
        session = Session.of(loaded, clock=TurnedClock(), server=AuthorizationServer)
    finally:
        threading.setprofile(None)
    try:
        cases = [watched(case) for case in _cases(session)]
        session.engine.run(cases)
    finally:
        session.close()
    # After a wait it is no longer known whose calls they are: such a check is tried on every fault.
    return {case.name: frozenset(touched.get(case.name, ())) for case in cases if not case.check.waits}


def overridden(server: type[AuthorizationServer]) -> frozenset[str]:
    """The names that a fault's own classes define, up to the correct server."""
    own = [base for base in server.__mro__ if issubclass(base, AuthorizationServer) and base is not AuthorizationServer]
    return frozenset(name for base in own for name in vars(base) if not name.startswith("__") or name == "__init__")


def concerned(fault: Fault, touched: Touched) -> frozenset[str] | None:
    """The checks that a fault can change; None for all of them."""
    names = overridden(fault.server)
    known = frozenset().union(*touched.values())
    if "__init__" in names or not names & known:
        return None
    return frozenset(check for check, called in touched.items() if called & names)


# -- trying faults --------------------------------------------------------------------------------------------------

_BASELINES: dict[tuple[object, ...], Run] = {}
_TRACES: dict[str, Touched] = {}


def baseline(fault: Fault) -> Run:
    """The run of the correct server under the fault's settings and plans, made once."""
    key = _under(fault)
    if key not in _BASELINES:
        loaded = _loaded(fault)
        _BASELINES[key] = trial(
            AuthorizationServer, fault.settings, fault.plans or _plans(fault), loaded, browser=fault.browser
        )
    return _BASELINES[key]


def _under(fault: Fault) -> tuple[object, ...]:
    """What faults have to have in common to be compared with the same run."""
    told = [repr(sorted(told.items())) for told in (fault.settings, fault.features)]
    return (fault.profile, *told, fault.plans, fault.browser)


def _loaded(fault: Fault) -> LoadedProfile:
    loaded = loaded_profile(fault.profile)
    told = {**loaded.profile.features, **{Feature(name): on for name, on in fault.features.items()}}
    return replace(loaded, profile=loaded.profile.model_copy(update={"features": told}))


def _plans(fault: Fault) -> tuple[str, ...]:
    return PLANS if fault.profile == "reference" else tuple(loaded_profile(fault.profile).profile.plans)


def _selection(fault: Fault) -> frozenset[str] | None:
    if fault.settings or fault.features or fault.browser:
        return None  # a trace under settings of its own would cost more than trying every check
    if fault.profile not in _TRACES:
        _TRACES[fault.profile] = trace(fault.profile)
    touched = _TRACES[fault.profile]
    found = concerned(fault, touched)
    if found is None:
        return None
    return found | {check.name for check in baseline(fault).checks if check.name not in touched}


def examine(fault: Fault, *, select: bool = True) -> Result:
    """Try one fault: what is different from the correct server's run."""
    started = time.perf_counter()
    loaded = _loaded(fault)
    only = _selection(fault) if select else None
    before = {item.id: item.verdict for item in baseline(fault).requirements}
    plans = fault.plans or _plans(fault)
    run = trial(fault.server, fault.settings, plans, loaded, only, fault.examples, fault.browser)
    ran = {id for check in run.checks for id in check.requirements}
    changed = {
        item.id: item.verdict for item in run.requirements if item.id in ran and item.verdict is not before.get(item.id)
    }
    seen = [check for check in run.checks if check.outcome == "violation"]
    return Result(
        fault.name,
        fault.turns,
        {id: verdict for id, verdict in changed.items() if verdict in FINDINGS},
        frozenset(id for id, verdict in changed.items() if verdict not in FINDINGS),
        frozenset(check.observed for check in seen if check.observed),
        frozenset(check.name for check in seen),
        time.perf_counter() - started,
    )


def _examine_named(name: str) -> Result:
    gc.disable()
    try:
        return examine(load_faults()[name])
    finally:
        gc.enable()


def examine_all(names: Sequence[str]) -> Iterator[Result]:
    """Try faults on all cores, each as soon as a core is free, in the order of the names."""
    faults = load_faults()
    # Faults with the same settings go to the same worker, for they share a trace and a baseline.
    grouped: dict[tuple[object, ...], list[str]] = {}
    for name in names:
        grouped.setdefault(_under(faults[name]), []).append(name)
    with ProcessPoolExecutor(max_workers=os.cpu_count()) as pool:
        yield from pool.map(_examine_named, [name for group in grouped.values() for name in group])


def lines(result: Result) -> Iterator[str]:
    """What to say of a result."""
    mark = "ok" if result.exact else "NO"
    yield f"{mark}  {result.name}  ({result.seconds:.1f} s)"
    for requirement in sorted(set(result.turned) | result.turns):
        if requirement not in result.turned:
            yield f"      missed     {requirement}"
        elif requirement not in result.turns:
            yield f"      unexpected {requirement} is {result.turned[requirement]}"


def unkilled(results: Sequence[Result], checks: Sequence[Function]) -> list[str]:
    """The checks (functions) that no fault kills."""
    killed = {name.split("[")[0] for result in results for name in result.killed}
    return [
        name
        for function in checks
        if (name := f"{function.__module__.rsplit('.', 1)[-1]}::{function.__name__}") not in killed
    ]


def main(names: list[str]) -> int:
    """Try the named faults, or all; 1 if one of them is not caught exactly, or a check is killed by none.

    `--browser` in place of names: the faults that only checks in a browser find, which are left out otherwise.
    """
    faults = load_faults()
    browser = names == [BROWSER]
    names = [] if browser else names
    unknown = [name for name in names if name not in faults]
    if unknown:
        sys.stderr.write(f"there is no fault {', '.join(unknown)}\n")
        return 2
    chosen = names or [name for name, fault in faults.items() if fault.browser is browser]
    results = []
    few = len(chosen) < FEW
    for result in (examine(faults[name], select=False) for name in chosen) if few else examine_all(chosen):
        results.append(result)
        sys.stdout.write("\n".join(lines(result)) + "\n")
        sys.stdout.flush()
    exact = sum(result.exact for result in results)
    sys.stdout.write(f"faults caught exactly: {exact} of {len(results)}\n")
    complete = exact == len(results)
    if not names:
        checks = [function for function in functions() if runs_in_browser(function) is browser]
        alive = unkilled(results, checks)
        sys.stdout.write(f"checks killed: {len(checks) - len(alive)} of {len(checks)}\n")
        sys.stdout.write("".join(f"      killed by no fault: {name}\n" for name in alive))
        complete = complete and not alive
    return 0 if complete else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
