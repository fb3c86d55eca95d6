"""Every fault is caught, and every check is killed by one; `make matrix` shows besides that nothing else turns."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from conformance.check import functions
from conformance.matrix import Pool, examine, lines, names_of, pooled
from conformance.server.faults import load_faults

FAULTS = load_faults()
PAGE = Path(__file__).parent.parent / "docs" / "faults.md"
#: Those that a browser meets are tried by `make matrix` alone: they take minutes.
POOLS = pooled(fault for fault in FAULTS.values() if not fault.browser)


def rows(table: str) -> dict[str, list[str]]:
    """The rows of the page below a heading of its columns, by their first cell."""
    found = re.findall(rf"^\| {table} \|.*\n\|[-|]+\|\n((?:\|.*\n)*)", PAGE.read_text(encoding="utf-8"), re.M)
    cells = [re.split(r"(?<!\\)\|", row)[1:-1] for row in "".join(found).splitlines()]
    return {name.strip(" `"): [cell.strip() for cell in rest] for name, *rest in cells}


def test_there_are_faults_enough() -> None:
    assert len(FAULTS) >= 110
    assert all(fault.turns and fault.bug for fault in FAULTS.values())


def test_pools_hold_every_fault_once_and_no_two_of_a_rule() -> None:
    assert sorted(fault.name for pool in POOLS for fault in pool) == sorted(
        name for name, fault in FAULTS.items() if not fault.browser
    )


@pytest.mark.parametrize("pool", POOLS, ids=lambda pool: pool[0].name)
def test_every_fault_is_caught(pool: Pool) -> None:
    found = examine(pool, quick=True)

    assert [line for result in found if not result.exact for line in lines(result)] == []


# -- docs/faults.md, which a whole run has written ------------------------------------------------------------------


def test_the_page_has_every_fault_with_what_turns() -> None:
    told = {name: set(turned.split("<br>")) for name, (_, turned, _) in rows("fault").items()}

    assert set(told) == set(FAULTS)
    assert {name for name, fault in FAULTS.items() if not fault.turns <= told[name]} == set()


def test_the_page_has_every_check_with_what_kills_it() -> None:
    killed = {name: int(number) for name, (number, _) in rows("check").items()}

    assert set(killed) == set(names_of(functions()))
    assert [name for name, number in killed.items() if number == 0] == []
