"""What a record says once its parts are joined, and the numbers and pictures taken from it."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from conformance.report.findings import count, findings, matrix
from conformance.report.measures import answered, latencies, percentile, timeline
from conformance.report.pictures import course, distribution, lifetime, limit, of_fact, randomness, tally_bar
from conformance.report.record import DeviationResult, Fact, Run, Wait
from conformance.verdict import Level, Verdict
from tests.record_parts import STARTED, check, exchange, record, requirement
from tests.records import clean_run, sample_run


def _started(seconds: float) -> float:
    return STARTED.timestamp() + seconds


def test_findings_come_the_gravest_first() -> None:
    found = findings(sample_run())
    assert [finding.requirement.verdict for finding in found] == [
        *[Verdict.FAIL] * 3,
        Verdict.STALE,
        Verdict.DEVIATION,
        Verdict.INCONCLUSIVE,
        *[Verdict.WARN] * 2,
        Verdict.NOTE,
    ]
    assert findings(clean_run()) == []


def test_a_finding_names_the_checks_that_brought_it() -> None:
    by_id = {finding.requirement.id: finding for finding in findings(sample_run())}
    reused = by_id["rfc9126-4-one-time-use"]
    assert [done.name for done in reused.checks] == ["test_use.py::test_request_uri_is_used_once"]
    assert reused.observed == "code-issued"
    assert reused.message.startswith("The second request")
    assert by_id["rfc9449-10.1-dpop-jkt-bound"].checks[0].outcome == "inconclusive"
    # A stale entry is told by what the profile listed, for the check itself passes.
    assert by_id["rfc9126-2.3-too-large"].observed == "status-400"
    assert by_id["rfc9126-2.3-too-large"].checks[0].outcome == "pass"


def test_a_check_that_broke_another_requirement_is_no_reason() -> None:
    names = ["rfc9126-2.1-first", "rfc9126-2.1-second"]
    both = check("a.py::test", "Both.", names, "violation", observed="seen").model_copy(update={"broken": names[:1]})
    rows = [requirement(name, Verdict.FAIL, "Text.", checks=["a.py::test"]) for name in names]
    first, second = findings(record(rows, [both]))
    assert [first.observed, second.observed] == ["seen", ""]
    assert second.message == ""


@pytest.mark.parametrize(
    ("entry", "stale"),
    [(None, True), ("a.py::test", True), ("a.py::test[x]", True), ("a.py::test[y]", False)],
)
def test_a_stale_entry_is_matched_to_its_check(entry: str | None, stale: bool) -> None:
    row = requirement("rfc9126-2.1-first", Verdict.STALE, "Text.", checks=["a.py::test[x]"])
    listed = DeviationResult(
        requirement=row.id, observed="seen", check=entry, reason="", ticket=None, until=None, state="stale"
    )
    run = record([row], [check("a.py::test[x]", "One.", [row.id])], deviations=[listed])
    assert bool(findings(run)[0].checks) is stale


def test_the_matrix_follows_the_record_and_the_numbers_of_sections() -> None:
    parts = matrix(sample_run())
    assert [part.id for part in parts] == ["rfc9126", "rfc9101", "rfc9449", "fapi2"]
    assert [section.section for section in parts[0].sections] == ["2.1", "2.2", "2.3", "2.10", "4", "5", "7.1"]
    assert parts[0].title == "OAuth 2.0 Pushed Authorization Requests"
    assert sum(sum(part.tally.values()) for part in parts) == len(sample_run().requirements)
    unnamed = matrix(sample_run(specifications={}))
    assert [part.id for part in unnamed] == ["fapi2", "rfc9101", "rfc9126", "rfc9449"]


def test_counts_leave_out_what_nobody_has() -> None:
    rows = [requirement("rfc9126-2.1-first", Verdict.PASS, "Text.", level=Level.MAY)]
    assert count(rows) == {Verdict.PASS: 1}


def test_latency_counts_answers_alone() -> None:
    exchanges = [exchange(n, "push", seconds=0.1 * n) for n in (1, 2, 3)]
    exchanges.append(exchange(4, "push", status=None, seconds=15, error="No answer."))
    run = record([], [check("a.py::test", "One.", [], exchanges=exchanges)])
    assert answered(run) == pytest.approx([0.1, 0.2, 0.3])
    (row,) = latencies(run)
    assert (row.purpose, row.number) == ("push", 3)
    assert [row.median, row.slow, row.slowest] == pytest.approx([0.2, 0.3, 0.3])
    assert percentile([5, 1, 3], 0.5) == 3


def test_the_timeline_gives_a_lane_to_what_runs_side_by_side() -> None:
    checks = [
        check("a", "A.", [], started=0, seconds=2),
        check("b", "B.", [], started=1, seconds=2),
        check("c", "C.", [], started=2.5, seconds=1),
        check("d", "D.", []).model_copy(update={"started": None}),
    ]
    assert [(bar.name, bar.lane) for bar in timeline(record([], checks))] == [("a", 0), ("b", 1), ("c", 0)]
    assert timeline(record([], [])) == []


def test_a_wait_is_drawn_thin() -> None:
    waits = [Wait(started=_started(1), seconds=8, reason="until it expires")]
    bars = timeline(record([], [check("a", "A.", [], started=0, seconds=10, waits=waits)]))
    root = ElementTree.fromstring(str(course(bars, "Timeline")))
    heights = [float(rect.get("height", "0")) for rect in root.iter("rect")]
    assert len(heights) == 3  # the wait behind all, and what was busy before and after it
    assert heights[0] < heights[1] == heights[2]


@pytest.mark.parametrize(
    "picture",
    [
        distribution([1.0, 1.0], "ms", "All the same"),
        distribution([float(number) for number in range(300)], "s", "Many <&>\x1b"),
        lifetime([60], "Declared alone"),
        lifetime([60, 66], "Never refused"),
        lifetime([60, 66, 70], "All known"),
        lifetime([0, 0, 0], "Nothing"),
        limit([1000], "bytes", "Never refused"),
        limit([1000, 1024], "bytes", "Both known"),
        limit([0, 0], "bytes", "Nothing"),
        randomness([5.9, 0, 6], "Bits"),
        tally_bar({Verdict.PASS: 3, Verdict.FAIL: 1}, "Tally"),
        tally_bar({}, "Empty"),
        course(timeline(sample_run()), "Timeline"),
    ],
)
def test_a_picture_is_well_formed_and_has_a_text(picture: str) -> None:
    root = ElementTree.fromstring(str(picture))
    assert root.get("role") == "img"
    assert root.get("aria-label")
    # The content security policy refuses style attributes, and links could lead anywhere.
    assert not [part for part in root.iter() if set(part.attrib) & {"style", "href", "onload"}]


def test_one_outlier_does_not_flatten_a_histogram() -> None:
    picture = distribution([1.0 + number / 100 for number in range(199)] + [900.0], "s", "Time")
    assert "and more" in picture
    assert "900" not in picture


def test_pictures_of_facts() -> None:
    assert "declared 1 min 0 s" not in of_fact(Fact(name="L", value="60", samples=[60], picture="lifetime"))
    assert "declared 60.0 s" in of_fact(Fact(name="L", value="60", samples=[60], picture="lifetime"))
    assert "128 are enough" in of_fact(Fact(name="R", value="9", samples=[3, 3, 3], picture="randomness"))
    body = Fact(name="B", value="1,000", unit="bytes", samples=[1000, 1024], picture="limit")
    assert "accepted at 1,000 bytes, refused at 1,024 bytes" in of_fact(body)
    assert "20 ms" in of_fact(Fact(name="T", value="3", unit="ms (median)", samples=[1, 20]))
    assert of_fact(Fact(name="T", value="3", samples=[3])) == ""
    assert of_fact(Fact(name="T", value="3", picture="lifetime")) == ""


def test_nothing_ran_nothing_is_drawn() -> None:
    run: Run = record([], [])
    assert course(timeline(run), "Timeline") == ""
