"""What a record says once its parts are joined: findings, and the matrix by specification and section."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby

from conformance.report.record import CheckResult, DeviationResult, RequirementResult, Run
from conformance.report.words import GRAVITY, ORDER, by_number, gravity
from conformance.verdict import Verdict


@dataclass(frozen=True)
class Finding:
    """A requirement whose verdict a reader must know, the checks that brought it, its deviations."""

    requirement: RequirementResult
    checks: tuple[CheckResult, ...]
    deviations: tuple[DeviationResult, ...]

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
    checks = checks_by_name(run)
    rows = [row for row in run.requirements if row.verdict in GRAVITY]
    rows.sort(key=lambda row: (*gravity(row.verdict, row.applied), by_number(row.id)))
    return [
        Finding(
            requirement=row,
            checks=tuple(checks[name] for name in row.checks if name in checks and _brought(row, checks[name], run)),
            deviations=tuple(entry for entry in run.deviations if entry.requirement == row.id),
        )
        for row in rows
    ]


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
