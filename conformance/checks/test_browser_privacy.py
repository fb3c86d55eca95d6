"""What is left of a request in the browser, and who else hears of it (RFC 9126 section 8, RFC 9396, RFC 9700)."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field

from conformance import expect
from conformance.browser.browser import Browser
from conformance.browser.tab import Tab
from conformance.check import verifies
from conformance.checks import in_browser
from conformance.checks.test_privacy import occurs
from conformance.http.message import origin, split
from conformance.profile.model import Feature
from conformance.protocol.outcome import Ending
from conformance.protocol.par import Par, PushAnswer, speaks_openid
from conformance.target import Target
from conformance.verdict import NotApplicable

_STORED = """
() => {
  const all = [];
  for (const [name, storage] of [['local storage', localStorage], ['session storage', sessionStorage]]) {
    for (let i = 0; i < storage.length; i++) all.push([name, storage.key(i) + '=' + storage.getItem(storage.key(i))]);
  }
  return all;
}
"""


@dataclass
class Trail:
    """What a walk left behind in a window: where, and the text."""

    tab: Tab
    left: list[tuple[str, str]] = field(default_factory=list)

    async def collect(self, *, pages: bool) -> None:
        """Look into cookies, storages and, where wanted, the page that is shown."""
        for cookie in await self.tab.window.cookies():
            self.left.append((f"the cookie {cookie['name']}", cookie["value"]))
        if self.tab.arrival is None:
            self.left += [(where, text) for where, text in await self.tab.evaluate(_STORED)]
            if pages:
                self.left.append(("a page", await self.tab.page.content()))


async def walked(tab: Tab, answer: PushAnswer, *, pages: bool = True) -> Trail:
    """Walk a request to its end and collect what it leaves, at login, at consent and after."""
    trail = Trail(tab)
    outcome = await tab.open(answer, stop="login")
    if outcome.ending is Ending.LOGIN_ASKED:
        await trail.collect(pages=pages)
        outcome = await tab.walk(stop="consent")
    if outcome.ending is Ending.CONSENT_ASKED:
        await trail.collect(pages=pages)
        outcome = await tab.walk()
    in_browser.code_of(outcome)
    await trail.collect(pages=False)
    trail.left += [("the console", text) for text in tab.window.console]
    responses = await asyncio.gather(*tab.window.documents)
    for response in filter(None, responses):
        trail.left += [("a cookie", value) for value in response.all("set-cookie")]
    return trail


async def with_markers(par: Par, target: Target) -> tuple[PushAnswer, dict[str, str]]:
    """A push with values that are found again wherever they turn up; nobody has to see any of them."""
    markers = {"state": in_browser.marker(), "x_par_conformance": in_browser.marker()}
    if speaks_openid(target, target.client("first")):
        markers["nonce"] = in_browser.marker()
    answer = await par.push(**markers)
    if not answer.accepted:
        del markers["x_par_conformance"]
        answer = await par.accepted(**markers)
    return answer, markers


@verifies("rfc9126-8-request-data-not-in-urls")
async def test_browser_is_sent_to_no_url_with_pushed_values(par: Par, browser: Browser, target: Target) -> None:
    """Of all that a real browser loads on its way to the client, no URL carries a pushed value."""
    tab = await browser.tab()
    answer, markers = await with_markers(par, target)
    outcome = in_browser.code_of(await tab.open(answer))
    client = origin(outcome.location or "")
    for sent in tab.window.sent:
        for name, mark in markers.items():
            expect.that(
                origin(sent.url) == client or not occurs(mark, sent.url),
                "value-in-url",
                f"the pushed {name} stands in a URL that the browser loaded",
                expected="a reference",
                received=sent.url.split("?")[0],
            )


@verifies("rfc9126-8-request-data-not-left-in-browser")
async def test_pushed_values_are_not_left_in_the_browser(par: Par, browser: Browser, target: Target) -> None:
    """Pushed values that nobody has to see are in no page, cookie, storage or console of a real browser."""
    tab = await browser.tab()
    answer, markers = await with_markers(par, target)
    trail = await walked(tab, answer)
    for where, text in trail.left:
        for name, mark in markers.items():
            expect.that(
                not occurs(mark, text),
                "value-left",
                f"the pushed {name} stands in {where}",
                expected="a reference",
                received=where,
            )


@verifies("rfc9396-13-details-stay-out-of-urls", needs=Feature.RAR)
async def test_details_stay_out_of_urls_and_cookies(par: Par, browser: Browser, target: Target) -> None:
    """Pushed authorization_details are in no URL and no cookie of a real browser's way to the client."""
    client = in_browser.client_with_details(target)
    details = in_browser.details_of(client)
    values = [value for name, value in in_browser.leaves(details) if name != "type" and len(value) > 5]
    if not values:
        raise NotApplicable("the authorization_details of the profile have no text that could be recognized")
    tab = await browser.tab()
    trail = await walked(tab, await par.accepted(client, authorization_details=json.dumps(details)), pages=False)
    seen = [*trail.left, *(("a URL", sent.url) for sent in tab.window.sent)]
    for where, text in seen:
        for value in values:
            expect.that(
                not occurs(value, text),
                "details-shown",
                f"a value of the authorization_details stands in {where}",
                expected="a reference",
                received=where,
            )


# -- other sites -------------------------------------------------------------------------------------------------------


@verifies("rfc9126-8-request-data-not-told-to-others")
async def test_pages_tell_other_sites_nothing(par: Par, browser: Browser, target: Target) -> None:
    """No request of a real browser to another site carries a pushed value or the request_uri."""
    tab = await browser.tab()
    answer, markers = await with_markers(par, target)
    markers["request_uri"] = answer.request_uri or ""
    outcome = in_browser.code_of(await tab.open(answer))
    client = split(outcome.location or "").hostname
    own = {split(target.authorization_endpoint).hostname, *target.profile.hosts, client}
    for sent in tab.window.sent:
        if split(sent.url).hostname in own or split(sent.url).scheme not in {"http", "https"}:
            continue
        told = f"{sent.url} {sent.body} {await sent.header('referer') or ''}"
        for name, mark in markers.items():
            expect.that(
                not occurs(mark, told),
                "told-to-others",
                f"the pushed {name} went to {split(sent.url).hostname}",
                expected="nothing of the request",
                received=sent.url.split("?")[0],
            )


@verifies("rfc9700-4.2.4-referrer-suppressed")
async def test_browser_does_not_tell_where_it_comes_from(par: Par, browser: Browser, target: Target) -> None:
    """A real browser tells neither the client nor another site the path or query of a page (Referer)."""
    tab = await browser.tab()
    in_browser.code_of(await tab.open(await par.accepted()))
    own = {origin(target.authorization_endpoint)}
    for sent in tab.window.sent:
        if origin(sent.url) in own or split(sent.url).scheme not in {"http", "https"}:
            continue
        referer = await sent.header("referer")
        parts = split(referer or "")
        expect.that(
            not parts.path.strip("/") and not parts.query,
            "referrer-sent",
            f"{split(sent.url).hostname} learns the address of the page before",
            expected="no Referer, or the origin alone",
            received=(referer or "").split("?")[0],
        )
