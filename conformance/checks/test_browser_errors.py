"""Errors that a person sees: before the login, on a page of the server, and without markup of the link (RFC 9126)."""

from __future__ import annotations

from conformance import expect
from conformance.browser.browser import Browser
from conformance.browser.tab import Tab
from conformance.check import each, verifies
from conformance.checks import in_browser
from conformance.checks.test_authorization_request import forms_of
from conformance.checks.test_lifetime import GRACE, SHARE, lifetime_of
from conformance.engine import CheckClock
from conformance.http.message import split
from conformance.protocol.authorization import Authorization
from conformance.protocol.outcome import Ending
from conformance.protocol.par import Par, PushAnswer
from conformance.target import Target
from conformance.verdict import NotApplicable, NotExercised


async def asks_nobody(tab: Tab, answer: PushAnswer, what: str, control: Tab, par: Par, **query: str) -> None:
    """A dead request is refused without a login page, while a living one meets it."""
    outcome = await tab.open(answer, stop="login", query=query)
    await in_browser.at_login(control, await par.accepted())
    if outcome.ending is Ending.LOGIN_ASKED and (await tab.walk()).ending is Ending.CODE:
        raise NotApplicable(f"a request_uri that is {what} is carried out, a finding of its own")
    expect.that(
        outcome.ending is not Ending.LOGIN_ASKED,
        "login-asked",
        f"a person is asked to log in for a request_uri that is {what}",
        expected="an error",
        received=outcome.summary,
    )


@verifies("rfc9126-4-dead-request-told-before-login")
@each(what=("used", "made up"))
async def test_dead_request_is_told_before_the_login(
    par: Par, authorization: Authorization, browser: Browser, what: str
) -> None:
    """A request_uri that was used or made up is refused in a fresh browser before anybody is asked to log in."""
    tab, control = await browser.tab(), await browser.tab()
    answer = await par.accepted()
    query = {}
    if what == "used":
        await authorization.code(answer)
    else:
        query = {"request_uri": forms_of(answer.request_uri or "")["last-sign-changed"]}
    await asks_nobody(tab, answer, what, control, par, **query)


@verifies("rfc9126-4-dead-request-told-before-login", waits=True)
async def test_expired_request_is_told_before_the_login(par: Par, browser: Browser, clock: CheckClock) -> None:
    """A request_uri that has expired is refused in a fresh browser before anybody is asked to log in."""
    answer = await par.accepted()
    received, lifetime = lifetime_of(answer)
    await clock.until(received + lifetime + GRACE + lifetime * SHARE, "the lifetime of the request_uri to end")
    await asks_nobody(await browser.tab(), answer, "expired", await browser.tab(), par)


@verifies("rfc9700-2.1-no-open-redirector", "fapi2-security-profile-5.3.2.1-no-open-redirector")
@each(fault=("request_uri", "client_id", "redirect_uri"))
async def test_error_page_leads_to_no_address_of_the_link(
    par: Par, browser: Browser, target: Target, fault: str
) -> None:
    """A faulty link with an address beside it does not take a real browser there, by no redirect, refresh or script."""
    answer = await par.accepted()
    trap = in_browser.other_site(target, "trap")
    ordinary = {name: value for name, value in answer.push.parameters if name in {"response_type", "scope", "state"}}
    made_up = forms_of(answer.request_uri or "")["made-up"]
    faulty: dict[str, dict[str, str | None]] = {
        "request_uri": {**ordinary, "redirect_uri": trap, "request_uri": made_up},
        "client_id": {**ordinary, "redirect_uri": trap, "client_id": in_browser.marker()},
        "redirect_uri": {**ordinary, "redirect_uri": trap, "request_uri": None},
    }
    tab = await browser.tab(None)
    await tab.window.stage(trap, "<!doctype html><title>another site</title><p>another site</p>")
    outcome = await tab.open(answer, query=faulty[fault])
    visited = [sent.url for sent in tab.window.sent if split(sent.url).hostname == in_browser.OTHER_SITE]
    expect.that(
        not visited,
        "redirected",
        "the browser was taken to an address that only the link names",
        expected="an error page of the server",
        received=f"{trap}: {outcome.summary}",
    )


# -- markup ------------------------------------------------------------------------------------------------------------


@verifies("rfc6749-10.14-input-escaped")
async def test_error_pages_show_markup_of_the_link_as_text(par: Par, browser: Browser) -> None:
    """Markup in any parameter of a faulty link does not become part of the error page."""
    tab = await browser.tab(None)
    answer = await par.accepted()
    for parameter in ("client_id", "request_uri", "redirect_uri", "state", "response_type", "scope", "error", "x"):
        query: dict[str, str | None] = {"request_uri": None, parameter: in_browser.MARKUP}
        if parameter == "request_uri":
            query["request_uri"] = (answer.request_uri or "") + in_browser.MARKUP
        outcome = await tab.open(answer, query=query)
        if not outcome.granted and not outcome.location:  # else the browser left the server: nothing was shown
            await _inert(tab, f"the error page for a faulty {parameter}")


async def _inert(tab: Tab, page: str) -> None:
    """Markup of the request has not become part of a page."""
    expect.that(
        not await in_browser.has_markup(tab),
        "markup-alive",
        f"markup of the request is part of {page}",
        expected="text, or nothing",
        received="elements of the page",
    )


@verifies("rfc6749-10.14-input-escaped")
async def test_pages_show_markup_of_the_request_as_text(par: Par, browser: Browser) -> None:
    """Markup in pushed values and in the query does not become part of the login and consent pages."""
    tab = await browser.tab()
    marked = dict.fromkeys(("state", "login_hint", "x_par_conformance"), in_browser.MARKUP)
    answer = await par.push(**marked)
    if not answer.accepted:
        answer = await par.push(state=in_browser.MARKUP)
    if not answer.accepted:
        raise NotApplicable(f"the server takes no markup in a request: {answer.summary}")
    outcome = await tab.open(answer, stop="login", query={"login_hint": in_browser.MARKUP, "x": in_browser.MARKUP})
    if outcome.ending is Ending.LOGIN_ASKED:
        await _inert(tab, "the login page")
        outcome = await tab.walk(stop="consent")
    if outcome.ending is Ending.CONSENT_ASKED:
        await _inert(tab, "the consent page")
    elif outcome.ending in {Ending.STUCK, Ending.DIED}:
        raise NotExercised(f"the pages did not come: {outcome.summary}")
