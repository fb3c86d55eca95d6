"""The gate against an earlier run: a finding that the earlier run had does not break it, a new one does.

A finding of a check that the earlier run did not have is told as new and breaks nothing, so that a newer version of
the suite does not break a baseline. Entries of the profile's deviations are judged as ever.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from conformance.report import record
from conformance.report.comparison import BREAKING, Index, State, broken
from conformance.report.record import CheckResult
from conformance.report.write import RecordError, locate, read


class BaselineError(Exception):
    """A run cannot serve as the baseline of another; the text says in one line why."""


@dataclass(frozen=True)
class Baseline:
    """An earlier run, by its findings."""

    index: Index
    sha256: str

    @property
    def run(self) -> record.Run:
        """The earlier run."""
        return self.index.run

    def state(self, requirement: str, result: CheckResult) -> State:
        """What a finding of the present run is: new, new-check, changed or known."""
        return self.index.state(requirement, result)

    def breaks(self, requirement: str, result: CheckResult) -> bool:
        """Whether a finding breaks the gate."""
        return self.state(requirement, result) in BREAKING

    def told(self, results: Sequence[CheckResult], in_force: Iterable[str]) -> record.Baseline:
        """For the record: every finding of one of the two runs, and what became of it."""
        known = set(in_force)
        changes = [
            record.Change(
                requirement=requirement,
                check=result.name,
                state=self.state(requirement, result).value,
                before=self.index.findings.get((requirement, result.name)),
                after=result.observed,
            )
            for result in results
            for requirement in broken(result)
            if requirement in known
        ]
        seen = {(change.requirement, change.check) for change in changes}
        concluded = {result.name for result in results if result.outcome in {"pass", "violation"}}
        changes += [
            record.Change(
                requirement=requirement,
                check=name,
                state="mended" if name in concluded and requirement in known else "unmatched",
                before=observed,
            )
            for (requirement, name), observed in self.index.findings.items()
            if (requirement, name) not in seen
        ]
        return record.Baseline(
            target=self.run.target.name,
            started=self.run.started,
            suite_version=self.run.suite_version,
            record_sha256=self.sha256,
            changes=changes,
        )


def load(path: Path, plans: Sequence[str]) -> Baseline:
    """The run at a path (a folder, or its report.json) as the baseline of a run under `plans`.

    Raises BaselineError if it is no record, or shows less than the present run will: then a finding that it could not
    have would be taken for one of a new check.
    """
    path = locate(path)
    try:
        run = read(path)
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    except RecordError as mistake:
        raise BaselineError(str(mistake)) from mistake
    except OSError as failure:
        raise BaselineError(f"the baseline {path} cannot be read: {failure.strerror}") from failure
    if run.interrupted or run.selection:
        part = "was interrupted" if run.interrupted else f"is only a part ({run.selection})"
        raise BaselineError(f"{path} is no baseline: the run {part}")
    if missing := sorted(set(plans) - set(run.plans)):
        raise BaselineError(f"{path} is no baseline: it was made without the plan {', '.join(missing)}")
    if not any(check.outcome in {"pass", "violation"} for check in run.checks):
        raise BaselineError(f"{path} is no baseline: no check of it came to a conclusion")
    return Baseline(Index(run), sha256)
