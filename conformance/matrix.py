"""The kill matrix: every fault of the reference server against every check, the clock turned and not waited for.

Faults are tried in pools: one server has many of them at once, of which no two override the same rule or are about the
same requirement. A pool is good if every finding is about a requirement that one of its faults breaks, and every such
requirement has a finding. A pool that is not is split until it is known which fault it is.

`python -m conformance.matrix [NAME …]` tries all faults, or some, and fails where one is not caught exactly, or where a
check is killed by none. `--quick` leaves out the checks that should see nothing; `--write FILE` writes the table.
"""

from __future__ import annotations

import argparse
import ast
import multiprocessing
import os
import re
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from conformance.check import Case, Function, cases_of, functions
from conformance.clock import TurnedClock
from conformance.profile.load import LoadedProfile, load
from conformance.profile.model import Feature
from conformance.report.record import Run
from conformance.run import Session, reference_profile
from conformance.server import AuthorizationServer
from conformance.server.faults import Fault, load_faults
from conformance.verdict import Verdict

#: The plans under which faults are tried, unless they name others.
PLANS = ("rfc9126", "rfc9700")
#: A lifetime that shows a tenth too much; the clock is turned, so that it costs nothing (seconds).
SETTINGS: Mapping[str, Any] = {"lifetime": 60}
#: The verdicts by which a fault is told.
FINDINGS = frozenset({Verdict.FAIL, Verdict.WARN, Verdict.NOTE})
#: A check that hangs on a fault must not hold up the matrix (seconds).
CHECK_SECONDS = 20
BROWSER_SECONDS = 90
#: Examples of each fuzzed payload: only the faults that nothing else finds ask for more.
EXAMPLES = 6
#: More faults than this in one server get in each other's way more often than it saves.
LARGEST_POOL = 24
#: Workers begin anew: no thread and no socket of this process is in them.
FRESH = multiprocessing.get_context("spawn")

#: So many faults stand beside a check on the page.
MOST_SHOWN = 3
_HEAD = """# What is caught: the kill matrix

Each row is one way in which the reference server can be made wrong, the rule that it breaks, the requirements that
turn into a finding for it, what is observed, and checks that see it. `make faults-page` makes this page
from a run of them all; `tests/test_matrix.py` holds it against the faults.
"""

Pool = tuple[Fault, ...]


@dataclass(frozen=True)
class Result:
    """What one fault did: the ids that turned and the checks (file::function) that saw it.

    `missed` should have turned and did not; `unexpected` are findings about nothing that the fault breaks.
    """

    name: str
    turned: frozenset[str]
    killed: frozenset[str]
    observed: frozenset[str]
    missed: frozenset[str]
    unexpected: tuple[str, ...]
    seconds: float

    @property
    def exact(self) -> bool:
        """Whether those turned that should, and no other."""
        return not self.missed and not self.unexpected


# -- one run --------------------------------------------------------------------------------------------------------


@cache
def loaded_profile(name: str = "reference") -> LoadedProfile:
    """A profile of the embedded server, read once, as the matrix tries it."""
    loaded = load(reference_profile().with_name(f"{name}.yaml"))
    profile = loaded.profile.model_copy(
        update={
            "settings": {**loaded.profile.settings, **SETTINGS},
            "limits": loaded.profile.limits.model_copy(update={"check_seconds": CHECK_SECONDS}),
        }
    )
    return replace(loaded, profile=profile)


def trial(
    server: type[AuthorizationServer],
    settings: Mapping[str, Any] | None = None,
    plans: tuple[str, ...] = (),
    loaded: LoadedProfile | None = None,
    examples: int = EXAMPLES,
    browser: bool = False,
    about: frozenset[str] | None = None,
    quick: bool = False,
    only: frozenset[str] | None = None,
    evidence: bool = False,
) -> Run:
    """Run every check on a server under a turned clock, or `only` those named; in a browser only if asked to.

    With `about` only checks of these requirements have all their variants, and of every other check one is run, or
    none at all where it shall be `quick`. `evidence`: what was sent and received is kept.
    """
    loaded = loaded or loaded_profile()
    seconds = {"check_seconds": BROWSER_SECONDS} if browser else {}
    profile = loaded.profile.model_copy(
        update={
            "limits": loaded.profile.limits.model_copy(update={"examples": examples, **seconds}),
            "settings": {**loaded.profile.settings, **SETTINGS, **(settings or {})},
            "plans": list(plans or PLANS),
        }
    )
    session = Session.of(replace(loaded, profile=profile), clock=TurnedClock(), server=server)
    try:
        cases = _cases(session, browser, about, quick, drawn=examples > EXAMPLES)
        session.start([case for case in cases if only is None or case.name in only])
        return session.conclude(wait=True, evidence=evidence)
    finally:
        session.close()


