"""What the report has of the browser: a HAR file of its exchanges, pictures and steps in the page."""

from __future__ import annotations

import json
from pathlib import Path

from bs4 import BeautifulSoup

from conformance.report import har, write
from conformance.report.html import render
from conformance.report.record import Picture, Run, Step
from conformance.verdict import Verdict
from tests.record_parts import check, exchange, record, requirement

ID = "rfc9126-4-one-time-use"
JPEG = "data:image/jpeg;base64,/9j/AAAA"


def run(outcome: str = "violation", **told: object) -> Run:
    seen = exchange(2, "browser: document", method="GET", path="/authorize?client_id=a%26b", status=303)
    checks = [
        check("in_browser", "A check in the browser.", [ID], outcome, exchanges=[exchange(1, "push"), seen], **told),
        check("over_http", "Another.", [ID], exchanges=[exchange(1, "push")]),
    ]
    verdict = Verdict.WARN if outcome == "violation" else Verdict.PASS
    return record([requirement(ID, verdict, "It is used once.", checks=["in_browser", "over_http"])], checks)


def test_the_har_file_holds_the_checks_in_the_browser_and_no_others(tmp_path: Path) -> None:
    paths = write.write(run(), tmp_path)

    log = json.loads(paths["har"].read_text(encoding="utf-8"))["log"]
    assert log["version"] == "1.2"
    assert [page["title"] for page in log["pages"]] == ["in_browser: violation"]
    assert [entry["comment"] for entry in log["entries"]] == ["push", "browser: document"]
    assert log["entries"][1]["request"]["queryString"] == [{"name": "client_id", "value": "a&b"}]
    assert {entry["pageref"] for entry in log["entries"]} == {log["pages"][0]["id"]}


def test_without_a_browser_there_is_no_har_file(tmp_path: Path) -> None:
    plain = record([], [check("over_http", "Another.", [ID])])

    assert har.NAME not in {path.name for path in write.write(plain, tmp_path).values()}


def test_pictures_and_steps_stand_beside_the_finding() -> None:
    picture = Picture(caption="consent asked", url="https://login.bank.example/consent", data=JPEG)
    steps = [Step(at=10.0, text="opened <b>the page</b>"), Step(at=11.5, text="pressed 'Allow'")]

    page = BeautifulSoup(render(run(pictures=[picture], trace=steps)), "html.parser")

    image = page.select_one("article.finding .pictures img")
    assert image is not None
    assert image["src"] == JPEG
    assert "consent asked" in str(image["alt"])
    lines = [" ".join(line.get_text(" ").split()) for line in page.select(".trace li")]
    assert lines[0].endswith("opened <b>the page</b>")
    assert lines[1].startswith("1.5 s")


def test_a_withheld_picture_is_told_and_nothing_but_a_jpeg_is_shown() -> None:
    pictures = [
        Picture(caption="a page", url="https://login.bank.example/a", data="", withheld="a secret could be read on it"),
        Picture(caption="another", url="https://login.bank.example/b", data="https://login.bank.example/tracker.png"),
    ]

    page = BeautifulSoup(render(run(pictures=pictures)), "html.parser")

    assert page.select("img") == []
    assert "withheld, for a secret could be read on it" in page.get_text(" ")


def test_the_picture_of_a_check_that_passed_is_shown_with_it() -> None:
    picture = Picture(caption="login asked", url="https://login.bank.example/login", data=JPEG)

    page = BeautifulSoup(render(run("pass", pictures=[picture])), "html.parser")

    assert len(page.select("#checks .pictures img")) == 1
