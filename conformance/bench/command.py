"""`python -m conformance.bench`: real servers tried, once or again and again, and what came out."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from conformance.bench.document import document
from conformance.bench.repeat import differences
from conformance.bench.servers import SERVERS
from conformance.bench.trials import Trial, recorded, trials
from conformance.verdict import Verdict

SHOWN = (
    Verdict.PASS,
    Verdict.FAIL,
    Verdict.WARN,
    Verdict.NOTE,
    Verdict.DEVIATION,
    Verdict.STALE,
    Verdict.INCONCLUSIVE,
    Verdict.NOT_APPLICABLE,
)
#: What keeps a gate from holding.
UNWANTED = frozenset({Verdict.FAIL, Verdict.STALE, Verdict.INCONCLUSIVE})


def main(arguments: Sequence[str]) -> int:
    """Try the named servers, or all. 1 if one of them did not come out as it should, or not always the same."""
    wanted = _parser().parse_args(arguments)
    names = wanted.names or list(SERVERS)
    if unknown := [name for name in names if name not in SERVERS]:
        sys.stderr.write(f"there is no server {', '.join(unknown)}: choose from {', '.join(SERVERS)}\n")
        return 2
    profiles = [profile for name in names for profile in SERVERS[name].profiles]
    if wanted.profile and wanted.profile not in profiles:
        sys.stderr.write(f"there is no profile {wanted.profile}: choose from {', '.join(profiles)}\n")
        return 2
    console = Console(width=180 if not sys.stdout.isatty() else None, highlight=False)
    if wanted.repeat > 1:
        return _repeated(console, names, wanted.repeat, wanted.profile, browser=not wanted.without_browser)
    if wanted.recorded:
        found = list(recorded(names))
    else:
        browser, at_once = not wanted.without_browser, wanted.at_once
        found = _told(console, trials(names, browser=browser, at_once=at_once, profile=wanted.profile, again=True))
        found.sort(key=lambda item: names.index(item.server))
    console.print(table(found))
    last = {(item.server, item.profile): item for item in found}.values()
    good = sum(item.good for item in last)
    console.print(f"{good} passed, {len(last) - good} failed")
    if wanted.write:
        Path(wanted.write).write_text(document(recorded(names)), encoding="utf-8")
    return 0 if good == len(last) else 1


def table(found: Sequence[Trial]) -> Table:
    """The trials as a table: server, version, requirements by verdict, seconds."""
    shown = Table("server", "version", "profile", *map(str, SHOWN), "gate", "seconds")
    for item in found:
        counts = [str(item.run.tally.get(verdict, 0)) if item.run else "-" for verdict in SHOWN]
        gate = str(item.run.gate) if item.run else "no record"
        shown.add_row(item.server, item.version, item.profile, *counts, gate, f"{item.seconds:.0f}")
    return shown


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m conformance.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="servers; default: all")
    parser.add_argument("--at-once", type=int, default=1, metavar="N", help="so many servers at the same time")
    parser.add_argument("--repeat", type=int, default=1, metavar="N", help="N runs of each, and what differed")
    parser.add_argument("--profile", metavar="FILE", help="only this profile of theirs (glewlwyd.yaml)")
    parser.add_argument("--without-browser", action="store_true", help="leave out what only a browser shows")
    parser.add_argument("--recorded", action="store_true", help="tell the last runs in place of running anything")
    parser.add_argument("--write", metavar="FILE", help="write what the last runs of these servers found as a document")
    return parser


def _told(console: Console, found: Iterable[Trial]) -> list[Trial]:
    """The trials, each told as soon as it is there."""
    kept = []
    for item in found:
        kept.append(item)
        console.print(f"{item.server} {item.profile}: {item.run.sentence if item.run else item.said[-600:]}")
        if item.run is None or item.good:
            continue
        for problem in item.run.problems:
            console.print(f"    {problem}", markup=False)
        for requirement in item.run.requirements:
            if requirement.verdict in UNWANTED:
                console.print(f"    {requirement.verdict} {requirement.id}: {requirement.reason}", markup=False)
    return kept


def _repeated(console: Console, names: Sequence[str], times: int, profile: str | None, *, browser: bool) -> int:
    """Run each profile so many times and tell what differed."""
    runs: dict[tuple[str, str], list[Trial]] = {}
    for number in range(1, times + 1):
        for item in trials(names, browser=browser, profile=profile):
            runs.setdefault((item.server, item.profile), []).append(item)
            counts = " ".join(f"{verdict}={item.run.tally.get(verdict, 0)}" for verdict in SHOWN) if item.run else "-"
            console.print(f"{item.profile or item.server} {number}/{times}: {counts} {item.seconds:.0f} s")
    same = True
    for (server, tried), items in runs.items():
        records = [item.run for item in items if item.run]
        found = differences(records)
        whole = len(records) == times and not found
        same &= whole
        verdict = (
            "identical verdicts" if whole else f"{len(found)} differences, {times - len(records)} without a record"
        )
        console.print(f"{tried or server}: {times} runs, {verdict}")
        for line in found:
            console.print(f"    {line}", markup=False)
    return 0 if same else 1
