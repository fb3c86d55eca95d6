"""Runs held against each other: every state, and the views of it."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from conformance.cli import app
from conformance.report import comparison_views, write
from conformance.report.comparison import State, compare, history
from conformance.report.record import Run
from conformance.verdict import Level, Verdict
from tests.record_parts import HOSTILE, check, record, requirement
from tests.records import sample_run

#: Check to outcome and observed word, before and after; a check without a side did not run there.
CASES: dict[str, tuple[tuple[str, str] | None, tuple[str, str] | None, State | None]] = {
    "still-good": (("pass", ""), ("pass", ""), None),
    "still-bad": (("violation", "accepted"), ("violation", "accepted"), State.KNOWN),
    "worse": (("pass", ""), ("violation", "accepted"), State.NEW),
    "was-unclear": (("inconclusive", ""), ("violation", "accepted"), State.NEW),
    "otherwise": (("violation", "accepted"), ("violation", "code-issued"), State.CHANGED),
    "better": (("violation", "accepted"), ("pass", ""), State.MENDED),
    "lost": (("violation", "accepted"), ("inconclusive", ""), State.UNMATCHED),
    "gone": (("violation", "accepted"), None, State.UNMATCHED),
    "came": (None, ("violation", "accepted"), State.NEW_CHECK),
    "came-good": (None, ("pass", ""), None),
    "unseen": (("pass", ""), ("not-applicable", ""), State.UNMATCHED),
}
_VERDICTS = {
    "pass": Verdict.PASS,
    "violation": Verdict.FAIL,
    "inconclusive": Verdict.INCONCLUSIVE,
    "not-applicable": Verdict.NOT_APPLICABLE,
}


def run(sides: dict[str, tuple[str, str] | None]) -> Run:
    rows, checks = [], []
    for name, told in sides.items():
        if told is not None:
            outcome, observed = told
            identifier = f"rfc9126-2-{name}"
            rows.append(requirement(identifier, _VERDICTS[outcome], f"The case {name}.", checks=[f"test_a::{name}"]))
            seen = {"observed": observed} if observed else {}
            checks.append(check(f"test_a::{name}", f"It is {name}.", [identifier], outcome, **seen))
    return record(rows, checks)


def before() -> Run:
    return run({name: sides[0] for name, sides in CASES.items()})


def after() -> Run:
    return run({name: sides[1] for name, sides in CASES.items()})


@pytest.mark.parametrize("name", CASES)
def test_every_case_has_its_state(name: str) -> None:
    found = compare(before(), after())
    states = {row.requirement.id.removeprefix("rfc9126-2-"): row.state for row in found.rows}
    expected = CASES[name][2]

    assert states.get(name) == (None if expected is State.KNOWN else expected)
    assert found.known == 1


def test_a_run_beside_itself_shows_nothing() -> None:
    found = compare(sample_run(), sample_run())

    assert found.rows == ()
    assert found.known > 3
    assert not found.breaks


def test_requirements_of_one_run_are_counted() -> None:
    found = compare(before(), after())

    assert found.only_before == ["rfc9126-2-gone"]
    assert found.only_after == ["rfc9126-2-came", "rfc9126-2-came-good"]
    assert "1 requirement in force only in the earlier run." in comparison_views.limits(found)


def test_a_verdict_that_moves_is_a_change_and_no_break() -> None:
    def one(verdict: Verdict) -> Run:
        row = requirement("rfc9126-2-a", verdict, "A statement.", checks=["test_a::a"])
        return record([row], [check("test_a::a", "It holds.", ["rfc9126-2-a"], "violation", observed="accepted")])

    found = compare(one(Verdict.FAIL), one(Verdict.DEVIATION))
    assert [row.state for row in found.rows] == [State.CHANGED]
    assert not found.breaks
    assert not compare(one(Verdict.DEVIATION), one(Verdict.FAIL)).breaks


def test_a_new_warning_is_told_and_breaks_no_must() -> None:
    def one(outcome: str, verdict: Verdict) -> Run:
        row = requirement("rfc9126-2-a", verdict, "A statement.", level=Level.SHOULD, checks=["test_a::a"])
        return record([row], [check("test_a::a", "It holds.", ["rfc9126-2-a"], outcome, observed="x")])

    found = compare(one("pass", Verdict.PASS), one("violation", Verdict.WARN))
    assert [row.state for row in found.rows] == [State.NEW]
    assert not found.breaks


def test_history_has_what_moved_or_was_a_finding() -> None:
    lines = {line.requirement.id: line.verdicts for line in history([before(), after(), before()])}

    assert "rfc9126-2-still-good" not in lines
    assert lines["rfc9126-2-still-bad"] == (Verdict.FAIL,) * 3
    assert lines["rfc9126-2-came"] == (None, Verdict.FAIL, None)
    assert lines["rfc9126-2-better"] == (Verdict.FAIL, Verdict.PASS, Verdict.FAIL)


@pytest.mark.parametrize("number", [2, 3, 5])
def test_every_view_tells_every_state(number: int) -> None:
    runs = [before()] * (number - 1) + [after()]
    console = Console(file=io.StringIO(), width=200)
    comparison_views.print_comparison(runs, console)
    assert isinstance(console.file, io.StringIO)
    for text in (
        console.file.getvalue(),
        comparison_views.render_markdown(runs),
        comparison_views.render_html(runs),
    ):
        for name in ("worse", "otherwise", "better", "lost", "came"):
            assert f"rfc9126-2-{name}" in text
        assert "rfc9126-2-still-good" not in text
        assert "2 new, 1 changed, 1 new check, 1 mended, 3 unmatched and 1 known" in text
    assert ("History" in comparison_views.render_html(runs)) == (number > 2)


def test_what_a_server_sent_is_harmless_in_every_view() -> None:
    def hostile(outcome: str, verdict: Verdict) -> Run:
        row = requirement("rfc9126-2-a", verdict, "A statement.", checks=["test_a::a"])
        told = {"observed": HOSTILE} if outcome == "violation" else {}
        run = record([row], [check("test_a::a", "It holds.", ["rfc9126-2-a"], outcome, **told)])
        return run.model_copy(update={"target": run.target.model_copy(update={"name": HOSTILE}), "selection": HOSTILE})

    runs = [hostile("pass", Verdict.PASS), hostile("violation", Verdict.FAIL)]
    page = comparison_views.render_html(runs)
    assert "<script" not in page
    assert "<img" not in page
    console = Console(file=io.StringIO(), width=200)
    comparison_views.print_comparison(runs, console)
    assert isinstance(console.file, io.StringIO)
    for text in (page, console.file.getvalue(), comparison_views.render_markdown(runs)):
        assert "\x1b[31m" not in text
        assert "\u202e" not in text


def test_the_page_runs_no_script() -> None:
    page = comparison_views.render_html([before(), after()])

    assert "script-src" not in page
    assert "default-src &#39;none&#39;" in page


@pytest.fixture
def folders(tmp_path: Path) -> tuple[str, str]:
    for name, run in (("a", before()), ("b", after())):
        write.write(run, tmp_path / name)
    return str(tmp_path / "a"), str(tmp_path / "b" / "report.json")


def test_the_command_tells_by_its_exit_status(folders: tuple[str, str], tmp_path: Path) -> None:
    a, b = folders
    command = CliRunner()

    assert command.invoke(app, ["compare", a, b]).exit_code == 1
    assert command.invoke(app, ["compare", a, a]).exit_code == 0
    done = command.invoke(app, ["compare", a, b, b, "--format", "html", "--output", str(tmp_path / "h.html")])
    assert done.exit_code == 0
    assert "History" in (tmp_path / "h.html").read_text(encoding="utf-8")
    assert "## Example Bank" in command.invoke(app, ["compare", a, b, "--format", "markdown"]).stdout
    assert command.invoke(app, ["compare", a, b, "--output", str(tmp_path / "t.txt")]).exit_code == 1
    assert "rfc9126-2-worse" in (tmp_path / "t.txt").read_text(encoding="utf-8")


def test_mistakes_of_the_command_line_are_told(folders: tuple[str, str], tmp_path: Path) -> None:
    command = CliRunner()

    assert command.invoke(app, ["compare", folders[0]]).exit_code == 2
    done = command.invoke(app, ["compare", folders[0], str(tmp_path / "nowhere")])
    assert done.exit_code == 2
    assert "nowhere" in done.output
    (tmp_path / "x.json").write_text("{}", encoding="utf-8")
    assert command.invoke(app, ["compare", folders[0], str(tmp_path / "x.json")]).exit_code == 2
