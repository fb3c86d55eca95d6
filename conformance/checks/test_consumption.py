"""When a request_uri is used up, and by whom: a measured fact, beside the rule that it is used once."""

from __future__ import annotations

from conformance import expect
from conformance.check import verifies
from conformance.checks import flows
from conformance.protocol.authorization import Authorization
from conformance.protocol.outcome import Ending
from conformance.protocol.par import Par
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
