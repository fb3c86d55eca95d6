"""The line of one check to the target: its exchanges become its evidence, its waits give its place back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from conformance.clock import Clock
from conformance.http.client import Transport
from conformance.http.evidence import Evidence
from conformance.http.message import Request, Response
from conformance.report.record import Wait


@dataclass
class Wire:
    """What a check sends through. `pause` is the engine's way to wait; it returns once a moment has come."""

    transport: Transport
    clock: Clock
    pause: Callable[[float], Awaitable[None]]
    evidence: Evidence = field(default_factory=Evidence)
    urgent: bool = False
    progress: Callable[[int, int], None] = lambda done, total: None

    async def send(self, request: Request, *, purpose: str, retry_throttled: bool = True) -> Response:
        """Send one request. Raises Died where no answer came, NotExercised where the target throttles."""
        return await self.transport.send(
            request,
            self.evidence,
            purpose=purpose,
            priority=0 if self.urgent else 1,
            retry_throttled=retry_throttled,
        )

    async def until(self, moment: float, reason: str) -> None:
        """Wait for a moment (Unix seconds); the check's next requests go first, for they are timed."""
        started = self.clock.now()
        if moment <= started:
            return
        await self.pause(moment)
        self.evidence.waits.append(Wait(started=started, seconds=self.clock.now() - started, reason=reason))
        self.urgent = True
