"""Hypothesis searches in threads, and the event loop brings the answers that it waits for."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

Value = TypeVar("Value")
#: Carries a step out on the event loop and waits for it.
Do = Callable[[Coroutine[Any, Any, Any]], Any]


class Ended(BaseException):  # no Exception: Hypothesis would take that for an example that fails
    """Nobody waits for the thread any more."""


async def in_thread(pool: ThreadPoolExecutor, work: Callable[[Do], Value]) -> Value:
    """What `work` comes to in a thread of the pool. It ends with whoever waits for it: no later than its next step."""
    loop, steps, over = asyncio.get_running_loop(), set[asyncio.Task[Any]](), False

    def begin(step: Coroutine[Any, Any, Any], result: concurrent.futures.Future[Any]) -> None:
        task = loop.create_task(step)
        steps.add(task)
        task.add_done_callback(lambda _: _hand_over(task, result))
        task.add_done_callback(steps.discard)
        if over:
            task.cancel()

    def do(step: Coroutine[Any, Any, Any]) -> Any:
        result: concurrent.futures.Future[Any] = concurrent.futures.Future()
        loop.call_soon_threadsafe(begin, step, result)
        try:
            return result.result()
        except concurrent.futures.CancelledError:
            if over:
                raise Ended from None
            raise

    working = loop.run_in_executor(pool, work, do)
    try:
        return await asyncio.shield(working)
    finally:
        over = True
        for task in steps:
            task.cancel()
        await asyncio.wait([working])  # and so for its step, which puts its things away first
        working.exception()


def _hand_over(task: asyncio.Task[Any], result: concurrent.futures.Future[Any]) -> None:
    """Tell a thread what became of its step."""
    failure = None if task.cancelled() else task.exception()
    if task.cancelled():
        result.cancel()
    elif failure is not None:
        result.set_exception(failure)
    else:
        result.set_result(task.result())
