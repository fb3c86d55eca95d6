"""Numbers taken from a record: latency by purpose, the course of the run in lanes."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from conformance.report.record import CheckResult, Run


@dataclass(frozen=True)
class Latency:
    """How long the answers to one kind of request took, in seconds."""

    purpose: str
    number: int
    median: float
    slow: float
    slowest: float


@dataclass(frozen=True)
class Bar:
    """One check on the timeline: from when to when, in seconds since the run began, and in which lane."""

    name: str
    title: str
    outcome: str
    lane: int
    start: float
    seconds: float
    waits: tuple[tuple[float, float], ...]


def percentile(samples: Sequence[float], part: float) -> float:
    """The smallest sample that at least `part` (0 to 1) of all samples do not exceed."""
    ordered = sorted(samples)
    return ordered[max(0, math.ceil(part * len(ordered)) - 1)]


def answered(run: Run) -> list[float]:
    """Seconds of every exchange of the run that was answered."""
    return [exchange.seconds for check in run.checks for exchange in check.exchanges if exchange.status is not None]


def latencies(run: Run, most: int = 8) -> list[Latency]:
    """Latency by purpose of the exchange, the most frequent first, at most `most` rows."""
    groups: dict[str, list[float]] = {}
    for check in run.checks:
        for exchange in check.exchanges:
            if exchange.status is not None:
                groups.setdefault(exchange.purpose, []).append(exchange.seconds)
    ranked = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
    return [
        Latency(purpose, len(times), statistics.median(times), percentile(times, 0.95), max(times))
        for purpose, times in ranked[:most]
    ]


def timeline(run: Run) -> list[Bar]:
    """Every check that ran, in the first lane that is free when it starts."""
    ran = [check for check in run.checks if check.started is not None]
    ran.sort(key=_start)
    if not ran:
        return []
    origin = min(_start(check) for check in ran)
    free: list[float] = []
    bars = []
    for check in ran:
        start = _start(check) - origin
        lane = next((number for number, end in enumerate(free) if end <= start), len(free))
        if lane == len(free):
            free.append(0)
        free[lane] = start + max(check.seconds, 0)
        waits = tuple((max(wait.started - origin, 0), max(wait.seconds, 0)) for wait in check.waits)
        bars.append(Bar(check.name, check.title, check.outcome, lane, start, max(check.seconds, 0), waits))
    return bars


def _start(check: CheckResult) -> float:
    return check.started or 0.0
