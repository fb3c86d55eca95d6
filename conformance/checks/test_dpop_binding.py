"""The key that a push is bound to: kept for the code, the tokens and their refresh (RFC 9449 sections 5, 6 and 10)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from conformance import expect
from conformance.check import each, verifies
from conformance.checks import roles
from conformance.checks.proofs import (
    GARBAGE,
    binds,
    naming,
    needs_bound_token,
    needs_look,
    needs_no_nonce,
    proving,
    redeemed,
    role_of,
    sent,
)
from conformance.checks.test_beside_request_uri import with_outside
from conformance.profile.model import Feature, Profile
from conformance.protocol import dpop, jws, pkce
from conformance.protocol.authorization import Authorization
from conformance.protocol.dpop import DpopKey
from conformance.protocol.par import Par, Push
from conformance.protocol.token import Token, TokenAnswer
from conformance.target import Target
from conformance.verdict import NotApplicable, NotExercised, Violation


def with_proof(par: Par, client: str | None = None) -> Callable[[DpopKey], Push]:
    """A push with a proof of a key in its header."""
    return lambda key: replace(proving(par, client), dpop=key)


def with_jkt(par: Par, client: str | None = None) -> Callable[[DpopKey], Push]:
    """A push with the thumbprint of a key as dpop_jkt."""
    return lambda key: naming(par, client, key)


# -- the code ---------------------------------------------------------------------------------------------------------


@verifies("rfc9449-10.1-dpop-header-supported", needs=Feature.DPOP)
async def test_code_of_a_push_with_a_proof_is_redeemed(par: Par, authorization: Authorization, token: Token) -> None:
    """A code of a push with a DPoP header is redeemed with a proof of the same key."""
    key = DpopKey()
    answer = needs_no_nonce(await par.send(with_proof(par)(key), control=lambda: naming(par)))
    expect.accepted(answer)
    expect.redeemed(await redeemed(authorization, token, answer, key))


@verifies("rfc9449-10.1-dpop-jkt-supported", needs=Feature.DPOP)
async def test_code_of_a_push_with_dpop_jkt_is_redeemed(par: Par, authorization: Authorization, token: Token) -> None:
    """A code of a push with dpop_jkt in its form is redeemed with a proof of that key."""
    key = DpopKey()
    answer = expect.accepted(await par.send(with_jkt(par)(key), control=lambda: proving(par)))
    expect.redeemed(await redeemed(authorization, token, answer, key))


@verifies("rfc9449-10.1-proof-binds-code", "fapi2-security-profile-5.3.2.1-code-bound-to-dpop-key", needs=Feature.DPOP)
@each(client=roles.able_to_prove)
async def test_proof_of_a_push_binds_the_code(
    par: Par, authorization: Authorization, token: Token, client: str
) -> None:
    """A code of a push with a DPoP header is not redeemed with a proof of another key."""
    await binds(par, authorization, token, with_proof(par, client), DpopKey())


@verifies("rfc9449-10.1-proof-binds-code-against-missing-proof", needs=Feature.DPOP)
@each(client=roles.able_to_prove)
async def test_code_of_a_push_with_a_proof_needs_one(
    par: Par, authorization: Authorization, token: Token, client: str
) -> None:
    """A code of a push with a DPoP header is not redeemed without a proof."""
    await binds(par, authorization, token, with_proof(par, client), None)


@verifies("rfc9449-10-dpop-jkt-enforced", "fapi2-security-profile-5.3.2.1-code-bound-to-dpop-key", needs=Feature.DPOP)
@each(client=roles.able_to_prove)
async def test_dpop_jkt_binds_the_code(par: Par, authorization: Authorization, token: Token, client: str) -> None:
    """A code of a push with dpop_jkt is not redeemed with a proof of another key."""
    await binds(par, authorization, token, with_jkt(par, client), DpopKey())


@verifies("rfc9449-10-dpop-jkt-enforced-against-missing-proof", needs=Feature.DPOP)
@each(client=roles.able_to_prove)
async def test_code_of_a_push_with_dpop_jkt_needs_a_proof(
    par: Par, authorization: Authorization, token: Token, client: str
) -> None:
    """A code of a push with dpop_jkt is not redeemed without a proof."""
    await binds(par, authorization, token, with_jkt(par, client), None)


def one_signer(profile: Profile) -> dict[str, str]:
    """The first client that signs its requests."""
    return dict([(role, role) for role, client in profile.clients.items() if client.request_objects is not None][:1])


@verifies("rfc9449-10.1-dpop-jkt-in-request-object-binds-code", needs=(Feature.DPOP, Feature.JAR))
@each(client=one_signer, attack=("another-key", "no-proof"))
async def test_dpop_jkt_in_a_request_object_binds_the_code(
    par: Par, authorization: Authorization, token: Token, client: str, attack: str
) -> None:
    """A dpop_jkt inside a pushed request object binds the code as one in the form does."""

    def make(key: DpopKey) -> Push:
        return replace(par.object(client, dpop_jkt=key.thumbprint), dpop=None)

    await binds(par, authorization, token, make, DpopKey() if attack == "another-key" else None)


@verifies("rfc9449-10-code-verifier-enforced-beside-dpop-jkt", needs=(Feature.DPOP, Feature.PKCE))
@each(verifier=("missing", "wrong"))
async def test_key_does_not_stand_in_for_the_code_verifier(
    par: Par, authorization: Authorization, token: Token, verifier: str
) -> None:
    """With dpop_jkt and code_challenge in one push, the right key without the right code_verifier gets no token."""
    key = DpopKey()
    if naming(par).verifier is None:
        raise NotApplicable("the client does not use PKCE")
    control = await redeemed(authorization, token, await sent(par, lambda: naming(par, key=key)), key)
    answer = await sent(par, lambda: naming(par, key=key))
    outcome = await authorization.code(answer)
    other = None if verifier == "missing" else pkce.new_verifier()
    expect.not_redeemed(await token.redeem(outcome, answer.push, dpop_key=key, code_verifier=other), control=control)


@verifies("rfc9449-10-malformed-dpop-jkt-refused", needs=Feature.DPOP)
@each(value={"short": "too-short", "one-sign-more": "A" * 44, "padded": "A" * 43 + "="})
async def test_malformed_dpop_jkt_is_refused(par: Par, value: str) -> None:
    """A push whose dpop_jkt cannot be a SHA-256 thumbprint is refused."""
    await sent(par, lambda: naming(par))
    expect.refused(await par.send(naming(par, thumbprint=value), control=lambda: naming(par)))


# -- header and parameter ---------------------------------------------------------------------------------------------


@verifies("rfc9449-10.1-matching-header-and-dpop-jkt-accepted", needs=Feature.DPOP)
async def test_proof_and_dpop_jkt_of_one_key_are_accepted(par: Par) -> None:
    """A push whose DPoP header and dpop_jkt name the same key is accepted."""
    key = DpopKey()
    expect.accepted(await par.send(replace(naming(par, key=key), dpop=key), control=lambda: proving(par)))


@verifies("rfc9449-10.1-mismatch-refused", needs=Feature.DPOP)
@each(client=roles.able_to_prove)
async def test_proof_and_dpop_jkt_of_different_keys_are_refused(par: Par, client: str) -> None:
    """A push whose dpop_jkt is not the thumbprint of the key in its DPoP header is refused."""
    key = DpopKey()
    mismatch = replace(naming(par, client), dpop=key)
    answer = await par.send(mismatch, control=lambda: replace(naming(par, client, key), dpop=key))
    if answer.accepted:
        await needs_look(par)
    expect.refused(answer)


@verifies("rfc9449-10.1-mismatch-with-request-object-refused", needs=(Feature.DPOP, Feature.JAR))
@each(client=one_signer)
async def test_proof_and_dpop_jkt_in_a_request_object_must_match(par: Par, client: str) -> None:
    """A push whose DPoP header and whose dpop_jkt inside the request object name different keys is refused."""
    key = DpopKey()
    mismatch = replace(par.object(client, dpop_jkt=DpopKey().thumbprint), dpop=key)
    answer = await par.send(mismatch, control=lambda: replace(par.object(client, dpop_jkt=key.thumbprint), dpop=key))
    if answer.accepted:
        await needs_look(par)
    expect.refused(answer)


@verifies("rfc9449-10.1-query-dpop-jkt-has-no-effect", needs=Feature.DPOP)
@each(client=roles.able_to_prove)
async def test_dpop_jkt_beside_request_uri_changes_no_binding(
    par: Par, authorization: Authorization, token: Token, client: str
) -> None:
    """A dpop_jkt in the query beside request_uri does not let another key redeem the code."""
    own, other = DpopKey(), DpopKey()
    right = await sent(par, lambda: with_proof(par, client)(own))
    control = needs_bound_token(await redeemed(authorization, token, right, own))
    answer = await sent(par, lambda: with_proof(par, client)(own))
    outcome = await with_outside(par, authorization, answer, dpop_jkt=other.thumbprint)
    if outcome is None:
        return
    tokens = await token.redeem(outcome, answer.push, dpop_key=other)
    if tokens.accepted:
        plain = await redeemed(authorization, token, await sent(par, lambda: with_proof(par, client)(own)), other)
        if plain.accepted:
            return  # nothing binds the code at all, which is a finding of its own
        raise Violation(
            "query-used",
            "the code was redeemed with the key of the query's dpop_jkt",
            expected="invalid_grant",
            received=tokens.summary,
        )
    expect.not_redeemed(tokens, control=control)


@verifies("rfc9449-10.1-query-dpop-jkt-has-no-effect", needs=Feature.DPOP)
@each(client=roles.able_to_prove)
async def test_dpop_jkt_beside_request_uri_binds_nothing(
    par: Par, authorization: Authorization, token: Token, client: str
) -> None:
    """A dpop_jkt in the query beside request_uri does not keep the client's own key from redeeming the code."""
    own, other = DpopKey(), DpopKey()

    def unbound() -> Push:
        return replace(par.ordinary(client), dpop=None)

    first = await par.send(unbound())
    if not first.accepted:
        raise NotApplicable(f"this server wants a key with every push: {first.summary}")
    control = await redeemed(authorization, token, first, own)
    answer = await sent(par, unbound)
    outcome = await with_outside(par, authorization, answer, dpop_jkt=other.thumbprint)
    if outcome is None:
        return
    tokens = await token.redeem(outcome, answer.push, dpop_key=own)
    if not tokens.accepted and control.accepted:
        raise Violation(
            "query-used",
            "the dpop_jkt of the query keeps the client from redeeming its own code",
            expected="an access token",
            received=tokens.summary,
        )
    expect.redeemed(tokens, control=control)


