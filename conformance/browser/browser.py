"""What a check in the browser gets: windows, one a person, closed when the check ends."""

from __future__ import annotations

from dataclasses import dataclass, field

from conformance.browser.leg import Leg
from conformance.browser.sight import Sight
from conformance.browser.tab import Tab
from conformance.browser.window import MOST_EXCHANGES, Window
from conformance.http.evidence import RawExchange, learn
from conformance.http.wire import Wire
from conformance.protocol.authorization import Authorization
from conformance.target import Target


@dataclass
class Browser:
    """The browser as one check uses it."""

    leg: Leg
    wire: Wire
    target: Target
    authorization: Authorization
    windows: list[Window] = field(default_factory=list)
    sight: Sight = field(default_factory=Sight)
    _told: int = 0

    async def window(self, user: str | None = "") -> Window:
        """A fresh window with one tab; by default its person is the profile's user, None is nobody.

        NotExercised where the profile has no such user.
        """
        person = self.authorization.new_browser(user).person
        context = await self.leg.context()
        window = Window(self, context, person, ends=self.authorization.ends())
        self.windows.append(window)
        window.listen()
        if self.leg.paced:
            await context.route("**/*", self.leg.wait_for_turn)
        await window.tab()
        return window

    async def tab(self, user: str | None = "") -> Tab:
        """The tab of a fresh window."""
        return (await self.window(user)).first

    @property
    def ended(self) -> bool:
        """Whether the browser went away under the check."""
        processes = [window.context.browser for window in self.windows]
        return self.leg.ended or any(process is not None and not process.is_connected() for process in processes)

    async def close(self) -> None:
        """Close every window."""
        for window in self.windows:
            await window.close()

    def count(self) -> None:
        """A request was made."""
        self.wire.transport.requests += 1

    def tell(self, exchange: RawExchange) -> None:
        """Put an exchange of the browser into the evidence; the redactor learns from every one."""
        self._told += 1
        if self._told <= MOST_EXCHANGES:
            self.wire.evidence.add(exchange, self.leg.redactor)
        else:
            learn(exchange, self.leg.redactor)

    def note(self, text: str) -> None:
        """Keep a step for the trace."""
        self.sight.steps.append((self.wire.clock.now(), text))
