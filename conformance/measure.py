"""Measured facts of a whole run, beside the verdicts."""

from __future__ import annotations

from statistics import median, quantiles

from conformance.engine import Engine
from conformance.report.record import Fact

PUSH = "pushed authorization request"


def latency(engine: Engine) -> list[Fact]:
    """How long pushes took to be answered (milliseconds)."""
    samples = sorted(seconds * 1000 for purpose, seconds in engine.latencies if purpose == PUSH)
    if len(samples) < 2:
        return []
    p95 = quantiles(samples, n=20)[-1]
    return [
        Fact(
            name="latency of a pushed authorization request",
            value=f"{median(samples):.0f}",
            unit="ms (median)",
            detail=f"{len(samples)} pushes, 95 % within {p95:.0f} ms, slowest {samples[-1]:.0f} ms",
            samples=samples,
        )
    ]
