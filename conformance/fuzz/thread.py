"""Hypothesis searches in threads, and the event loop brings the answers that it waits for."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

Value = TypeVar("Value")
#: Carries a step out on the event loop and waits for it.
Do = Callable[[Coroutine[Any, Any, Any]], Any]

#: So often a step that takes its time is asked whether anybody still waits for it (seconds).
LOOK = 0.1


class Ended(BaseException):
    """Nobody waits for the thread any more."""


async def in_thread(pool: ThreadPoolExecutor, work: Callable[[Do], Value]) -> Value:
    """What `work` comes to in a thread of the pool. It ends with whoever waits for it: no later than its next step."""
    loop, over = asyncio.get_running_loop(), threading.Event()

    def do(step: Coroutine[Any, Any, Value]) -> Value:
        if over.is_set():
            step.close()
            raise Ended
        future = asyncio.run_coroutine_threadsafe(step, loop)
        while True:
            try:
                return future.result(LOOK)
            except concurrent.futures.CancelledError:
                if over.is_set():
                    raise Ended from None
                raise
            except TimeoutError:
                if future.done():  # just now, or with a TimeoutError of its own
                    return future.result()
                if over.is_set():
                    future.cancel()
                    raise Ended from None

    working = loop.run_in_executor(pool, work, do)
    try:
        return await asyncio.shield(working)
    finally:
        over.set()
        await asyncio.wait([working])
        working.exception()