def _cases(session: Session, browser: bool, about: frozenset[str] | None, quick: bool, *, drawn: bool) -> list[Case]:
    """Every check, those in a browser aside: they are slow, and only faults of their own need them.

    In a quick trial only faults that want many `drawn` examples get checks that draw them.
    """
    chosen: list[Case] = []
    for function in functions():
        cases = [
            case
            for case in cases_of(function, session.loaded.profile)
            if (browser or not case.uses_browser) and (drawn or not quick or not case.check.long)
        ]
        if about is None or any(about & set(case.check.requirements) for case in cases):
            chosen += cases
        elif not quick:
            chosen += cases[:1]
    return chosen


# -- pools ----------------------------------------------------------------------------------------------------------


def overridden(server: type[AuthorizationServer]) -> frozenset[str]:
    """The names that a fault's own classes define, up to the correct server."""
    own = [base for base in server.__mro__ if issubclass(base, AuthorizationServer) and base is not AuthorizationServer]
    return frozenset(name for base in own for name in vars(base) if not name.startswith("__") or name == "__init__")


def pooled(faults: Iterable[Fault]) -> list[Pool]:
    """Faults that can be tried in one server: other rules, other requirements, the same circumstances."""
    pools: list[list[Fault]] = []
    for fault in sorted(faults, key=lambda fault: fault.name):
        home = next((pool for pool in pools if _takes(pool, fault)), None)
        if home is None:
            pools.append([fault])
        else:
            home.append(fault)
    return [tuple(pool) for pool in pools]


def _takes(pool: Sequence[Fault], fault: Fault) -> bool:
    names = overridden(fault.server)
    return len(pool) < LARGEST_POOL and all(
        _under(fault) == _under(other) and not fault.turns & other.turns and not names & overridden(other.server)
        for other in pool
    )


def _under(fault: Fault) -> tuple[object, ...]:
    """What faults have to have in common to be tried in one run; one that hides others is tried alone."""
    told = [repr(sorted(told.items())) for told in (fault.settings, fault.features)]
    alone = fault.name if fault.alone else ""
    return (fault.profile, *told, fault.plans, fault.examples, fault.browser, alone)


def composite(servers: Iterable[type[AuthorizationServer]]) -> type[AuthorizationServer]:
    """A server that differs from the correct one in all the ways of these."""
    own = tuple(dict.fromkeys(server for server in servers if server is not AuthorizationServer))
    return type("Pool", own, {}) if len(own) > 1 else (*own, AuthorizationServer)[0]


def examine(pool: Pool, *, quick: bool = False) -> list[Result]:
    """Try the faults of a pool together, then by themselves those that the others may have hidden.

    `quick` shows that each is caught, and not that nothing else turns.
    """
    started = time.perf_counter()
    run = _tried(pool, quick=quick)
    strays = _strays(pool, run)
    owned = _owned(pool, frozenset(check for check, _, _ in strays)) if strays else {}
    results = []
    for fault in pool:
        result = _result(fault, run, owned.get(fault.name, ()))
        if result.missed and (len(pool) > 1 or quick):
            result = _result(fault, _tried((fault,), checks=_about(fault)), owned.get(fault.name, ()))
        results.append(result)
    seconds = (time.perf_counter() - started) / len(pool)
    return [replace(result, seconds=seconds) for result in results]


def _tried(pool: Pool, *, quick: bool = False, checks: frozenset[str] | None = None) -> Run:
    """A run against a server that has all the faults of a pool, of some checks only if they are named."""
    first = pool[0]
    loaded = loaded_profile(first.profile)
    told = {**loaded.profile.features, **{Feature(name): on for name, on in first.features.items()}}
    plans = first.plans or (PLANS if first.profile == "reference" else tuple(loaded.profile.plans))
    return trial(
        composite(fault.server for fault in pool),
        first.settings,
        plans,
        replace(loaded, profile=loaded.profile.model_copy(update={"features": told})),
        first.examples,
        first.browser,
        None if checks else frozenset().union(*(fault.turns for fault in pool)),
        quick,
        checks,
    )


