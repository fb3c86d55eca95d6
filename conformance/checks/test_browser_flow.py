"""The whole way in a real browser: login, consent, reloads, tabs, a second browser, a slow person (RFC 9126)."""

from __future__ import annotations

from conformance import expect
from conformance.browser.browser import Browser
from conformance.browser.tab import Tab
from conformance.check import each, verifies
from conformance.checks import flows, in_browser
from conformance.checks.test_lifetime import GRACE, SHARE, lifetime_of
from conformance.engine import CheckClock
from conformance.profile.model import Feature
from conformance.protocol.outcome import Ending, Outcome
from conformance.protocol.par import Change, Par, PushAnswer
from conformance.protocol.token import Token
from conformance.target import Target
from conformance.verdict import NotApplicable, NotExercised, Violation


@verifies("rfc9126-4-client-id-and-request-uri-suffice")
async def test_person_in_a_browser_brings_a_code_that_is_redeemed(par: Par, browser: Browser, token: Token) -> None:
    """A person in a real browser logs in and agrees, and the code that comes is redeemed."""
    tab = await browser.tab()
    answer = await par.accepted()
    outcome = expect.code(await tab.open(answer))
    expect.that(
        outcome.parameters.get("state") == answer.push.value("state"),
        "state-lost",
        "the response does not carry the pushed state",
        expected="the pushed state",
        received=outcome.parameters.get("state") or "no state",
    )
    expect.redeemed(await token.redeem(outcome, answer.push))


@verifies("rfc9126-2-response-mode-effective")
@each(mode=("form_post", "fragment", "query"))
async def test_response_mode_works_in_a_browser(par: Par, browser: Browser, target: Target, mode: str) -> None:
    """A pushed response_mode brings the code in that way, through a real browser's rules on forms and scripts."""
    offered = target.metadata.strings("response_modes_supported")
    if offered is not None and mode not in offered:
        raise NotApplicable(f"the server does not offer the response_mode {mode}")
    tab = await browser.tab()
    answer = await par.push(response_mode=mode)
    if not answer.accepted:
        expect.control_accepted(answer)
        raise NotApplicable(f"the server refuses the response_mode {mode}: {answer.summary}")
    outcome = await tab.open(answer)
    if outcome.ending is not Ending.CODE:
        control = await (await browser.tab()).open(await par.accepted())
        expect.code(outcome, control=control)
    expect.that(
        outcome.mode == mode,
        "other-mode",
        f"the code came by {outcome.mode} in place of {mode}",
        expected=mode,
        received=outcome.mode,
    )


# -- a person who reloads, goes back, or opens a second tab ---------------------------------------------------------


@verifies("rfc9126-4-reload-tolerated")
@each(page=("login", "consent"))
async def test_reload_in_a_browser_is_tolerated(par: Par, browser: Browser, page: str) -> None:
    """A login or consent page that a person loads again still leads to a code."""
    tab = await browser.tab()
    reach = in_browser.at_login if page == "login" else in_browser.at_consent
    await reach(tab, await par.accepted())
    await tab.reload()
    outcome = await tab.walk()
    if outcome.ending is not Ending.CODE:
        expect.code(outcome, control=await (await browser.tab()).open(await par.accepted()))


@verifies("rfc9126-4-reload-tolerated")
async def test_back_button_before_the_end_is_tolerated(par: Par, browser: Browser, target: Target) -> None:
    """A person who goes back from the consent page can still come to an end."""
    tab = await browser.tab()
    await in_browser.at_consent(tab, await in_browser.asking(par, target))
    if not await tab.back():
        raise NotApplicable("login and consent are one page: there is none to go back to")
    outcome = await tab.walk()
    if outcome.ending is Ending.DIED:
        raise NotExercised(f"there was no page to go back to: {outcome.reason}")
    if outcome.ending is not Ending.CODE:
        expect.code(outcome, control=await (await browser.tab()).open(await par.accepted()))


