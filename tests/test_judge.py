"""From findings to verdicts, deviations and the two answers."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from conformance.judge import Judgement, bound, judge
from conformance.plans import in_force
from conformance.profile.model import Deviation, Feature
from conformance.report.record import CheckResult
from conformance.requirements import load
from conformance.verdict import Answer, Level, Verdict

TODAY = date(2026, 11, 21)
MUST = "rfc9126-2.1-request-uri-refused"
SHOULD = "rfc9126-4-one-time-use"
EXPECTED = "rfc9126-2.3-status-405"


def result(requirement: str, outcome: Any = "pass", observed: str | None = None, name: str = "") -> CheckResult:
    return CheckResult(
        name=name or f"test_x::test_{requirement.rsplit('-', 1)[-1]}",
        title="A check.",
        requirements=[requirement],
        outcome=outcome,
        broken=[requirement] if outcome == "violation" else [],
        observed=observed or ("accepted" if outcome == "violation" else None),
        message=None if outcome == "pass" else "something was seen",
    )


def judged(*results: CheckResult, deviations: tuple[Deviation, ...] = (), **options: Any) -> Judgement:
    catalogue = load()
    force = {id: applied for id, applied in in_force(["rfc9126"], catalogue).items() if id in {MUST, SHOULD, EXPECTED}}
    checks = {"test_x::test_refused": [MUST], "test_x::test_use": [SHOULD], "test_x::test_405": [EXPECTED]}
    return judge(catalogue, force, results, checks, deviations, today=TODAY, **options)


def verdict(judgement: Judgement, requirement: str) -> Verdict:
    return next(item.verdict for item in judgement.requirements if item.id == requirement)


@pytest.mark.parametrize(
    ("requirement", "expected"), [(MUST, Verdict.FAIL), (SHOULD, Verdict.WARN), (EXPECTED, Verdict.NOTE)]
)
def test_level_decides_what_a_violation_is(requirement: str, expected: Verdict) -> None:
    assert verdict(judged(result(requirement, "violation")), requirement) is expected


def shared(outcome: Any, *broken: str) -> CheckResult:
    ids = ["rfc9101-4-nested-request-refused", "openid-core-6.1-nested-request-refused"]
    return result(ids[0], outcome).model_copy(update={"requirements": ids, "broken": list(broken)})


@pytest.mark.parametrize("openid", [True, False])
def test_specification_of_openid_providers_binds_no_other_server(openid: bool) -> None:
    both = shared("violation", "rfc9101-4-nested-request-refused", "openid-core-6.1-nested-request-refused")
    alone = shared("violation", "openid-core-6.1-nested-request-refused")

    found = bound(both, load(), {Feature.OPENID: openid})
    passed = bound(alone, load(), {Feature.OPENID: openid})

    assert (found.broken == both.broken) is openid
    assert found.broken[0] == "rfc9101-4-nested-request-refused"
    assert passed.outcome == ("violation" if openid else "pass")


def test_check_of_openid_providers_alone_does_not_apply_to_another_server() -> None:
    alone = result("openid-core-6.2-registration-enforced", "violation")

    found = bound(alone, load(), {Feature.OPENID: False})

    assert (found.outcome, found.broken) == ("not-applicable", [])


def test_broken_must_fails_both_answers() -> None:
    found = judged(result(MUST, "violation"), result(SHOULD))

    assert (found.conformance, found.gate) == (Answer.FAIL, Answer.FAIL)


def test_broken_should_holds_the_gate_unless_it_is_told_otherwise() -> None:
    broken = (result(MUST), result(SHOULD, "violation"))

    assert judged(*broken).gate is Answer.PASS
    assert judged(*broken, fail_on=Level.SHOULD).gate is Answer.FAIL


def test_run_without_a_pass_on_a_must_is_no_success() -> None:
    found = judged(result(SHOULD), result(EXPECTED))

    assert (found.conformance, found.gate) == (Answer.INCOMPLETE, Answer.INCOMPLETE)


def test_inconclusive_is_incomplete() -> None:
    found = judged(result(MUST), result(MUST, "inconclusive", name="test_x::other"))

    assert verdict(found, MUST) is Verdict.INCONCLUSIVE
    assert found.gate is Answer.INCOMPLETE


def test_gravest_finding_decides() -> None:
    found = judged(result(MUST), result(MUST, "inconclusive", name="b"), result(MUST, "violation", name="c"))

    assert verdict(found, MUST) is Verdict.FAIL


def test_pass_beside_not_applicable_is_a_pass() -> None:
    assert verdict(judged(result(MUST), result(MUST, "not-applicable", name="b")), MUST) is Verdict.PASS


def deviation(**changes: Any) -> Deviation:
    return Deviation(**{"requirement": MUST, "observed": "accepted", "reason": "known", **changes})


def test_listed_deviation_holds_the_gate_and_breaks_conformance() -> None:
    found = judged(result(MUST, "violation"), result(SHOULD), deviations=(deviation(),))

    assert verdict(found, MUST) is Verdict.DEVIATION
    assert (found.conformance, found.gate) == (Answer.FAIL, Answer.PASS)
    assert found.deviations[0].state == "matched"


def test_deviation_with_another_observation_matches_nothing() -> None:
    found = judged(result(MUST, "violation"), deviations=(deviation(observed="server-error"),))

    assert verdict(found, MUST) is Verdict.FAIL
    assert found.gate is Answer.FAIL


def test_deviation_past_its_date_fails() -> None:
    found = judged(result(MUST, "violation"), deviations=(deviation(until=date(2026, 11, 20)),))

    assert verdict(found, MUST) is Verdict.FAIL
    assert found.deviations[0].state == "expired"


def test_deviation_holds_on_its_last_day() -> None:
    found = judged(result(MUST, "violation"), deviations=(deviation(until=TODAY),))

    assert verdict(found, MUST) is Verdict.DEVIATION


def test_mended_server_makes_the_deviation_stale() -> None:
    found = judged(result(MUST), deviations=(deviation(),))

    assert verdict(found, MUST) is Verdict.STALE
    assert found.gate is Answer.FAIL
    assert found.conformance is Answer.PASS


def test_deviation_is_not_stale_where_nothing_was_exercised() -> None:
    found = judged(result(MUST, "inconclusive"), result(SHOULD), deviations=(deviation(),))

    assert found.deviations[0].state == "unused"


def test_deviation_of_one_check_does_not_cover_another() -> None:
    listed = deviation(check="test_x::a")
    found = judged(
        result(MUST, "violation", name="test_x::a"),
        result(MUST, "violation", name="test_x::b"),
        deviations=(listed,),
    )

    assert verdict(found, MUST) is Verdict.FAIL


def test_deviations_are_not_stale_in_a_partial_run() -> None:
    found = judged(result(SHOULD), deviations=(deviation(),), complete=False)

    assert [item.id for item in found.requirements] == [SHOULD]
    assert found.deviations[0].state == "unused"
