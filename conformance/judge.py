"""From results of checks to verdicts of requirements, and from those to the two answers of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from conformance.baseline import Baseline
from conformance.plans import Applied
from conformance.profile.model import Deviation, Feature
from conformance.report import record
from conformance.report.comparison import broken
from conformance.report.record import CheckResult, DeviationResult, RequirementResult
from conformance.requirements import Catalogue
from conformance.verdict import BROKEN, Answer, Level, Verdict

#: What is told first when a requirement has findings of several kinds.
_GRAVEST = (
    Verdict.FAIL,
    Verdict.STALE,
    Verdict.WARN,
    Verdict.DEVIATION,
    Verdict.NOTE,
    Verdict.INCONCLUSIVE,
    Verdict.PASS,
    Verdict.NOT_APPLICABLE,
    Verdict.UNTESTED,
)


@dataclass(frozen=True)
class Judgement:
    """Everything that a run comes to."""

    requirements: list[RequirementResult]
    deviations: list[DeviationResult]
    conformance: Answer
    gate: Answer
    sentence: str
    tally: dict[Verdict, int]
    baseline: record.Baseline | None = None


def bound(result: CheckResult, catalogue: Catalogue, features: Mapping[Feature, bool]) -> CheckResult:
    """A result without the requirements that do not bind a target with these features.

    A specification may bind only servers of a kind (Specification.binds); where no other requirement is left, the
    check does not apply.
    """
    needed = {id: catalogue.specification_of(id).binds for id in result.requirements}
    off = {id for id, feature in needed.items() if feature is not None and not features.get(feature, True)}
    if not off:
        return result
    if off == set(result.requirements):
        message = f"{' and '.join(sorted({str(needed[id]) for id in off}))} is off at this target"
        return result.model_copy(update={"outcome": "not-applicable", "broken": [], "message": message})
    broken = [id for id in result.broken if id not in off]
    return result.model_copy(
        update={
            "requirements": [id for id in result.requirements if id not in off],
            "broken": broken,
            "outcome": "pass" if result.outcome == "violation" and not broken else result.outcome,
        }
    )


def judge(
    catalogue: Catalogue,
    in_force: Mapping[str, Applied],
    results: Iterable[CheckResult],
    verified_by: Mapping[str, Sequence[str]],
    deviations: Sequence[Deviation] = (),
    *,
    today: date,
    complete: bool = True,
    fail_on: Level = Level.MUST,
    baseline: Baseline | None = None,
) -> Judgement:
    """Judge a run. `verified_by`: check to ids. `complete`: every check was chosen, so that deviations can be stale.

    With a `baseline` the gate counts only findings that it does not have; verdicts and conformance stay as they are.
    """
    listed = list(results)
    book = _Deviations(deviations, today)
    found: list[RequirementResult] = []
    about: dict[str, list[CheckResult]] = {}
    for result in listed:
        for requirement in dict.fromkeys(result.requirements):
            about.setdefault(requirement, []).append(result)
    verifying: dict[str, list[str]] = {}
    for check, ids in verified_by.items():
        for requirement in dict.fromkeys(ids):
            verifying.setdefault(requirement, []).append(check)
    for requirement, applied in in_force.items():
        own = about.get(requirement, [])
        if not complete and not own:
            continue
        found.append(_requirement(catalogue, applied, own, verifying.get(requirement, []), book))
    entries = book.results({result.name for result in listed}, in_force, listed, complete=complete)
    stale = {entry.requirement for entry in entries if entry.state == "stale"}
    found = [
        item.model_copy(update={"verdict": Verdict.STALE, "reason": "the listed deviation is not seen any more"})
        if item.id in stale and item.verdict is Verdict.PASS
        else item
        for item in found
    ]
    tally = Counter(item.verdict for item in found)
    conformance = _conformance(found)
    excused = _excused(found, listed, book, baseline) if baseline else frozenset()
    gate = _gate(found, entries, fail_on, excused)
    return Judgement(
        found,
        entries,
        conformance,
        gate,
        _sentence(conformance, gate, found, " against the baseline" if baseline else ""),
        {verdict: tally[verdict] for verdict in _GRAVEST if tally[verdict]},
        baseline.told(listed, in_force) if baseline else None,
    )


def _requirement(
    catalogue: Catalogue,
    applied: Applied,
    results: list[CheckResult],
    checks: list[str],
    book: _Deviations,
) -> RequirementResult:
    requirement = applied.requirement
    verdicts: list[tuple[Verdict, str | None]] = []
    for result in results:
        if result.outcome == "violation" and requirement.id in result.broken:
            verdicts.append((_broken(requirement.id, applied.level, result, book), result.message))
        elif result.outcome == "inconclusive":
            verdicts.append((Verdict.INCONCLUSIVE, result.message))
        elif result.outcome == "not-applicable":
            verdicts.append((Verdict.NOT_APPLICABLE, result.message))
        else:
            verdicts.append((Verdict.PASS, None))
    if not results:
        verdicts.append(
            (Verdict.UNTESTED, requirement.untested)
            if requirement.untested or not checks
            else (Verdict.NOT_APPLICABLE, "the profile has nothing that this can be tried with")
        )
    verdict, reason = min(verdicts, key=lambda item: _GRAVEST.index(item[0]))
    return RequirementResult(
        id=requirement.id,
        specification=catalogue.specification_of(requirement.id).id,
        section=requirement.section,
        url=catalogue.url(requirement.id),
        level=requirement.level,
        applied=applied.level,
        rule=applied.rule,
        text=requirement.text,
        risk=requirement.risk,
        fix=requirement.fix,
        verdict=verdict,
        reason=reason,
        checks=[result.name for result in results] or checks,
    )


def _broken(requirement: str, level: Level, result: CheckResult, book: _Deviations) -> Verdict:
    if book.matches(requirement, result):
        return Verdict.DEVIATION
    return BROKEN[level]


def explains(entry: Deviation, requirement: str, result: CheckResult) -> bool:
    """Whether a deviation is about exactly this finding, run out or not."""
    return entry.requirement == requirement and entry.observed == result.observed and _is_about(entry, result)


def _is_about(entry: Deviation, result: CheckResult) -> bool:
    return entry.check is None or entry.check in {result.name, result.name.split("[")[0]}


class _Deviations:
    """The profile's deviations: which finding each one explains."""

    def __init__(self, entries: Sequence[Deviation], today: date) -> None:
        self._entries = entries
        self._today = today
        self._matched: set[int] = set()

    def matches(self, requirement: str, result: CheckResult) -> bool:
        """Whether a listed deviation is exactly this finding, and has not run out."""
        hit = False
        for number, entry in enumerate(self._entries):
            if explains(entry, requirement, result):
                self._matched.add(number)
                hit = hit or not self._expired(entry)
        return hit

    def _expired(self, entry: Deviation) -> bool:
        return entry.until is not None and entry.until < self._today

    def results(
        self,
        names: set[str],
        in_force: Mapping[str, Applied],
        results: Sequence[CheckResult],
        *,
        complete: bool,
    ) -> list[DeviationResult]:
        """What became of every entry."""
        return [
            DeviationResult(
                requirement=entry.requirement,
                observed=entry.observed,
                check=entry.check,
                reason=entry.reason,
                ticket=entry.ticket,
                until=entry.until,
                state=self._state(number, entry, in_force, results, complete=complete),
            )
            for number, entry in enumerate(self._entries)
        ]

    def _state(
        self,
        number: int,
        entry: Deviation,
        in_force: Mapping[str, Applied],
        results: Sequence[CheckResult],
        *,
        complete: bool,
    ) -> str:
        if number in self._matched:
            return "expired" if self._expired(entry) else "matched"
        if not complete or entry.unverified or entry.requirement not in in_force:
            return "unused"
        own = [result for result in results if entry.requirement in result.requirements and _is_about(entry, result)]
        exercised = [result for result in own if result.outcome in {"pass", "violation"}]
        # Where no check is named, none may be left to make: a check for each client of a kind that the profile lacks.
        return "stale" if exercised or (not own and entry.check is not None) else "unused"


