"""Two runs beside each other: what is new, mended, changed, and what cannot be matched; many runs as a history.

A finding is a requirement that a check saw broken. It is the same finding in two runs if requirement, check and the
stable word for what was observed are the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from conformance.report.record import CheckResult, RequirementResult, Run
from conformance.report.words import GRAVITY, ORDER, by_number, gravity
from conformance.verdict import Level, Verdict

#: Outcomes from which something follows about the server.
_CONCLUSIVE = frozenset({"pass", "violation"})


class State(StrEnum):
    """What became of a finding from an earlier run to a later one."""

    NEW = "new"
    NEW_CHECK = "new-check"
    CHANGED = "changed"
    KNOWN = "known"
    MENDED = "mended"
    UNMATCHED = "unmatched"


#: The states that break a gate which is held against a baseline.
BREAKING = frozenset({State.NEW, State.CHANGED})


@dataclass(frozen=True)
class Side:
    """What one run says: its verdict on the requirement, how the check ended, the word for what was observed."""

    verdict: Verdict | None = None
    outcome: str | None = None
    observed: str | None = None


@dataclass(frozen=True)
class Row:
    """One difference: a requirement, the check that shows it, both sides."""

    requirement: RequirementResult
    check: str
    title: str
    state: State
    before: Side
    after: Side

    @property
    def breaks(self) -> bool:
        """Whether it is a broken MUST that the earlier run could have shown, and did not show like this."""
        return self.after.verdict is Verdict.FAIL and (
            self.state is State.NEW or (self.state is State.CHANGED and self.before.observed != self.after.observed)
        )


class Index:
    """A run by its findings."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.rows = {row.id: row for row in run.requirements}
        self.checks = {check.name: check for check in run.checks}

    @cached_property
    def findings(self) -> dict[tuple[str, str], str]:
        """Requirement and check to the word for what was observed."""
        return {
            (requirement, check.name): check.observed or ""
            for check in self.run.checks
            for requirement in broken(check)
            if requirement in self.rows
        }

    def side(self, requirement: str, name: str) -> Side:
        """What this run says about a requirement by a check."""
        row, check = self.rows.get(requirement), self.checks.get(name)
        return Side(
            row.verdict if row else None,
            check.outcome if check else None,
            self.findings.get((requirement, name)),
        )

    def state(self, requirement: str, check: CheckResult) -> State:
        """What a finding of a later run is beside this one."""
        observed = self.findings.get((requirement, check.name))
        if observed is not None:
            return State.KNOWN if observed == (check.observed or "") else State.CHANGED
        own = self.checks.get(check.name)
        if own is None or requirement not in self.rows or requirement not in own.requirements:
            return State.NEW_CHECK
        return State.NEW


def broken(check: CheckResult) -> list[str]:
    """The requirements that a check saw broken."""
    return (check.broken or check.requirements) if check.outcome == "violation" else []


@dataclass(frozen=True)
class Comparison:
    """The differences of two runs; `known` counts the findings that both have."""

    before: Run
    after: Run
    rows: tuple[Row, ...]
    known: int

    def of(self, *states: State) -> list[Row]:
        """The rows of some states, the gravest first."""
        return [row for row in self.rows if row.state in states]

    @property
    def breaks(self) -> bool:
        """Whether the later run breaks a MUST that the earlier one kept, or breaks it in another way."""
        return any(row.breaks for row in self.rows)

    @property
    def only_before(self) -> list[str]:
        """The requirements that only the earlier run has in force."""
        later = {row.id for row in self.after.requirements}
        return [row.id for row in self.before.requirements if row.id not in later]

    @property
    def only_after(self) -> list[str]:
        """The requirements that only the later run has in force."""
        earlier = {row.id for row in self.before.requirements}
        return [row.id for row in self.after.requirements if row.id not in earlier]


def compare(before: Run, after: Run) -> Comparison:
    """Hold a later run against an earlier one."""
    earlier, later = Index(before), Index(after)
    rows, known = [], 0
    for requirement, name in _pairs(earlier, later):
        state = _state(earlier, later, requirement, name)
        if state is State.KNOWN:
            known += 1
        elif state is not None:
            check = later.checks.get(name) or earlier.checks[name]
            row = later.rows.get(requirement) or earlier.rows[requirement]
            sides = earlier.side(requirement, name), later.side(requirement, name)
            rows.append(Row(row, name, check.title, state, *sides))
    rows.sort(key=lambda row: (*_rank(row), by_number(row.requirement.id), by_number(row.check)))
    return Comparison(before, after, tuple(rows), known)


def _pairs(*indexes: Index) -> Iterable[tuple[str, str]]:
    """Every requirement with every check that one of the runs puts it to the test by."""
    found = {
        (requirement, check.name): None
        for index in indexes
        for check in index.run.checks
        for requirement in check.requirements
        if requirement in index.rows
    }
    return list(found)


def _state(earlier: Index, later: Index, requirement: str, name: str) -> State | None:
    pair = requirement, name
    check = later.checks.get(name)
    if pair in later.findings and check is not None:
        state = earlier.state(requirement, check)
        if state is State.KNOWN and earlier.rows[requirement].verdict is not later.rows[requirement].verdict:
            return State.CHANGED
        return state
    concluded = requirement in later.rows and check is not None and check.outcome in _CONCLUSIVE
    if pair in earlier.findings:
        return State.MENDED if concluded else State.UNMATCHED
    before = earlier.checks.get(name)
    seen = requirement in earlier.rows and before is not None and before.outcome in _CONCLUSIVE
    return State.UNMATCHED if seen and not concluded else None


def _rank(row: Row) -> tuple[int, tuple[int, int]]:
    verdict = row.after.verdict if row.state is not State.MENDED else row.before.verdict
    return list(State).index(row.state), gravity(verdict or Verdict.UNTESTED, row.requirement.applied)


@dataclass(frozen=True)
class Line:
    """A requirement through many runs: its verdict in each, None where it was not in force."""

    requirement: RequirementResult
    verdicts: tuple[Verdict | None, ...]

    @property
    def moved(self) -> bool:
        """Whether its verdict was not the same in all runs."""
        return len(set(self.verdicts)) > 1


def history(runs: Sequence[Run]) -> list[Line]:
    """The requirements that were a finding in one of the runs or moved between them, the gravest at the end first."""
    latest: dict[str, RequirementResult] = {}
    for run in runs:
        latest |= {row.id: row for row in run.requirements}
    verdicts = [{row.id: row.verdict for row in run.requirements} for run in runs]
    lines = [Line(row, tuple(own.get(name) for own in verdicts)) for name, row in latest.items()]
    told = [line for line in lines if line.moved or any(verdict in GRAVITY for verdict in line.verdicts)]
    return sorted(told, key=lambda line: (_last(line), by_number(line.requirement.id)))


def _last(line: Line) -> tuple[int, int]:
    verdict = line.verdicts[-1]
    return (
        ORDER.index(verdict) if verdict else len(ORDER),
        tuple(Level).index(line.requirement.applied),
    )