# -- the token endpoint -----------------------------------------------------------------------------------------------

TOKEN_FAULTS = {
    "no-jwt": GARBAGE,
    "tampered": dpop.Fault(spoil=jws.tampered),
    "made-for-another-host": dpop.Fault(claims={"htu": "https://attacker.example/token"}),
    "made-for-another-method": dpop.Fault(claims={"htm": "GET"}),
    "without-jti": dpop.Fault(claims={"jti": None}),
    "of-another-type": dpop.Fault(header={"typ": "JWT"}),
}


async def with_faulty_proof(
    par: Par, authorization: Authorization, token: Token, fault: dpop.Fault
) -> tuple[TokenAnswer, TokenAnswer]:
    """A token request with a faulty proof of the right key, and one with a right proof."""
    key = DpopKey()
    control = await redeemed(authorization, token, await sent(par, lambda: with_proof(par)(key)), key)
    answer = await sent(par, lambda: with_proof(par)(key))
    return await redeemed(authorization, token, answer, key, fault=fault), control


@verifies("rfc9449-5-invalid-proof-at-token-endpoint-refused", needs=Feature.DPOP)
@each(fault=TOKEN_FAULTS)
async def test_invalid_proof_redeems_no_code(
    par: Par, authorization: Authorization, token: Token, fault: dpop.Fault
) -> None:
    """A token request with an invalid proof gets no token."""
    tokens, control = await with_faulty_proof(par, authorization, token, fault)
    expect.not_redeemed(tokens, control=control)


