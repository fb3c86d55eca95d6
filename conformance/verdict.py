"""The vocabulary of judgements: what one check saw, and what a requirement therefore gets.

A check passes or raises one of the three exceptions; a requirement collects what its checks saw and gets a `Verdict`.
"""

from __future__ import annotations

from enum import StrEnum


class Level(StrEnum):
    """How strongly a specification says it; `EXPECTED` where the text has no BCP 14 keyword."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    MAY = "MAY"
    EXPECTED = "expected"


class Verdict(StrEnum):
    """What a requirement, or a whole run, is said to be."""

    PASS = "pass"
    FAIL = "fail"
    WARN = "warn"
    NOTE = "note"
    DEVIATION = "deviation"
    STALE = "stale"
    INCONCLUSIVE = "inconclusive"
    NOT_APPLICABLE = "not-applicable"
    UNTESTED = "untested"


class Answer(StrEnum):
    """The two answers of a run: to the auditor (conformance) and to CI (gate)."""

    PASS = "pass"
    FAIL = "fail"
    INCOMPLETE = "incomplete"


#: Which verdict a broken requirement of a level gets.
BROKEN = {
    Level.MUST: Verdict.FAIL,
    Level.SHOULD: Verdict.WARN,
    Level.MAY: Verdict.NOTE,
    Level.EXPECTED: Verdict.NOTE,
}


class Violation(AssertionError):  # noqa: N818 - it is about the server, not an error of ours
    """The server did what a requirement forbids, or not what it demands.

    `observed` is a short stable word for what was seen (`accepted`, `code-issued`): deviations match on it.
    `requirements` narrows the finding to some of the ids that the check verifies; empty means all of them.
    """

    def __init__(
        self,
        observed: str,
        message: str,
        *requirements: str,
        expected: str | None = None,
        received: str | None = None,
    ) -> None:
        super().__init__(message)
        self.observed = observed
        self.message = message
        self.requirements = requirements
        self.expected = expected
        self.received = received


class NotExercised(Exception):  # noqa: N818 - it is no error: nothing can be concluded
    """The requirement was not put to the test: the control failed, the target is down or throttles."""


class NotApplicable(Exception):  # noqa: N818 - it is no error: the target does not have what is checked
    """What the requirement speaks of is off at this target, or the profile lacks the role that it needs."""
