"""The suite against servers of the bench, each profile in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from conformance.bench.lifecycle import running
from conformance.bench.material import write_private
from conformance.bench.recipe import BenchError, Started
from conformance.bench.servers import SERVERS
from conformance.report.record import Run
from conformance.verdict import Answer

#: Where the records of the bench go.
REPORTS = Path("reports") / "bench"
#: The servers that do not support PAR: of them a run has to say so, and end incomplete.
WITHOUT_PAR = frozenset({"lemonldap-ng"})
#: No run of one profile takes longer (seconds).
PATIENCE = 1800
#: Beside its record, what the bench knows of a run.
ABOUT = "bench.json"


@dataclass(frozen=True)
class Trial:
    """One profile run against its server; `run` is None where no record was written."""

    server: str
    version: str
    profile: str
    run: Run | None
    seconds: float
    said: str = ""

    @property
    def undecided(self) -> bool:
        """Whether the run could not tell, though the server has PAR: it may have failed an ordinary request."""
        return self.run is not None and self.run.gate is Answer.INCOMPLETE and self.server not in WITHOUT_PAR

    @property
    def good(self) -> bool:
        """Whether the gate holds, or, for a server without PAR, the run says that nothing could be tried."""
        if self.run is None:
            return False
        if self.server in WITHOUT_PAR:
            return self.run.gate is Answer.INCOMPLETE and len(self.run.problems) == 1
        return self.run.gate is Answer.PASS


def trials(
    names: Sequence[str], *, browser: bool = True, at_once: int = 1, profile: str | None = None, again: bool = False
) -> Iterator[Trial]:
    """Start each server, run its profiles against it, or the one named, stop it. One that does not start has no run.

    So many servers are tried `at_once`, told in the order in which they are done. Each profile of a server gets it
    freshly started: what one run leaves behind, sessions and consents, is none of the next one's business. With `again`
    a run that is undecided is followed by a second one.
    """
    with ThreadPoolExecutor(max_workers=at_once) as pool:
        tried = [
            pool.submit(lambda name: list(_server(name, profile, browser=browser, again=again)), name) for name in names
        ]
        for done in as_completed(tried):
            yield from done.result()


def _server(name: str, profile: str | None, *, browser: bool, again: bool) -> Iterator[Trial]:
    try:
        for number, known in enumerate(SERVERS[name].profiles):
            if profile not in {None, known}:
                continue
            for _ in range(2 if again else 1):
                with running(name) as started:
                    found = trial(name, started, started.profiles[number], browser=browser)
                yield found
                if not found.undecided:
                    break
    except BenchError as error:
        yield Trial(name, "", "", None, 0, str(error))


def trial(name: str, started: Started, profile: Path, *, browser: bool = True) -> Trial:
    """Run one profile in a process of its own and read its record."""
    reports = REPORTS if browser else REPORTS / "without-browser"
    used = profile if browser else without_browser(profile, started)
    before = set(_records(reports, profile))
    begun = time.perf_counter()
    command = [sys.executable, "-m", "conformance", "run", str(used), "--report-dir", str(reports)]
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
    found = Trial(name, started.version, profile.name, None, time.perf_counter() - begun, said)
    fresh = [path for path in _records(reports, profile) if path not in before]
    if not fresh:
        return found
    about = {"server": name, "version": started.version, "profile": profile.name, "seconds": round(found.seconds, 1)}
    (fresh[-1].parent / ABOUT).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    return replace(found, run=_read(fresh[-1]))


def recorded(names: Sequence[str], reports: Path = REPORTS) -> Iterator[Trial]:
    """The last run of each profile, as it was recorded, without running anything."""
    for name in names:
        for profile in SERVERS[name].profiles:
            written = [path for path in _records(reports, Path(profile)) if (path.parent / ABOUT).exists()]
            if not written:
                yield Trial(name, "", profile, None, 0, "there is no record of a run")
                continue
            about = json.loads((written[-1].parent / ABOUT).read_text(encoding="utf-8"))
            yield Trial(run=_read(written[-1]), **about)


def without_browser(profile: Path, started: Started) -> Path:
    """A copy of a profile that leaves out what only a browser shows, in the server's folder."""
    document = yaml.safe_load(profile.read_text(encoding="utf-8"))
    document["browser"] = {"off": True}
    folder = started.log.parent
    copy = folder / "without-browser" / profile.name
    copy.parent.mkdir(exist_ok=True)
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
    write_private(copy, text.replace("../.servers/", f"{folder.parent}/"))
    return copy


def _records(reports: Path, profile: Path) -> list[Path]:
    return sorted((reports / profile.stem).glob("*/report.json"))


def _read(path: Path) -> Run:
    return Run.model_validate_json(path.read_bytes())
