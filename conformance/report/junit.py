"""The view for continuous integration servers: JUnit XML, as Jenkins, GitLab and others read it.

One test case a check, in the suite of its specification: a failure where the gate fails, an error where
nothing could be concluded, skipped where nothing applied. A requirement without checks is a
test case of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from xml.etree import ElementTree

from conformance.report.findings import states_of, told
from conformance.report.record import CheckResult, RequirementResult, Run
from conformance.report.text import visible
from conformance.report.words import STATES, by_number, specification
from conformance.verdict import Verdict

#: Verdicts to the element that tells them; the others pass.
_ELEMENTS = {
    Verdict.FAIL: "failure",
    Verdict.STALE: "failure",
    Verdict.INCONCLUSIVE: "error",
    Verdict.NOT_APPLICABLE: "skipped",
    Verdict.UNTESTED: "skipped",
}


@dataclass(frozen=True)
class Case:
    """One test case: where it stands, what became of it, and what a person is told."""

    suite: str
    place: str
    name: str
    seconds: float
    verdict: Verdict
    headline: str
    text: str
    excused: bool = False
    """Whether it is a failure that the gate does not count: the baseline has it, or did not have the check."""

    @property
    def element(self) -> str | None:
        """The element that tells it; None where it passes."""
        return None if self.excused else _ELEMENTS.get(self.verdict)


def render(run: Run) -> str:
    """The XML document for a run. What XML 1.0 cannot carry stands as a visible escape."""
    cases = list(_cases(run))
    root = ElementTree.Element("testsuites", {"name": visible(run.target.name)} | _numbers(cases))
    for name in sorted({case.suite for case in cases}, key=by_number):
        _suite(root, name, [case for case in cases if case.suite == name], run)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _suite(root: ElementTree.Element, name: str, cases: list[Case], run: Run) -> None:
    suite = ElementTree.SubElement(
        root,
        "testsuite",
        {"name": visible(specification(name)), "timestamp": f"{run.started:%Y-%m-%dT%H:%M:%S}"}
        | _numbers(cases)
        | {"skipped": str(_number(cases, "skipped"))},
    )
    properties = ElementTree.SubElement(suite, "properties")
    for key, value in {
        "target": run.target.name,
        "plans": ", ".join(run.plans),
        "profile_sha256": run.target.profile_sha256,
        "conformance": run.conformance,
        "gate": run.gate,
    }.items():
        ElementTree.SubElement(properties, "property", {"name": key, "value": visible(value)})
    for case in cases:
        _case(suite, case)


def _case(suite: ElementTree.Element, case: Case) -> None:
    element = ElementTree.SubElement(
        suite,
        "testcase",
        {"name": visible(case.name), "classname": visible(case.place), "time": f"{case.seconds:.3f}"},
    )
    if kind := case.element:
        attributes = {"message": visible(case.headline)}
        if kind != "skipped":
            attributes["type"] = case.verdict
        ElementTree.SubElement(element, kind, attributes).text = visible(case.text)
    elif case.text:
        ElementTree.SubElement(element, "system-out").text = visible(case.text)


def _cases(run: Run) -> Iterable[Case]:
    """The checks in their order, then the requirements that have none."""
    rows = {row.id: row for row in run.requirements}
    states = states_of(run)
    for check in run.checks:
        found = told(check, rows, run.deviations, states)
        row, verdict = found.requirement, found.verdict
        text = _text(check, row, verdict) if verdict is not Verdict.PASS else ""
        yield Case(
            suite=row.specification if row else "checks",
            place=f"{row.specification}/{row.section}" if row else "checks",
            name=check.name,
            seconds=check.seconds,
            verdict=verdict,
            headline=f"{row.id if row else check.name}: {check.observed or verdict}",
            text=f"{text}\nbeside the baseline: {STATES[found.state].word}" if found.state else text,
            excused=found.excused,
        )
    ran = {check.name for check in run.checks}
    for row in run.requirements:
        if not ran.intersection(row.checks):
            yield Case(
                suite=row.specification,
                place=f"{row.specification}/{row.section}",
                name=row.id,
                seconds=0,
                verdict=row.verdict,
                headline=row.reason or row.verdict,
                text="\n".join(part for part in (row.text, row.reason) if part),
            )


def _text(check: CheckResult, row: RequirementResult | None, verdict: Verdict) -> str:
    lines = [f"{verdict}: {check.title}", check.message or ""]
    lines += [
        f"{name}: {value}"
        for name, value in (("sent", check.sent), ("expected", check.expected), ("received", check.received))
        if value
    ]
    if row:
        lines += [f"{row.applied} {row.id}: {row.text}", row.reason or "", f"risk: {row.risk}"]
        lines += [f"fix: {row.fix}" if row.fix else "", row.url]
    return "\n".join(line for line in lines if line)


def _number(cases: list[Case], kind: str) -> int:
    return sum(case.element == kind for case in cases)


def _numbers(cases: list[Case]) -> dict[str, str]:
    return {
        "tests": str(len(cases)),
        "failures": str(_number(cases, "failure")),
        "errors": str(_number(cases, "error")),
        "time": f"{sum(case.seconds for case in cases):.3f}",
    }
