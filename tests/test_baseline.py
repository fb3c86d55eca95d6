"""The gate against an earlier run: a run, a fault switched on, a run; then with a deviation, and mended again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path

import pytest
from typer.testing import CliRunner

from conformance.baseline import Baseline, BaselineError, load
from conformance.check import cases_of, functions
from conformance.cli import app
from conformance.clock import TurnedClock
from conformance.judge import judge
from conformance.matrix import loaded_profile
from conformance.plans import in_force
from conformance.profile.model import Deviation
from conformance.report import junit, sarif, write
from conformance.report.comparison import Index, State, compare
from conformance.report.record import CheckResult, Run
from conformance.requirements import load as load_catalogue
from conformance.run import Session
from conformance.server import AuthorizationServer
from conformance.server.faults.push import PushTakesRequestUri
from conformance.server.faults.request_uri_binding import AnyClientMayUseIt
from conformance.verdict import Answer, Level, Verdict

ROOT = Path(__file__).parent.parent
FAULTY = "rfc9126-2.1-request-uri-refused"
OBSERVED = "accepted"
#: The checks of these runs: few, so that each takes a moment.
PARTS = ("request_uri_is_refused", "of_another_client_brings_no_code", "is_answered_with_201")


def run(server: type[AuthorizationServer], *, baseline: Run | None = None, deviations: Sequence[Deviation] = ()) -> Run:
    loaded = loaded_profile()
    profile = loaded.profile.model_copy(update={"deviations": list(deviations), "plans": ["rfc9126"]})
    session = Session.of(replace(loaded, profile=profile), clock=TurnedClock(), server=server)
    if baseline is not None:
        session.baseline = Baseline(Index(baseline), "0" * 64)
    try:
        cases = [case for function in functions() for case in cases_of(function, profile)]
        session.start([case for case in cases if any(part in case.name for part in PARTS)])
        return session.conclude(wait=True)
    finally:
        session.close()


@cache
def good() -> Run:
    return run(AuthorizationServer)


@cache
def faulty() -> Run:
    return run(PushTakesRequestUri)


def known(requirement: str = FAULTY, **changes: object) -> Deviation:
    return Deviation.model_validate(
        {"requirement": requirement, "observed": OBSERVED, "reason": "mended with the next release"} | changes
    )


def verdicts(run: Run) -> dict[str, Verdict]:
    return {row.id: row.verdict for row in run.requirements}


def test_compare_names_exactly_the_fault() -> None:
    found = compare(good(), faulty())

    assert {row.requirement.id for row in found.rows} == {FAULTY}
    assert {row.state for row in found.rows} == {State.NEW}
    assert found.breaks


def test_a_new_finding_breaks_the_gate() -> None:
    after = run(PushTakesRequestUri, baseline=good())

    assert after.gate is Answer.FAIL
    assert after.conformance is Answer.FAIL
    assert after.baseline is not None
    assert {(change.requirement, change.state) for change in after.baseline.changes} == {(FAULTY, "new")}


def test_a_known_finding_does_not_and_stays_a_violation() -> None:
    after = run(PushTakesRequestUri, baseline=faulty())

    assert after.gate is Answer.PASS
    assert after.conformance is Answer.FAIL
    assert verdicts(after)[FAULTY] is Verdict.FAIL
    assert "<failure" not in junit.render(after)
    assert "beside the baseline: known" in junit.render(after)
    assert {result["baselineState"] for result in json.loads(sarif.render(after))["runs"][0]["results"]} == {
        "unchanged"
    }


def test_another_finding_beside_a_known_one_breaks_it() -> None:
    class Both(PushTakesRequestUri, AnyClientMayUseIt):
        """Two faults."""

    after = run(Both, baseline=faulty())

    assert after.gate is Answer.FAIL
    assert after.baseline is not None
    assert {change.requirement for change in after.baseline.changes if change.state == "new"} == {
        "rfc9126-2.2-bound-to-client"
    }


def test_the_same_requirement_broken_in_another_way_breaks_it() -> None:
    before = faulty()
    other = [
        check.model_copy(update={"observed": "ignored"}) if check.outcome == "violation" else check
        for check in before.checks
    ]
    after = run(PushTakesRequestUri, baseline=before.model_copy(update={"checks": other}))

    assert after.gate is Answer.FAIL
    assert after.baseline is not None
    assert {(change.before, change.after, change.state) for change in after.baseline.changes} == {
        ("ignored", OBSERVED, "changed")
    }


def test_a_new_check_is_told_and_does_not_break_it() -> None:
    before = good()
    fewer = [check for check in before.checks if "request_uri_is_refused" not in check.name]
    after = run(PushTakesRequestUri, baseline=before.model_copy(update={"checks": fewer}))

    assert after.gate is Answer.PASS
    assert after.baseline is not None
    assert {change.state for change in after.baseline.changes} == {"new-check"}
    assert "beside the baseline: new check" in junit.render(after)


def test_a_check_that_was_inconclusive_in_the_baseline_breaks_it() -> None:
    before = good()
    unclear = [check.model_copy(update={"outcome": "inconclusive"}) for check in before.checks]
    after = run(PushTakesRequestUri, baseline=before.model_copy(update={"checks": unclear}))

    assert after.gate is Answer.FAIL


def test_deviation_holds_the_gate_and_is_stale_after_mending() -> None:
    listed = run(PushTakesRequestUri, baseline=good(), deviations=[known()])
    assert (listed.gate, listed.conformance) == (Answer.PASS, Answer.FAIL)

    mended = run(AuthorizationServer, baseline=listed, deviations=[known()])
    assert mended.gate is Answer.FAIL
    assert verdicts(mended)[FAULTY] is Verdict.STALE
    assert mended.baseline is not None
    assert {change.state for change in mended.baseline.changes} == {"mended"}


def test_an_expired_deviation_breaks_the_gate_even_if_the_baseline_has_the_finding() -> None:
    after = run(PushTakesRequestUri, baseline=faulty(), deviations=[known(until="2020-01-01")])

    assert after.gate is Answer.FAIL


def test_a_broken_should_that_is_known_passes_the_stricter_gate() -> None:
    name, requirement = "test_x::test_x", "rfc9126-4-one-time-use"
    catalogue = load_catalogue()
    forced = {requirement: in_force(["rfc9126"], catalogue)[requirement]}
    other = "rfc9126-2.1-request-uri-refused"
    forced[other] = in_force(["rfc9126"], catalogue)[other]
    results = [
        CheckResult(name=name, title="x", requirements=[requirement], outcome="violation", observed="code-issued"),
        CheckResult(name="test_y::test_y", title="y", requirements=[other], outcome="pass"),
    ]
    results[0] = results[0].model_copy(update={"broken": [requirement]})

    def gate(baseline: Baseline | None) -> Answer:
        return judge(
            catalogue, forced, results, {}, today=date(2026, 11, 20), fail_on=Level.SHOULD, baseline=baseline
        ).gate

    first = good().model_copy(
        update={
            "checks": results,
            "requirements": judge(catalogue, forced, results, {}, today=date(2026, 11, 20)).requirements,
        }
    )
    assert gate(None) is Answer.FAIL
    assert gate(Baseline(Index(first), "")) is Answer.PASS


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"selection": "-k push"}, "is only a part"),
        ({"interrupted": True}, "was interrupted"),
        ({"plans": []}, "without the plan rfc9126"),
        ({"checks": []}, "no check of it came to a conclusion"),
    ],
)
def test_what_shows_less_is_no_baseline(tmp_path: Path, changes: dict[str, object], told: str) -> None:
    write.write(good().model_copy(update=changes), tmp_path)

    with pytest.raises(BaselineError, match=told):
        load(tmp_path, ["rfc9126"])


def test_the_command_line_holds_a_run_against_a_baseline(tmp_path: Path) -> None:
    def suite(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                sys.executable,
                "-m",
                "conformance",
                "run",
                str(ROOT / "targets/reference.yaml"),
                "--plan",
                "rfc9126",
                *arguments,
            ],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    write.write(faulty(), tmp_path / "baseline")
    done = suite("-k", "request_uri_is_refused", "--baseline", "baseline")
    assert done.returncode == 0, done.stdout + done.stderr
    assert " mended." in done.stdout
    record = write.read(next(tmp_path.glob("reports/reference/*/report.json")))
    assert record.baseline is not None
    assert len(record.baseline.record_sha256) == 64
    verified = CliRunner().invoke(app, ["verify", str(next(tmp_path.glob("reports/reference/*")))])
    assert verified.exit_code == 0, verified.output

    done = suite("--baseline", "nowhere")
    assert done.returncode == 2
    assert "the baseline nowhere cannot be read" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
