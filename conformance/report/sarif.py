"""The view for code scanning: SARIF 2.1.0 (OASIS). A rule is a requirement, a result is a finding.

A server has no source lines to point at. The one artifact is the profile, the file that the run was told by;
where a finding stands is told by a logical location.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from conformance.report.findings import Finding, findings
from conformance.report.record import RequirementResult, Run
from conformance.report.text import visible, web_link
from conformance.report.words import specification
from conformance.verdict import BROKEN, Verdict

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS: Final = {
    Verdict.FAIL: "error",
    Verdict.STALE: "error",
    Verdict.WARN: "warning",
    Verdict.NOTE: "note",
}
#: What a finding is beside the baseline, as SARIF calls it.
_BASELINE_STATES: Final = {"new": "new", "new-check": "new", "changed": "updated", "known": "unchanged"}


def render(run: Run) -> str:
    """The SARIF log of a run, as JSON text."""
    return json.dumps(log(run), ensure_ascii=False, indent=2) + "\n"


def log(run: Run) -> dict[str, Any]:
    """The SARIF log of a run: results for fail, stale, warn and note; a deviation is a suppressed one."""
    found = [
        finding
        for finding in findings(run)
        if finding.requirement.verdict in _LEVELS or finding.requirement.verdict is Verdict.DEVIATION
    ]
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "par-conformance",
                        "version": run.suite_version,
                        "rules": [_rule(finding.requirement) for finding in found],
                    }
                },
                "invocations": [_invocation(run)],
                "automationDetails": {"id": f"par-conformance/{quote(visible(run.target.name), safe='')}/"},
                "artifacts": [{"location": {"uri": _uri(run)}, "hashes": {"sha-256": run.target.profile_sha256}}],
                "results": [_result(number, finding, run) for number, finding in enumerate(found)],
                "columnKind": "unicodeCodePoints",
                "properties": {
                    "conformance": run.conformance,
                    "gate": run.gate,
                    "plans": [visible(plan) for plan in run.plans],
                    "target": visible(run.target.name),
                },
            }
        ],
    }


def _rule(row: RequirementResult) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "id": visible(row.id),
        "shortDescription": {"text": visible(row.text)},
        "fullDescription": {"text": visible(f"{row.text} If it is broken: {row.risk}")},
        "defaultConfiguration": {"level": _LEVELS.get(BROKEN[row.applied], "note")},
        "properties": {
            "tags": ["security", "oauth", visible(row.specification)],
            "level": row.applied,
            "section": visible(f"{specification(row.specification)}, section {row.section}"),
        },
    }
    if row.fix:
        rule["help"] = {"text": visible(row.fix)}
    if url := web_link(row.url):
        rule["helpUri"] = url
    return rule


def _result(number: int, finding: Finding, run: Run) -> dict[str, Any]:
    row = finding.requirement
    level = _LEVELS.get(row.verdict) or _LEVELS[BROKEN[row.applied]]
    told = [row.text, f"Observed: {finding.observed}." if finding.observed else "", finding.message]
    told += [
        f"{name}: {value}"
        for check in finding.checks[:1]
        for name, value in (("Expected", check.expected), ("Received", check.received))
        if value
    ]
    result: dict[str, Any] = {
        "ruleId": visible(row.id),
        "ruleIndex": number,
        "level": level,
        "message": {"text": "\n".join(visible(line) for line in told if line)},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": _uri(run), "index": 0}},
                "logicalLocations": [
                    {
                        "name": visible(row.id),
                        "fullyQualifiedName": visible(f"{run.target.issuer or run.target.name}/{row.id}"),
                        "kind": "resource",
                    }
                ],
            }
        ],
        "partialFingerprints": {"finding/v1": _fingerprint(finding, run)},
        "properties": {
            "verdict": row.verdict,
            "checks": [visible(check.name) for check in finding.checks],
        },
    }
    if finding.state:
        result["baselineState"] = _BASELINE_STATES[finding.state]
    if row.verdict is Verdict.DEVIATION:
        result["suppressions"] = [
            {"kind": "external", "status": "accepted", "justification": visible(entry.reason)}
            for entry in finding.deviations
            if entry.state == "matched"
        ]
    return result


def _invocation(run: Run) -> dict[str, Any]:
    invocation: dict[str, Any] = {
        "executionSuccessful": not run.interrupted and not run.problems,
        "startTimeUtc": _moment(run.started),
        "endTimeUtc": _moment(run.finished),
    }
    if run.problems:
        invocation["toolExecutionNotifications"] = [
            {"level": "error", "message": {"text": visible(problem)}} for problem in run.problems
        ]
    return invocation


def _fingerprint(finding: Finding, run: Run) -> str:
    """The same for the same finding at the same target, run after run."""
    parts = [run.target.name, finding.requirement.id, finding.observed, *(c.name for c in finding.checks)]
    return hashlib.sha256("\n".join(parts).encode("utf-8", "backslashreplace")).hexdigest()[:32]


def _uri(run: Run) -> str:
    return quote(visible(run.target.profile))


def _moment(moment: datetime) -> str:
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return f"{zoned.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"