@verifies("rfc9126-2.2-request-uri-stands-for-request")
@each(page=("login", "consent"))
async def test_two_tabs_do_not_mix_their_requests(par: Par, browser: Browser, target: Target, page: str) -> None:
    """With two requests in two tabs of one browser, no tab ends with the answer to the other's request."""
    other = "second" if "second" in target.profile.clients else "first"
    window = await browser.window()
    tab, second = window.first, await window.tab()
    reach = in_browser.at_login if page == "login" else in_browser.at_consent
    early = await par.accepted()
    await reach(tab, early)
    in_browser.code_of(await second.open(await par.accepted(other)))
    outcome = await tab.walk()
    if not outcome.granted:
        return  # one request at a time is a limit, not a mix-up
    _answers(outcome, early)


def _answers(outcome: Outcome, answer: PushAnswer) -> None:
    """The outcome is the answer to this very push."""
    went_to = (outcome.location or "").split("#")[0].split("?")[0]
    pushed = (answer.push.value("redirect_uri") or "").split("?")[0]
    if outcome.parameters.get("state") != answer.push.value("state") or went_to != pushed:
        raise Violation(
            "mixed-up",
            "a tab ended with the answer to the request of another tab",
            expected=f"the state that was pushed, at {pushed}",
            received=f"the state {outcome.parameters.get('state')} at {went_to}",
        )


@verifies("rfc9126-4-one-time-use", waits=True)
@each(how=("second-browser", "second-tab", "second-tab-left-alone", "back-button"))
async def test_request_uri_brings_one_code_in_browsers(par: Par, browser: Browser, clock: CheckClock, how: str) -> None:
    """A request that was opened twice, or finished and gone back to, brings one code."""
    window = await browser.window()
    tab = window.first
    other = await browser.tab() if how == "second-browser" else await window.tab()
    answer = await par.accepted()
    if how == "back-button":
        first = in_browser.code_of(await tab.open(answer))
        if not await tab.back():
            raise NotApplicable("the pages of the server leave nothing to go back to")
        again = await tab.walk()
    else:
        for one in (tab, other):
            await in_browser.at_login(one, answer)
        first = in_browser.code_of(await other.walk())
        if how == "second-tab-left-alone":
            # Pages look every few seconds whether somebody has logged in elsewhere, and then go on by themselves.
            await clock.until(clock.now() + 4, "a page that goes on by itself when another tab has logged in")
        again = await tab.walk()
    expect.that(
        not again.granted or again.code == first.code,
        "code-issued",
        "the request_uri brought a second code",
        expected="an error and no code",
        received=again.summary,
    )


# -- a slow person, a person who says no ----------------------------------------------------------------------------


@verifies("rfc9126-4-slow-login-tolerated", waits=True)
async def test_login_may_take_longer_than_the_request_uri_lives(par: Par, browser: Browser, clock: CheckClock) -> None:
    """A person who opened the request in time and logs in after the request_uri's end still gets to the client."""
    tab = await browser.tab()
    answer = await par.accepted()
    received, lifetime = lifetime_of(answer)
    await in_browser.at_login(tab, answer)
    await clock.until(received + lifetime + GRACE + lifetime * SHARE, "a person who logs in slowly")
    outcome = await tab.walk()
    if outcome.ending is not Ending.CODE:
        expect.code(outcome, control=await (await browser.tab()).open(await par.accepted()))


@verifies("rfc6749-4.1.2.1-denial-told")
async def test_person_who_said_no_is_asked_anew(par: Par, browser: Browser, target: Target) -> None:
    """A person says no in a browser: the client is told, the same link grants nothing unasked, a new one works."""
    tab = await browser.tab()
    answer = await in_browser.asking(par, target)
    await in_browser.at_consent(tab, answer)
    refused = await tab.walk(deny=True)
    if refused.ending in {Ending.STUCK, Ending.LOGIN_ASKED, Ending.CONSENT_ASKED, Ending.DIED}:
        raise NotExercised(f"the refusal did not come to an end: {refused.summary}")
    expect.that(
        refused.error == "access_denied",
        "code-issued" if refused.granted else "not-told",
        f"the client is not told of the refusal: {refused.summary}",
        expected="error=access_denied",
        received=refused.summary,
    )
    asked = tab.consents
    again = await tab.open(answer)
    expect.that(
        not again.granted or tab.consents > asked,
        "granted-unasked",
        "the link that a person had refused brought a code without a question",
        expected="an error, or the question again",
        received=again.summary,
    )
    expect.code(await tab.open(await par.accepted()))


