"""Runs beside each other for people: in the terminal, as Markdown, and as an HTML page that is a history of many.

The differences are those of the last two runs; from three runs on every requirement that moved follows, run by run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup
from rich.console import Console
from rich.text import Text

from conformance.report import html, markdown, words
from conformance.report.comparison import Comparison, Line, Row, Side, State, compare, history
from conformance.report.record import Run
from conformance.report.text import one_line
from conformance.report.words import ANSWERS, STATES, VERDICTS, plural
from conformance.verdict import Verdict

#: Differences of one state that the terminal and Markdown list; the others are counted.
MOST: Final = 25
#: Checks of one difference that Markdown lists.
FEW: Final = 3
#: The states that are listed, in this order; `known` is only counted.
LISTED: Final = (State.NEW, State.CHANGED, State.NEW_CHECK, State.MENDED, State.UNMATCHED)
_STYLES: Final = {
    State.NEW: "bold red",
    State.CHANGED: "bold yellow",
    State.NEW_CHECK: "yellow",
    State.MENDED: "green",
    State.UNMATCHED: "cyan",
}


def sentence(found: Comparison) -> str:
    """What a comparison comes to."""
    counts = [f"{len(found.of(state))} {STATES[state].word}" for state in LISTED if found.of(state)]
    worse = "a MUST" if found.breaks else "no MUST"
    told = words.listed([*counts, f"{found.known} known"])
    return f"The later run breaks {worse} that the earlier one did not break like this. Findings: {told}."


@dataclass(frozen=True)
class Block:
    """The differences of one requirement that look the same, and the checks that show them."""

    row: Row
    checks: tuple[str, ...]

    @property
    def before(self) -> str:
        """The earlier run's word."""
        return side(self.row.before)

    @property
    def after(self) -> str:
        """The later run's word."""
        return side(self.row.after)


def blocks(rows: Iterable[Row]) -> list[Block]:
    """Rows drawn together, in their order."""
    drawn: dict[tuple[str, Side, Side], list[Row]] = {}
    for row in rows:
        drawn.setdefault((row.requirement.id, row.before, row.after), []).append(row)
    return [Block(same[0], tuple(row.check for row in same)) for same in drawn.values()]


def side(part: Side) -> str:
    """One run's word on a finding: the verdict and what was observed."""
    if part.verdict is None:
        return "not in force"
    if part.outcome is None:
        return "no such check"
    seen = part.observed if part.observed is not None else part.outcome.replace("-", " ")
    return seen if VERDICTS[part.verdict].word == seen else f"{VERDICTS[part.verdict].word}: {seen}"


def limits(found: Comparison) -> list[str]:
    """What makes two runs hard to compare, a sentence each."""
    told = []
    for run, name in ((found.before, "earlier"), (found.after, "later")):
        if run.interrupted:
            told.append(f"The {name} run was interrupted.")
        if run.selection:
            told.append(f"The {name} run is only a part: {run.selection}")
    if found.before.target.profile_sha256 != found.after.target.profile_sha256:
        told.append("The runs were made with different profiles.")
    if found.before.suite_version != found.after.suite_version:
        told.append(f"The suite was {found.before.suite_version} and is {found.after.suite_version}.")
    for names, name in ((found.only_before, "earlier"), (found.only_after, "later")):
        if names:
            told.append(f"{plural(len(names), 'requirement')} in force only in the {name} run.")
    return told


# -- terminal --------------------------------------------------------------------------------------------------------


def print_comparison(runs: Sequence[Run], console: Console) -> None:
    """Print the differences of the last two runs and, of three and more, one line a run."""
    found = compare(runs[-2], runs[-1])
    for run in runs:
        console.print(Text(_named(run), style="bold"))
    for state in LISTED:
        drawn = blocks(found.of(state))
        if drawn:
            console.print()
            console.print(Text(f"{STATES[state].word} ({len(found.of(state))})", style=_STYLES[state]))
        for block in drawn[:MOST]:
            turn = f"{one_line(block.before, 80)} → {one_line(block.after, 80)}"
            console.print(Text(f"  {block.row.requirement.applied} {one_line(block.row.requirement.id)}  {turn}"))
            for title, variants in html.families(block.checks):
                told = ", ".join(variant for _, variant in variants if variant)
                console.print(Text(f"    {one_line(title)}{': ' if told else ''}{one_line(told, 160)}", style="dim"))
        if len(drawn) > MOST:
            console.print(Text(f"  and {plural(len(drawn) - MOST, 'more requirement')}", style="dim"))
    console.print()
    for limit in limits(found):
        console.print(Text(f"! {one_line(limit, 200)}", style="yellow"))
    console.print(Text(sentence(found), style="bold"))


