"""What holds for a request_uri holds where nobody is asked: prompt=none (OpenID Connect Core section 3.1.2.1)."""

from __future__ import annotations

from conformance import expect
from conformance.check import verifies
from conformance.checks import flows
from conformance.checks.test_lifetime import GRACE, SHARE, lifetime_of
from conformance.checks.test_openid_claims import claims_supported
from conformance.checks.test_openid_person import asking_for, hint_of
from conformance.checks.test_openid_prompt import logged_in
from conformance.engine import CheckClock
from conformance.login.browser import Browser
from conformance.profile.model import Feature
from conformance.protocol.authorization import Authorization
from conformance.protocol.outcome import Outcome
from conformance.protocol.par import Change, Par, PushAnswer
from conformance.protocol.token import Token
from conformance.target import RegisteredClient, Target
from conformance.verdict import NotApplicable


async def silent(par: Par, client: RegisteredClient, **changes: Change) -> PushAnswer:
    """A push with prompt=none. NotApplicable where that is declined."""
    return await flows.taken(par, client, "prompt=none", prompt="none", **changes)


async def in_silence(
    par: Par, authorization: Authorization, client: RegisteredClient, **changes: Change
) -> tuple[Browser, Outcome]:
    """A browser in which a request with prompt=none brings a code, and how. NotApplicable where it brings none."""
    browser = await logged_in(par, authorization, client)
    outcome = await authorization.open(await silent(par, client, **changes), browser=browser, stop="login")
    if not outcome.granted:
        raise NotApplicable(f"prompt=none brings no code here, though somebody is logged in: {outcome.summary}")
    return browser, outcome


@verifies("rfc9126-4-one-time-use", needs=Feature.OPENID)
async def test_request_uri_that_asks_nobody_is_used_once(
    par: Par, authorization: Authorization, target: Target
) -> None:
    """A request_uri with prompt=none behind it that has led to a code brings no second one."""
    client = flows.openid_client(target)
    browser, control = await in_silence(par, authorization, client)
    answer = await silent(par, client)
    await authorization.code(answer, browser=browser)
    expect.no_code(await authorization.open(answer, browser=browser), control=control)


@verifies("rfc9126-4-expired-refused", needs=Feature.OPENID, waits=True)
async def test_expired_request_uri_that_asks_nobody_is_dead(
    par: Par, authorization: Authorization, target: Target, clock: CheckClock
) -> None:
    """After its announced lifetime a request_uri with prompt=none behind it brings no code."""
    client = flows.openid_client(target)
    await in_silence(par, authorization, client)
    answer = await silent(par, client)
    received, lifetime = lifetime_of(answer)
    await clock.until(received + lifetime + GRACE + lifetime * SHARE, "the lifetime of the request_uri to end")
    browser, control = await in_silence(par, authorization, client)  # the other session may be over by now
    expect.no_code(await authorization.open(answer, browser=browser), control=control)


@verifies("rfc9126-2.2-bound-to-client", needs=Feature.OPENID)
async def test_request_uri_that_asks_nobody_is_its_clients(
    par: Par, authorization: Authorization, target: Target
) -> None:
    """A request_uri with prompt=none behind it brings no code to another client, which the person knows too."""
    client, other = flows.openid_client(target), target.client("second")
    if other.client_id == client.client_id:
        raise NotApplicable("both roles are the same client")
    browser, control = await in_silence(par, authorization, client)
    await authorization.code(await par.accepted(other), browser=browser)
    outcome = await authorization.open(await silent(par, client), client=other, browser=browser)
    expect.no_code(outcome, control=control)


@verifies("openid-core-3.1.2.1-id-token-hint-of-other-user-refused", needs=Feature.OPENID)
async def test_hint_of_another_person_brings_no_code_in_silence(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """With prompt=none and an id_token_hint of another person than the one who is logged in no code comes."""
    client = flows.openid_client(target)
    hint = await hint_of(par, authorization, token, client, flows.other_user(target))
    own = await hint_of(par, authorization, token, client, target.profile.login.user)
    browser, control = await in_silence(par, authorization, client, id_token_hint=own)
    answer = await par.push(client, prompt="none", id_token_hint=hint)
    if not answer.accepted:
        expect.refused(answer)
        return
    outcome = await authorization.open(answer, browser=browser, stop="login")
    expect.no_code(outcome, control=control)


@verifies("openid-core-3.1.2.2-other-user-than-claimed-refused", needs=Feature.OPENID)
async def test_another_person_than_the_claimed_one_brings_no_code_in_silence(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """With prompt=none and a claims parameter that asks for the sub of another person no code comes."""
    claims_supported(target)
    client = flows.openid_client(target)
    other = await hint_of(par, authorization, token, client, flows.other_user(target))
    own = await hint_of(par, authorization, token, client, target.profile.login.user)
    browser, control = await in_silence(par, authorization, client, claims=asking_for(own))
    answer = await par.push(client, prompt="none", claims=asking_for(other))
    if not answer.accepted:
        expect.refused(answer)
        return
    outcome = await authorization.open(answer, browser=browser, stop="login")
    expect.no_code(outcome, control=control)
