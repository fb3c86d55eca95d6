"""FAPI 2.0 Security Profile: transport, clients, assertions, codes and tokens (sections 5.2 and 5.3.2.1)."""

from __future__ import annotations

import ssl
from dataclasses import replace
from typing import Any

from conformance import expect
from conformance.check import each, verifies
from conformance.checks import flows, roles
from conformance.checks.assertions import accepted, claims_refused
from conformance.checks.proofs import needs_look, proving, sent
from conformance.checks.test_metadata import LOOPBACK, document
from conformance.engine import CheckClock
from conformance.http import tls
from conformance.http.message import split
from conformance.profile.model import Feature, Profile
from conformance.protocol import client_auth, dpop, jws
from conformance.protocol.authorization import Authorization
from conformance.protocol.par import Par, Push
from conformance.protocol.token import Token
from conformance.target import Target
from conformance.verdict import NotApplicable, NotExercised, Violation

#: Ahead by as much as every server has to bear, and by more than any may (seconds).
SLIGHTLY, FAR = 8, 75
#: The longest life of a code (seconds).
LONGEST_CODE = 60


# -- transport --------------------------------------------------------------------------------------------------------


@verifies("fapi2-security-profile-5.2.1-endpoints-use-tls")
async def test_every_endpoint_is_https(target: Target) -> None:
    """All endpoints of the server are https URLs."""
    urls = {name: value for name, value in document(target).items() if name.endswith(("_endpoint", "_uri", "issuer"))}
    plain = {name: str(url) for name, url in urls.items() if str(url).startswith("http:")}
    if plain and all(split(url).hostname in LOOPBACK for url in plain.values()):
        raise NotApplicable("the target is on loopback over plain http, which says nothing about its real address")
    for name, url in plain.items():
        raise Violation("plain-http", f"{name} is {url}", expected="https", received=url)


@verifies("fapi2-security-profile-5.2.1-old-tls-refused")
@each(version={"TLS-1.0": ssl.TLSVersion.TLSv1, "TLS-1.1": ssl.TLSVersion.TLSv1_1})
async def test_old_tls_is_not_spoken(target: Target, version: ssl.TLSVersion) -> None:
    """The server does not speak TLS versions before 1.2, at any of its addresses."""
    urls = {target.par_endpoint, target.authorization_endpoint, target.token_endpoint}
    urls |= {target.metadata.mtls_alias("pushed_authorization_request_endpoint") or target.par_endpoint}
    hosts = {(parts.hostname or "", parts.port or 443) for url in urls if (parts := split(url)).scheme == "https"}
    if not hosts:
        raise NotApplicable("the target is not under https")
    for host, port in sorted(hosts):
        expect.that(
            not await tls.speaks(host, port, version),
            "old-tls",
            f"{host}:{port} speaks {version.name}",
            expected="TLS 1.2 and newer",
            received=version.name,
        )


@verifies("fapi2-security-profile-5.2.3-tls-stripping-prevented")
async def test_browsers_are_told_to_stay_on_https(par: Par, authorization: Authorization, target: Target) -> None:
    """The endpoints that browsers use send Strict-Transport-Security."""
    if split(target.authorization_endpoint).scheme != "https":
        raise NotApplicable("the authorization endpoint is not under https")
    outcome = await authorization.code(await par.accepted(), browser=authorization.new_browser())
    own = [one for one in outcome.responses if split(one.url).hostname == split(target.issuer).hostname]
    expect.that(
        any(response.header("strict-transport-security") for response in own),
        "not-sent",
        "no answer of the browser leg has Strict-Transport-Security; a domain that is preloaded would do as well",
        expected="Strict-Transport-Security",
        received="none",
    )


# -- clients ----------------------------------------------------------------------------------------------------------


def with_any_secret(profile: Profile) -> dict[str, str]:
    """One client for each method that rests on a secret."""
    return {method: role for method, role in roles.by_method(profile).items() if method.startswith("client_secret")}


