"""The report for an auditor: one HTML file that needs no network, no server and no script to be read.

What a server sent is hostile. Every text is escaped on its way out, invisible characters become visible
escapes, only links of the catalogue and of the profile can be followed, and the content security policy lets
nothing run but the one script whose hash it carries.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from conformance.report import measures, pictures, words
from conformance.report.findings import Finding, beside_baseline, checks_by_name, findings, matrix
from conformance.report.record import (
    Change,
    CheckResult,
    DeviationResult,
    Exchange,
    Message,
    RequirementResult,
    Run,
    Wait,
)
from conformance.report.text import evidence, one_line, visible, web_link, within
from conformance.verdict import Level, Verdict

#: Characters of a body that the page shows; the record keeps what it has.
BODY_LIMIT: Final = 4096
#: The same on paper.
PAPER_BODY_LIMIT: Final = 1536
#: Characters of a header's value that the page shows.
HEADER_LIMIT: Final = 1024
#: Exchanges of one check that the page shows: the first ones, and the last.
FIRST_EXCHANGES: Final = 12
LAST_EXCHANGES: Final = 12
#: Exchanges that tell what was sent, where the check does not tell it itself.
SENT_LINES: Final = 6
#: Steps in the browser that are shown of one check.
TRACE_LINES: Final = 80
#: Up to so many findings the table of contents on paper names each one.
LISTED_FINDINGS: Final = 60

_FOLDER: Final = Path(__file__).parent


@dataclass(frozen=True)
class Group:
    """The findings of one verdict."""

    verdict: Verdict
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Deviation:
    """An entry of the profile's deviations, and how it stands on the day of the run."""

    entry: DeviationResult
    ends: str


def render(run: Run, pages: Mapping[str, int] | None = None) -> str:
    """The whole page for a run. The same run gives the same page.

    With `pages` (anchor to page number; may be empty) it is the page for paper: a table of contents, the evidence as
    an annex to which the findings point, no script.
    """
    found = findings(run)
    homes = _homes(found)
    style, script = part("report.css"), part("report.js")
    names = {check.name: number for number, check in enumerate(run.checks, 1)}
    answered = measures.answered(run)
    facts = [(fact, pictures.of_fact(fact)) for fact in run.facts]
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            run=run,
            target=run.target,
            style=Markup(style),  # noqa: S704 - our own file
            script=Markup(script),  # noqa: S704 - our own file
            policy=policy(style, script if pages is None else None),
            groups=[
                Group(verdict, tuple(group))
                for verdict, group in groupby(found, lambda finding: finding.requirement.verdict)
            ],
            found={finding.requirement.id for finding in found},
            homes=homes,
            pages=pages,
            body_limit=BODY_LIMIT if pages is None else PAPER_BODY_LIMIT,
            annex=[] if pages is None else _annex(run, homes),
            matrix=matrix(run),
            verdicts=[verdict for verdict in words.ORDER if run.tally.get(verdict)],
            deviations=[_deviation(entry, run.finished.date()) for entry in run.deviations],
            latencies=measures.latencies(run),
            latency=pictures.distribution(answered, "s", "Time to answer") if len(answered) > 1 else Markup(),
            course=pictures.course(
                measures.timeline(run),
                f"Timeline: {words.plural(len(run.checks), 'check')} in {words.duration(_seconds(run))}",
            ),
            longest=max(run.checks, key=lambda check: check.seconds, default=None),
            drawn=[(fact, picture) for fact, picture in facts if picture],
            further=[fact for fact, picture in facts if not picture],
            seconds=_seconds(run),
            names=names,
            beside=beside_baseline(run),
            changes=_changes(run),
        )
    )


def policy(style: str, script: str | None = None) -> str:
    """The content security policy of the page: the one style sheet, the one script if it has one, nothing else."""
    scripts = f"script-src '{_hash(script)}'; " if script is not None else ""
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; {scripts}img-src data:; base-uri 'none'; form-action 'none'"
    )


def slug(identifier: str) -> str:
    """An id as part of an anchor."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", identifier)


def steps(check: CheckResult) -> list[Exchange | Wait | int]:
    """Exchanges and waits of a check in the order of time; a number stands for that many left out."""
    both: list[Exchange | Wait] = [*check.exchanges, *check.waits]
    both.sort(key=lambda step: (step.started, step.number if isinstance(step, Exchange) else 0))
    dropped = len(both) - FIRST_EXCHANGES - LAST_EXCHANGES
    return [*both[:FIRST_EXCHANGES], dropped, *both[-LAST_EXCHANGES:]] if dropped > 1 else [*both]


def families(names: Iterable[str]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Checks by what they are called for people; beneath, each one's name and its parameters (or nothing)."""
    found: dict[str, list[tuple[str, str]]] = {}
    for name in names:
        function, _, parameters = name.split("::")[-1].partition("[")
        title = function.removeprefix("test_").replace("_", " ")
        found.setdefault(title, []).append((name, parameters.removesuffix("]")))
    return list(found.items())