def _conformance(found: Sequence[RequirementResult]) -> Answer:
    """To the auditor: a listed deviation is still a violation."""
    must = [item for item in found if item.applied is Level.MUST]
    if any(item.verdict in {Verdict.FAIL, Verdict.DEVIATION} for item in must):
        return Answer.FAIL
    if not any(item.verdict in {Verdict.PASS, Verdict.STALE} for item in must):
        return Answer.INCOMPLETE
    if any(item.verdict is Verdict.INCONCLUSIVE for item in must):
        return Answer.INCOMPLETE
    return Answer.PASS


def _excused(
    found: Iterable[RequirementResult], results: Sequence[CheckResult], book: _Deviations, baseline: Baseline
) -> frozenset[str]:
    """The broken requirements of whose findings, those that a deviation lists aside, none breaks the gate."""
    return frozenset(
        item.id
        for item in found
        if item.verdict in {Verdict.FAIL, Verdict.WARN}
        and not any(
            baseline.breaks(item.id, result) and not book.matches(item.id, result)
            for result in results
            if item.id in broken(result)
        )
    )


def _gate(
    found: Sequence[RequirementResult],
    entries: Sequence[DeviationResult],
    fail_on: Level,
    excused: frozenset[str] = frozenset(),
) -> Answer:
    """To CI: only the unexpected counts."""
    failing = {Verdict.FAIL, Verdict.STALE} | ({Verdict.WARN} if fail_on is Level.SHOULD else set())
    if any(item.verdict in failing and item.id not in excused for item in found):
        return Answer.FAIL
    if any(entry.state in {"stale", "expired"} for entry in entries):
        return Answer.FAIL
    must = [item for item in found if item.applied is Level.MUST]
    if not any(item.verdict in {Verdict.PASS, Verdict.DEVIATION} or item.id in excused for item in must):
        return Answer.INCOMPLETE
    if any(item.verdict is Verdict.INCONCLUSIVE for item in found):
        return Answer.INCOMPLETE
    return Answer.PASS


def _sentence(conformance: Answer, gate: Answer, found: Sequence[RequirementResult], against: str) -> str:
    tally = Counter(item.verdict for item in found)
    violated = [item for item in found if item.verdict in {Verdict.FAIL, Verdict.DEVIATION}]
    broken = sum(item.applied is Level.MUST for item in violated)
    first = {
        Answer.PASS: "The server keeps every obligation that could be tested",
        Answer.FAIL: f"The server breaks {broken} requirement{'s' if broken != 1 else ''}",
        Answer.INCOMPLETE: "The run does not show whether the server conforms",
    }[conformance]
    unclear = tally.get(Verdict.INCONCLUSIVE, 0)
    why = f"{unclear} requirement{'s' if unclear != 1 else ''} inconclusive" if unclear else "no obligation was passed"
    second = {
        Answer.PASS: f"the gate holds{against}",
        Answer.FAIL: f"the gate does not hold{against}",
        Answer.INCOMPLETE: f"the gate is undecided ({why})",
    }[gate]
    return f"{first}; {second}."