def _about(fault: Fault) -> frozenset[str]:
    """The names of the checks about what a fault breaks."""
    profile = loaded_profile(fault.profile).profile
    cases = (case for function in functions() for case in cases_of(function, profile))
    return frozenset(case.name for case in cases if fault.turns & set(case.check.requirements))


Stray = tuple[str, str, str | None]


def _strays(pool: Pool, run: Run) -> tuple[Stray, ...]:
    """The findings (check, requirement, observation) about nothing that a fault of the pool breaks."""
    verdicts = {item.id for item in run.requirements}
    return tuple(
        sorted(
            (check.name, id, check.observed)
            for check in run.checks
            if check.outcome == "violation" and not any(set(check.broken) & fault.turns for fault in pool)
            for id in check.broken
            if id in verdicts
        )
    )


def _owned(pool: Pool, checks: frozenset[str]) -> dict[str, tuple[Stray, ...]]:
    """Which fault a stray finding comes from: the checks that made it are run against ever fewer of them.

    One that no fault makes by itself comes of their being in one server, and is nobody's.
    """
    strays = _strays(pool, _tried(pool, checks=checks))
    if not strays:
        return {}
    if len(pool) == 1:
        return {pool[0].name: strays}
    half = len(pool) // 2
    return _owned(pool[:half], checks) | _owned(pool[half:], checks)


def _result(fault: Fault, run: Run, strays: tuple[Stray, ...]) -> Result:
    """What a run says of one of the faults of its server."""
    verdicts = {item.id: item.verdict for item in run.requirements}
    own = [check for check in run.checks if check.outcome == "violation" and set(check.broken) & fault.turns]
    turned = frozenset(id for check in own for id in check.broken if verdicts.get(id) in FINDINGS)
    return Result(
        fault.name,
        turned,
        frozenset(check.name.split("[")[0] for check in own),
        frozenset(check.observed for check in own if check.observed),
        fault.turns - turned,
        tuple(f"{check} finds {id}: {observed}" for check, id, observed in strays),
        0,
    )


def examine_all(faults: Iterable[Fault], *, quick: bool = False) -> Iterator[list[Result]]:
    """Try faults on all cores, pool by pool, in the order in which they are done."""
    pools = sorted(pooled(faults), key=len, reverse=True)
    with ProcessPoolExecutor(max_workers=os.cpu_count(), mp_context=FRESH) as workers:
        tried = [workers.submit(_examine_named, [fault.name for fault in pool], quick) for pool in pools]
        for done in as_completed(tried):
            yield done.result()


def _examine_named(names: Sequence[str], quick: bool) -> list[Result]:
    faults = load_faults()
    return examine(tuple(faults[name] for name in names), quick=quick)


@dataclass(frozen=True)
class Row:
    """What the page says of a fault: the ids that turn, what is observed, and the checks that see it."""

    turned: frozenset[str]
    observed: frozenset[str]
    killed: frozenset[str]

    def told(self, fault: Fault) -> str:
        """The row of a fault."""
        checks = "<br>".join(f"`{check}`" for check in sorted(self.killed))
        bug = fault.bug.replace("|", "\\|")
        turned, observed = "<br>".join(sorted(self.turned)), "<br>".join(sorted(self.observed))
        return f"| {fault.name} | {bug} | {turned} | {observed} | {checks} |"


# -- what is told ---------------------------------------------------------------------------------------------------


def lines(result: Result) -> Iterator[str]:
    """What to say of a result."""
    yield f"{'ok' if result.exact else 'NO'}  {result.name}  ({result.seconds:.1f} s)"
    yield from (f"      missed     {requirement}" for requirement in sorted(result.missed))
    yield from (f"      unexpected {finding}" for finding in result.unexpected)


