"""The gravest faults turn exactly what they break, under every plan's checks; `make matrix` tries all of them."""

from __future__ import annotations

import pytest

from conformance.matrix import examine
from conformance.server.faults import load_faults

FAULTS = load_faults()
GRAVEST = (
    "any-client-may-use-it",
    "binding-is-forgotten-by-post",
    "client-id-may-be-missing",
    "errors-are200",
    "expires-in-is-text",
    "foreign-attempt-burns-it",
    "forty-bits",
    "lives-atenth-too-long",
    "never-used-up",
    "no-size-limit",
    "push-by-get",
    "push-takes-request-uri",
    "query-fills-gaps",
    "query-wins",
    "query-wins-over-the-body",
    "redirect-uri-of-the-query-wins",
    "references-are-asequence",
    "scope-of-the-query-wins",
    "sixty-four-bits-behind-aprefix",
    "state-of-the-query-wins",
    "success-is200",
    "too-large-is-aserver-error",
    "two-at-once-get-through",
)


def test_there_are_faults_enough() -> None:
    assert len(FAULTS) >= 110
    assert all(fault.turns and fault.bug for fault in FAULTS.values())


@pytest.mark.parametrize("name", GRAVEST)
def test_fault_turns_exactly_what_it_breaks(name: str) -> None:
    result = examine(FAULTS[name], select=False)

    assert set(result.turned) == result.turns
