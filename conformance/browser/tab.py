"""A tab: opening an authorization request, walking to its end, reloading, going back, taking pictures."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal

from playwright.async_api import Error, Frame, Page, Request, Response

from conformance.browser.person import Move, next_move, seen
from conformance.browser.sight import MOST_PICTURES, RawPicture
from conformance.browser.view import View, look
from conformance.http import message
from conformance.login import totp
from conformance.login.walk import MOST_LOGINS, MOST_PAGES, Stop, cannot_refuse
from conformance.protocol.authorization import ends_of
from conformance.protocol.outcome import Ending, Outcome
from conformance.protocol.par import Change, PushAnswer
from conformance.target import RegisteredClient
from conformance.verdict import NotExercised

if TYPE_CHECKING:
    from conformance.browser.window import Window

#: A page has come to rest when nothing was heard of it for so long (seconds).
QUIET = 0.06
#: A page that is still loading is taken as it is after so long (seconds).
PATIENCE = 15.0
#: A page with scripts may take so long to show something to do (seconds).
SCRIPT_PATIENCE = 5.0
#: So long after a button was pressed something has to happen (seconds).
REACTION = 8.0
#: The same question so often means that the answer is not taken.
MOST_CONSENTS = 4
#: So long an answer's body is waited for when it is needed (seconds).
BODY_PATIENCE = 2.0
#: Quality of a picture: text stays readable.
JPEG_QUALITY = 45
#: What a page waits for before it can be used.
_NEEDED = frozenset({"document", "script", "xhr", "fetch"})
_WALKED_ON = frozenset({Ending.LOGIN_ASKED, Ending.CONSENT_ASKED})


@dataclass
class Tab:
    """One tab of a window."""

    window: Window
    page: Page
    number: int
    logins: int = 0
    """How often a password was typed here."""
    consents: int = 0
    """How often consent was given or refused here."""
    status: int | None = None
    """The HTTP status of the page that is shown."""
    _arrival: Outcome | None = None
    _failure: str | None = None
    _commits: int = 0
    _before_arrival: int = 0
    _heard: int = 0
    """How much the browser had said before it showed this page."""
    _flying: set[Request] = field(default_factory=set, repr=False)
    _stir: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    async def watch(self) -> None:
        """Follow where the page goes; Chromium also tells addresses that only a script names."""
        self.page.on("framenavigated", self._on_navigated)
        self.page.set_default_timeout(PATIENCE * 1000)
        if self.window.browser.leg.profile.browser.engine == "chromium":
            session = await self.window.context.new_cdp_session(self.page)
            session.on("Page.frameRequestedNavigation", lambda event: self.window.promise(event["url"]))
            await session.send("Page.enable")

    # -- opening -----------------------------------------------------------------------------------------------------

    async def open(
        self,
        answer: PushAnswer,
        /,
        *,
        client: str | RegisteredClient | None = None,
        deny: bool = False,
        stop: Stop | None = None,
        query: Mapping[str, Change] | None = None,
        **changes: Change,
    ) -> Outcome:
        """Open the authorization request that a push stands for, and walk to its end or to where it should stop."""
        authorization = self.window.browser.authorization
        pairs = authorization.pairs(answer, client, {**(query or {}), **changes})
        self.window.ends = [*self.window.ends, *ends_of(answer)]
        login = authorization.target.profile.login
        if login.driver != "rest":  # there they keep a server from showing its pages
            pairs = (*pairs, *login.parameters.items())
        await self.goto(authorization.address(pairs))
        return await self.walk(deny=deny, stop=stop)

    async def goto(self, url: str) -> None:
        """Open an address, as if it were typed."""
        await self._do(f"opened {url}", lambda: self.page.goto(url, wait_until="commit"))

    async def reload(self) -> None:
        """Load the page again; a form that led to it is sent again, as a person who confirms it would do."""
        await self._do("loaded the page again", lambda: self.page.reload(wait_until="commit"))

    async def back(self) -> bool:
        """Press the back button. False where that leaves the pages of the server: what is shown is its first one."""
        await self._left()
        await self._do("went back", lambda: self.page.go_back(wait_until="commit"))
        return not self.page.url.startswith("about:")

    async def _left(self) -> None:
        """Return when the page that led to a client is behind: a step back before that would step over it.

        An address that no browser shows (a scheme of an app) leaves the page where it is, so the wait has an end.
        """
        end = monotonic() + REACTION
        while self._arrival is not None and self._commits == self._before_arrival and monotonic() < end:
            await self._stirs(0.1)

    async def _do(self, about: str, act: Callable[[], Awaitable[Any]]) -> None:
        self._arrival = self._failure = None
        self._stir.clear()
        self.note(about)
        try:
            await act()
        except Error as error:
            if self._arrival is None:
                self._failure = _first_line(error)
        await self.settle()

    # -- walking -----------------------------------------------------------------------------------------------------

    async def walk(self, *, deny: bool = False, stop: Stop | None = None) -> Outcome:
        """Walk on from the page that is shown. NotExercised where the profile does not let anybody log in."""
        self._check_driver()
        outcome = await self._walk(deny, stop)
        self.note(f"ended: {outcome.summary}")
        if outcome.ending in {*_WALKED_ON, Ending.ERROR_PAGE, Ending.STUCK, Ending.KEPT_IN}:
            await self.picture(str(outcome.ending))
        return replace(outcome, responses=await self._seen())

    def _check_driver(self) -> None:
        driver = self.window.browser.target.profile.login.driver
        if driver in {"none", "manual"} and self.window.person is not None:
            raise NotExercised(f"the profile's login driver is {driver!r}: nobody logs in by themselves")

    async def _walk(self, deny: bool, stop: Stop | None) -> Outcome:
        before: tuple[int, str] | None = None
        logins = consents = 0
        for _ in range(MOST_PAGES):
            view, move = await self._next(deny, before)
            if self._arrival is not None:
                return self._arrival
            if view is None:
                return Outcome(Ending.DIED, reason=self._failure or "the page did not come")
            if move == "no-reaction":
                return self._stuck("a button was pressed, and nothing happened")
            if move == "no-way-to-refuse":
                raise cannot_refuse(self.window.browser.target.profile.login)
            if move is None:
                return Outcome(Ending.ERROR_PAGE)
            asks = Ending.LOGIN_ASKED if move.names_person else Ending.CONSENT_ASKED
            if self._stops(move, stop):
                return Outcome(asks)
            logins += move.password
            consents += asks is Ending.CONSENT_ASKED
            if logins > MOST_LOGINS:
                reason = f"the login form came {MOST_LOGINS} times: user name or password may be wrong"
                return Outcome(Ending.STUCK, reason=reason)
            if consents > MOST_CONSENTS:
                reason = f"a page without a password field came {MOST_CONSENTS} times: describe it in `login.steps`"
                return Outcome(Ending.STUCK, reason=reason)
            before = (self._commits, view.signature)
            stuck = await self.make(move)
            if stuck is not None:
                return self._stuck(stuck)
        return Outcome(Ending.STUCK, reason=f"no end after {MOST_PAGES} pages")

    def _stuck(self, reason: str) -> Outcome:
        """Nothing happened, or the browser itself said that the page's policy forbids it (CSP Level 3, form-action)."""
        kept = next((text for text in self.window.console[self._heard :] if "form-action" in text), None)
        return Outcome(Ending.KEPT_IN, reason=kept.strip()) if kept else Outcome(Ending.STUCK, reason=reason)

    def _stops(self, move: Move, stop: Stop | None) -> bool:
        if self.window.person is None:
            return True
        if stop == "login":
            return move.names_person
        return stop == "consent" and move.kind in {"consent", "refusal"}

    async def _next(
        self, deny: bool, before: tuple[int, str] | None
    ) -> tuple[View | None, Move | Literal["no-way-to-refuse", "no-reaction"] | None]:
        """The page that comes, and what to do with it: a script may take a while to show something to do."""
        reaction = monotonic() + REACTION
        patience, given_up = monotonic() + SCRIPT_PATIENCE, monotonic() + PATIENCE
        view: View | None = None
        while True:
            await self.settle()
            if self._arrival is not None:
                return view, None
            shown = await look(self.page) if not self._gone() else None
            now = monotonic()
            if shown is None and ((self._failure is not None and self._gone()) or now > given_up):
                return None, None
            if shown is not None:
                view = shown
                same = before is not None and before == (self._commits, shown.signature)
                if same and now > reaction:
                    return shown, "no-reaction"
                if not same:
                    move = await self._judge(shown, deny, sure=shown.scripted and now < patience)
                    if move is not None or not shown.scripted or now > patience or (self.status or 200) >= 400:
                        return shown, move
            await self._stirs(0.1)

    def _gone(self) -> bool:
        """There is nothing to see: the page did not come, or its tab was closed."""
        return self.page.is_closed() or self.page.url.startswith(("chrome-error:", "about:"))

    async def _judge(self, view: View, deny: bool, *, sure: bool) -> Move | Literal["no-way-to-refuse"] | None:
        profile = self.window.browser.target.profile
        move = await next_move(self.page, view, profile.login, self.values(), deny=deny, sure=sure)
        if isinstance(move, Move) and (self.status or 200) >= 400 and not move.names_person:
            return None  # an error page with a button of its own
        return move

    async def make(self, move: Move) -> str | None:
        """Do what a person would do here. What kept them from it, in words, or None."""
        for touch in move.touches:
            self.note(touch.about)
        self.logins += move.password
        self.consents += move.kind in {"consent", "refusal"}
        self._arrival = self._failure = None
        self._stir.clear()
        try:
            await move.make()
        except Error as error:
            if self._arrival is None:
                return f"the page does not let a person do it: {_first_line(error)}"
        return await self._waited_for(move.wait_for) if move.wait_for else None

    async def _waited_for(self, selector: str) -> str | None:
        end = monotonic() + PATIENCE
        while await seen(self.page, selector) is None:
            if self._arrival is not None:
                return None
            if monotonic() > end:
                return f"{selector!r} was waited for and did not come"
            await self._stirs(0.1)
        return None

    def values(self) -> dict[str, str]:
        """What the person of this window fills in."""
        person = self.window.person
        if person is None:
            return {}
        values = {"username": person.username, "password": person.password}
        if person.totp:
            values["totp"] = totp.now(person.totp, self.window.browser.wire.clock.now())
        return values

    # -- for checks --------------------------------------------------------------------------------------------------

    async def view(self) -> View:
        """The page that is shown. NotExercised where there is none."""
        for _ in range(20):
            await self.settle()
            shown = await look(self.page) if not self._gone() else None
            if shown is not None:
                return shown
        raise NotExercised(f"there is no page to look at: {self._failure or self.page.url}")

    async def evaluate(self, script: str, argument: Any = None) -> Any:
        """What a script says of the page. NotExercised where the page is left meanwhile."""
        try:
            return await self.page.evaluate(script, argument)
        except Error as error:
            raise NotExercised(f"the page could not be examined: {_first_line(error)}") from error

    @property
    def arrival(self) -> Outcome | None:
        """Where the last step led to, if that is a client."""
        return self._arrival

    async def _seen(self) -> tuple[message.Response, ...]:
        if self.window.documents:  # of an endless page nothing is told
            await asyncio.wait(self.window.documents, timeout=BODY_PATIENCE)
        read = [task.result() for task in self.window.documents if task.done()]
        return tuple(response for response in read if response is not None)

    # -- events ------------------------------------------------------------------------------------------------------

    def stirred(self, request: Request, *, begins: bool = False, ends: bool = False) -> None:
        """Something was heard of this tab."""
        if begins and request.resource_type in _NEEDED:
            self._flying.add(request)
            if self.is_own(request):
                self._failure = self.status = None
        if ends:
            self._flying.discard(request)
        self._stir.set()

    def answered(self, response: Response) -> None:
        """An answer came; that of the page itself tells its status."""
        if self.is_own(response.request) and not 300 <= response.status < 400:
            self.status = response.status

    def failed(self, request: Request) -> None:
        """A request failed; that of the page itself leaves nothing to see."""
        if self._arrival is None and self.is_own(request):
            self._failure = request.failure or "the request failed"

    def is_own(self, request: Request) -> bool:
        """Whether a request is for the page itself, and not for something in it."""
        if not request.is_navigation_request():
            return False
        try:
            return request.frame is self.page.main_frame
        except Error:
            return True

    def arrived(self, outcome: Outcome) -> None:
        """The browser was sent to a client."""
        if self._arrival is None:
            self._arrival, self._before_arrival = outcome, self._commits
        self._stir.set()

    def _on_navigated(self, frame: Frame) -> None:
        self._commits += 1
        self._heard = len(self.window.console)
        self._stir.set()

    async def settle(self) -> None:
        """Return when the page has come to rest: nothing is under way, and nothing is heard of it any more."""
        end = monotonic() + PATIENCE
        while monotonic() < end:
            if not await self._stirs(QUIET) and not self._flying:
                return

    async def _stirs(self, seconds: float) -> bool:
        """Whether something is heard of this tab within a time."""
        self._stir.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._stir.wait()
        except TimeoutError:
            return False
        return True

    # -- evidence ----------------------------------------------------------------------------------------------------

    def note(self, text: str) -> None:
        """Keep a step for the trace."""
        self.window.browser.note(f"tab {self.number}: {text}" if len(self.window.tabs) > 1 else text)

    async def picture(self, caption: str) -> None:
        """Take a picture of what a person sees now."""
        sight = self.window.browser.sight
        del sight.pictures[: -(MOST_PICTURES - 1)]
        try:
            text = await self.page.evaluate(
                "() => [document.body ? document.body.innerText : '',"
                " ...[...document.querySelectorAll('input:not([type=password]), textarea')]"
                ".filter(field => field.offsetWidth).map(field => field.value)].join('\\n')"
            )
            jpeg = await self.page.screenshot(type="jpeg", quality=JPEG_QUALITY, timeout=5000)
        except Error:
            self.note("no picture could be taken of the page")
            return
        sight.pictures.append(RawPicture(caption, self.page.url, jpeg, str(text)))


def _first_line(error: Error) -> str:
    return next((line.strip() for line in error.message.splitlines() if line.strip()), "it failed")
