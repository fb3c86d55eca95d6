"""A search in a thread ends with whoever waits for it."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import hypothesis
import pytest
from hypothesis import strategies as st

from conformance.fuzz.thread import Do, in_thread


@pytest.fixture
def pool():
    with ThreadPoolExecutor(max_workers=1) as pool:
        yield pool


async def answered(value: int) -> int:
    await asyncio.sleep(0)
    return value


def test_steps_are_carried_out_on_the_loop(pool: ThreadPoolExecutor) -> None:
    def work(do: Do) -> int:
        return sum(do(answered(number)) for number in range(10))

    assert asyncio.run(in_thread(pool, work)) == 45


def test_what_a_step_raises_comes_back(pool: ThreadPoolExecutor) -> None:
    async def late() -> None:
        raise TimeoutError("of the step itself")

    with pytest.raises(TimeoutError, match="of the step itself"):
        asyncio.run(in_thread(pool, lambda do: do(late())))


def test_step_of_a_search_that_nobody_waits_for_puts_its_things_away(pool: ThreadPoolExecutor) -> None:
    put_away = []

    async def step() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(0.05)
            put_away.append(True)

    async def interrupted() -> None:
        searching = asyncio.create_task(in_thread(pool, lambda do: do(step())))
        await asyncio.sleep(0.1)
        searching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await searching
        assert put_away == [True]

    asyncio.run(interrupted())


@pytest.mark.parametrize("step", [3600, 0.001], ids=["a-long-step", "many-short-steps"])
def test_nobody_waits_for_a_search_that_nobody_waits_for(pool: ThreadPoolExecutor, step: float) -> None:
    steps = 0

    def search(do: Do) -> None:
        @hypothesis.settings(max_examples=100_000, deadline=None, database=None)
        @hypothesis.given(st.integers())
        def tried(_: int) -> None:
            nonlocal steps
            steps += 1
            do(asyncio.sleep(step))

        tried()

    async def interrupted() -> None:
        searching = asyncio.create_task(in_thread(pool, search))
        await asyncio.sleep(0.3)
        searching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await searching

    asyncio.run(interrupted())

    assert steps
    assert pool.submit(int).result(timeout=5) == 0, "the thread is free again"