def document(known: Mapping[str, Row]) -> str:
    """What is known of the faults as a page for people: one table a theme, one row a fault; then every check."""
    themes: dict[str, list[Fault]] = {}
    for fault in load_faults().values():
        if fault.name in known:
            themes.setdefault(fault.server.__module__.rpartition(".")[2], []).append(fault)
    page = [_HEAD]
    for theme, faults in sorted(themes.items()):
        page += [
            f"## {theme.replace('_', ' ')}",
            "",
            "| fault | what is wrong | what turns | observed | seen by |",
            "|---|---|---|---|---|",
        ]
        page += [known[fault.name].told(fault) for fault in faults]
        page.append("")
    page += ["## Checks", "", "Each check, by how many faults it is killed, and some of them.", ""]
    page += ["| check | faults | of them |", "|---|---|---|"]
    for check in names_of(functions()):
        by = sorted(name for name, row in known.items() if check in row.killed)
        page.append(f"| `{check}` | {len(by)} | {', '.join(by[:MOST_SHOWN])} |")
    page.append("")
    return "\n".join(page)


def rows(page: str) -> dict[str, Row]:
    """What a page says of the faults that there still are."""
    faults = load_faults()
    found: dict[str, Row] = {}
    for line in page.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 5 and cells[0] in faults:
            turned, observed, killed = (frozenset(cell.replace("`", "").split("<br>")) for cell in cells[2:])
            found[cells[0]] = Row(turned, observed, killed)
    return found


def names_of(checks: Iterable[Function]) -> list[str]:
    """The names of check functions: file::function."""
    return [f"{function.__module__.rpartition('.')[2]}::{function.__name__}" for function in checks]


def observable() -> frozenset[str]:
    """The words for what is observed, as the sources of the checks name them; made up ones (status-500) aside."""
    package = Path(__file__).parent
    sources = [package / "expect.py", *package.glob("checks/*.py"), *package.glob("fuzz/*.py")]
    places = {"that": 1, "Violation": 0, "Problem": 0}
    found: set[str] = set()
    for node in (node for source in sources for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))):
        if isinstance(node, ast.Call):
            place = places.get(ast.unparse(node.func).rpartition(".")[2], len(node.args))
            found |= {word for argument in node.args[place : place + 1] for word in _texts(argument)}
    return frozenset(found)


def _texts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


def unkilled(results: Sequence[Result], checks: Iterable[Function]) -> list[str]:
    """The checks that no fault kills."""
    killed = frozenset().union(*(result.killed for result in results))
    return [name for name in names_of(checks) if name not in killed]


def main(arguments: Sequence[str]) -> int:
    """Try the named faults, or all; 1 if one of them is not caught exactly, or a check is killed by none."""
    parser = argparse.ArgumentParser(prog="python -m conformance.matrix", description="Faults against checks.")
    parser.add_argument("names", nargs="*", metavar="FAULT", help="only these")
    parser.add_argument("--quick", action="store_true", help="only the checks that should see a fault, and no others")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put what was seen into the page")
    parser.add_argument("--missing", action="store_true", help="with --write: only faults that the page does not have")
    wanted = parser.parse_args(arguments)
    faults = load_faults()
    unknown = [name for name in wanted.names if name not in faults]
    if unknown:
        parser.error(f"there is no fault {', '.join(unknown)}")
    page: Path | None = wanted.write
    known = rows(page.read_text(encoding="utf-8")) if page and page.exists() else {}
    names = wanted.names or [name for name in faults if not (wanted.missing and name in known)]
    chosen = [faults[name] for name in names]
    results: list[Result] = []
    for found in examine_all(chosen, quick=wanted.quick):
        results += found
        told = found if wanted.names else [result for result in found if not result.exact]
        sys.stdout.write("".join(f"{line}\n" for result in told for line in lines(result)))
        sys.stdout.write(f"    {len(results)} of {len(chosen)} faults tried\n")
        sys.stdout.flush()
        if page:  # after every pool: a run that is interrupted keeps what it has seen
            known |= {one.name: Row(one.turned, one.observed, one.killed) for one in found if one.exact}
            page.write_text(document(known), encoding="utf-8")
    exact = sum(result.exact for result in results)
    complete = exact == len(results)
    if not wanted.names and not wanted.missing:
        checks = functions()
        alive = unkilled(results, checks)
        sys.stdout.write("".join(f"      killed by no fault: {name}\n" for name in alive))
        sys.stdout.write(f"checks killed: {len(checks) - len(alive)} of {len(checks)}\n")
        silent = sorted(observable() - frozenset[str]().union(*(result.observed for result in results)))
        sys.stdout.write("".join(f"      observed of no fault: {word}\n" for word in silent))
        complete = complete and not alive and not silent
    sys.stdout.write(f"faults caught exactly: {exact} of {len(results)}\n")
    return 0 if complete else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