# -- a login that the client asks for --------------------------------------------------------------------------------


async def logins_for(
    par: Par, browser: Browser, target: Target, clock: CheckClock, **change: Change
) -> tuple[int, Outcome]:
    """How often a person whose login is older than a second is asked for a password by a request, and how it ends."""
    client = flows.openid_client(target)
    tab = await in_browser.logged_in(par, browser, client)
    await clock.until(clock.now() + 2, "a login that is older than a second")
    before = tab.logins
    answer = await par.push(client, **change)
    if not answer.accepted:
        expect.control_accepted(answer)
        raise NotApplicable(f"the server refuses this request: {answer.summary}")
    outcome = await tab.open(answer)
    return tab.logins - before, outcome


def _judge_logins(count: int, outcome: Outcome, reauthenticates: str) -> None:
    """One login and a code; nobody asked is the graver finding."""
    expect.that(
        count > 0 or not outcome.granted,
        "no-login",
        "a code came without a new login",
        reauthenticates,
        expected="one login",
        received=outcome.summary,
    )
    if count == 0:
        raise NotExercised(f"no login page was met: {outcome.summary}")
    expect.that(
        count == 1 and outcome.ending is Ending.CODE,
        "asked-again",
        f"{count} logins were asked for, and then: {outcome.summary}",
        "openid-core-3.1.2.1-prompt-login-asks-once",
        expected="one login and a code",
        received=f"{count} logins, {outcome.summary}",
    )


@verifies(
    "openid-core-3.1.2.3-prompt-login-reauthenticates",
    "openid-core-3.1.2.1-prompt-login-asks-once",
    needs=Feature.OPENID,
)
async def test_prompt_login_means_one_login_in_a_browser(
    par: Par, browser: Browser, target: Target, clock: CheckClock
) -> None:
    """A pushed prompt=login asks a person who is logged in for one login, and then leads to a code."""
    count, outcome = await logins_for(par, browser, target, clock, prompt="login")
    _judge_logins(count, outcome, "openid-core-3.1.2.3-prompt-login-reauthenticates")


@verifies(
    "openid-core-3.1.2.1-max-age-zero-reauthenticates",
    "openid-core-3.1.2.1-prompt-login-asks-once",
    needs=Feature.OPENID,
)
async def test_max_age_zero_means_one_login_in_a_browser(
    par: Par, browser: Browser, target: Target, clock: CheckClock
) -> None:
    """A pushed max_age=0 asks a person who is logged in for one login, and then leads to a code."""
    count, outcome = await logins_for(par, browser, target, clock, max_age="0")
    _judge_logins(count, outcome, "openid-core-3.1.2.1-max-age-zero-reauthenticates")


# -- what opens a link before the person does ------------------------------------------------------------------------


@verifies("rfc9126-4-reload-tolerated", "fapi2-security-profile-5.3.2.2-request-uri-survives-page-load")
async def test_link_that_the_browser_loads_in_advance_still_works(par: Par, browser: Browser) -> None:
    """A link that another page lets the browser load in advance still leads to a code when a person opens it."""
    tab = await browser.tab()
    answer = await par.accepted()
    await _prefetched(tab, answer)
    outcome = await tab.open(answer)
    if outcome.ending is not Ending.CODE:
        expect.code(outcome, control=await (await browser.tab()).open(await par.accepted()))


async def _prefetched(tab: Tab, answer: PushAnswer) -> None:
    """Let a page of another site announce the link as the next one. NotExercised where nothing is loaded."""
    authorization = tab.window.browser.authorization
    url = authorization.address(authorization.pairs(answer, None, {}))
    page = in_browser.other_site(authorization.target, "links")
    await tab.window.stage(page, in_browser.prefetching_page(url))
    await tab.goto(page)
    if not await tab.window.hears(url):
        raise NotExercised("the browser did not load the link in advance")
    await tab.settle()
    in_browser.needs_reach(tab.window)