def sent(check: CheckResult) -> str:
    """What a check sent: in its own words, then its exchanges, a line each."""
    lines = [
        f"{step.purpose}: {step.method} {one_line(step.url, 100)} → {step.status or 'no answer'}"
        for step in check.exchanges[:SENT_LINES]
    ]
    left = len(check.exchanges) - len(lines)
    more = [f"and {words.plural(left, 'more exchange')}"] if left else []
    return "\n".join([*([check.sent] if check.sent else []), *lines, *more])


def body(message: Message, limit: int = BODY_LIMIT) -> Markup:
    """A body for the page: cut, invisible characters marked, each parameter of a form on its own line."""
    text = within(message.body, limit)
    kinds = [value for name, value in message.headers if name.lower() == "content-type"]
    if kinds and kinds[0].lower().startswith("application/x-www-form-urlencoded"):
        return Markup().join(
            Markup('<span class="parameter">{}</span>').format(evidence(part))
            for part in re.split(r"(?<=&)", text)
            if part
        )
    return evidence(text)


def cut(message: Message, limit: int = BODY_LIMIT) -> str:
    """What of a body is not shown, as a sentence; empty if all of it is."""
    shown = len(within(message.body, limit))
    if shown < len(message.body):
        return f"{shown:,} characters are shown; {message.size:,} bytes were received or sent."
    if message.size > len(message.body.encode("utf-8", "replace")):
        return f"The body was cut; it had {message.size:,} bytes."
    return ""


def _deviation(entry: DeviationResult, today: date) -> Deviation:
    if entry.until is None:
        return Deviation(entry, "no end")
    days = (entry.until - today).days
    if days < 0:
        return Deviation(entry, f"past by {words.plural(-days, 'day')}")
    return Deviation(entry, f"{words.plural(days, 'day')} left")


def _homes(found: Iterable[Finding]) -> dict[str, RequirementResult]:
    """Check to the requirement under whose finding its evidence stands: the first one, so the gravest."""
    homes: dict[str, RequirementResult] = {}
    for finding in found:
        for check in finding.checks:
            homes.setdefault(check.name, finding.requirement)
    return homes


def _changes(run: Run) -> list[tuple[Change, list[str]]]:
    """The findings that are not the same in the baseline; those that look alike together, with their checks."""
    alike: dict[tuple[str, str, str | None, str | None], list[Change]] = {}
    for change in run.baseline.changes if run.baseline else []:
        if change.state != "known":
            alike.setdefault((change.requirement, change.state, change.before, change.after), []).append(change)
    drawn = [(same[0], [change.check for change in same]) for same in alike.values()]
    return sorted(drawn, key=lambda item: list(words.STATES).index(item[0].state))


def _annex(run: Run, homes: Mapping[str, RequirementResult]) -> list[CheckResult]:
    """The checks whose evidence a reader of the paper looks up, in the order of the findings."""
    checks = checks_by_name(run)
    return [checks[name] for name in homes if checks[name].exchanges or checks[name].waits]


def _rule(finding: Finding) -> str:
    """The level and the rule that applied, as a sentence."""
    row = finding.requirement
    name = words.specification(row.specification)
    if row.level is row.applied and not row.rule:
        said = f"{name} says {row.level}." if row.level is not Level.EXPECTED else f"{name} has no keyword for it."
    else:
        said = f"{name} says {row.level}; applied as {row.applied}" + (f": {row.rule}" if row.rule else "")
        said = said.rstrip(".") + "."
    return said


def _seconds(run: Run) -> float:
    return max((run.finished - run.started).total_seconds(), 0)


def moment(when: datetime) -> str:
    """A moment in UTC; one without a zone stays as it is."""
    if when.tzinfo is None:
        return f"{when:%Y-%m-%d %H:%M:%S}"
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _shown(value: object) -> object:
    """What the template prints for a value: text is made visible and escaped, None is nothing."""
    if value is None:
        return ""
    if isinstance(value, str) and not isinstance(value, Markup):
        return escape(visible(str(value)))
    return value


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def part(name: str) -> str:
    """A file of the page."""
    return (_FOLDER / name).read_text(encoding="utf-8")


@cache
def environment() -> Environment:
    """The templates, with what they are given."""
    environment = Environment(
        loader=FileSystemLoader(_FOLDER, encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Any] = {
        "evidence": evidence,
        "body": body,
        "cut": cut,
        "slug": slug,
        "web_link": web_link,
        "moment": moment,
        "duration": words.duration,
        "plural": words.plural,
        "specification": words.specification,
        "steps": steps,
        "sent": sent,
        "families": families,
        "rule": _rule,
        "listed": words.listed,
    }
    environment.filters |= filters
    environment.globals |= {
        "VERDICTS": words.VERDICTS,
        "ANSWERS": words.ANSWERS,
        "CONFORMANCE": words.CONFORMANCE,
        "GATE": words.GATE,
        "GATE_BASELINE": words.GATE_BASELINE,
        "STATES": words.STATES,
        "LEVELS": words.LEVELS,
        "HEADER_LIMIT": HEADER_LIMIT,
        "TRACE_LINES": TRACE_LINES,
        "LISTED_FINDINGS": LISTED_FINDINGS,
        "KINDS": pictures.OUTCOMES,
        "OUTCOMES": {kind: outcome for outcome, kind in pictures.OUTCOMES.items()},
        "tally_bar": pictures.tally_bar,
    }
    return environment
