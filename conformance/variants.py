"""Correct servers of every kind against every check: a finding here is a false alarm, and nobody may get one.

`python -m conformance.variants [NAME …]` runs variants of the reference server under a turned clock. Servers that are
right in ways which do not touch each other are right in all of them at once, and are tried so; where such a pool is not
quiet it is split until it is known which one it is.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace

from conformance.matrix import FRESH, LARGEST_POOL, composite, loaded_profile, overridden, trial
from conformance.report.record import Run
from conformance.server.variants import Variant, load_variants
from conformance.verdict import Verdict

#: What a correct server may get without being told: nothing but these.
QUIET = frozenset({Verdict.PASS, Verdict.NOT_APPLICABLE, Verdict.UNTESTED})

Pool = tuple[Variant, ...]


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


def pooled(variants: Iterable[Variant]) -> list[Pool]:
    """Variants that can be tried in one server: other settings, other rules, the same profile and plans."""
    pools: list[list[Variant]] = []
    for variant in sorted(variants, key=lambda variant: variant.name):
        home = next((pool for pool in pools if _takes(pool, variant)), None)
        if home is None:
            pools.append([variant])
        else:
            home.append(variant)
    return [tuple(pool) for pool in pools]


def _takes(pool: Sequence[Variant], variant: Variant) -> bool:
    names = overridden(variant.server)
    return len(pool) < LARGEST_POOL and all(
        not (variant.changes or other.changes)
        and variant.plans == other.plans
        and not set(variant.settings) & set(other.settings)
        and not names & overridden(other.server)
        for other in pool
    )


def examine(pool: Pool, *, quick: bool = False) -> list[Alarms]:
    """Run every check on variants together; then those that were not quiet on ever fewer of them.

    What no variant gets by itself comes of their being in one server, and is no alarm. `quick` runs each check in one
    of its forms only.
    """
    started = time.perf_counter()
    run = _tried(pool, quick=quick)
    noted = {item.id for item in run.requirements if item.verdict is Verdict.NOTE}
    owned = _owned(pool, run)
    seconds = (time.perf_counter() - started) / len(pool)
    quiet = Alarms("", (), (), (), (), 0)
    return [
        replace(
            owned.get(variant.name, quiet),
            name=variant.name,
            unneeded=tuple(sorted(variant.notes - noted)),
            seconds=seconds,
        )
        for variant in pool
    ]


def _tried(pool: Pool, checks: frozenset[str] | None = None, *, quick: bool = False) -> Run:
    """A run of every check, or of those named, against a server that is all variants of a pool at once."""
    return trial(
        composite(variant.server for variant in pool),
        {name: value for variant in pool for name, value in variant.settings.items()},
        pool[0].plans,
        pool[0].profile(loaded_profile()),
        about=frozenset() if quick else None,
        only=checks,
    )


def _owned(pool: Pool, run: Run) -> dict[str, Alarms]:
    """Which variant each alarm of a run comes from."""
    notes = frozenset[str]().union(*(variant.notes for variant in pool))
    found = tuple(
        (item.id, item.verdict, item.reason or "")
        for item in sorted(run.requirements, key=lambda item: item.id)
        if item.verdict not in QUIET and not (item.verdict is Verdict.NOTE and item.id in notes)
    )
    if not found and not run.problems:
        return {}
    ids = {id for id, _, _ in found}
    loud = [
        check
        for check in run.checks
        if check.outcome in {"violation", "inconclusive"} and ids & set(check.requirements)
    ]
    if len(pool) == 1:
        told = tuple(f"{check.name}: {check.message}" for check in loud)
        return {pool[0].name: Alarms(pool[0].name, found, told, tuple(run.problems), (), 0)}
    names = None if run.problems else frozenset(check.name for check in loud)
    half = len(pool) // 2
    parts = (pool[:half], pool[half:])
    return {name: alarms for part in parts for name, alarms in _owned(part, _tried(part, names)).items()}


def _examine_named(names: Sequence[str]) -> list[Alarms]:
    gc.disable()
    try:
        return examine(tuple(load_variants()[name] for name in names))
    finally:
        gc.enable()


def examine_all(names: Sequence[str]) -> Iterator[list[Alarms]]:
    """Try variants on all cores, pool by pool, in the order in which they are done."""
    pools = sorted(pooled(load_variants()[name] for name in names), key=len, reverse=True)
    with ProcessPoolExecutor(max_workers=os.cpu_count(), max_tasks_per_child=20, mp_context=FRESH) as workers:
        tried = [workers.submit(_examine_named, [variant.name for variant in pool]) for pool in pools]
        for done in as_completed(tried):
            yield done.result()


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
    results: list[Alarms] = []
    for found in examine_all(names or list(variants)):
        results += found
        sys.stdout.write("".join(f"{line}\n" for alarms in found for line in lines(alarms)))
        sys.stdout.flush()
    quiet = sum(alarms.quiet for alarms in results)
    sys.stdout.write(f"{quiet} of {len(results)} variants without a false alarm\n")
    return 0 if quiet == len(results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
