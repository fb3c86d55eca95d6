"""The same profile again and again: two runs of one server have to say the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from conformance.report.record import CheckResult, Run


def differences(runs: Sequence[Run]) -> list[str]:
    """What was not the same in all of these runs: verdicts of requirements, outcomes of checks, either answer."""
    told: dict[str, list[str]] = {}
    for number, run in enumerate(runs):
        for subject, word in _said(run).items():
            told.setdefault(subject, ["nothing"] * number).append(word)
        for words in told.values():
            words += ["nothing"] * (number + 1 - len(words))
    return [
        f"{subject}: {', '.join(f'{word} ({times})' for word, times in Counter(words).most_common())}"
        for subject, words in sorted(told.items())
        if len(set(words)) > 1
    ]


def _said(run: Run) -> dict[str, str]:
    """What a run says, subject by subject, without what differs by nature (times, random values)."""
    return {
        "gate": str(run.gate),
        "conformance": str(run.conformance),
        **{requirement.id: str(requirement.verdict) for requirement in run.requirements},
        **{check.name: _outcome(check) for check in run.checks},
    }


def _outcome(check: CheckResult) -> str:
    return check.outcome if check.observed is None else f"{check.outcome} {check.observed}"
