"""The suite's command line in a process of its own, against a hostile server in this one: what does it cost?"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.hostile.entry import SELECTION, Hostile
from tests.hostile.run import started

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Apart:
    """Exit status, output, peak memory (bytes), duration (seconds), and where the report was written."""

    status: int
    output: str
    peak: int
    seconds: float
    folder: Path


def run_apart(server: Hostile, folder: Path) -> Apart:
    """Run every check but those that draw payloads or wait; where the server is not `full`, those of a few files."""
    files = " or ".join(dict.fromkeys(name.split("::")[0] for name in SELECTION))
    chosen = "not fuzz" if server.full else f"not fuzz and ({files})"
    with started(server, folder, longest_wait=0) as (profile, _, _):
        begin = time.perf_counter()
        output = folder / "output"
        with output.open("wb") as sink:
            command = [sys.executable, "-m", "conformance", "run", str(profile), "-v", "-rA", "-k", chosen]
            process = subprocess.Popen(
                [*command, "--report-dir", str(folder / "reports")],
                stdout=sink,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
            _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        return Apart(
            process.returncode,
            output.read_text(encoding="utf-8"),
            usage.ru_maxrss * 1024,
            time.perf_counter() - begin,
            folder / "reports",
        )
