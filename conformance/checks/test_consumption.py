"""When a request_uri is used up, and by whom: a measured fact, beside the rule that it is used once."""

from __future__ import annotations

from dataclasses import replace

from conformance import expect
from conformance.check import each, verifies
from conformance.checks import flows
from conformance.profile.model import Feature
from conformance.protocol.authorization import Authorization
from conformance.protocol.outcome import Ending
from conformance.protocol.par import Change, Par
from conformance.protocol.token import Token
from conformance.report.record import Fact
from conformance.target import Target
from conformance.verdict import NotApplicable, NotExercised


async def usable(authorization: Authorization, par: Par, stop: str) -> bool | None:
    """Whether a fresh browser still gets a code after another one came so far; None where it never came so far."""
    answer = await par.accepted()
    reached = await authorization.open(
        answer, browser=authorization.new_browser(), stop="login" if stop == "login" else "consent"
    )
    wanted = Ending.LOGIN_ASKED if stop == "login" else Ending.CONSENT_ASKED
    if reached.ending is not wanted:
        return None
    return (await authorization.open(answer, browser=authorization.new_browser())).granted


@verifies("rfc9126-4-one-time-use")
async def test_moment_at_which_a_request_uri_is_used_up(
    par: Par, authorization: Authorization, facts: list[Fact]
) -> None:
    """A request_uri is used up at the latest when its code is issued; when exactly is a measured fact."""
    answer = await par.accepted()
    first = await authorization.code(answer, browser=authorization.new_browser())
    after_code = await authorization.open(answer, browser=authorization.new_browser())
    after_visit = await usable(authorization, par, "login")
    after_login = await usable(authorization, par, "consent")
    if after_code.granted:
        moment = "never"
    elif after_visit is False:
        moment = "the first visit"
    elif after_login is False:
        moment = "the login"
    else:
        moment = "the consent or the code"
    facts.append(Fact(name="a request_uri is used up by", value=moment))
    expect.no_code(after_code, control=first)


@verifies("rfc9126-4-one-time-use")
@each(
    change={
        "fragment": {"response_mode": "fragment"},
        "form_post": {"response_mode": "form_post"},
        "jwt": {"response_mode": "jwt"},
        "new-login": {"prompt": "login"},
        "new-consent": {"prompt": "consent"},
    }
)
async def test_request_uri_is_used_up_whatever_it_asks_for(
    par: Par, authorization: Authorization, target: Target, change: dict[str, Change]
) -> None:
    """A request_uri that asks for another response mode, or to be asked anew, brings no second code either."""
    mode = change.get("response_mode", "query")
    if mode not in (target.metadata.strings("response_modes_supported") or ["query", "fragment"]):
        raise NotApplicable(f"the metadata does not name the response mode {mode}")
    if "prompt" in change:
        target.require(Feature.OPENID)
    client = flows.openid_client(target) if "prompt" in change else target.client("first")
    answer, first = await flows.taken_to_its_code(par, authorization, client, "the change", **change)
    expect.no_code(await authorization.open(answer), control=first)


@verifies("rfc9126-4-one-time-use")
async def test_consent_that_is_given_twice_brings_one_code(
    par: Par, authorization: Authorization, token: Token
) -> None:
    """A consent page that is answered a second time brings no second code that is redeemed."""
    browser = authorization.new_browser()
    answer = await par.accepted()
    page = await authorization.open(answer, browser=browser, stop="consent")
    if page.ending is not Ending.CONSENT_ASKED:
        raise NotApplicable(f"there is no consent page to answer: {page.summary}")
    first = await authorization.go_on(answer, page, browser)
    second = await authorization.go_on(answer, page, browser)
    if first.code is None or second.code in {None, first.code}:
        expect.no_code(replace(second, ending=Ending.ERROR_PAGE), control=first)
        return
    redeemed = [await token.redeem(outcome, answer.push) for outcome in (first, second)]
    if not any(one.accepted for one in redeemed):  # codes may spoil each other, but one by itself is worth something
        await flows.tokens(par, authorization, token)
    expect.that(
        sum(one.accepted for one in redeemed) <= 1,
        "several-codes",
        "both codes of a consent page that was answered twice were redeemed",
        expected="at most one",
        received="two",
    )


@verifies("rfc9126-4-denied-request-used-up")
async def test_denied_request_brings_no_code(par: Par, authorization: Authorization, target: Target) -> None:
    """A request_uri that a person has denied leads to no code in another browser, where it is no reload."""
    answer, denial = await flows.denied(par, authorization, target)
    if denial.granted:
        raise NotApplicable(f"the denial was not heard, which is a finding of its own: {denial.summary}")
    again = await authorization.open(answer, browser=authorization.new_browser())
    control = await authorization.open(await par.accepted(answer.push.client), browser=authorization.new_browser())
    expect.no_code(again, control=control)


@verifies("rfc9126-2.2-foreign-attempt-spoils-nothing")
async def test_refusal_and_foreign_attempts_as_facts(
    par: Par, authorization: Authorization, target: Target, facts: list[Fact]
) -> None:
    """A visit in another client's name leaves a request_uri to its owner; what a person's refusal does is measured."""
    refused = await par.accepted()
    try:
        denial = await authorization.open(refused, browser=authorization.new_browser(), deny=True)
        again = await authorization.open(refused, browser=authorization.new_browser())
        said = "usable again" if again.granted else "used up"
        if not denial.granted:
            facts.append(Fact(name="after a person's refusal a request_uri is", value=said))
    except NotExercised as reason:
        facts.append(Fact(name="after a person's refusal a request_uri is", value="unknown", detail=str(reason)))
    answer = await par.accepted()
    await authorization.open(answer, client=target.client("second"), browser=authorization.new_browser(None))
    own = await authorization.open(answer, browser=authorization.new_browser())
    expect.code(own, control=await authorization.open(await par.accepted()))
