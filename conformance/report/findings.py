"""What a record says once its parts are joined: findings, and the matrix by specification and section."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby

from conformance.report.record import CheckResult, DeviationResult, RequirementResult, Run
from conformance.report.words import GRAVITY, ORDER, by_number, gravity, listed
from conformance.report.words import STATES as STATE_WORDS
from conformance.verdict import Level, Verdict

#: What a finding can be beside the baseline, what a reader must know first.
STATES = ("new", "changed", "new-check", "known")
#: What a failure may be beside the baseline without breaking the gate.
EXCUSED = frozenset({"known", "new-check"})


@dataclass(frozen=True)
class Finding:
    """A requirement whose verdict a reader must know, the checks that brought it, its deviations."""

    requirement: RequirementResult
    checks: tuple[CheckResult, ...]
    deviations: tuple[DeviationResult, ...]
    state: str | None = None
    """What it is beside the baseline; None where there is no baseline, or it is no violation."""

    @property
    def observed(self) -> str:
        """What was seen, in the stable words of the checks; empty where there is none."""
        words = [check.observed for check in self.checks if check.observed]
        if not words and self.requirement.verdict is Verdict.STALE:
            words = [entry.observed for entry in self.deviations if entry.state == "stale"]
        return ", ".join(dict.fromkeys(words))

    @property
    def message(self) -> str:
        """The first explanation there is: of a check, else of the requirement."""
        told = [check.message for check in self.checks if check.message]
        return told[0] if told else self.requirement.reason or ""


@dataclass(frozen=True)
class SectionRows:
    """The requirements of one section of a specification."""

    section: str
    rows: tuple[RequirementResult, ...]
    tally: Mapping[Verdict, int]


@dataclass(frozen=True)
class SpecificationRows:
    """The requirements of one specification, by section."""

    id: str
    title: str
    sections: tuple[SectionRows, ...]
    tally: Mapping[Verdict, int]


def count(rows: Iterable[RequirementResult]) -> dict[Verdict, int]:
    """How many requirements have which verdict, in the order of tables; verdicts of none are left out."""
    found = [row.verdict for row in rows]
    return {verdict: found.count(verdict) for verdict in ORDER if verdict in found}


def checks_by_name(run: Run) -> dict[str, CheckResult]:
    """The checks of a run by their name."""
    return {check.name: check for check in run.checks}


def findings(run: Run) -> list[Finding]:
    """Every requirement with a verdict of `GRAVITY`, the gravest first."""
    checks, states = checks_by_name(run), states_of(run)
    rows = [row for row in run.requirements if row.verdict in GRAVITY]
    rows.sort(key=lambda row: (*gravity(row.verdict, row.applied), by_number(row.id)))
    found = []
    for row in rows:
        brought = tuple(checks[name] for name in row.checks if name in checks and _brought(row, checks[name], run))
        entries = tuple(entry for entry in run.deviations if entry.requirement == row.id)
        own = {states.get((row.id, check.name)) for check in brought}
        found.append(Finding(row, brought, entries, next((state for state in STATES if state in own), None)))
    return found


def states_of(run: Run) -> dict[tuple[str, str], str]:
    """Requirement and check to what their finding is beside the baseline; empty where there is none."""
    changes = run.baseline.changes if run.baseline else []
    return {(change.requirement, change.check): change.state for change in changes}


@dataclass(frozen=True)
class Told:
    """What to say of one check: the requirement that it is filed under, and the verdict that it brought to it."""

    requirement: RequirementResult | None
    verdict: Verdict
    state: str | None = None
    """What it is beside the baseline; None where there is none, or it is no violation."""

    @property
    def excused(self) -> bool:
        """Whether it is a failure that the gate does not count: the baseline has it, or did not have the check."""
        return self.verdict is Verdict.FAIL and self.state in EXCUSED


def told(
    check: CheckResult,
    rows: Mapping[str, RequirementResult],
    deviations: Iterable[DeviationResult],
    states: Mapping[tuple[str, str], str],
) -> Told:
    """What to say of a check: the gravest verdict that it brought; what the gate does not count comes last.

    `rows`: the requirements by id; `states`: as `states_of` gives them.
    """
    verified = [rows[name] for name in check.requirements if name in rows]
    first = verified[0] if verified else None
    if check.outcome == "violation":
        broken = [row for row in verified if row.id in check.broken or not check.broken]
        found = [Told(row, row.verdict, states.get((row.id, check.name))) for row in broken if row.verdict in GRAVITY]
        return min(found, key=lambda item: (item.excused, *_gravity(item)), default=Told(first, Verdict.NOTE))
    if check.outcome == "inconclusive":
        return Told(first, Verdict.INCONCLUSIVE)
    if check.outcome == "not-applicable":
        return Told(first, Verdict.NOT_APPLICABLE)
    entries = list(deviations)
    for row in verified:
        if row.verdict is Verdict.STALE and is_stale(row, check, entries):
            return Told(row, Verdict.STALE)
    return Told(first, Verdict.PASS)


def _gravity(item: Told) -> tuple[int, int]:
    return gravity(item.verdict, item.requirement.applied if item.requirement else Level.EXPECTED)


def beside_baseline(run: Run) -> str:
    """How the findings stand beside the baseline, in a sentence; empty where there is none."""
    if run.baseline is None:
        return ""
    counts: Counter[str] = Counter(change.state for change in run.baseline.changes)
    told = [
        f"{counts[state]} {word.word if state != 'new-check' else 'of new checks'}"
        for state, word in STATE_WORDS.items()
        if counts[state]
    ]
    moment = f"{run.baseline.started:%Y-%m-%d %H:%M}"
    return f"Findings beside the baseline of {moment}: {listed(told) or 'none in either run'}."


def is_stale(row: RequirementResult, check: CheckResult, deviations: Iterable[DeviationResult]) -> bool:
    """Whether a listed deviation of this requirement was to be seen in this check, and is not any more."""
    names = {None, check.name, check.name.split("[")[0]}
    return any(entry.requirement == row.id and entry.state == "stale" and entry.check in names for entry in deviations)


def matrix(run: Run) -> list[SpecificationRows]:
    """All requirements: specifications in the order of the record, sections by their numbers."""
    known = list(run.specifications)
    rows = sorted(
        run.requirements,
        key=lambda row: (
            known.index(row.specification) if row.specification in known else len(known),
            by_number(row.specification),
            by_number(row.section),
        ),
    )
    return [_specification(run, name, tuple(group)) for name, group in groupby(rows, lambda row: row.specification)]


def _specification(run: Run, name: str, rows: tuple[RequirementResult, ...]) -> SpecificationRows:
    sections = [(number, tuple(group)) for number, group in groupby(rows, lambda row: row.section)]
    return SpecificationRows(
        id=name,
        title=run.specifications.get(name, ""),
        sections=tuple(SectionRows(number, group, count(group)) for number, group in sections),
        tally=count(rows),
    )


def _brought(row: RequirementResult, check: CheckResult, run: Run) -> bool:
    """Whether this check is why the requirement has its verdict."""
    if row.verdict is Verdict.STALE:
        return is_stale(row, check, run.deviations)
    if row.verdict is Verdict.INCONCLUSIVE:
        return check.outcome == "inconclusive"
    return check.outcome == "violation" and (row.id in check.broken or not check.broken)
