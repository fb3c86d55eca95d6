"""One pace for all: permits for requests in flight, requests per second, and a common pause after 429."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Permits:
    """At most `count` holders at once; the lowest priority number is served first, then who came first."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._queue: list[tuple[int, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    async def acquire(self, priority: int = 1) -> None:
        """Wait for a permit."""
        if self._free > 0:
            self._free -= 1
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._queue, (priority, next(self._order), future))
        try:
            await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self.release()
            raise

    def release(self) -> None:
        """Give a permit back."""
        if self._free < 0:
            self._free += 1
            return
        while self._queue:
            _, _, future = heapq.heappop(self._queue)
            if not future.done():
                future.set_result(None)
                return
        self._free += 1

    def overdraw(self) -> None:
        """Take a permit that may not be there: a check that wakes up must not queue for its place."""
        self._free -= 1

    @asynccontextmanager
    async def held(self, priority: int = 1) -> AsyncIterator[None]:
        """Hold a permit for a block."""
        await self.acquire(priority)
        try:
            yield
        finally:
            self.release()


class Pace:
    """Requests per second (GCRA without burst), and a pause that a 429 imposes on everybody."""

    def __init__(self, requests_per_second: float = 0) -> None:
        self._interval = 1 / requests_per_second if requests_per_second else 0.0
        self._next = 0.0
        self._paused_until = 0.0
        self.pauses = 0

    async def turn(self) -> None:
        """Return when the next request may be sent."""
        while True:
            now = time.monotonic()
            at = max(self._next, self._paused_until)
            if at <= now:
                self._next = now + self._interval
                return
            if at == self._next and self._interval:  # reserve the moment, so that the queue keeps its order
                self._next += self._interval
                await asyncio.sleep(at - now)
                if self._paused_until <= time.monotonic():
                    return
            else:
                await asyncio.sleep(at - now)

    def pause(self, seconds: float) -> None:
        """Nobody sends for so many seconds (Retry-After)."""
        self._paused_until = max(self._paused_until, time.monotonic() + seconds)
        self.pauses += 1
