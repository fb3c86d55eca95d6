"""Pushed prompt and max_age: who is asked, and how often (OpenID Connect Core section 3.1.2.1)."""

from __future__ import annotations

from conformance import expect
from conformance.check import each, verifies
from conformance.checks import flows
from conformance.engine import CheckClock
from conformance.login.browser import Browser
from conformance.profile.model import Feature
from conformance.protocol.authorization import Authorization
from conformance.protocol.outcome import Ending, Outcome
from conformance.protocol.par import Change, Par, PushAnswer
from conformance.target import RegisteredClient, Target
from conformance.verdict import NotApplicable, NotExercised

#: Errors by which a server says that it would have had to ask the person (Core section 3.1.2.6).
WOULD_ASK = frozenset({"login_required", "interaction_required", "consent_required", "account_selection_required"})


async def silent(par: Par, authorization: Authorization, target: Target) -> Outcome:
    """What a pushed prompt=none leads to in a browser that nobody has logged in to. NotExercised without an answer."""
    client = flows.openid_client(target)
    answer = expect.accepted(await par.push(client, prompt="none"))
    outcome = await authorization.open(answer, browser=authorization.new_browser(None))
    if outcome.ending is Ending.DIED:
        raise NotExercised(f"the authorization endpoint gave no answer: {outcome.reason}")
    return outcome


@verifies("openid-core-3.1.2.1-prompt-none-shows-no-page", needs=Feature.OPENID)
async def test_prompt_none_shows_no_page(par: Par, authorization: Authorization, target: Target) -> None:
    """A pushed prompt=none leads straight back to the client, without any page for a person."""
    outcome = await silent(par, authorization, target)
    expect.that(
        outcome.ending not in {Ending.LOGIN_ASKED, Ending.CONSENT_ASKED, Ending.ERROR_PAGE},
        "page-shown",
        f"a person is shown a page: {outcome.summary}",
        expected="a redirect to the client",
        received=outcome.summary,
    )


@verifies("openid-core-3.1.2.3-prompt-none-answers-with-error", needs=Feature.OPENID)
async def test_prompt_none_answers_with_an_error(par: Par, authorization: Authorization, target: Target) -> None:
    """A pushed prompt=none without a session yields an error at the client: somebody would have to be asked."""
    outcome = await silent(par, authorization, target)
    expect.that(
        outcome.ending is Ending.ERROR_REDIRECT and outcome.error in WOULD_ASK,
        "no-error" if outcome.error is None else "other-code",
        f"prompt=none without a session leads to: {outcome.summary}",
        expected=" or ".join(sorted(WOULD_ASK)),
        received=outcome.summary,
    )


@verifies("openid-core-3.1.2.1-prompt-none-with-others-refused", needs=Feature.OPENID)
@each(prompt=("none login", "login none", "none consent"))
async def test_prompt_none_goes_with_no_other_value(
    par: Par, authorization: Authorization, target: Target, prompt: str
) -> None:
    """A prompt with none and another value is an error: nobody is asked, and no code comes."""
    client = flows.openid_client(target)
    answer = await par.push(client, prompt=prompt)
    if not answer.accepted:
        expect.refused(answer)
        return
    outcome = await authorization.open(answer, browser=authorization.new_browser(None))
    expect.that(
        outcome.ending not in {Ending.LOGIN_ASKED, Ending.CONSENT_ASKED} and not outcome.granted,
        "accepted",
        f"prompt={prompt} was accepted: {outcome.summary}",
        expected="an error",
        received=outcome.summary,
    )


async def logged_in(
    par: Par, authorization: Authorization, client: RegisteredClient, clock: CheckClock | None = None
) -> Browser:
    """A browser whose person has just logged in. NotApplicable where that spares no later login.

    With a `clock` the login is older than a second: servers count its age in whole seconds, so that a max_age of 0 is
    met by chance within the same one.
    """
    browser = authorization.new_browser()
    await authorization.code(await par.accepted(client), browser=browser)
    again = await authorization.open(await par.accepted(client), browser=browser, stop="login")
    if again.ending is Ending.LOGIN_ASKED:
        raise NotApplicable("every request asks for a login: there is no session that one could come back to")
    if clock is not None:
        await clock.until(clock.now() + 2, "a login that is older than a second")
    return browser


async def asks_anew(par: Par, authorization: Authorization, browser: Browser, answer: PushAnswer) -> None:
    """A pushed request asks for a login in a browser in which somebody is logged in."""
    outcome = await authorization.open(expect.accepted(answer), browser=browser, stop="login")
    if outcome.ending in {Ending.LOGIN_ASKED, Ending.ERROR_REDIRECT}:
        return
    if not outcome.granted:
        raise NotExercised(f"neither a login nor a code came: {outcome.summary}")
    expect.that(
        False,
        "no-login",
        "a code came without a new login",
        expected="a login page",
        received=outcome.summary,
    )


@verifies("openid-core-3.1.2.3-prompt-login-reauthenticates", needs=Feature.OPENID)
@each(prompt=("login", "login consent"))
async def test_prompt_login_asks_for_a_login(
    par: Par, authorization: Authorization, target: Target, prompt: str
) -> None:
    """A pushed prompt=login asks for a login in a browser in which somebody is logged in."""
    client = flows.openid_client(target)
    browser = await logged_in(par, authorization, client)
    await asks_anew(par, authorization, browser, await par.push(client, prompt=prompt))


