"""Claims that a pushed request brings into the ID token: nonce, auth_time, the parameter claims (Core 2 and 5.5)."""

from __future__ import annotations

import json
import secrets
from typing import Any

from conformance import expect
from conformance.check import each, verifies
from conformance.checks import flows
from conformance.profile.model import Feature
from conformance.protocol.authorization import Authorization
from conformance.protocol.par import Par
from conformance.protocol.token import Token, TokenAnswer
from conformance.target import Target
from conformance.verdict import NotApplicable, NotExercised

#: An authentication context that no server knows.
IMPOSSIBLE_ACR = "urn:par-conformance:impossible"


def _id_token(answer: TokenAnswer) -> dict[str, Any]:
    claims = flows.granted(answer).id_token
    if not claims:
        raise NotExercised("no ID token came")
    return claims


# -- nonce, time ------------------------------------------------------------------------------------------------------


@verifies("openid-core-2-pushed-nonce-in-id-token", needs=Feature.OPENID)
@each(nonce={"ordinary": "nonce-", "signs-to-encode": "n +%41%&=/?#", "long": "n" * 300})
async def test_nonce_stands_in_the_id_token(
    par: Par, authorization: Authorization, token: Token, target: Target, nonce: str
) -> None:
    """The ID token carries the pushed nonce, byte for byte."""
    nonce += secrets.token_urlsafe(16)
    client = flows.openid_client(target)
    if len(nonce) > 255:  # a server may have a limit of its own
        answer = await flows.taken(par, client, f"a nonce of {len(nonce)} characters", nonce=nonce)
    else:
        answer = await par.accepted(client, nonce=nonce)
    claims = _id_token(await token.redeem(await authorization.code(answer), answer.push))
    expect.that(
        claims.get("nonce") == nonce,
        "nonce-lost",
        "the ID token does not have the pushed nonce",
        expected=nonce,
        received=str(claims.get("nonce")),
    )


@verifies("openid-core-2-no-nonce-without-request", needs=Feature.OPENID)
async def test_no_nonce_is_made_up(par: Par, authorization: Authorization, token: Token, target: Target) -> None:
    """The ID token has no nonce where none was pushed."""
    answer = await par.push(flows.openid_client(target), nonce=None)
    if not answer.accepted:
        expect.control_accepted(answer)
        raise NotApplicable(f"this server wants a nonce: {answer.summary}")
    outcome = await authorization.open(answer)
    if outcome.refused:
        authorization.needs_code(await authorization.open(await par.accepted(flows.openid_client(target))))
        raise NotApplicable(f"this server wants a nonce: {outcome.summary}")
    claims = _id_token(await token.redeem(authorization.needs_code(outcome), answer.push))
    expect.that(
        "nonce" not in claims,
        "nonce-invented",
        "the ID token has a nonce although none was pushed",
        expected="no nonce",
        received=str(claims.get("nonce")),
    )


@verifies("openid-core-2-auth-time-with-max-age", needs=Feature.OPENID)
@each(max_age=("3600", "0"))
async def test_auth_time_comes_with_max_age(
    par: Par, authorization: Authorization, token: Token, target: Target, max_age: str
) -> None:
    """The ID token of a request with max_age has auth_time, a JSON number that lies in the past."""
    answer = await flows.taken(par, flows.openid_client(target), f"max_age={max_age}", max_age=max_age)
    outcome = await authorization.code(answer, browser=authorization.new_browser())
    claims = _id_token(await token.redeem(outcome, answer.push))
    value = claims.get("auth_time")
    expect.that(
        type(value) in {int, float} and 1e9 < float(value or 0) <= par.wire.clock.now() + 300,
        "no-auth-time",
        f"auth_time is {value!r}",
        expected="a JSON number of seconds since 1970",
        received=repr(value),
    )


def claims_supported(target: Target) -> None:
    """Stop where the server does not have the parameter claims."""
    if not target.metadata.flag("claims_parameter_supported"):
        raise NotApplicable("the metadata does not say claims_parameter_supported")


# -- claims -----------------------------------------------------------------------------------------------------------


@verifies("openid-core-5.5-pushed-claims-honoured", needs=Feature.OPENID)
async def test_pushed_claim_comes_back(par: Par, authorization: Authorization, token: Token, target: Target) -> None:
    """auth_time, asked for as essential with a pushed claims parameter, stands in the ID token."""
    claims_supported(target)
    asked = json.dumps({"id_token": {"auth_time": {"essential": True}}})
    claims = _id_token(await flows.tokens(par, authorization, token, flows.openid_client(target), claims=asked))
    expect.that(
        "auth_time" in claims,
        "claim-missing",
        "the ID token does not have the essential claim auth_time that was pushed",
        expected="auth_time",
        received=", ".join(claims),
    )


@verifies("openid-core-5.5-unknown-members-of-claims-ignored", needs=Feature.OPENID)
@each(
    claims={
        "member": {"id_token": {"auth_time": None}, "par_conformance": {"x": None}},
        "claim": {"id_token": {"par_conformance": None}},
        "detail": {"id_token": {"auth_time": {"par_conformance": True}}},
    }
)
async def test_unknown_member_of_claims_is_ignored(
    par: Par, authorization: Authorization, target: Target, claims: dict[str, Any]
) -> None:
    """A member of claims that the server does not know is ignored."""
    claims_supported(target)
    answer = await par.push(flows.openid_client(target), claims=json.dumps(claims))
    await flows.tolerated(par, authorization, answer)


@verifies("openid-core-5.5.1.1-essential-acr-enforced", needs=Feature.OPENID)
@each(form=("value", "values"))
async def test_essential_acr_that_cannot_be_met_brings_no_code(
    par: Par, authorization: Authorization, target: Target, form: str
) -> None:
    """An essential acr that no login can meet brings no code."""
    claims_supported(target)
    wanted = {"value": IMPOSSIBLE_ACR} if form == "value" else {"values": [IMPOSSIBLE_ACR]}
    claims = json.dumps({"id_token": {"acr": {"essential": True, **wanted}}})
    await flows.no_code(par, authorization, await par.push(flows.openid_client(target), claims=claims))
