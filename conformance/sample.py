"""The committed sample of a report: a run against the reference server with several faults at once.

`python -m conformance.sample [FOLDER]` makes it anew. So that it stays small, only RFC 9126 itself is in force, each
check runs in its first variant, and of the evidence only the beginning of what led to a finding stays in the record.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from itertools import islice
from pathlib import Path

from conformance.check import cases_of, functions
from conformance.profile.load import load
from conformance.profile.model import Deviation
from conformance.report import seal, write
from conformance.report.findings import findings
from conformance.report.record import Run
from conformance.run import Session, reference_profile
from conformance.server import AuthorizationServer
from conformance.server.faults import load_faults

FOLDER = Path("reports/sample")
#: The faults, by name: some grave, some small, one that the profile lists.
FAULTS = (
    "push-takes-request-uri",
    "forbidden-scope-is-granted",
    "ninety-bits",
    "success-is200",
    "same-browser-may-repeat",
    "success-may-be-cached",
    "push-by-get",
)
DEVIATIONS = (
    Deviation(
        requirement="rfc9126-2.2-status-201",
        observed="status-200",
        reason="Clients of the first release read 200; the next one answers 201.",
        ticket="AS-4711",
        until=date(2028, 6, 30),
    ),
    Deviation(
        requirement="rfc9126-2.3-status-413",
        observed="other-status",
        reason="The proxy rewrote the status.",
        ticket="AS-4388",
    ),
)
#: Examples of each fuzzed payload: the sample shows reports, it searches nothing.
EXAMPLES = 8
#: Exchanges of each finding's check that it keeps.
MOST_EXCHANGES = 8


def server() -> type[AuthorizationServer]:
    """The reference server with every fault of `FAULTS`."""
    known = load_faults()
    return type("Sample", tuple(known[name].server for name in FAULTS), {"__doc__": "The server of the sample."})


def run() -> Run:
    """Run the suite's default plan against it."""
    loaded = load(reference_profile())
    profile = loaded.profile.model_copy(
        update={
            "name": "Sample authorization server",
            "deviations": list(DEVIATIONS),
            "limits": loaded.profile.limits.model_copy(update={"examples": EXAMPLES}),
        }
    )
    session = Session.of(replace(loaded, profile=profile), server=server())
    session.in_force = {name: applied for name, applied in session.in_force.items() if name.startswith("rfc9126-")}
    try:
        session.start([case for function in functions() for case in islice(cases_of(function, profile), 1)])
        return session.conclude(wait=True)
    finally:
        session.close()


def lean(run: Run) -> Run:
    """The run without the evidence of checks that led to no finding, and with little of the others'."""
    told = {check.name for finding in findings(run) for check in finding.checks}
    nothing: dict[str, object] = {"exchanges": [], "pictures": [], "trace": []}
    return run.model_copy(
        update={
            "checks": [
                check.model_copy(
                    update={"exchanges": check.exchanges[:MOST_EXCHANGES], "pictures": check.pictures[:1]}
                    if check.name in told
                    else nothing
                )
                for check in run.checks
            ]
        }
    )


def main(arguments: Sequence[str]) -> int:
    """Make the sample in a folder."""
    folder = Path(arguments[0]) if arguments else FOLDER
    made = lean(run())
    write.write(made, folder)
    seal.seal(folder, made)
    sys.stdout.write(f"{folder}: {made.sentence}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
