"""A window of the browser: one person's cookies, any number of tabs, and a record of what went over the wire."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urljoin

from playwright.async_api import BrowserContext, ConsoleMessage, Cookie, Error, Page, Request, Response, Route

from conformance.browser.tab import BODY_PATIENCE, Tab
from conformance.http import message
from conformance.http.evidence import RawExchange
from conformance.profile.keyring import Person
from conformance.protocol.outcome import Outcome, ended_at, with_parameters

if TYPE_CHECKING:
    from conformance.browser.browser import Browser

#: What goes into the evidence: pages and calls of scripts, and nothing that only decorates.
_TOLD = frozenset({"document", "xhr", "fetch"})
#: So many requests of one window are remembered: a hostile page makes more.
MOST_SENT = 4000
#: So many exchanges of one check go into the evidence.
MOST_EXCHANGES = 80
#: Addresses that are no place to go to.
_WEB = frozenset({"http", "https"})
_INNER = frozenset({"about", "chrome-error", "data", "blob", "javascript", "view-source"})


@dataclass(frozen=True)
class Sent:
    """One request that the browser made."""

    method: str
    url: str
    kind: str
    """document, script, xhr, fetch, image, …"""
    body: str = field(default="", repr=False)
    request: Request | None = field(default=None, repr=False, compare=False)

    async def header(self, name: str) -> str | None:
        """A header as it went out, cookies aside; None where it did not."""
        if self.request is None:
            return None
        with contextlib.suppress(Error):  # the window was closed before the browser told the last headers
            return await self.request.header_value(name)
        return None


@dataclass
class Window:
    """One person's browser. `person` logs in where a page asks; None: nobody does."""

    browser: Browser
    context: BrowserContext
    person: Person | None
    ends: Sequence[str] = ()
    tabs: list[Tab] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    """Every request, in order."""
    console: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    """Why requests failed, in the browser's words."""
    documents: list[asyncio.Task[message.Response | None]] = field(default_factory=list)
    _staged: set[str] = field(default_factory=set)
    _promised: dict[str, str] = field(default_factory=dict)
    _pending: list[asyncio.Task[message.Response | None]] = field(default_factory=list)
    _heard: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    def listen(self) -> None:
        """Follow what the browser does in this window."""
        self.context.on("request", self._on_request)
        self.context.on("response", self._on_response)
        self.context.on("requestfinished", self._on_finished)
        self.context.on("requestfailed", self._on_failed)
        self.context.on("console", self._on_console)
        self.context.on("page", self._on_page)

    async def tab(self) -> Tab:
        """A new tab."""
        page = await self.context.new_page()
        tab = self._tab_of(page)
        await tab.watch()
        return tab

    @property
    def first(self) -> Tab:
        """The first tab."""
        return self.tabs[0]

    async def close(self) -> None:
        """Close the window and put what went over the wire into the evidence."""
        if self._pending:
            await asyncio.wait(self._pending, timeout=BODY_PATIENCE)
        await self.context.close()
        await asyncio.gather(*self._pending, return_exceptions=True)

    # -- what a check looks at and prepares --------------------------------------------------------------------------

    async def cookies(self) -> list[Cookie]:
        """Every cookie of this window."""
        return await self.context.cookies()

    async def plant(self, cookies: Sequence[Cookie]) -> None:
        """Put cookies of another window into this one."""
        await self.context.add_cookies(list(cookies))  # type: ignore[arg-type]

    async def hears(self, url: str, method: str = "GET", seconds: float = 5.0) -> bool:
        """Whether a request goes out, or has gone out, within a time."""
        end = monotonic() + seconds
        while not any(sent.url == url and sent.method == method for sent in self.sent):
            self._heard.clear()
            try:
                async with asyncio.timeout(end - monotonic()):
                    await self._heard.wait()
            except TimeoutError:
                return False
        return True

    async def forget(self, name: str) -> None:
        """Take a cookie away."""
        await self.context.clear_cookies(name=name)

    async def stage(self, url: str, html: str) -> None:
        """Let an address, of another site than the target's, answer with a page of the suite."""
        self._staged.add(url)
        if self.browser.leg.profile.browser.engine == "chromium":
            # What a site may do must not depend on the target being near: without this a browser keeps pages of other
            # sites away from loopback and private addresses. Older ones know no such permission, nor need it.
            with contextlib.suppress(Error):
                await self.context.grant_permissions(["local-network-access"], origin=message.origin(url))

        async def answer(route: Route) -> None:
            await route.fulfill(status=200, content_type="text/html; charset=utf-8", body=html)

        await self.context.route(url, answer)

    # -- where walks end ---------------------------------------------------------------------------------------------

    def is_end(self, url: str) -> bool:
        """Whether an address is one of a client, or outside of what the profile names."""
        return self.is_client(url) or (
            _scheme(url) in _WEB and _bare(url) not in self._staged and not self.browser.wire.transport.may_reach(url)
        )

    def is_client(self, url: str) -> bool:
        """Whether an address is a redirect URI, or one of an application."""
        if _scheme(url) not in _WEB:
            return _scheme(url) not in _INNER
        return _bare(url) not in self._staged and any(_bare(url) == _bare(end) for end in self.ends)

    def promise(self, url: str) -> None:
        """Remember a whole address: the browser's request does not tell the fragment."""
        if "#" in url:
            self._promised[_bare(url)] = url

    # -- events ------------------------------------------------------------------------------------------------------

    def _tab_of(self, page: Page) -> Tab:
        for tab in self.tabs:
            if tab.page is page:
                return tab
        tab = Tab(self, page, len(self.tabs) + 1)
        self.tabs.append(tab)
        return tab

    def _on_page(self, page: Page) -> None:
        self._tab_of(page)

    def _owner(self, request: Request) -> Tab | None:
        try:
            return self._tab_of(request.frame.page)
        except Error:  # a page that is only just opening
            return self.tabs[-1] if self.tabs else None

    def _on_request(self, request: Request) -> None:
        tab = self._owner(request)
        body = _body(request)
        self.browser.count()
        if len(self.sent) < MOST_SENT:
            self.sent.append(Sent(request.method, request.url, request.resource_type, body, request))
        self._heard.set()
        if tab is None:
            return
        tab.stirred(request, begins=True)
        ends = self.is_end if tab.is_own(request) else self.is_client
        if request.is_navigation_request() and ends(request.url):
            tab.arrived(self._arrival(request, body))

    def _arrival(self, request: Request, body: str) -> Outcome:
        where = self._promised.pop(_bare(request.url), request.url)
        if request.method == "POST":
            return with_parameters(where, dict(parse_qsl(body, keep_blank_values=True)), "form_post", ())
        return ended_at(where, ())

    def _on_response(self, response: Response) -> None:
        location = response.headers.get("location")
        if location and 300 <= response.status < 400:
            self.promise(_join(response.url, location))
        tab = self._owner(response.request)
        if tab is not None:
            tab.stirred(response.request)
            tab.answered(response)
        if response.request.resource_type in _TOLD:
            started = self.browser.wire.clock.now()
            task = asyncio.create_task(self._read(response, started))
            self._pending.append(task)
            if response.request.resource_type == "document":
                self.documents.append(task)

    async def _read(self, response: Response, started: float) -> message.Response | None:
        """The answer as the suite's own HTTP client would have it, for the evidence and for checks."""
        request = response.request
        try:
            sent = await request.headers_array()
            received = await response.headers_array()
        except Error:  # the window was closed meanwhile
            return None
        content = b""
        if not 300 <= response.status < 400 and response.request.method != "HEAD":
            with contextlib.suppress(Error):  # the browser keeps no body of a page that was left at once
                content = await response.body()
        answer = message.Response(
            status=response.status,
            headers=tuple((header["name"], header["value"]) for header in received),
            body=content,
            url=response.url,
            started=started,
            seconds=max(0.0, request.timing["responseStart"] / 1000),
            received=started,
        )
        self.browser.tell(
            RawExchange(
                f"browser: {request.resource_type}",
                message.Request(
                    request.method,
                    request.url,
                    tuple((header["name"], header["value"]) for header in sent),
                    _body(request).encode("utf-8", "surrogateescape"),
                ),
                answer,
                started,
                answer.seconds,
            )
        )
        return answer

    def _on_finished(self, request: Request) -> None:
        tab = self._owner(request)
        if tab is not None:
            tab.stirred(request, ends=True)

    @property
    def kept_away(self) -> bool:
        """Whether the browser kept a page of another site from reaching this machine or network at all."""
        return any("LOCAL_NETWORK" in failure for failure in self.failures) or any(
            "address space" in text for text in self.console
        )

    def _on_failed(self, request: Request) -> None:
        self.failures.append(request.failure or "")
        tab = self._owner(request)
        if tab is not None:
            tab.stirred(request, ends=True)
            tab.failed(request)

    def _on_console(self, said: ConsoleMessage) -> None:
        self.console.append(said.text[:2000])


def _scheme(url: str) -> str:
    return url.partition(":")[0].lower()


def _bare(url: str) -> str:
    return url.split("#")[0].split("?")[0]


def _join(base: str, address: str) -> str:
    try:
        return urljoin(base, address)
    except ValueError:
        return address


def _body(request: Request) -> str:
    try:
        content = request.post_data_buffer
    except Error:
        return ""
    return content.decode("utf-8", "replace")[:100_000] if content else ""
