"""Bound access tokens at the server's own protected resource, the UserInfo endpoint (RFC 9449 section 7)."""

from __future__ import annotations

from dataclasses import replace

from conformance import expect
from conformance.check import each, verifies
from conformance.checks.proofs import needs_bound_token, redeemed, sent
from conformance.http.message import Response
from conformance.profile.model import Feature
from conformance.protocol import dpop, jws
from conformance.protocol.authorization import Authorization
from conformance.protocol.dpop import DpopKey
from conformance.protocol.par import Par, speaks_openid
from conformance.protocol.token import Token, TokenAnswer
from conformance.target import RegisteredClient, Target
from conformance.verdict import NotApplicable

NEEDS = (Feature.DPOP, Feature.OPENID)


def proving_client(target: Target) -> RegisteredClient:
    """A client of OpenID Connect that can use DPoP, one that is registered for it first.

    NotApplicable where there is none: those that show a certificate have tokens that are bound to that.
    """
    able = [
        client
        for client in map(target.client, target.profile.clients)
        if speaks_openid(target, client) and "tls" not in client.entry.auth
    ]
    if not able:
        raise NotApplicable("no client of the profile could use DPoP with OpenID Connect")
    return next((client for client in able if client.entry.dpop), able[0])


async def bound(par: Par, authorization: Authorization, token: Token, key: DpopKey) -> TokenAnswer:
    """Tokens that are bound to a key, and that UserInfo answers. NotApplicable where there are none."""
    client = proving_client(par.target)
    answer = await sent(par, lambda: replace(par.ordinary(client), dpop=key))
    tokens = needs_bound_token(await redeemed(authorization, token, answer, key))
    control = await token.userinfo(tokens, scheme="DPoP", dpop_key=key)
    if not opened(control):
        raise NotApplicable(f"the UserInfo endpoint does not take bound tokens: HTTP {control.status}")
    return tokens


def opened(response: Response) -> bool:
    """Whether the resource was given."""
    return 200 <= response.status < 300


def judge(response: Response, presented: str) -> None:
    """Nothing was given: with which error is another question."""
    expect.that(
        not opened(response),
        "access-granted",
        f"the UserInfo endpoint answered a bound token {presented}",
        expected="401",
        received=f"HTTP {response.status}",
    )


@verifies("rfc9449-7.1-proof-required-at-userinfo", needs=NEEDS)
async def test_userinfo_needs_a_proof(par: Par, authorization: Authorization, token: Token) -> None:
    """The UserInfo endpoint gives nothing for a bound access token without a proof."""
    tokens = await bound(par, authorization, token, DpopKey())
    judge(await token.userinfo(tokens, scheme="DPoP"), "without a proof")


@verifies("rfc9449-7.1-key-compared-at-userinfo", needs=NEEDS)
async def test_userinfo_compares_the_key(par: Par, authorization: Authorization, token: Token) -> None:
    """The UserInfo endpoint gives nothing for a bound access token with a proof of another key."""
    tokens = await bound(par, authorization, token, DpopKey())
    judge(await token.userinfo(tokens, scheme="DPoP", dpop_key=DpopKey()), "with a proof of another key")


@verifies("rfc9449-7.1-proof-checked-at-userinfo", needs=NEEDS)
@each(
    fault={
        "tampered": dpop.Fault(spoil=jws.tampered),
        "made-for-another-host": dpop.Fault(claims={"htu": "https://attacker.example/userinfo"}),
        "made-for-another-method": dpop.Fault(claims={"htm": "POST"}),
    }
)
async def test_userinfo_checks_the_proof(
    par: Par, authorization: Authorization, token: Token, fault: dpop.Fault
) -> None:
    """The UserInfo endpoint gives nothing for a proof that is tampered with, or made for another URL or method."""
    key = DpopKey()
    tokens = await bound(par, authorization, token, key)
    judge(await token.userinfo(tokens, scheme="DPoP", dpop_key=key, dpop_fault=fault), "with an invalid proof")


@verifies("rfc9449-7.1-ath-checked-at-userinfo", needs=NEEDS)
@each(
    fault={
        "missing": dpop.Fault(claims={"ath": None}),
        "of-another-token": dpop.Fault(claims={"ath": jws.base64url(bytes(32))}),
    }
)
async def test_userinfo_checks_ath(par: Par, authorization: Authorization, token: Token, fault: dpop.Fault) -> None:
    """The UserInfo endpoint gives nothing for a proof without ath, or with that of another access token."""
    key = DpopKey()
    tokens = await bound(par, authorization, token, key)
    judge(await token.userinfo(tokens, scheme="DPoP", dpop_key=key, dpop_fault=fault), "with a proof for another one")


@verifies("rfc9449-7.2-bound-token-as-bearer-refused", needs=NEEDS)
async def test_bound_token_is_no_bearer_token(par: Par, authorization: Authorization, token: Token) -> None:
    """The UserInfo endpoint, where it takes bound tokens, gives nothing for one that is presented as Bearer."""
    tokens = await bound(par, authorization, token, DpopKey())
    judge(await token.userinfo(tokens, scheme="Bearer"), "under the scheme Bearer")
