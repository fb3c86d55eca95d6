"""The suite against every server of the bench, one after the other, and what came out as a table."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from conformance.bench.lifecycle import running
from conformance.bench.recipe import BenchError, Started
from conformance.bench.servers import SERVERS
from conformance.report.record import Run
from conformance.verdict import Answer, Verdict

#: Where the records of the bench go.
REPORTS = Path("reports") / "bench"
#: The servers that do not support PAR: of them a run has to say so, and end incomplete.
WITHOUT_PAR = frozenset({"lemonldap-ng"})
#: No run of one server takes longer (seconds).
PATIENCE = 900
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


@dataclass(frozen=True)
class Trial:
    """One profile run against its server; `run` is None where no record was written."""

    server: str
    version: str
    profile: str
    run: Run | None
    seconds: float
    said: str

    @property
    def good(self) -> bool:
        """Whether the gate holds, or, for a server without PAR, the run says that nothing could be tried."""
        if self.run is None:
            return False
        if self.server in WITHOUT_PAR:
            return self.run.gate is Answer.INCOMPLETE and bool(self.run.problems)
        return self.run.gate is Answer.PASS


def trials(names: Sequence[str]) -> Iterator[Trial]:
    """Start each server, run its profiles against it, stop it. One that does not start has no run."""
    for name in names:
        try:
            with running(name) as started:
                for profile in started.profiles:
                    yield trial(name, started, Path(profile))
        except BenchError as error:
            yield Trial(name, "", "", None, 0, str(error))


def trial(name: str, started: Started, profile: Path) -> Trial:
    """Run one profile in a process of its own and read its record."""
    begun = time.perf_counter()
    command = [sys.executable, "-m", "conformance", "run", str(profile), "--report-dir", str(REPORTS)]
    try:
        done = subprocess.run(  # noqa: S603 - our own command
            command,
            env={**os.environ, **started.environment},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        said = done.stdout + done.stderr
    except subprocess.TimeoutExpired:
        said = f"the run did not end within {PATIENCE} s"
    records = sorted((REPORTS / profile.stem).glob("*/report.json"))
    fresh = [path for path in records if path.stat().st_mtime >= time.time() - (time.perf_counter() - begun) - 5]
    run = Run.model_validate_json(fresh[-1].read_bytes()) if fresh else None
    return Trial(name, started.version, profile.name, run, time.perf_counter() - begun, said)


def table(found: Sequence[Trial]) -> Table:
    """The trials as a table: server, version, requirements by verdict, seconds."""
    shown = Table("server", "version", "profile", *map(str, SHOWN), "gate", "seconds")
    for item in found:
        counts = [str(item.run.tally.get(verdict, 0)) if item.run else "-" for verdict in SHOWN]
        gate = str(item.run.gate) if item.run else "no record"
        shown.add_row(item.server, item.version, item.profile, *counts, gate, f"{item.seconds:.0f}")
    return shown


def main(names: Sequence[str]) -> int:
    """Try the named servers, or all, and print the table; 1 if one of them did not come out as it should."""
    console = Console(width=180 if not sys.stdout.isatty() else None, highlight=False)
    found = []
    for item in trials(names or list(SERVERS)):
        found.append(item)
        console.print(f"{item.server} {item.profile}: {item.run.sentence if item.run else item.said[-600:]}")
        if item.run and not item.good:
            for requirement in item.run.requirements:
                if requirement.verdict in {Verdict.FAIL, Verdict.STALE, Verdict.INCONCLUSIVE}:
                    console.print(f"    {requirement.verdict} {requirement.id}", markup=False)
    console.print(table(found))
    good = sum(item.good for item in found)
    console.print(f"{good} passed, {len(found) - good} failed")
    return 0 if good == len(found) else 1
