"""The gravest faults turn exactly what they break; `make matrix` tries all of them."""

from __future__ import annotations

import pytest

from conformance.matrix import examine
from conformance.server.faults import load_faults
from conformance.server.faults.push import PushTakesRequestUri

FAULTS = load_faults()
#: One of every kind: authentication, validation, response, binding, one-time use, lifetime, query, policy.
GRAVEST = tuple(name for name in (
    "push-takes-request-uri",
    "public-client-may-push-request-uri",
    "references-are-counted",
    "success-is200",
    "expires-in-is-text",
    "lives-atenth-too-long",
    "any-client-may-use-it",
    "foreign-attempt-revives-it",
    "third-redemption-works",
    "two-spaces-in-ascope-grant-everything",
    "breaks-on-names-beyond-ascii",
) if name in FAULTS)


def test_every_fault_is_registered_once() -> None:
    assert len(FAULTS) >= 110
    assert all(fault.turns for fault in FAULTS.values())
    assert PushTakesRequestUri in {fault.server for fault in FAULTS.values()}
