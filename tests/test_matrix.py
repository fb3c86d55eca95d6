"""Every fault is caught, and every check is killed by one; `make matrix` shows besides that nothing else turns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from conformance.check import functions
from conformance.matrix import (
    SETTINGS,
    Pool,
    document,
    examine,
    lines,
    loaded_profile,
    names_of,
    observable,
    pooled,
    rows,
    trial,
)
from conformance.server import AuthorizationServer
from conformance.server.faults import load_faults
from tests.conftest import Counted

FAULTS = load_faults()
#: Checks that no fault of this server can kill, and why.
NOT_HERE = {"test_dpop::test_default_port_may_be_spelled_out": "ports 443 and 80 are not lent to everybody"}
#: What no fault of this server can show, and why.
NOT_OBSERVED = {"not-as-declared": "the profiles here declare no lifetime (below, one does)"}
PAGE = Path(__file__).parent.parent / "docs" / "faults.md"
KNOWN = rows(PAGE.read_text(encoding="utf-8"))
POOLS = pooled(FAULTS.values())


def test_there_are_faults_enough() -> None:
    assert len(FAULTS) >= 110
    assert all(fault.turns and fault.bug for fault in FAULTS.values())


def test_pools_hold_every_fault_once_and_no_two_of_a_rule() -> None:
    assert sorted(fault.name for pool in POOLS for fault in pool) == sorted(FAULTS)


@pytest.mark.parametrize("pool", POOLS, ids=lambda pool: pool[0].name)
def test_every_fault_is_caught(pool: Pool, counted: Counted) -> None:
    found = examine(pool, quick=True)

    counted("faults caught", {one.name for one in found if one.exact}, {one.name for one in found})
    rows_of = [KNOWN[one.name] for one in found if one.name in KNOWN]
    words = frozenset[str]().union(*(row.observed for row in rows_of))
    counted("values observed", words & frozenset().union(*(one.observed for one in found)), words)
    seen = frozenset[str]().union(*(row.killed for row in rows_of))
    counted("checks killed", seen & frozenset().union(*(one.killed for one in found)), seen)
    assert [line for result in found if not result.exact for line in lines(result)] == []


# -- docs/faults.md, which a whole run has written ------------------------------------------------------------------


def test_the_page_has_every_fault_with_what_turns() -> None:
    assert set(KNOWN) == set(FAULTS)
    assert {name for name, fault in FAULTS.items() if not fault.turns <= KNOWN[name].turned} == set()


def test_every_check_is_killed_by_a_fault_of_the_page() -> None:
    killed = frozenset().union(*(row.killed for row in KNOWN.values()))

    assert set(names_of(functions())) - set(NOT_HERE) == killed


def test_every_value_that_can_be_observed_is_observed_of_a_fault() -> None:
    observed = frozenset[str]().union(*(row.observed for row in KNOWN.values()))

    assert observable() - observed - set(NOT_OBSERVED) == set()


def test_lifetime_other_than_declared_is_observed() -> None:
    loaded = loaded_profile()
    limits = loaded.profile.limits.model_copy(update={"expires_in": SETTINGS["lifetime"] + 30})
    profile = loaded.profile.model_copy(update={"limits": limits})
    name = "test_response::test_expires_in_is_in_the_usual_range"

    run = trial(AuthorizationServer, loaded=replace(loaded, profile=profile), only=frozenset({name}))

    assert [check.observed for check in run.checks if check.name == name] == ["not-as-declared"]


def test_the_page_is_as_it_is_made() -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert document(rows(page)) == page
