"""Measured facts that have a picture: the true lifetime, the bits of each position."""

from __future__ import annotations

import secrets

import pytest

from conformance.checks.test_lifetime import see_lifetime
from conformance.randomness import estimate
from conformance.report.pictures import of_fact
from conformance.report.record import Fact


@pytest.mark.parametrize(
    ("seen", "value", "samples"),
    [
        ([(51.0, True), (63.2, False)], "51 to 63.2", [60, 51, 63.2]),
        ([(63.2, False), (51.0, True)], "51 to 63.2", [60, 51, 63.2]),
        ([(63.2, False)], "<= 63.2", [60, 0, 63.2]),
        ([(51.0, True)], ">= 51", [60, 51]),
        ([(51.0, True), (63.2, True)], ">= 63.2", [60, 63.2]),
    ],
)
def test_checks_measure_the_lifetime_together(seen: list[tuple[float, bool]], value: str, samples: list[float]) -> None:
    facts = [Fact(name="another", value="1")]
    for age, alive in seen:
        see_lifetime(facts, 60.0, age, alive=alive)

    assert [fact.name for fact in facts] == ["another", "true lifetime of a request_uri"]
    assert (facts[1].value, facts[1].samples, facts[1].detail) == (value, samples, "announced 60 s")
    assert "declared" in of_fact(facts[1])


def test_every_varying_position_has_its_bits() -> None:
    found = estimate([f"urn:example:{secrets.token_hex(16)}" for _ in range(64)])

    assert len(found.positions) == 32
    assert all(3.0 < bits <= 4.0 for bits in found.positions)
    assert round(sum(found.positions), 1) == found.bits
    assert estimate(["same", "same"]).positions == ()