@verifies("rfc9449-5-invalid-proof-at-token-endpoint-refused", needs=Feature.DPOP)
async def test_proof_of_the_push_redeems_no_code(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """A proof that was made for the PAR endpoint gets no token at the token endpoint."""
    url = par.endpoint(proving(par))
    if url == target.token_endpoint:
        raise NotApplicable("both endpoints have one URL")
    tokens, control = await with_faulty_proof(par, authorization, token, dpop.Fault(claims={"htu": url}))
    expect.not_redeemed(tokens, control=control)


@verifies("rfc9449-5-invalid-proof-at-token-endpoint-refused", needs=Feature.DPOP)
async def test_old_proof_redeems_no_code(par: Par, authorization: Authorization, token: Token) -> None:
    """A proof that was made an hour ago gets no token at the token endpoint."""
    tokens, control = await with_faulty_proof(
        par, authorization, token, dpop.Fault(claims={"iat": lambda now: int(now) - 3600})
    )
    if tokens.accepted and par.nonces:
        raise NotApplicable("the server gives out nonces, and may tell the age of a proof by them")
    expect.not_redeemed(tokens, control=control)


@verifies("rfc9449-11.1-replayed-proof-at-token-endpoint-refused", needs=Feature.DPOP)
async def test_proof_redeems_one_code(par: Par, authorization: Authorization, token: Token) -> None:
    """A proof that was accepted once at the token endpoint redeems no second code there."""
    key, recorded = DpopKey(), list[str]()

    def record(proof: str) -> str:
        recorded.append(proof)
        return proof

    first = await sent(par, lambda: with_proof(par)(key))
    control = await redeemed(authorization, token, first, key, fault=dpop.Fault(spoil=record))
    if not control.accepted:
        raise NotExercised(f"a code was not redeemed with the right proof: {control.summary}")
    second = await sent(par, lambda: with_proof(par)(key))
    answer = await redeemed(authorization, token, second, key, fault=dpop.Fault(spoil=lambda _: recorded[-1]))
    expect.not_redeemed(answer, control=control)


@verifies("rfc9449-5-invalid-proof-error-code", needs=Feature.DPOP)
async def test_error_of_an_invalid_proof_at_the_token_endpoint(
    par: Par, authorization: Authorization, token: Token
) -> None:
    """The token endpoint's error for an invalid proof is invalid_dpop_proof."""
    tokens, control = await with_faulty_proof(par, authorization, token, TOKEN_FAULTS["made-for-another-host"])
    if tokens.accepted or not control.accepted:
        raise NotApplicable("the faulty proof was not refused as such, which is a finding of its own")
    expect.that(
        tokens.error == "invalid_dpop_proof",
        "other-code",
        f"the error code is {tokens.error}",
        expected="invalid_dpop_proof",
        received=tokens.error,
    )


@verifies("rfc9449-5.2-token-request-without-proof-refused", needs=Feature.DPOP)
async def test_bound_client_gets_no_token_without_a_proof(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """A client registered with dpop_bound_access_tokens gets no token for a token request without a DPoP header."""
    if not target.client(role_of(target)).entry.dpop:
        raise NotApplicable("no client of the profile is registered for DPoP-bound tokens")

    def unbound() -> Push:
        return replace(par.ordinary(role_of(target)), dpop=None)

    key = DpopKey()
    make = unbound if (await par.send(unbound())).accepted else lambda: with_proof(par)(key)
    control = await redeemed(authorization, token, await sent(par, make), key)
    unproven = await redeemed(authorization, token, await sent(par, make), None)
    expect.that(
        not unproven.accepted,
        "token-issued",
        "the token request was granted: `dpop: true` of the profile stands for a client registered as DPoP-bound",
        expected="4xx with an error",
        received=unproven.summary,
    )
    expect.not_redeemed(unproven, control=control)


# -- the tokens -------------------------------------------------------------------------------------------------------


async def bound_tokens(
    par: Par, authorization: Authorization, token: Token, key: DpopKey, client: str | None = None
) -> TokenAnswer:
    """Tokens that were asked for with a proof of a key."""
    answer = await sent(par, lambda: with_proof(par, client)(key))
    return expect.redeemed(await redeemed(authorization, token, answer, key))


def _of_type_dpop(tokens: TokenAnswer) -> None:
    kind = tokens.json.get("token_type")
    expect.that(
        isinstance(kind, str) and kind.lower() == "dpop",
        "other-token-type",
        f"the token_type is {kind!r}",
        expected="DPoP",
        received=repr(kind),
    )


@verifies("rfc9449-5-token-type-dpop", needs=Feature.DPOP)
async def test_token_type_is_dpop(par: Par, authorization: Authorization, token: Token, target: Target) -> None:
    """The answer to a token request with a valid proof has the token_type DPoP."""
    if not target.client(role_of(target)).entry.dpop:
        raise NotApplicable("no client of the profile is registered for DPoP-bound tokens")
    tokens = await bound_tokens(par, authorization, token, DpopKey())
    _of_type_dpop(tokens)


@verifies("rfc9449-5-token-type-dpop", needs=(Feature.DPOP, Feature.REFRESH_TOKENS))
async def test_refreshed_token_is_bound_too(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """The answer to a refresh request with a valid proof has the token_type DPoP, as the first one had."""
    client, key = target.client(role_of(target)), DpopKey()
    if not client.entry.dpop:
        raise NotApplicable("no client of the profile is registered for DPoP-bound tokens")
    first = needs_bound_token(await bound_tokens(par, authorization, token, key))
    again = await token.refresh(first, client, dpop_key=key)
    if not again.accepted:
        raise NotApplicable(f"the refresh token brought no token: {again.summary}")
    _of_type_dpop(again)


@verifies("rfc9449-5-public-clients-refresh-token-bound", needs=(Feature.DPOP, Feature.REFRESH_TOKENS))
@each(attack=("another-key", "no-proof"))
async def test_refresh_token_of_a_public_client_is_bound(
    par: Par, authorization: Authorization, token: Token, target: Target, attack: str
) -> None:
    """A refresh token of a public client works with a proof of the key it was issued for and with no other."""
    role = next((role for role, client in target.profile.clients.items() if client.auth == "none"), None)
    if role is None:
        raise NotApplicable("the profile has no public client")
    client, key = target.client(role), DpopKey()
    right = needs_bound_token(await bound_tokens(par, authorization, token, key, role))
    control = await token.refresh(right, client, dpop_key=key)
    stolen = await bound_tokens(par, authorization, token, key, role)
    thief = DpopKey() if attack == "another-key" else None
    expect.not_redeemed(await token.refresh(stolen, client, dpop_key=thief), control=control)


@verifies("rfc9449-6.1-thumbprint-in-jwt-access-token", needs=Feature.DPOP)
async def test_jwt_access_token_carries_the_thumbprint(par: Par, authorization: Authorization, token: Token) -> None:
    """A bound access token that is a JWT carries the SHA-256 thumbprint of the proof's key as cnf.jkt."""
    key = DpopKey()
    tokens = needs_bound_token(await bound_tokens(par, authorization, token, key))
    claims = jws.claims_of(str(tokens.json.get("access_token")))
    if not claims:
        raise NotApplicable("the access token is no JWT that can be read")
    judge_thumbprint(claims, key, "the access token")


def judge_thumbprint(claims: dict[str, object], key: DpopKey, where: str) -> None:
    """The confirmation member names the key."""
    confirmation = claims.get("cnf")
    found = confirmation.get("jkt") if isinstance(confirmation, dict) else None
    expect.that(
        found == key.thumbprint,
        "thumbprint-missing" if found is None else "other-thumbprint",
        f"cnf.jkt of {where} is {found!r}",
        expected=key.thumbprint,
        received=repr(found),
    )


async def introspected(
    par: Par, authorization: Authorization, token: Token, target: Target, key: DpopKey
) -> dict[str, object]:
    """What introspection says of a bound access token. NotApplicable where it says nothing to its client."""
    tokens = needs_bound_token(await bound_tokens(par, authorization, token, key))
    members = await token.introspect(str(tokens.json["access_token"]), target.client(role_of(target)))
    if members is None or members.get("active") is not True:
        raise NotApplicable("the server does not tell this client about its token by introspection")
    return members


@verifies("rfc9449-6.2-thumbprint-in-introspection", needs=(Feature.DPOP, Feature.INTROSPECTION))
async def test_introspection_carries_the_thumbprint(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """The introspection answer for a bound access token carries the thumbprint as cnf.jkt at its top level."""
    key = DpopKey()
    judge_thumbprint(await introspected(par, authorization, token, target, key), key, "the introspection answer")


@verifies("rfc9449-6.2-introspection-token-type", needs=(Feature.DPOP, Feature.INTROSPECTION))
async def test_introspection_says_dpop(par: Par, authorization: Authorization, token: Token, target: Target) -> None:
    """If the introspection answer for a bound access token has a token_type, it is DPoP."""
    kind = (await introspected(par, authorization, token, target, DpopKey())).get("token_type")
    expect.that(
        kind is None or (isinstance(kind, str) and kind.lower() == "dpop"),
        "other-token-type",
        f"the token_type is {kind!r}",
        expected="DPoP",
        received=repr(kind),
    )
