"""Whom the client means: id_token_hint and a claimed sub (OpenID Connect Core section 3.1.2)."""

from __future__ import annotations

import json
from dataclasses import replace

from conformance import expect
from conformance.check import verifies
from conformance.checks import flows
from conformance.checks.test_openid_claims import claims_supported
from conformance.checks.test_openid_prompt import logged_in
from conformance.profile.keyring import generate_key
from conformance.profile.model import Feature
from conformance.protocol import jws
from conformance.protocol.authorization import Authorization
from conformance.protocol.outcome import Ending, Outcome
from conformance.protocol.par import Par
from conformance.protocol.token import Token
from conformance.target import RegisteredClient, Target
from conformance.verdict import NotApplicable, NotExercised


async def hint_of(par: Par, authorization: Authorization, token: Token, client: RegisteredClient, user: str) -> str:
    """An ID token of a user of the profile."""
    answer = await flows.tokens(par, authorization, token, client, browser=authorization.new_browser(user))
    value = answer.json.get("id_token")
    if not isinstance(value, str):
        raise NotExercised("no ID token came")
    return value


def asking_for(id_token: str) -> str:
    """A claims parameter that asks for the person of an ID token (section 5.5.1)."""
    return json.dumps({"id_token": {"sub": {"value": jws.claims_of(id_token).get("sub")}}})


@verifies("openid-core-3.1.2.1-id-token-hint-of-other-user-refused", needs=Feature.OPENID)
async def test_hint_of_another_person_brings_no_code(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """A request whose id_token_hint names another person than the one who logs in brings no code."""
    client = flows.openid_client(target)
    hint = await hint_of(par, authorization, token, client, flows.other_user(target))
    own = await hint_of(par, authorization, token, client, target.profile.login.user)
    answer = await par.push(client, id_token_hint=hint)
    if not answer.accepted:
        expect.refused(answer)
        return
    outcome = await authorization.open(answer, browser=await logged_in(par, authorization, client))
    control = await authorization.open(await par.accepted(client, id_token_hint=own))
    expect.no_code(replace(outcome, ending=Ending.ERROR_PAGE) if _asks(outcome) else outcome, control=control)


def _asks(outcome: Outcome) -> bool:
    """Whether the attempt stopped at a login: for the other person, which is no answer for this one."""
    return outcome.ending in {Ending.LOGIN_ASKED, Ending.STUCK}


@verifies("openid-core-3.1.2.2-foreign-id-token-hint-refused", needs=Feature.OPENID)
async def test_hint_that_is_not_the_servers_brings_no_code(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """An id_token_hint with the signature of another key brings no code, even if it names the right person."""
    client = flows.openid_client(target)
    own = await hint_of(par, authorization, token, client, target.profile.login.user)
    header = json.loads(jws.from_base64url(own.partition(".")[0]))
    if header.get("alg") not in {"RS256", "ES256", "PS256"}:
        raise NotApplicable(f"the suite makes no key for {header.get('alg')}")
    forged = jws.encode(jws.claims_of(own), generate_key(header["alg"], "foreign"), header["alg"], header)
    push = par.ordinary(client, id_token_hint=forged)
    answer = await par.send(push, control=lambda: par.ordinary(client, id_token_hint=own))
    await flows.no_code(par, authorization, answer)


@verifies("openid-core-3.1.2.2-other-user-than-claimed-refused", needs=Feature.OPENID)
async def test_another_person_than_the_claimed_one_brings_no_code(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """A claims parameter that asks for a certain sub brings no code for another person."""
    claims_supported(target)
    client = flows.openid_client(target)
    other = await hint_of(par, authorization, token, client, flows.other_user(target))
    own = await hint_of(par, authorization, token, client, target.profile.login.user)
    answer = await par.push(client, claims=asking_for(other))
    if not answer.accepted:
        expect.refused(answer)
        return
    outcome = await authorization.open(answer, browser=await logged_in(par, authorization, client))
    control = await authorization.open(await par.accepted(client, claims=asking_for(own)))
    expect.no_code(replace(outcome, ending=Ending.ERROR_PAGE) if _asks(outcome) else outcome, control=control)
