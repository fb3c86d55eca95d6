"""Authorization requests (RFC 6749 section 4.1.1, RFC 9126 section 4), walked to their end by a person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from conformance.http.message import Died, Pairs
from conformance.http.wire import Wire
from conformance.login.browser import Browser
from conformance.login.walk import Stop, Walk, call
from conformance.protocol.outcome import Ending, Outcome
from conformance.protocol.par import Change, PushAnswer, changed_pairs
from conformance.target import RegisteredClient, Target
from conformance.verdict import NotApplicable, NotExercised

#: So many checks in a row, or walks of one, without an end, and no code between them, mean that none will have one.
MOST_STUCK = 8


@dataclass
class Browsers:
    """Browser sessions of a run, lent to one check at a time: a server may keep one flow a session only."""

    target: Target
    idle: dict[str, list[Browser]] = field(default_factory=dict, repr=False)
    stuck: int = 0
    """In how many checks one after the other a walk came to no end."""

    def expect_an_end(self) -> None:
        """NotExercised where no walk comes to its end: more of them would only lock a person out, or last for ever."""
        if self.stuck >= MOST_STUCK:
            raise _no_end(self.stuck)

    def new(self, user: str | None) -> Browser:
        """A fresh session for a user of the profile; None: nobody will log in."""
        headers = tuple(self.target.profile.login.headers.items())
        if user is None:
            return Browser(None, headers)
        if user not in self.target.keyring.users:
            raise NotExercised(f"the profile has no user {user!r}: nobody can log in")
        return Browser(self.target.keyring.users[user], headers)

    def take(self, user: str) -> Browser:
        """A session in which the user may be logged in already, for one check alone until it is given back."""
        idle = self.idle.setdefault(user, [])
        return idle.pop() if idle else self.new(user)

    def give_back(self, user: str, browsers: Iterable[Browser]) -> None:
        """Sessions for the next check."""
        self.idle.setdefault(user, []).extend(browsers)


@dataclass
class Authorization:
    """The authorization endpoint as one check uses it."""

    wire: Wire
    target: Target
    browsers: Browsers
    #: Sessions that this check holds, and that no visit of it uses just now: a server may tie a grant to a session, so
    #: that what one check does to a code must not meet the codes of another.
    held: list[Browser] = field(default_factory=list, repr=False)
    #: How many walks of this check came to no end one after the other.
    stuck: int = 0

    def end(self) -> None:
        """Give the borrowed sessions back: the check is over."""
        self.browsers.give_back(self.target.profile.login.user, self.held)
        self.held = []

    def new_browser(self, user: str | None = "") -> Browser:
        """A fresh browser; by default its person is the profile's user, None is nobody."""
        return self.browsers.new(self.target.profile.login.user if user == "" else user)

    async def open(
        self,
        answer: PushAnswer,
        /,
        *,
        client: str | RegisteredClient | None = None,
        browser: Browser | None = None,
        method: str = "GET",
        deny: bool = False,
        stop: Stop | None = None,
        query: Mapping[str, Change] | None = None,
        in_url: Mapping[str, Change] | None = None,
        **changes: Change,
    ) -> Outcome:
        """Open the authorization request that a push stands for: client_id and request_uri.

        `query` and `changes` change these two or stand beside them; `in_url` stands in the URL of a POST.

        `client` opens it in the name of another role. Without a `browser` a logged-in session is borrowed.
        """
        pairs = self.pairs(answer, client, {**(query or {}), **changes})
        ends = ends_of(answer)
        address = changed_pairs((), in_url or {})
        outcome = await self.visit(
            pairs, browser=browser, method=method, deny=deny, stop=stop, ends=ends, in_url=address
        )
        return replace(outcome, late=answered_late(answer, outcome))

    def pairs(self, answer: PushAnswer, client: str | RegisteredClient | None, changes: Mapping[str, Change]) -> Pairs:
        """The parameters with which a push is opened: client_id and request_uri, with changes."""
        if answer.request_uri is None:
            raise NotExercised(f"there is no request_uri to open: {answer.summary}")
        by = answer.push.client
        if client is not None:
            by = self.target.client(client) if isinstance(client, str) else client
        beside = self.target.profile.beside_request_uri
        return changed_pairs(
            (("client_id", by.client_id), ("request_uri", answer.request_uri), *beside.items()), changes
        )

    def address(self, pairs: Pairs) -> str:
        """The URL of an authorization request by GET."""
        url = self.target.authorization_endpoint
        return url + ("&" if "?" in url else "?") + urlencode(pairs)

    def ends(self, *further: str) -> list[str]:
        """The addresses at which a walk is over: every registered redirect URI, and further ones."""
        registered = [uri for entry in self.target.profile.clients.values() for uri in entry.redirect_uris]
        return [*registered, *further]

    async def visit(
        self,
        pairs: Pairs,
        *,
        browser: Browser | None = None,
        method: str = "GET",
        deny: bool = False,
        stop: Stop | None = None,
        ends: list[str] | None = None,
        in_url: Pairs = (),
    ) -> Outcome:
        """Send any authorization request and walk to its end."""
        if browser is not None:
            return await self._visit(browser, pairs, method, deny, stop, ends or [], in_url)
        held = self.held.pop() if self.held else self.browsers.take(self.target.profile.login.user)
        outcome = await self._visit(held, pairs, method, deny, stop, ends or [], in_url)
        self.held.append(held)
        return outcome

    async def _visit(
        self,
        browser: Browser,
        pairs: Pairs,
        method: str,
        deny: bool,
        stop: Stop | None,
        ends: list[str],
        in_url: Pairs,
    ) -> Outcome:
        self.browsers.expect_an_end()
        if self.stuck >= MOST_STUCK:
            raise _no_end(self.stuck)
        login = self.target.profile.login
        if login.driver == "none" and browser.person is not None:
            raise NotExercised("the profile's login driver is 'none': no authorization can be finished")
        if login.driver == "manual":
            raise NotExercised("the login is done by a person in a browser: this check runs over plain HTTP")
        own = (*login.parameters.items(), *in_url)
        values = self._values(pairs)
        try:
            if login.driver == "rest" and browser.person is not None and stop != "login":
                await self._prepare(browser, values)
            if method == "GET":
                response = await browser.get(self.wire, self.address((*pairs, *own)), "authorization request")
            else:  # what the server adds for itself stands in the address, as its own pages would have it
                url = self.address(own) if own else self.target.authorization_endpoint
                response = await browser.submit(self.wire, url, method, pairs, "authorization request", url)
        except Died as died:
            return Outcome(Ending.DIED, reason=str(died))
        walk = Walk(self.wire, browser, login, self.ends(*ends), values, deny, stop, base=self.target.issuer)
        return self._counted(await walk.run(response), browser)

    def _counted(self, outcome: Outcome, browser: Browser) -> Outcome:
        """Remember whether walks come to their end at this target at all.

        A check counts once, and a session that has brought a code not at all: that a login page is shown again and
        again may be how this server refuses, and checks may ask for little else.
        """
        if outcome.ending is Ending.STUCK and not browser.arrived:
            self.browsers.stuck += self.stuck == 0
            self.stuck += 1
        elif outcome.ending is Ending.CODE:
            browser.arrived = True
            self.browsers.stuck = self.stuck = 0
        return outcome

    async def go_on(self, answer: PushAnswer, stopped: Outcome, browser: Browser) -> Outcome:
        """Walk on, in the same browser, from the page at which opening a push had stopped.

        NotApplicable where people log in over an API: no page waits for them.
        """
        login = self.target.profile.login
        if login.driver != "form" or stopped.page is None:
            raise NotApplicable("there is no page on which a person could go on later")
        walk = Walk(
            self.wire,
            browser,
            login,
            self.ends(*ends_of(answer)),
            self._values(self.pairs(answer, None, {})),
            base=self.target.issuer,
        )
        return self._counted(await walk.run(stopped.page), browser)

    def _values(self, pairs: Pairs) -> dict[str, str]:
        """What the steps of a login may name."""
        asked = dict(pairs)
        names = ("client_id", "request_uri")
        return {**{name: asked.get(name, "") for name in names}, "scope": self._scope(asked)}

    async def _prepare(self, browser: Browser, values: Mapping[str, str]) -> None:
        login, person = self.target.profile.login, browser.person
        if person is None:
            return
        filled = {**values, "username": person.username, "password": person.password}
        if not browser.prepared:
            for rest in login.calls:
                await call(self.wire, browser, rest, self.target.issuer, filled, "login")
            browser.prepared = True
        # Nobody can consent to a client that is none: what becomes of its request is the server's to say.
        known = any(entry.client_id == values["client_id"] for entry in self.target.profile.clients.values())
        for rest in login.consent_calls:
            await call(self.wire, browser, rest, self.target.issuer, filled, "consent", shown=not known)

    def _scope(self, query: Mapping[str, str]) -> str:
        if "scope" in query:
            return query["scope"]
        by_id = {entry.client_id: entry.scope for entry in self.target.profile.clients.values()}
        return by_id.get(query.get("client_id", "")) or ""

    def needs_code(self, outcome: Outcome) -> Outcome:
        """The outcome, if a code came. NotExercised where none did: nothing can be built on it."""
        if outcome.ending is not Ending.CODE:
            raise NotExercised(f"no authorization code came from an ordinary request: {outcome.summary}")
        return outcome

    async def code(
        self, answer: PushAnswer, /, *, browser: Browser | None = None, query: Mapping[str, Change] | None = None
    ) -> Outcome:
        """Open a push that has to end in a code for the check to go on."""
        return self.needs_code(await self.open(answer, browser=browser, query=query))


def _no_end(logins: int) -> NotExercised:
    return NotExercised(f"{logins} logins in a row came to no end: this one was not tried")


def answered_late(answer: PushAnswer, outcome: Outcome) -> bool:
    """Whether the announced life of a request_uri was over when its authorization request was first answered."""
    first = next(iter(outcome.responses), None)
    if answer.response is None or not answer.expires_in or answer.expires_in < 0 or first is None:
        return False
    return first.received > answer.response.received + answer.expires_in


def ends_of(answer: PushAnswer) -> list[str]:
    """The address that the answer to a pushed request goes to, where it is said."""
    pushed = answer.push.value("redirect_uri")
    return [pushed] if pushed else []
