"""A login between push and response: what was pushed outlasts it (RFC 9126 sections 2.2 and 4).

Other checks may open their requests where somebody is logged in already; here nobody is.
"""

from __future__ import annotations

import secrets
from dataclasses import replace

from conformance import expect
from conformance.check import each, verifies
from conformance.checks import flows, proofs, roles
from conformance.profile.model import Feature
from conformance.protocol import pkce
from conformance.protocol.authorization import Authorization
from conformance.protocol.dpop import DpopKey
from conformance.protocol.par import Par
from conformance.protocol.token import Token
from conformance.target import Target
from conformance.verdict import NotApplicable, NotExercised

#: A state that ends an attribute and an element of a page that is built without escaping it.
MARKUP = "'\"><b>%22%3E&amp;&lt; </textarea>"


@verifies("rfc9126-2-response-mode-effective", "rfc9126-2-state-effective")
@each(mode=("fragment", "form_post"))
async def test_response_mode_and_state_outlast_a_login(
    par: Par, authorization: Authorization, target: Target, mode: str
) -> None:
    """After a login the response comes by the pushed response_mode, with the pushed state, markup in it or not."""
    if mode not in (target.metadata.strings("response_modes_supported") or ["query", "fragment"]):
        raise NotApplicable(f"the metadata does not name the response mode {mode}")
    state = MARKUP + secrets.token_hex(8)
    what = f"the response mode {mode}"
    answer = await flows.taken(par, "first", what, response_mode=mode, state=state)
    outcome = await authorization.open(answer, browser=authorization.new_browser())
    if not outcome.granted:
        await flows.taken_to_its_code(par, authorization, "first", what, response_mode=mode)
    authorization.needs_code(outcome)
    expect.that(
        outcome.mode == mode,
        "other-response-mode",
        f"after a login the response came as {outcome.mode}",
        "rfc9126-2-response-mode-effective",
        expected=mode,
        received=outcome.mode,
    )
    expect.that(
        outcome.parameters.get("state") == state,
        "state-changed",
        f"the response by {mode} does not have the pushed state",
        "rfc9126-2-state-effective",
        expected=state,
        received=outcome.parameters.get("state"),
    )


@verifies("rfc9126-2-nonce-effective", needs=Feature.OPENID)
async def test_nonce_outlasts_a_login(par: Par, authorization: Authorization, token: Token, target: Target) -> None:
    """After a login the ID token has the pushed nonce."""
    nonce = "nonce-" + secrets.token_urlsafe(24)
    client = flows.openid_client(target)
    tokens = await flows.tokens(par, authorization, token, client, browser=authorization.new_browser(), nonce=nonce)
    if not tokens.id_token:
        raise NotExercised("no ID token came")
    expect.that(
        tokens.id_token.get("nonce") == nonce,
        "nonce-lost",
        "after a login the ID token does not have the pushed nonce",
        expected=nonce,
        received=str(tokens.id_token.get("nonce")),
    )


@verifies("rfc7636-4.6-wrong-verifier-refused", needs=Feature.PKCE)
@each(client=flows.with_pkce)
async def test_challenge_outlasts_a_login(par: Par, authorization: Authorization, token: Token, client: str) -> None:
    """After a login a wrong code_verifier redeems no code."""
    answer = await par.accepted(client)
    outcome = await authorization.code(answer, browser=authorization.new_browser())
    redeemed = await token.redeem(outcome, answer.push, code_verifier=pkce.new_verifier())
    expect.not_redeemed(redeemed, control=await flows.redeemed(par, authorization, token, client))


@verifies("rfc9449-10.1-proof-binds-code", needs=Feature.DPOP)
@each(client=roles.able_to_prove)
async def test_key_outlasts_a_login(par: Par, authorization: Authorization, token: Token, client: str) -> None:
    """After a login a code of a push with a DPoP header is not redeemed with a proof of another key."""
    key = DpopKey()
    right = await proofs.sent(par, lambda: replace(proofs.proving(par, client), dpop=key))
    control = proofs.needs_bound_token(await proofs.redeemed(authorization, token, right, key))
    answer = await proofs.sent(par, lambda: replace(proofs.proving(par, client), dpop=key))
    outcome = await authorization.code(answer, browser=authorization.new_browser())
    expect.not_redeemed(await token.redeem(outcome, answer.push, dpop_key=DpopKey()), control=control)


@verifies("rfc9126-4-one-time-use", needs=Feature.OPENID)
async def test_silent_failure_revives_nothing(par: Par, authorization: Authorization, target: Target) -> None:
    """A request with prompt=none that failed for want of a login brings at most one code afterwards."""
    client = flows.openid_client(target)
    browser = authorization.new_browser()
    await authorization.code(await par.accepted(client), browser=browser)
    answer = await flows.taken(par, client, "prompt=none", prompt="none")
    failed = await authorization.open(answer, browser=authorization.new_browser(None))
    first = await authorization.open(answer, browser=browser)
    if failed.granted or not first.granted:
        raise NotApplicable(f"a request that failed so brings no code any more: {first.summary}")
    expect.no_code(await authorization.open(answer, browser=browser), control=first)