def _named(run: Run) -> str:
    answers = f"conformance {ANSWERS[run.conformance].word}, gate {ANSWERS[run.gate].word}"
    tally = ", ".join(
        f"{run.tally[verdict]} {VERDICTS[verdict].word}" for verdict in VERDICTS if run.tally.get(verdict)
    )
    return f"{html.moment(run.started)}  {one_line(run.target.name, 60)}: {answers}; {tally}"


# -- Markdown --------------------------------------------------------------------------------------------------------


def render_markdown(runs: Sequence[Run]) -> str:
    """The Markdown text: the runs, the differences of the last two, the history of three and more."""
    found = compare(runs[-2], runs[-1])
    parts = [
        f"## {markdown.plain(runs[-1].target.name)}: {plural(len(runs), 'run')} compared",
        markdown.plain(sentence(found)),
        "\n".join(f"> - {markdown.plain(limit)}" for limit in limits(found)),
        _runs_table(runs),
    ]
    for state in LISTED:
        if rows := found.of(state):
            parts += [f"### {STATES[state].word.capitalize()} ({len(rows)})", _rows_table(rows)]
    if len(runs) > 2:
        parts += ["### History", _history_table(runs)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _runs_table(runs: Sequence[Run]) -> str:
    verdicts = [verdict for verdict in VERDICTS if any(run.tally.get(verdict) for run in runs)]
    lines = [
        markdown.row(["Run", "Suite", "Conformance", "Gate", *(VERDICTS[verdict].word for verdict in verdicts)]),
        markdown.row(["---", "---", "---", "---", *("--:" for _ in verdicts)]),
    ]
    lines += [
        markdown.row(
            [
                f"{html.moment(run.started)}<br>{markdown.plain(run.target.name)}",
                markdown.plain(run.suite_version),
                *(f"{ANSWERS[answer].sign} {ANSWERS[answer].word}" for answer in (run.conformance, run.gate)),
                *(str(run.tally.get(verdict, 0)) for verdict in verdicts),
            ]
        )
        for run in runs
    ]
    return "\n".join(lines)


def _rows_table(rows: Sequence[Row]) -> str:
    drawn = blocks(rows)
    lines = [markdown.row(["Level", "Requirement", "Earlier", "Later"]), markdown.row(["---"] * 4)]
    lines += [
        markdown.row(
            [
                block.row.requirement.applied,
                f"{markdown.code(block.row.requirement.id)}<br>{markdown.plain(block.row.requirement.text)}<br>"
                + "<br>".join(markdown.code(check) for check in block.checks[:FEW])
                + (f"<br>and {plural(len(block.checks) - FEW, 'more check')}" if len(block.checks) > FEW else ""),
                markdown.code(block.before),
                markdown.code(block.after),
            ]
        )
        for block in drawn[:MOST]
    ]
    left = len(drawn) - MOST
    return "\n".join(lines) + (f"\n\nand {plural(left, 'more requirement')}" if left > 0 else "")


def _history_table(runs: Sequence[Run]) -> str:
    lines = [
        markdown.row(["Requirement", *(f"{run.started:%m-%d %H:%M}" for run in runs)]),
        markdown.row(["---", *(":-:" for _ in runs)]),
    ]
    lines += [
        markdown.row([markdown.code(line.requirement.id), *(_sign(verdict) for verdict in line.verdicts)])
        for line in history(runs)[: 4 * MOST]
    ]
    return "\n".join(lines)


def _sign(verdict: Verdict | None) -> str:
    return f"{VERDICTS[verdict].sign} {VERDICTS[verdict].word}" if verdict else "·"


# -- HTML ------------------------------------------------------------------------------------------------------------


def render_html(runs: Sequence[Run]) -> str:
    """The whole page: one file, without a script. The same runs give the same page."""
    found = compare(runs[-2], runs[-1])
    style = html.part("report.css")
    lines: list[Line] = history(runs) if len(runs) > 2 else []
    return (
        html.environment()
        .get_template("comparison.html.j2")
        .render(
            runs=runs,
            found=found,
            style=Markup(style),  # noqa: S704 - our own file
            policy=html.policy(style),
            sentence=sentence(found),
            limits=limits(found),
            groups=[
                (STATES[state], len(found.of(state)), blocks(found.of(state))) for state in LISTED if found.of(state)
            ],
            lines=lines,
            verdicts=[verdict for verdict in VERDICTS if any(run.tally.get(verdict) for run in runs)],
        )
    )
