"""The view for a pull request or a job's page: both answers, a tally and the gravest findings in Markdown.

Text that a server sent stands in code spans: there nothing is a link, an image, a mention or markup.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from conformance.report.findings import Finding, beside_baseline, findings, matrix
from conformance.report.record import Run
from conformance.report.text import one_line, web_link
from conformance.report.words import ANSWERS, STATES, VERDICTS, duration, listed, plural, specification
from conformance.verdict import Answer, Verdict

#: Findings that are listed; the others are counted.
MOST: Final = 15
_MARKUP = re.compile(r"([\\`*_{}\[\]()#+!|<>~@&$^=]|:(?=//))")


def render(run: Run) -> str:
    """The Markdown text for a run."""
    found = findings(run)
    parts = [
        f"## {plain(run.target.name)}: conformance {_answer(run.conformance)}, gate {_answer(run.gate)}",
        plain(run.sentence),
        *([_limits(run)] if run.problems or run.interrupted or run.selection else []),
        _tally(run),
        *([plain(beside_baseline(run))] if run.baseline else []),
        *_listed(found),
        f"{plural(len(run.checks), 'check')} and {plural(run.requests, 'request')} in "
        f"{duration((run.finished - run.started).total_seconds())}; plans {plain(listed(run.plans))}; "
        f"profile {code(run.target.profile)}, SHA-256 {code(run.target.profile_sha256[:12])}; "
        f"suite {plain(run.suite_version)}.",
    ]
    return "\n\n".join(parts) + "\n"


def plain(text: str) -> str:
    """Text on one line that Markdown takes literally."""
    return _MARKUP.sub(r"\\\1", one_line(text))


def code(text: str, limit: int = 160) -> str:
    """A code span on one line, safe in a table too: a longer fence than any run of backticks in the text."""
    line = one_line(text, limit).replace("|", "\\x7c") or "–"
    fence = "`" * (max((len(run) for run in re.findall(r"`+", line)), default=0) + 1)
    edge = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{edge}{line}{edge}{fence}"


def _answer(answer: Answer) -> str:
    return f"{ANSWERS[answer].sign} {ANSWERS[answer].word}"


def _limits(run: Run) -> str:
    lines = ["The run was interrupted."] if run.interrupted else []
    lines += [code(problem, 240) for problem in run.problems]
    lines += [f"Only a part was run: {code(run.selection)}"] if run.selection else []
    return "\n".join(f"> - {line}" for line in lines)


def _tally(run: Run) -> str:
    verdicts = [verdict for verdict in VERDICTS if run.tally.get(verdict)]
    lines = [
        row(["Specification", *(f"{VERDICTS[verdict].sign} {VERDICTS[verdict].word}" for verdict in verdicts)]),
        row(["---", *("--:" for _ in verdicts)]),
    ]
    lines += [row([plain(specification(part.id)), *_counts(part.tally, verdicts)]) for part in matrix(run)]
    if len(lines) > 3:
        lines.append(row(["**All**", *(f"**{count}**" for count in _counts(run.tally, verdicts))]))
    return "\n".join(lines)


def _listed(found: list[Finding]) -> list[str]:
    if not found:
        return []
    lines = [row(["Verdict", "Level", "Requirement", "Observed"]), row(["---"] * 4)]
    lines += [_finding(finding) for finding in found[:MOST]]
    left = len(found) - MOST
    more = [f"{plural(left, 'more finding')} in the report."] if left > 0 else []
    return ["### Gravest findings", "\n".join(lines), *more]


def _finding(finding: Finding) -> str:
    found, word = finding.requirement, VERDICTS[finding.requirement.verdict]
    url = web_link(found.url)
    name = (
        f"[{plain(found.id)}](<{url.replace('>', '%3E').replace('<', '%3C').replace('|', '%7C')}>)"
        if url
        else code(found.id)
    )
    observed = code(finding.observed or finding.message)
    if finding.state:
        observed += f"<br>{STATES[finding.state].word}"
    return row([f"{word.sign} {word.word}", found.applied, f"{name}<br>{plain(found.text)}", observed])


def _counts(tally: Mapping[Verdict, int], verdicts: list[Verdict]) -> list[str]:
    return [str(tally.get(verdict, 0)) for verdict in verdicts]


def row(cells: list[str]) -> str:
    """A row of a table."""
    return f"| {' | '.join(cells)} |"
