"""Servers that are right in other ways: none of them gets a finding."""

from __future__ import annotations

import pytest

from conformance.matrix import loaded_profile, trial
from conformance.server import AuthorizationServer
from conformance.server.variants import load_variants
from conformance.variants import QUIET, Pool, examine, lines, pooled
from tests.conftest import Counted

VARIANTS = load_variants()
POOLS = pooled(VARIANTS.values())
#: Those that change the profile cannot share a server, and take their time one by one.
APART = [pytest.param(pool, id=pool[0].name, marks=pytest.mark.whole if len(pool) == 1 else ()) for pool in POOLS]


def test_there_are_variants_enough() -> None:
    assert len(VARIANTS) >= 25
    assert all(variant.about for variant in VARIANTS.values())


def test_pools_hold_every_variant_once() -> None:
    assert sorted(variant.name for pool in POOLS for variant in pool) == list(VARIANTS)


@pytest.mark.parametrize("pool", APART)
def test_no_variant_gets_a_finding(pool: Pool, counted: Counted) -> None:
    found = examine(pool, quick=True)

    counted("variants spared", {one.name for one in found if one.quiet}, {one.name for one in found})
    assert [line for alarms in found if not alarms.quiet for line in lines(alarms)] == []


@pytest.mark.whole
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")  # a check speaks an old version on purpose
@pytest.mark.parametrize("name", ["reference-atproto", "reference-fapi2", "reference-fapi2-signed"])
def test_reference_server_gets_no_finding_under_another_profile(name: str) -> None:
    loaded = loaded_profile(name)
    run = trial(AuthorizationServer, plans=tuple(loaded.profile.plans), loaded=loaded)

    assert [f"{item.verdict} {item.id}: {item.reason}" for item in run.requirements if item.verdict not in QUIET] == []
