"""Whose session it is: fixation, cookies, passwords on their way, scripts of other sites (RFC 6749, RFC 9700)."""

from __future__ import annotations

from playwright.async_api import Cookie

from conformance import expect
from conformance.browser.browser import Browser
from conformance.browser.tab import Tab
from conformance.browser.window import Sent
from conformance.check import each, verifies
from conformance.checks import in_browser
from conformance.http.message import split
from conformance.protocol.outcome import Ending, Outcome
from conformance.protocol.par import Par
from conformance.target import Target
from conformance.verdict import NotApplicable, NotExercised, Violation


@verifies("rfc6749-3.1-resource-owner-authenticated")
async def test_page_that_another_browser_opens_logs_nobody_in_here(par: Par, browser: Browser) -> None:
    """Somebody opens a login page and gives its address to a person who logs in: that opens nothing in the first
    browser."""
    stranger = await browser.tab(None)
    await in_browser.at_login(stranger, await par.accepted())
    victim = await browser.tab()
    await victim.goto(stranger.page.url)
    led_to = await victim.walk(stop="consent")
    await stranger.reload()
    _nobody_in(await stranger.walk(), "session-shared", f"after the page was used elsewhere ({led_to.summary})")


@verifies("rfc6749-3.1-resource-owner-authenticated")
async def test_cookies_from_before_the_login_are_worth_nothing_after_it(par: Par, browser: Browser) -> None:
    """Somebody plants his cookies in a person's browser: when that person has logged in, he has not."""
    stranger = await browser.tab(None)
    await in_browser.at_login(stranger, await par.accepted())
    cookies = await stranger.window.cookies()
    if not cookies:
        raise NotApplicable("the server sets no cookie before the login")
    window = await browser.window()
    await window.plant(cookies)
    outcome = await window.first.open(await par.accepted())
    if outcome.ending is not Ending.CODE:
        raise NotExercised(f"with cookies of another browser nobody could log in: {outcome.summary}")
    again = await stranger.open(await par.accepted())
    _nobody_in(again, "session-fixed", "after cookies that he knows were used for a login elsewhere")


def _nobody_in(outcome: Outcome, observed: str, when: str) -> None:
    """A browser in which nobody logged in is not logged in."""
    if outcome.granted or outcome.ending is Ending.CONSENT_ASKED:
        raise Violation(
            observed,
            f"a browser in which nobody logged in acts for another person, {when}",
            expected="the login page, or an error",
            received=outcome.summary,
        )


# -- cookies ----------------------------------------------------------------------------------------------------------


@verifies("rfc6749-10.12-session-cookie-protected")
async def test_session_cookie_is_out_of_reach(par: Par, browser: Browser, target: Target) -> None:
    """The cookie that keeps a person logged in is kept from scripts (HttpOnly) and from plain http (Secure)."""
    tab = await in_browser.logged_in(par, browser)
    secure = split(target.authorization_endpoint).scheme == "https"
    cookies = await tab.window.cookies()
    if not cookies:
        raise NotApplicable("the server keeps no cookie")
    open_ones = [cookie for cookie in cookies if not cookie["httpOnly"] or (secure and not cookie["secure"])]
    if open_ones and (await tab.open(await par.accepted(), stop="login")).ending is Ending.LOGIN_ASKED:
        raise NotApplicable("nobody stays logged in: no cookie is worth more than another")
    for cookie in open_ones:
        if not await _is_session(tab, par, cookie):
            continue
        missing = [
            name
            for name, there in (("HttpOnly", cookie["httpOnly"]), ("Secure", cookie["secure"] or not secure))
            if not there
        ]
        expect.that(
            False,
            "cookie-open",
            f"the cookie {cookie['name']}, which keeps a person logged in, has no {' and no '.join(missing)}",
            expected="Secure, HttpOnly",
            received=f"without {', '.join(missing)}",
        )


async def _is_session(tab: Tab, par: Par, cookie: Cookie) -> bool:
    """Whether a person without this cookie is asked to log in again."""
    await tab.window.forget(cookie["name"])
    asked = (await tab.open(await par.accepted(), stop="login")).ending is Ending.LOGIN_ASKED
    await tab.window.plant([cookie])
    return asked


# -- what a person types -----------------------------------------------------------------------------------------------


@verifies(
    "rfc9700-4.12-no-307",
    "rfc9700-2.1-credentials-not-forwarded",
    "fapi2-security-profile-5.3.2.2-no-307-after-credentials",
)
async def test_browser_sends_the_password_to_one_place(par: Par, browser: Browser, target: Target) -> None:
    """A real browser that logs in sends the password on by no redirect."""
    tab = await browser.tab()
    outcome = await tab.open(await par.accepted())
    password = tab.window.person.password if tab.window.person else ""
    carrying = [sent for sent in tab.window.sent if password and in_browser.carries(sent.body, password)]
    if not carrying:
        raise NotExercised(f"no request of the browser carried the password: {outcome.summary}")
    forwarded = [sent for sent in carrying if sent.request and sent.request.redirected_from]
    if not forwarded:
        return
    own = {split(target.authorization_endpoint).hostname, *target.profile.hosts}
    away = [sent for sent in forwarded if split(sent.url).hostname not in own]
    ids = ["rfc9700-4.12-no-307", "fapi2-security-profile-5.3.2.2-no-307-after-credentials"]
    if away:
        ids.append("rfc9700-2.1-credentials-not-forwarded")
    raise Violation(
        "password-forwarded",
        f"the browser sent the password on to {_place(away or forwarded)}",
        *ids,
        expected="a redirect that browsers follow with GET (303)",
        received=f"the password at {_place(away or forwarded)}",
    )


def _place(sent: list[Sent]) -> str:
    return sent[0].url.split("?")[0]


# -- scripts of other sites -------------------------------------------------------------------------------------------

_FETCH = """
async ({url, credentials}) => {
  try {
    const answer = await fetch(url, {credentials, mode: 'cors'});
    return (await answer.text()).length >= 0 ? `HTTP ${answer.status}` : '';
  } catch (error) {
    return '';
  }
}
"""


@verifies(
    "rfc9700-2.6-no-cors-at-authorization-endpoint", "fapi2-security-profile-5.2.3-no-cors-at-authorization-endpoint"
)
@each(credentials=("include", "omit"))
async def test_script_of_another_site_reads_nothing(
    par: Par, browser: Browser, target: Target, credentials: str
) -> None:
    """A script of another site, in a logged-in person's browser, reads nothing from the authorization endpoint."""
    tab = await in_browser.logged_in(par, browser)
    page = in_browser.other_site(target, "script")
    await tab.window.stage(page, "<!doctype html><title>another site</title><p>another site</p>")
    await tab.goto(page)
    authorization = browser.authorization
    url = authorization.address(authorization.pairs(await par.accepted(), None, {}))
    read = await tab.evaluate(_FETCH, {"url": url, "credentials": credentials})
    if not any(sent.url == url for sent in tab.window.sent):
        raise NotExercised("the browser did not let the script try")
    in_browser.needs_reach(tab.window)
    expect.that(
        not read,
        "readable",
        "a script of another site can read what the authorization endpoint answers",
        expected="no Access-Control-Allow-Origin",
        received=read,
    )
