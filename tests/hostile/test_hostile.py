"""Every hostile server: the run ends in a verdict, in time, is reported, and nobody else is asked."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from conformance.report.record import Run
from conformance.verdict import Answer
from tests.conftest import Counted
from tests.hostile.apart import run_apart
from tests.hostile.run import attempt
from tests.hostile.servers import SERVERS, Hostile

SURVIVED = "hostile servers survived"
#: A run may not take longer, whatever the server does (seconds), nor more memory (bytes).
LONGEST = 60
MOST_MEMORY = 500 * 1024 * 1024
#: The worst ones run in a process of their own, which shows what they cost.
APART = ("gzip_bomb", "control_characters_alone", "markup_everywhere")
ESCAPES = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def test_there_are_enough_of_them() -> None:
    assert len(SERVERS) >= 60
    assert sum(server.full for server in SERVERS) >= 10


def judged(run: Run, folder: Path) -> None:
    """What holds for every run against a hostile server."""
    assert run.gate is not Answer.PASS
    assert run.conformance is not Answer.PASS
    assert run.checks, "every check that was sent has a result"
    told = [*run.problems, *(check.message or "" for check in run.checks)]
    assert [text for text in told if "defect of the suite" in text or "Traceback" in text] == []
    written = {path.name for path in folder.rglob("*") if path.is_file()}
    assert {"report.json", "report.html", "junit.xml", "report.sarif", "summary.md"} <= written
    page = next(folder.rglob("report.html")).read_text(encoding="utf-8")
    assert page.count("<script") == 1
    assert "<img" not in page
    assert "onerror=alert" not in re.sub(r"[^<>]*(?=<)", "", page), "no payload stands inside a tag"
    assert not ESCAPES.search(page)


@pytest.mark.parametrize("server", [server for server in SERVERS if server.name not in APART], ids=lambda s: s.name)
def test_ends_in_a_verdict(server: Hostile, tmp_path: Path, counted: Counted) -> None:
    counted(SURVIVED, (), [server.name])
    found = attempt(server, tmp_path)

    judged(found.run, found.folder)
    assert found.seconds < LONGEST
    assert found.canary.requests == 0, "a host was asked that the profile does not name"
    counted(SURVIVED, [server.name], [server.name])


@pytest.mark.parametrize("server", [server for server in SERVERS if server.name in APART], ids=lambda s: s.name)
def test_worst_ones_stay_small(server: Hostile, tmp_path: Path, counted: Counted) -> None:
    counted(SURVIVED, (), [server.name])
    found = run_apart(server, tmp_path)

    assert found.status in {1, 10}
    assert found.peak < MOST_MEMORY
    assert found.seconds < LONGEST
    assert "Traceback" not in found.output
    assert not ESCAPES.search(found.output), "what a server sends does not steer the terminal"
    record = json.loads(next(found.folder.rglob("report.json")).read_text(encoding="utf-8"))
    judged(Run.model_validate(record), found.folder)
    counted(SURVIVED, [server.name], [server.name])
