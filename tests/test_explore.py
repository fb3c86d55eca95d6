"""Examples are tried side by side, and what fails is told by as little of it as possible."""

from __future__ import annotations

import asyncio
from typing import Any

import hypothesis.strategies as st
import pytest

from conformance.checks.test_fuzz import within_budget
from conformance.fuzz import explore
from conformance.profile.model import Limits

Drawn = dict[str, Any]


async def refused(example: Drawn) -> explore.Problem | None:
    """One number in two thousand is refused; the text beside it plays no part."""
    return explore.Problem("refused", "this number") if example.get("number") == 1_234 else None


def test_example_that_is_not_found_again_loses_what_plays_no_part(monkeypatch: pytest.MonkeyPatch) -> None:
    needle = {"text": "of no account", "number": 1_234}
    strategy = st.one_of(*[st.just(needle)] * 2, *[st.just({"number": 0})] * 20)
    monkeypatch.setattr(explore, "SHRINK_REQUESTS", 3)

    found = asyncio.run(explore.explore(strategy, refused, examples=200, seed=1))

    assert [(failure.problem.observed, failure.example) for failure in found] == [("refused", {"number": 1_234})]


def test_same_seed_finds_the_same() -> None:
    strategy = st.fixed_dictionaries({"number": st.integers(1_200, 1_250), "text": st.text(max_size=5)})

    runs = [asyncio.run(explore.explore(strategy, refused, examples=300, seed=7)) for _ in range(2)]

    assert runs[0] == runs[1]
    assert len(runs[0]) == 1


@pytest.mark.parametrize(
    ("budget", "share", "examples"), [(None, 1, 60), (40, 1, 40), (100, 1, 60), (40, 0.2, 8), (1, 0.2, 1)]
)
def test_budget_of_requests_bounds_the_examples(budget: int | None, share: float, examples: int) -> None:
    assert within_budget(Limits(fuzz_requests=budget), 60, share) == examples
