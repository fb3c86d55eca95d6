"""The view for the end of a run in a terminal: tally, gravest findings, both answers, the report's path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from conformance.report.findings import Finding, beside_baseline, findings, matrix
from conformance.report.record import Run
from conformance.report.text import one_line
from conformance.report.words import ANSWERS, STATES, VERDICTS, plural, specification
from conformance.verdict import Answer, Verdict

#: Findings that are printed; the others are counted.
MOST: Final = 20
_QUIET: Final = {Verdict.PASS, Verdict.NOT_APPLICABLE, Verdict.UNTESTED}
_STYLES: Final = {
    Verdict.FAIL: "bold red",
    Verdict.STALE: "bold magenta",
    Verdict.DEVIATION: "magenta",
    Verdict.INCONCLUSIVE: "bold cyan",
    Verdict.WARN: "yellow",
    Verdict.NOTE: "blue",
    Verdict.PASS: "green",
    Verdict.NOT_APPLICABLE: "dim",
    Verdict.UNTESTED: "dim",
}
_ANSWER_STYLES: Final = {Answer.PASS: "bold green", Answer.FAIL: "bold red", Answer.INCOMPLETE: "bold cyan"}


def print_summary(run: Run, paths: Mapping[str, Path], console: Console) -> None:
    """Print what a run came to. `paths` are the files written, by view; the report's path is the last line.

    Nothing that a server sent reaches the terminal as a control character or as markup.
    """
    found = findings(run)
    console.print()
    console.print(Text(one_line(run.target.name), style="bold"))
    for line in _words(run, console.width):
        console.print(line)
    console.print(_tally(run))
    if found:
        console.print()
        told = [finding for finding in found if not _is_told_below(finding, run)][:MOST]
        for finding in told:
            _print_finding(finding, console)
        if len(found) > len(told):
            console.print(Text(f"  and {plural(len(found) - len(told), 'more finding')} in the report", style="dim"))
    _print_limits(run, console)
    console.print()
    if run.baseline:
        console.print(Text(beside_baseline(run)))
    console.print(
        Text.assemble(
            "Conformance ",
            _answer(run.conformance),
            "   Gate ",
            _answer(run.gate),
            "   ",
            one_line(run.sentence),
        )
    )
    for name in ("html", "json"):
        if name in paths:
            console.print(Text(f"Report: {one_line(str(paths[name]))}"), soft_wrap=True)
            break


def _words(run: Run, width: int) -> list[Text]:
    """The tally in words, also the legend of the table's signs: lines of at most `width` cells."""
    lines = [Text()]
    for verdict, word in VERDICTS.items():
        if number := run.tally.get(verdict):
            told = Text(f"{word.sign} {number} {word.word}", style=_STYLES[verdict])
            if lines[-1].cell_len + 2 + told.cell_len > width:
                lines.append(Text())
            lines[-1].append("  " if lines[-1] else "").append_text(told)
    return lines


def _tally(run: Run) -> Table:
    """A row for each specification; below it a row for each section that is not all quiet."""
    verdicts = [verdict for verdict in VERDICTS if run.tally.get(verdict)]
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False)
    table.add_column("", no_wrap=True)
    for verdict in verdicts:
        sign = Text(VERDICTS[verdict].sign, style=_STYLES[verdict])
        table.add_column(sign, justify="right", header_style="")
    for part in matrix(run):
        name = one_line(specification(part.id), 40)
        table.add_row(Text(name, style="bold"), *_counts(part.tally, verdicts))
        for section in part.sections:
            if set(section.tally) - _QUIET:
                place = Text(f"  section {one_line(section.section, 30)}", style="dim")
                table.add_row(place, *_counts(section.tally, verdicts))
    return table


def _is_told_below(finding: Finding, run: Run) -> bool:
    """Whether all that is known of it is a problem of the whole run, which is told once."""
    reason = finding.message or ""
    inconclusive = finding.requirement.verdict is Verdict.INCONCLUSIVE
    return inconclusive and bool(reason) and any(reason in problem for problem in run.problems)


def _print_finding(finding: Finding, console: Console) -> None:
    row, word = finding.requirement, VERDICTS[finding.requirement.verdict]
    style = _STYLES[row.verdict]
    seen = one_line(finding.observed, 60)
    console.print(
        Text.assemble(
            (f"{word.sign} {word.word}", style),
            f" {row.applied} ",
            (one_line(row.id), "bold"),
            f"  observed: {seen}" if seen else "",
            (f"  {STATES[finding.state].word}" if finding.state else "", "bold"),
        )
    )
    told = Text(one_line(finding.message or row.text, 200), style="dim")
    console.print(Padding(told, (0, 0, 0, 2)), soft_wrap=False)


def _print_limits(run: Run, console: Console) -> None:
    limits = ["The run was interrupted."] if run.interrupted else []
    limits += run.problems
    limits += [f"Only a part was run: {run.selection}"] if run.selection else []
    if limits:
        console.print()
    for limit in limits:
        console.print(Text(f"! {one_line(limit, 200)}", style="yellow"))


def _answer(answer: Answer) -> tuple[str, str]:
    return f"{ANSWERS[answer].sign} {ANSWERS[answer].word}", _ANSWER_STYLES[answer]


def _counts(tally: Mapping[Verdict, int], verdicts: Sequence[Verdict]) -> list[Text]:
    return [
        Text(str(tally[verdict]), style=_STYLES[verdict]) if tally.get(verdict) else Text("·", style="dim")
        for verdict in verdicts
    ]
