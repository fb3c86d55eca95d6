"""The kill matrix: every fault of the reference server against every check, the clock turned and not waited for.

`python -m conformance.matrix [NAME …]` runs faults and prints what turned; see docs/matrix.md for the whole table.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from conformance.check import cases_of, functions
from conformance.clock import TurnedClock
from conformance.profile.load import LoadedProfile, load
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


@dataclass(frozen=True)
class Result:
    """What one fault did: which requirements turned into a finding, and which could not be judged any more."""

    fault: Fault
    turned: Mapping[str, Verdict]
    blinded: frozenset[str]
    observed: frozenset[str]
    killed: frozenset[str]
    seconds: float

    @property
    def exact(self) -> bool:
        """Whether those turned that should, and no other."""
        return set(self.turned) == self.fault.turns


@cache
def loaded_profile() -> LoadedProfile:
    """The profile of the embedded server, read once."""
    return load(reference_profile())


def trial(
    server: type[AuthorizationServer],
    settings: Mapping[str, Any] | None = None,
    plans: tuple[str, ...] = (),
    loaded: LoadedProfile | None = None,
) -> Run:
    """Run every check on a server under a turned clock."""
    loaded = loaded or loaded_profile()
    profile = loaded.profile.model_copy(
        update={
            "settings": {**loaded.profile.settings, **SETTINGS, **(settings or {})},
            "plans": list(plans or PLANS),
            "limits": loaded.profile.limits.model_copy(update={"check_seconds": CHECK_SECONDS}),
        }
    )
    session = Session.of(replace(loaded, profile=profile), clock=TurnedClock(), server=server)
    try:
        session.start([case for function in functions() for case in cases_of(function, session.loaded.profile)])
        return session.conclude(wait=True)
    finally:
        session.close()


_BASELINES: dict[tuple[str, tuple[str, ...]], Run] = {}


def baseline(settings: Mapping[str, Any], plans: tuple[str, ...]) -> Run:
    """The run of the correct server under the same settings and plans, made once."""
    key = (repr(sorted(settings.items())), plans)
    if key not in _BASELINES:
        _BASELINES[key] = trial(AuthorizationServer, settings, plans)
    return _BASELINES[key]


def examine(fault: Fault) -> Result:
    """Try one fault: what is different from the correct server's run."""
    started = time.perf_counter()
    before = {item.id: item.verdict for item in baseline(fault.settings, fault.plans).requirements}
    run = trial(fault.server, fault.settings, fault.plans)
    changed = {item.id: item.verdict for item in run.requirements if item.verdict is not before.get(item.id)}
    seen = [check for check in run.checks if check.outcome == "violation"]
    return Result(
        fault,
        {id: verdict for id, verdict in changed.items() if verdict in FINDINGS},
        frozenset(id for id, verdict in changed.items() if verdict not in FINDINGS),
        frozenset(check.observed for check in seen if check.observed),
        frozenset(check.name for check in seen),
        time.perf_counter() - started,
    )


def lines(result: Result) -> Iterator[str]:
    """What to say of a result."""
    mark = "ok" if result.exact else "NO"
    yield f"{mark}  {result.fault.name}  ({result.seconds:.1f} s)"
    for requirement in sorted(set(result.turned) | result.fault.turns):
        if requirement not in result.turned:
            yield f"      missed     {requirement}"
        elif requirement not in result.fault.turns:
            yield f"      unexpected {requirement} is {result.turned[requirement]}"


def main(names: list[str]) -> int:
    """Try the named faults, or all; 1 if one of them is not caught exactly."""
    faults = load_faults()
    unknown = [name for name in names if name not in faults]
    if unknown:
        sys.stderr.write(f"there is no fault {', '.join(unknown)}\n")
        return 2
    results = []
    for fault in [faults[name] for name in names] or faults.values():
        result = examine(fault)
        results.append(result)
        sys.stdout.write("\n".join(lines(result)) + "\n")
        sys.stdout.flush()
    exact = sum(result.exact for result in results)
    sys.stdout.write(f"{exact} of {len(results)} faults caught exactly\n")
    return 0 if exact == len(results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