@verifies("fapi2-security-profile-5.3.2.1-client-secrets-refused")
@each(client=with_any_secret)
async def test_client_secret_authenticates_nobody(par: Par, client: str) -> None:
    """A push that is authenticated with a client secret, in whatever way, gets no request_uri."""
    answer = await par.send(par.ordinary(client))
    expect.that(
        not answer.accepted,
        "accepted",
        f"a client was served that authenticates by {par.client(client).entry.auth}",
        expected="a refusal: the profile has private_key_jwt and mutual TLS only",
        received=answer.summary,
    )


@verifies("fapi2-security-profile-5.3.2.1-public-clients-refused")
async def test_client_without_credentials_is_not_served(par: Par, target: Target) -> None:
    """A push of a client that does not authenticate gets no request_uri, even if it is registered as public."""
    public = [role for role, client in target.profile.clients.items() if client.auth == "none"]
    pushes = [par.ordinary(role) for role in public]
    if not public:
        pushes = [replace(par.ordinary(), authentication=client_auth.nothing)]
    for push in pushes:
        answer = await par.send(push, control=par.ordinary)
        if public:
            expect.that(
                not answer.accepted,
                "accepted",
                "a public client was served",
                expected="a refusal: the profile is for confidential clients only",
                received=answer.summary,
            )
        else:
            expect.refused(answer)


# -- assertions, proofs, request objects ------------------------------------------------------------------------------


@verifies("fapi2-security-profile-5.3.2.1-audience-array-refused")
@each(client=roles.with_assertion, order=("alone", "first", "last"))
async def test_audience_in_an_array_is_refused(par: Par, target: Target, client: str, order: str) -> None:
    """A client assertion whose aud is an array is refused, even if the issuer is its only member."""
    other = "https://other-server.example"
    audience = {"alone": [target.issuer], "first": [target.issuer, other], "last": [other, target.issuer]}[order]
    await claims_refused(par, client, {"aud": audience})


def ahead(claim: str, seconds: int) -> dict[str, Any]:
    """A time so far ahead, and an exp that does not stand in its way."""
    return {
        claim: lambda now: int(now) + seconds,
        "exp": lambda now: int(now) + seconds + client_auth.LIFETIME,
    }


@verifies("fapi2-security-profile-5.3.2.1-assertion-slightly-ahead-accepted")
@each(client=roles.with_assertion, claim=("iat", "nbf"))
async def test_assertion_slightly_ahead_is_accepted(par: Par, client: str, claim: str) -> None:
    """A client assertion whose iat or nbf is eight seconds ahead is accepted."""
    await accepted(par, client, client_auth.assertion(ahead(claim, SLIGHTLY)))


@verifies("fapi2-security-profile-5.3.2.1-assertion-far-ahead-refused")
@each(client=roles.with_assertion, claim=("iat", "nbf"))
async def test_assertion_far_ahead_is_refused(par: Par, client: str, claim: str) -> None:
    """A client assertion whose iat or nbf is 75 seconds ahead is refused."""
    await claims_refused(par, client, ahead(claim, FAR))


@verifies("fapi2-security-profile-5.3.2.1-proof-slightly-ahead-accepted", needs=Feature.DPOP)
async def test_proof_slightly_ahead_is_accepted(par: Par) -> None:
    """A DPoP proof whose iat is eight seconds ahead is accepted."""
    fault = dpop.Fault(claims={"iat": lambda now: int(now) + SLIGHTLY})
    expect.accepted(await par.send(proving(par, fault=fault), control=lambda: proving(par)))


@verifies("fapi2-security-profile-5.3.2.1-proof-far-ahead-refused", needs=Feature.DPOP)
async def test_proof_far_ahead_is_refused(par: Par) -> None:
    """A DPoP proof whose iat is 75 seconds ahead is refused."""
    fault = dpop.Fault(claims={"iat": lambda now: int(now) + FAR})
    answer = await par.send(proving(par, fault=fault), control=lambda: proving(par))
    if answer.accepted:
        await needs_look(par)
    expect.refused(answer)


# -- codes and tokens -------------------------------------------------------------------------------------------------


