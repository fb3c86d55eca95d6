"""Allure results made from a record: the verdicts, times, steps and labels of the run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from conformance.cli import app
from conformance.report import allure, write
from conformance.report.record import Baseline, Change
from tests.record_parts import STARTED
from tests.records import sample_run


def results(folder: Path) -> dict[str, dict[str, Any]]:
    found = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*-result.json")]
    return {result["name"]: result for result in found}


def label(result: dict[str, Any], name: str) -> list[str]:
    return [entry["value"] for entry in result["labels"] if entry["name"] == name]


def test_every_check_is_a_result_with_its_verdict(tmp_path: Path) -> None:
    run = sample_run()
    found = results(allure.write(run, tmp_path))
    assert set(found) == {check.name for check in run.checks}
    statuses = {name.split("::")[1]: (result["status"], label(result, "verdict")) for name, result in found.items()}
    assert statuses["test_push_that_carries_a_request_uri_is_refused"] == ("failed", ["fail"])
    assert statuses["test_request_uri_expires"] == ("passed", ["deviation"])
    assert statuses["test_push_answer_is_not_cached"] == ("passed", ["warn"])
    assert statuses["test_oversized_push_is_refused"] == ("failed", ["stale"])
    assert statuses["test_proof_of_another_key_is_refused"] == ("broken", ["inconclusive"])
    assert statuses["test_unsigned_request_object_is_refused"] == ("skipped", ["not-applicable"])
    assert statuses["test_scope_of_the_stored_request_counts"] == ("passed", ["pass"])


def test_times_steps_and_attachments_are_those_of_the_run(tmp_path: Path) -> None:
    found = results(allure.write(sample_run(), tmp_path))["test_lifetime.py::test_request_uri_expires"]
    assert found["start"] == int((STARTED.timestamp() + 4.0) * 1000)
    assert found["stop"] - found["start"] in range(66_299, 66_302)
    assert [step["name"] for step in found["steps"]] == [
        "pushed authorization request: POST 201",
        "wait: until expires_in is over",
        "authorization request: GET 303",
    ]
    attached = [attachment["source"] for step in found["steps"] for attachment in step.get("attachments", [])]
    assert len(attached) == 2
    for source in attached:
        assert json.loads((tmp_path / source).read_text(encoding="utf-8"))["curl"].startswith("curl")


def test_labels_lead_to_specification_section_and_requirement(tmp_path: Path) -> None:
    found = results(allure.write(sample_run(), tmp_path))["test_use.py::test_request_uri_is_used_once"]
    assert label(found, "epic") == ["OAuth 2.0 Pushed Authorization Requests", "FAPI 2.0 Security Profile"]
    assert label(found, "feature") == ["RFC 9126 section 4", "fapi2 section 5.3.2.2"]
    assert label(found, "story") == ["rfc9126-4-one-time-use", "fapi2-5.3.2.2-request-uri-one-time"]
    assert label(found, "severity") == ["critical"]
    assert all(link["url"].startswith("https://") for link in found["links"])


def test_the_same_run_gives_the_same_files(tmp_path: Path) -> None:
    first = {path.name: path.read_bytes() for path in allure.write(sample_run(), tmp_path / "a").iterdir()}
    allure.write(sample_run().model_copy(update={"checks": sample_run().checks[:1]}), tmp_path / "b")
    assert {path.name: path.read_bytes() for path in allure.write(sample_run(), tmp_path / "b").iterdir()} == first


def test_a_known_finding_is_no_failure(tmp_path: Path) -> None:
    name = "test_push.py::test_push_that_carries_a_request_uri_is_refused"
    change = Change(requirement="rfc9126-2.1-request-uri-refused", check=name, state="known")
    baseline = Baseline(target="x", started=STARTED, suite_version="1", record_sha256="0" * 64, changes=[change])
    found = results(allure.write(sample_run(baseline=baseline), tmp_path))[name]
    assert (found["status"], label(found, "verdict")) == ("passed", ["known"])


def test_all_views_are_made_later_without_the_target(tmp_path: Path) -> None:
    write.write(sample_run(), tmp_path / "run")
    formats = [part for view in ("html", "junit", "markdown", "sarif", "allure") for part in ("--format", view)]
    done = CliRunner().invoke(app, ["report", str(tmp_path / "run"), *formats, "--into", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        *("report.json", "report.html", "junit.xml", "summary.md", "report.sarif", "allure-results")
    }
    assert (tmp_path / "out/report.html").read_bytes() == (tmp_path / "run/report.html").read_bytes()


def test_the_terminal_is_a_view_too(tmp_path: Path) -> None:
    write.write(sample_run(), tmp_path)
    done = CliRunner().invoke(app, ["report", str(tmp_path / "report.json"), "--format", "terminal"])
    assert done.exit_code == 0
    assert "Conformance" in done.output
    assert CliRunner().invoke(app, ["report", str(tmp_path / "nowhere")]).exit_code == 2
