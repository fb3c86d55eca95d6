"""The view for Allure: what a check is in Allure's model, and a folder of results from a record.

The live bridge to allure-pytest fills its results with the same functions, so that results written during a run and
those made later from its record are the same tests with the same steps.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from allure_commons.model2 import Attachment, Label, Link, Parameter, StatusDetails, TestResult, TestStepResult
from attr import asdict

from conformance.report.findings import Told, states_of, told
from conformance.report.record import CheckResult, Exchange, Run, Wait
from conformance.report.text import one_line, visible, web_link
from conformance.report.words import specification
from conformance.verdict import BROKEN, Level, Verdict

#: Keeps an attachment: its text, and the name of its file.
Attach = Callable[[str, str], None]
#: What a broken requirement is called, to Allure's severity.
SEVERITIES = {Verdict.FAIL: "critical", Verdict.WARN: "normal", Verdict.NOTE: "minor"}
_STATUSES = {
    Verdict.FAIL: "failed",
    Verdict.STALE: "failed",
    Verdict.INCONCLUSIVE: "broken",
    Verdict.NOT_APPLICABLE: "skipped",
}


@dataclass(frozen=True)
class Place:
    """Where a check belongs: a requirement, its section and its specification."""

    requirement: str
    section: str
    specification: str
    title: str
    url: str


def fill(result: TestResult, check: CheckResult, places: Iterable[Place], word: str, severity: str) -> None:
    """Put into a result what identifies a check, its true times, and the labels: verdict, severity, places."""
    result.name = result.fullName = visible(check.name)
    function, _, variant = check.name.partition("[")
    result.testCaseId = _hash(function)
    result.historyId = _hash(check.name)
    result.description = visible(check.title)
    result.parameters = [Parameter(name="variant", value=variant.removesuffix("]"))] if variant else []
    if check.started is not None:
        result.start, result.stop = _milliseconds(check.started, check.seconds)
    result.labels += [Label("verdict", word), Label("severity", severity)]
    for place in places:
        result.labels += [
            Label("epic", place.title),
            Label("feature", f"{specification(place.specification)} section {place.section}"),
            Label("story", place.requirement),
        ]
        if url := web_link(place.url):
            result.links.append(Link("link", url, place.requirement))


def add_steps(result: TestResult, check: CheckResult, attach: Attach) -> None:
    """One step for each exchange, with the exchange attached, and for each wait, in the order of time."""
    happened: list[Exchange | Wait] = sorted([*check.exchanges, *check.waits], key=lambda happening: happening.started)
    result.steps += [
        _step(happening, f"{_id(check, str(number))}-attachment.json", attach)
        for number, happening in enumerate(happened)
    ]


def severity(levels: Iterable[Level]) -> str:
    """Allure's severity for a check of requirements of these levels: that of the strongest."""
    return SEVERITIES[BROKEN[min(levels, key=list(Level).index, default=Level.EXPECTED)]]


def write(run: Run, folder: Path) -> Path:
    """Write the results of a run as Allure reads them, one a check. Earlier results in the folder go. Raises OSError.

    The same run gives the same files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for kind in ("result", "attachment"):
        for path in folder.glob(f"*-{kind}.json"):
            path.unlink()

    def keep(text: str, name: str) -> None:
        (folder / name).write_text(text, encoding="utf-8", newline="\n")

    rows, states = {row.id: row for row in run.requirements}, states_of(run)
    for check in run.checks:
        result = _result(check, run, told(check, rows, run.deviations, states))
        add_steps(result, check, keep)
        data = asdict(result, filter=lambda _, value: bool(value) or value is False)
        keep(json.dumps(data), f"{result.uuid}-result.json")
    about = {"target": run.target.name, "plans": ", ".join(run.plans), "suite": run.suite_version}
    keep("".join(f"{name}={one_line(value)}\n" for name, value in about.items()), "environment.properties")
    return folder


def _result(check: CheckResult, run: Run, found: Told) -> TestResult:
    result = TestResult(uuid=_id(check, "result"), stage="finished")
    result.status = "passed" if found.excused else _STATUSES.get(found.verdict, "passed")
    if check.message:
        result.statusDetails = StatusDetails(message=visible(check.message))
    verified = [row for row in run.requirements if row.id in check.requirements]
    places = [
        Place(row.id, row.section, row.specification, run.specifications.get(row.specification, ""), row.url)
        for row in verified
    ]
    word = found.state if found.excused and found.state else str(found.verdict)
    fill(result, check, places, word, severity(row.applied for row in verified))
    result.labels += [Label("suite", check.name.split("::")[0]), Label("framework", "par-conformance")]
    return result


def _milliseconds(started: float, seconds: float) -> tuple[int, int]:
    """Start and stop as Allure counts them, from Unix seconds and a duration in seconds."""
    return int(started * 1000), int((started + seconds) * 1000)


def _step(happening: Exchange | Wait, source: str, attach: Attach) -> TestStepResult:
    start, stop = _milliseconds(happening.started, happening.seconds)
    if isinstance(happening, Wait):
        return TestStepResult(name=f"wait: {visible(happening.reason)}", start=start, stop=stop, status="passed")
    step = TestStepResult(
        name=visible(f"{happening.purpose}: {happening.method} {happening.status or 'no answer'}"),
        start=start,
        stop=stop,
        status="passed" if happening.error is None else "broken",
        statusDetails=StatusDetails(message=visible(happening.error)) if happening.error else None,
    )
    attach(json.dumps(happening.model_dump(), indent=1, ensure_ascii=True), source)
    step.attachments.append(Attachment(source=source, name="exchange", type="application/json"))
    return step


def _id(check: CheckResult, part: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{check.name} {check.started} {part}"))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:32]
