"""Trying many examples at once and shrinking what fails: one defect is one finding, with its smallest example.

Hypothesis draws the examples, whatever the answers are; they are sent side by side. Only where one fails does it
search for the smallest example that fails in the same way, request by request and within a budget. The same seed draws
the same examples.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity
from hypothesis.errors import NoSuchExample
from hypothesis.strategies import SearchStrategy

from conformance.fuzz.thread import Do, in_thread

Example = TypeVar("Example")
Found = TypeVar("Found")

#: So many examples are under way at once; permits and pace of the transport bound them further.
WIDTH = 8
#: So many requests may be spent on making one failing example smaller.
SHRINK_REQUESTS = 150
#: Threads that stay: Hypothesis searches the whole heap once for every thread that it meets.
_DRAWING = ThreadPoolExecutor(max_workers=1, thread_name_prefix="drawing")
_SEARCHING = ThreadPoolExecutor(max_workers=2, thread_name_prefix="searching")


@dataclass(frozen=True)
class Problem:
    """What was seen wrong: the stable word for it, and a sentence. Two problems with one word are one defect."""

    observed: str
    message: str


@dataclass(frozen=True)
class Failure(Generic[Example]):
    """A defect with the smallest example that was found, and how many examples met it."""

    problem: Problem
    example: Example
    count: int


Try = Callable[[Example], Awaitable[Problem | None]]


def draw(
    strategy: SearchStrategy[Example],
    count: int,
    seed: int,
    each: Callable[[Example], object] = lambda example: None,
) -> list[Example]:
    """So many examples of a strategy, the same for the same seed; simple ones first. `each` is told of every one."""
    drawn: list[Example] = []

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=count,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        derandomize=False,
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
    )
    @hypothesis.given(strategy)
    def collect(example: Example) -> None:
        drawn.append(example)
        each(example)

    collect()
    return drawn


async def searched(search: Callable[[Do], Found]) -> Found:
    """The result of a search by Hypothesis, which is handed what carries its steps out."""
    return await in_thread(_SEARCHING, search)


async def explore(
    strategy: SearchStrategy[Example],
    attempt: Try[Example],
    *,
    examples: int,
    seed: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Failure[Example]]:
    """Try `examples` examples; the defects found, each with its smallest example. Nothing wrong: an empty list.

    `progress` is told how many of how many have been tried.
    """
    found: dict[str, list[tuple[Problem, Example]]] = {}
    for example, problem in await _side_by_side(strategy, attempt, examples, seed, progress):
        if problem is not None:
            found.setdefault(problem.observed, []).append((problem, example))
    return [await _smallest(strategy, attempt, seen[0][0], seen[0][1], len(seen), seed) for seen in found.values()]


async def _side_by_side(
    strategy: SearchStrategy[Example],
    attempt: Try[Example],
    examples: int,
    seed: int,
    progress: Callable[[int, int], None],
) -> list[tuple[Example, Problem | None]]:
    """Each example with what it showed, in their order; WIDTH are under way at once, while others are still drawn."""
    loop, places = asyncio.get_running_loop(), asyncio.Semaphore(WIDTH)
    tasks: list[asyncio.Task[Problem | None]] = []
    done = 0

    async def tried(example: Example) -> Problem | None:
        nonlocal done
        async with places:
            problem = await attempt(example)
        done += 1
        progress(done, examples)
        return problem

    async def begin(example: Example) -> None:
        tasks.append(loop.create_task(tried(example)))

    progress(done, examples)
    try:
        drawn = await in_thread(_DRAWING, lambda do: draw(strategy, examples, seed, lambda example: do(begin(example))))
        return list(zip(drawn, await asyncio.gather(*tasks), strict=True))
    finally:  # where one of them could not be tried, the others end with it
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _smallest(
    strategy: SearchStrategy[Example],
    attempt: Try[Example],
    problem: Problem,
    example: Example,
    count: int,
    seed: int,
) -> Failure[Example]:
    """The smallest example with the same observation; the drawn one, with less of it, where none is found again."""
    spent = 0
    last: dict[str, Problem] = {}

    def fails_alike(do: Do, candidate: Example) -> bool:
        nonlocal spent
        spent += 1
        if spent > SHRINK_REQUESTS:
            return False
        seen: Problem | None = do(_awaited(attempt, candidate))
        if seen is None or seen.observed != problem.observed:
            return False
        last[repr(candidate)] = seen
        return True

    settings = hypothesis.settings(
        max_examples=SHRINK_REQUESTS,
        phases=[Phase.generate, Phase.shrink],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
    )
    try:
        smallest = await searched(
            lambda do: hypothesis.find(
                strategy,
                partial(fails_alike, do),
                settings=settings,
                random=random.Random(seed),  # noqa: S311 - it repeats a search, it hides nothing
            )
        )
    except NoSuchExample:
        return await _less(attempt, problem, example, count)
    except hypothesis.errors.Flaky:
        return Failure(problem, example, count)
    return await _less(attempt, last.get(repr(smallest), problem), smallest, count)


async def _awaited(attempt: Try[Example], example: Example) -> Problem | None:
    return await attempt(example)


async def _less(attempt: Try[Example], problem: Problem, example: Example, count: int) -> Failure[Example]:
    """An example that is known to fail, piece after piece taken away as long as it fails alike."""
    spent, found = 0, True
    while found:
        found = False
        for candidate in _parts(example):
            spent += 1
            if spent > SHRINK_REQUESTS:
                break
            seen = await attempt(candidate)
            if seen is not None and seen.observed == problem.observed:
                problem, example, found = seen, candidate, True
                break
    return Failure(problem, example, count)


def _parts(example: Any) -> Iterator[Any]:
    """An example with one piece less: a member, an item, a half of a text; and with less in one of its members."""
    if isinstance(example, dict):
        for name in example:
            yield {key: value for key, value in example.items() if key != name}
        for name, value in example.items():
            yield from ({**example, name: less} for less in _parts(value))
    elif isinstance(example, list):
        for number in range(len(example)):
            yield example[:number] + example[number + 1 :]
    elif isinstance(example, str | bytes) and len(example) > 1:
        half = len(example) // 2
        yield example[:half]
        yield example[half:]
