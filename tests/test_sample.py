"""The committed sample shows what the code makes today."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance import sample
from conformance.report import html, junit, markdown, sarif, seal
from conformance.report.record import VERSION, Run
from conformance.report.write import read
from conformance.verdict import Answer, Verdict

FOLDER = Path(__file__).parent.parent / sample.FOLDER
AGAIN = "make it anew: python -m conformance.sample (or its views: par-conformance report reports/sample --format …)"


@pytest.fixture(scope="module")
def run() -> Run:
    return read(FOLDER / "report.json")


def test_it_is_of_this_version_and_has_findings_of_every_kind(run: Run) -> None:
    assert run.version == VERSION
    assert run.conformance is run.gate is Answer.FAIL
    assert {Verdict.FAIL, Verdict.WARN, Verdict.NOTE, Verdict.DEVIATION, Verdict.STALE} <= set(run.tally)
    assert not run.tally.get(Verdict.INCONCLUSIVE)
    assert {fact.picture for fact in run.facts} >= {"lifetime", "limit", "randomness"}


@pytest.mark.parametrize(
    ("name", "render"),
    [
        ("report.html", html.render),
        ("junit.xml", junit.render),
        ("report.sarif", sarif.render),
        ("summary.md", markdown.render),
    ],
)
def test_its_views_are_those_of_its_record(run: Run, name: str, render: object) -> None:
    assert callable(render)
    assert (FOLDER / name).read_text(encoding="utf-8") == render(run), AGAIN


def test_it_is_modest_and_whole() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 1_000_000
    assert seal.verify(FOLDER).good