@verifies("openid-core-3.1.2.1-max-age-zero-reauthenticates", needs=Feature.OPENID, waits=True)
async def test_max_age_zero_asks_for_a_login(
    par: Par, authorization: Authorization, target: Target, clock: CheckClock
) -> None:
    """A pushed max_age=0 asks for a login in a browser in which somebody is logged in."""
    client = flows.openid_client(target)
    browser = await logged_in(par, authorization, client, clock)
    await asks_anew(par, authorization, browser, await par.push(client, max_age="0"))


@verifies("openid-core-3.1.2.1-max-age-honoured", needs=Feature.OPENID, waits=True)
async def test_login_older_than_max_age_is_renewed(
    par: Par, authorization: Authorization, target: Target, clock: CheckClock
) -> None:
    """A login that is older than the pushed max_age is renewed before a code is issued."""
    client = flows.openid_client(target)
    browser = await logged_in(par, authorization, client)
    await clock.until(clock.now() + 3, "a login that is older than max_age")
    await asks_anew(par, authorization, browser, await par.push(client, max_age="1"))


@verifies("openid-core-3.1.2.1-max-age-honoured", needs=Feature.OPENID, waits=True)
async def test_silent_request_keeps_to_max_age(
    par: Par, authorization: Authorization, target: Target, clock: CheckClock
) -> None:
    """A login that is older than max_age brings no code under prompt=none, where one without max_age does."""
    client = flows.openid_client(target)
    browser = await logged_in(par, authorization, client)
    await clock.until(clock.now() + 3, "a login that is older than max_age")
    usual = await authorization.open(await flows.taken(par, client, "prompt=none", prompt="none"), browser=browser)
    if not usual.granted:
        raise NotApplicable(f"prompt=none brings no code here, though somebody is logged in: {usual.summary}")
    answer = await flows.taken(par, client, "prompt=none with max_age", prompt="none", max_age="1")
    outcome = await authorization.open(answer, browser=browser, stop="login")
    expect.that(
        not outcome.granted,
        "no-login",
        "under prompt=none a code came although the login is older than max_age",
        expected="login_required",
        received=outcome.summary,
    )


@verifies("openid-core-3.1.2.1-prompt-login-asks-once", needs=Feature.OPENID, waits=True)
@each(change={"prompt-login": {"prompt": "login"}, "max-age-zero": {"max_age": "0"}})
async def test_new_login_is_asked_for_once(
    par: Par, authorization: Authorization, target: Target, clock: CheckClock, change: dict[str, Change]
) -> None:
    """A pushed prompt=login or max_age=0 asks for one login, and then leads to a code."""
    client = flows.openid_client(target)
    browser = await logged_in(par, authorization, client, clock)
    before = flows.logins(par.wire, browser)
    asked = await flows.taken(par, client, "the demand for a login", **change)
    outcome = await authorization.open(asked, browser=browser)
    count = flows.logins(par.wire, browser) - before
    if count == 0:
        raise NotApplicable("no login was asked for, which is a finding of its own")
    expect.that(
        count == 1 and outcome.ending is Ending.CODE,
        "asked-again",
        f"{count} logins were asked for, and then: {outcome.summary}",
        expected="one login and a code",
        received=f"{count} logins, {outcome.summary}",
    )


@verifies("openid-core-3.1.2.1-prompt-consent-asks", needs=Feature.OPENID)
async def test_prompt_consent_asks_for_consent(par: Par, authorization: Authorization, target: Target) -> None:
    """A pushed prompt=consent asks for consent, even if it was given before."""
    client = flows.openid_client(target)
    browser = authorization.new_browser()
    await authorization.code(await par.accepted(client), browser=browser)
    answer = expect.accepted(await par.push(client, prompt="consent"))
    outcome = await authorization.open(answer, browser=browser, stop="consent")
    if outcome.ending is Ending.CONSENT_ASKED or outcome.error in WOULD_ASK:
        return
    if not outcome.granted:
        raise NotExercised(f"neither a consent page nor a code came: {outcome.summary}")
    expect.that(
        False, "no-consent", "a code came without a new consent", expected="a consent page", received=outcome.summary
    )


@verifies("openid-core-3.1.2.1-prompt-select-account-asks", needs=Feature.OPENID)
async def test_prompt_select_account_asks(par: Par, authorization: Authorization, target: Target) -> None:
    """A pushed prompt=select_account shows a person who is logged in a page more than an ordinary request does."""
    client = flows.openid_client(target)
    browser = await logged_in(par, authorization, client)
    answer = await par.push(client, prompt="select_account")
    if not answer.accepted:
        expect.refused(answer)
        raise NotApplicable(f"the server refuses prompt=select_account: {answer.summary}")
    usual = await authorization.open(await par.accepted(client), browser=browser, stop="login")
    outcome = await authorization.open(answer, browser=browser, stop="login")
    if not outcome.granted:
        return
    expect.that(
        _pages(outcome) > _pages(usual),
        "no-choice",
        "a code came without a choice of accounts",
        expected="a page to choose an account on",
        received=f"{_pages(outcome)} pages, as without prompt",
    )


def _pages(outcome: Outcome) -> int:
    return sum("html" in response.media_type and bool(response.body) for response in outcome.responses)
