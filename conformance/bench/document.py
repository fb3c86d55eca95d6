"""What the runs of the bench found, as a document: a table, and each finding in plain words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from conformance.bench.servers import SERVERS
from conformance.bench.trials import WITHOUT_PAR, Trial
from conformance.report.markdown import plain
from conformance.report.record import CheckResult, RequirementResult, Run
from conformance.verdict import Verdict

_OPENING = """\
# Real servers

Servers that others wrote, run on loopback: `make test-servers` installs, starts and tries them, and `make servers-page`
makes this page of their records. What a server is known to do otherwise stands as a deviation in its profile
in [targets/](../targets), with a reason: whatever changes, for better or worse, breaks the gate.

The figures are requirements. What is missing to the whole cannot be seen from outside.
"""
_COLUMNS = (
    Verdict.PASS,
    Verdict.FAIL,
    Verdict.WARN,
    Verdict.NOTE,
    Verdict.DEVIATION,
    Verdict.INCONCLUSIVE,
    Verdict.NOT_APPLICABLE,
)
#: Findings, the gravest first, and how each kind is introduced.
_TOLD = {
    Verdict.FAIL: "Broken, and not expected",
    Verdict.STALE: "Listed as a deviation and not seen any more",
    Verdict.DEVIATION: "Known deviations",
    Verdict.WARN: "Recommendations not followed",
    Verdict.INCONCLUSIVE: "Could not be judged",
    Verdict.NOTE: "Worth knowing",
}


def document(found: Iterable[Trial]) -> str:
    """The page as Markdown. `found` are the trials in the order of the servers."""
    kept = list(found)
    parts = [_OPENING, "\n".join(_table(kept)) + "\n"]
    parts += ["\n".join(_section(item)) + "\n" for item in kept]
    return "\n".join(parts)


def _table(found: Iterable[Trial]) -> Iterator[str]:
    columns = ("server", "version", "profile", *map(str, _COLUMNS), "gate", "seconds")
    yield f"| {' | '.join(columns)} |"
    yield f"|{'---|' * len(columns)}"
    for item in found:
        counts = [str(item.run.tally.get(verdict, 0)) if item.run else "-" for verdict in _COLUMNS]
        gate = str(item.run.gate) if item.run else "not run"
        profile = f"[{item.profile}](../targets/{item.profile})"
        yield f"| {' | '.join((item.server, item.version, profile, *counts, gate, f'{item.seconds:.0f}'))} |"


def _section(item: Trial) -> Iterator[str]:
    """What one profile's run found."""
    yield f"## {item.profile}"
    yield ""
    if item.run is None:
        yield f"{SERVERS[item.server].summary}: {item.said}."
        return
    yield f"{SERVERS[item.server].summary}. {_sentence(plain(item.run.sentence))}"
    for problem in item.run.problems:
        yield _sentence(plain(problem))
    if item.server in WITHOUT_PAR:
        return
    for verdict, title in _TOLD.items():
        lines = [_finding(item.run, one) for one in item.run.requirements if one.verdict is verdict]
        if lines:
            yield from ("", f"{title}:", "", *lines)


def _finding(run: Run, requirement: RequirementResult) -> str:
    """One finding: what is demanded, what was seen, and why that is borne."""
    broken = [
        check
        for check in run.checks
        if check.name in requirement.checks and (requirement.id in check.broken or check.outcome == "inconclusive")
    ]
    words = sorted({check.observed for check in broken if check.observed})
    seen = f" (`{'`, `'.join(words)}`)" if words else ""
    reasons = sorted({one.reason for one in run.deviations if one.requirement == requirement.id})
    told = [f"- [{requirement.id}]({requirement.url}), {requirement.level}: {' '.join(requirement.text.split())}"]
    told.append(f"Seen{seen}: {_sentence(_what(broken) or requirement.reason or 'nothing')}")
    told += [_sentence(" ".join(reason.split())) for reason in reasons]
    return " ".join(told)


def _what(broken: list[CheckResult]) -> str:
    """What was seen, once for all checks that say the same."""
    messages = list(dict.fromkeys(plain(check.message or "") for check in broken))
    return "; ".join(filter(None, messages[:2])) + ("; …" if len(messages) > 2 else "")


def _sentence(text: str) -> str:
    return text if text.endswith((".", "…", "!")) else f"{text}."