def without_certificate(profile: Profile) -> dict[str, str]:
    """One confidential client for each method that shows no certificate."""
    return {method: role for method, role in roles.with_secret_or_key(profile).items() if method != "none"}


@verifies("fapi2-security-profile-5.3.2.1-only-sender-constrained-tokens")
@each(client=without_certificate)
async def test_no_bearer_tokens_are_issued(
    par: Par, authorization: Authorization, token: Token, target: Target, client: str
) -> None:
    """A code is not redeemed for an access token that is bound to no key."""

    def unbound() -> Push:
        return replace(par.ordinary(client), dpop=None)

    def bound() -> Push:
        return proving(par, client)

    make = unbound if (await par.send(unbound())).accepted else bound
    answer = await sent(par, make)
    tokens = await token.redeem(await authorization.code(answer), answer.push, dpop_key=None)
    if not tokens.accepted:
        right = await sent(par, bound)
        control = await token.redeem(await authorization.code(right), right.push)
        expect.not_redeemed(tokens, control=control)
        return
    shown = await confirmation(token, target, client, tokens.json)
    expect.that(
        bool(shown),
        "bearer",
        "a code was redeemed without any proof for an access token that is bound to nothing",
        expected="a refusal",
        received=f"token_type {tokens.json.get('token_type')}",
    )


async def confirmation(token: Token, target: Target, client: str, members: dict[str, Any]) -> object:
    """What an access token is bound to, as a JWT or introspection shows it; None where it is to nothing."""
    value = str(members.get("access_token"))
    told = await token.introspect(value, target.client(client)) or {}
    return {**jws.claims_of(value), **told}.get("cnf")


@verifies("fapi2-security-profile-5.3.2.1-bound-by-mutual-tls-or-dpop")
@each(client=roles.confidential)
async def test_binding_of_a_token_is_told(
    par: Par, authorization: Authorization, token: Token, target: Target, client: str
) -> None:
    """Access tokens are bound by mutual TLS or by DPoP, and token_type or cnf says so."""
    tokens = flows.granted(await flows.redeemed(par, authorization, token, client))
    if str(tokens.json.get("token_type")).lower() == "dpop":
        return
    bound = await confirmation(token, target, client, tokens.json)
    by_certificate = target.client(client).entry.auth.endswith("tls_client_auth")
    if not bound and by_certificate and target.metadata.introspection_endpoint is None:
        raise NotApplicable("nothing shows what the access token of this client is bound to")
    expect.that(
        isinstance(bound, dict) and bool({"jkt", "x5t#S256"} & bound.keys()),
        "not-told",
        "neither token_type nor cnf says what the access token is bound to",
        expected="token_type DPoP, or cnf with x5t#S256",
        received=f"token_type {tokens.json.get('token_type')}, cnf {bound!r}",
    )


@verifies("fapi2-security-profile-5.3.2.1-refresh-tokens-not-rotated", needs=Feature.REFRESH_TOKENS)
async def test_refresh_token_can_be_used_again(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """A refresh token still works after it was used."""
    answer = await par.accepted()
    tokens = flows.granted(await token.redeem(await authorization.code(answer), answer.push))
    client, key = target.client("first"), answer.push.dpop
    first = await token.refresh(tokens, client, dpop_key=key)
    if not first.accepted:
        raise NotExercised(f"the refresh token brought nothing: {first.summary}")
    expect.redeemed(await token.refresh(tokens, client, dpop_key=key), control=first)


@verifies("fapi2-security-profile-5.3.2.1-code-lives-60-seconds-at-most", waits=True)
async def test_code_lives_a_minute_at_most(
    par: Par, authorization: Authorization, token: Token, target: Target, clock: CheckClock
) -> None:
    """A code is refused when more than 60 seconds have passed since it was issued."""
    control = await flows.redeemed(par, authorization, token)
    answer, outcome = await flows.code(par, authorization)
    declared = target.profile.limits.code_lifetime or LONGEST_CODE
    await clock.until(clock.now() + min(declared, LONGEST_CODE) + 2, "the longest life of a code")
    expect.not_redeemed(await token.redeem(outcome, answer.push), control=control)
