"""Correct servers of every kind against every check: a finding here is a false alarm, and nobody may get one.

`python -m conformance.variants [NAME …]` runs variants of the reference server under a turned clock.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from conformance.matrix import loaded_profile, trial
from conformance.server.variants import Variant, load_variants
from conformance.verdict import Verdict

#: Workers begin anew: no thread and no socket of this process is in them.
FRESH = multiprocessing.get_context("spawn")
#: What a correct server may get without being told: nothing but these.
QUIET = frozenset({Verdict.PASS, Verdict.NOT_APPLICABLE, Verdict.UNTESTED})


@dataclass(frozen=True)
class Alarms:
    """What the suite said of a variant beside what it may say.

    `found`: requirement, verdict and reason; `checks`: what the checks behind them said; `unneeded`: notes that the
    variant is allowed and did not get.
    """

    name: str
    found: tuple[tuple[str, Verdict, str], ...]
    checks: tuple[str, ...]
    problems: tuple[str, ...]
    unneeded: tuple[str, ...]
    seconds: float

    @property
    def quiet(self) -> bool:
        """Whether there was no false alarm."""
        return not self.found and not self.problems


def examine(variant: Variant) -> Alarms:
    """Run every check on a variant."""
    started = time.perf_counter()
    run = trial(variant.server, variant.settings, variant.plans, variant.profile(loaded_profile()))
    found = tuple(
        (item.id, item.verdict, item.reason or "")
        for item in sorted(run.requirements, key=lambda item: item.id)
        if item.verdict not in QUIET and not (item.verdict is Verdict.NOTE and item.id in variant.notes)
    )
    ids = {id for id, _, _ in found}
    return Alarms(
        variant.name,
        found,
        tuple(
            f"{check.name}: {check.message}"
            for check in run.checks
            if check.outcome in {"violation", "inconclusive"} and ids & set(check.requirements)
        ),
        tuple(run.problems),
        tuple(sorted(variant.notes - {item.id for item in run.requirements if item.verdict is Verdict.NOTE})),
        time.perf_counter() - started,
    )


def _examine_named(name: str) -> Alarms:
    gc.disable()
    try:
        return examine(load_variants()[name])
    finally:
        gc.enable()


def examine_all(names: Sequence[str]) -> Iterator[Alarms]:
    """Try variants on all cores, in the order of the names."""
    with ProcessPoolExecutor(max_workers=os.cpu_count(), max_tasks_per_child=20, mp_context=FRESH) as pool:
        yield from pool.map(_examine_named, names)


def lines(alarms: Alarms) -> Iterator[str]:
    """What to say of a variant."""
    mark = "ok" if alarms.quiet else "NO"
    yield f"{mark}  {alarms.name}  ({alarms.seconds:.1f} s)"
    yield from (f"      {problem}" for problem in alarms.problems)
    yield from (f"      {verdict} {requirement}: {reason}" for requirement, verdict, reason in alarms.found)
    yield from (f"          {check}" for check in alarms.checks)
    yield from (f"      not noted: {requirement}" for requirement in alarms.unneeded)


def main(names: list[str]) -> int:
    """Run the named variants, or all; 1 if there was a false alarm."""
    variants = load_variants()
    unknown = [name for name in names if name not in variants]
    if unknown:
        sys.stderr.write(f"there is no variant {', '.join(unknown)}\n")
        return 2
    results = []
    for alarms in examine_all(names or list(variants)):
        results.append(alarms)
        sys.stdout.write("\n".join(lines(alarms)) + "\n")
        sys.stdout.flush()
    quiet = sum(alarms.quiet for alarms in results)
    sys.stdout.write(f"{quiet} of {len(results)} variants without a false alarm\n")
    return 0 if quiet == len(results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
