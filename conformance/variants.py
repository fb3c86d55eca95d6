"""Correct servers of every kind against every check: a finding here is a false alarm, and nobody may get one.

`python -m conformance.variants [NAME …]` runs variants of the reference server under a turned clock.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from conformance.matrix import loaded_profile, trial
from conformance.report.record import Run
from conformance.server.variants import Variant, load_variants
from conformance.verdict import Verdict

#: What a correct server may get without being told: nothing but these.
QUIET = frozenset({Verdict.PASS, Verdict.NOT_APPLICABLE, Verdict.UNTESTED})


@dataclass(frozen=True)
class Alarms:
    """What the suite said of a variant beside what it may say: by requirement the verdict, and why."""

    variant: Variant
    found: Mapping[str, tuple[Verdict, str]]
    run: Run
    seconds: float

    @property
    def quiet(self) -> bool:
        """Whether there was no false alarm."""
        return not self.found and not self.run.problems

    @property
    def unneeded(self) -> list[str]:
        """Notes that the variant is allowed and did not get."""
        noted = {item.id for item in self.run.requirements if item.verdict is Verdict.NOTE}
        return sorted(self.variant.notes - noted)


def examine(variant: Variant) -> Alarms:
    """Run every check on a variant."""
    started = time.perf_counter()
    loaded = variant.profile(loaded_profile())
    run = trial(variant.server, variant.settings, variant.plans, loaded)
    found = {
        item.id: (item.verdict, item.reason or "")
        for item in run.requirements
        if item.verdict not in QUIET and not (item.verdict is Verdict.NOTE and item.id in variant.notes)
    }
    return Alarms(variant, found, run, time.perf_counter() - started)


def lines(alarms: Alarms) -> Iterator[str]:
    """What to say of a variant."""
    mark = "ok" if alarms.quiet else "NO"
    yield f"{mark}  {alarms.variant.name}  ({alarms.seconds:.1f} s)"
    yield from (f"      {problem}" for problem in alarms.run.problems)
    for requirement, (verdict, reason) in sorted(alarms.found.items()):
        yield f"      {verdict} {requirement}: {reason}"
        for check in alarms.run.checks:
            if requirement in check.requirements and check.outcome in {"violation", "inconclusive"}:
                yield f"          {check.name}: {check.message}"
    yield from (f"      not noted: {requirement}" for requirement in alarms.unneeded)


def main(names: list[str]) -> int:
    """Run the named variants, or all; 1 if there was a false alarm."""
    variants = load_variants()
    unknown = [name for name in names if name not in variants]
    if unknown:
        sys.stderr.write(f"there is no variant {', '.join(unknown)}\n")
        return 2
    results = []
    for variant in [variants[name] for name in names] or variants.values():
        alarms = examine(variant)
        results.append(alarms)
        sys.stdout.write("\n".join(lines(alarms)) + "\n")
        sys.stdout.flush()
    quiet = sum(alarms.quiet for alarms in results)
    sys.stdout.write(f"{quiet} of {len(results)} variants without a false alarm\n")
    return 0 if quiet == len(results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
