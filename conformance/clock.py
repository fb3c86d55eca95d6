"""Time for checks: a clock that waits, and one that tests turn forward."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable
from typing import Protocol


class Clock(Protocol):
    """What the suite asks of time. Times are Unix seconds."""

    def now(self) -> float:
        """Seconds since 1970."""

    async def until(self, moment: float) -> None:
        """Return once `now()` is at or past `moment`."""


class RealClock:
    """The wall clock."""

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time()

    async def until(self, moment: float) -> None:
        """Sleep until `moment`; the wall clock is asked again, for a sleep may end early."""
        while (rest := moment - self.now()) > 0:  # noqa: ASYNC110 - nothing but time sets off what is awaited
            await asyncio.sleep(rest)


class TurnedClock:
    """A clock that jumps to the next awaited moment as soon as nobody has anything else to do.

    Share it with the server under test (`now`), so that both see the same time. `idle()` is called by the engine
    whenever a check ends or starts to wait; only when no check is active does time move, so that no running
    exchange sees a jump.
    """

    def __init__(self) -> None:
        self.offset = 0.0
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def now(self) -> float:
        """Seconds since 1970, as turned so far."""
        return time.time() + self.offset

    async def until(self, moment: float) -> None:
        """Wait for `turn` to come past `moment`."""
        if moment <= self.now():
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (moment, next(self._order), future))
        await future

    def turn(self) -> bool:
        """Jump to the earliest awaited moment and wake who waits for it. False if nobody waits."""
        while self._waiting and self._waiting[0][2].done():
            heapq.heappop(self._waiting)
        if not self._waiting:
            return False
        moment, _, future = heapq.heappop(self._waiting)
        self.offset += max(0.0, moment - self.now())
        future.set_result(None)
        return True


Now = Callable[[], float]
