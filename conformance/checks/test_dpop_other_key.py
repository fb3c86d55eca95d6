"""Keys and proofs that are nearly the right ones for a code or a token (RFC 9449 sections 5, 10 and 11.1)."""

from __future__ import annotations

from conformance import expect
from conformance.check import verifies
from conformance.checks import flows
from conformance.checks.proofs import binds, naming, needs_bound_token, proving, redeemed, refuses, role_of, sent
from conformance.checks.test_dpop_binding import with_proof
from conformance.engine import CheckClock
from conformance.profile.keyring import generate_key
from conformance.profile.model import Feature
from conformance.protocol.authorization import Authorization
from conformance.protocol.dpop import DpopKey, Fault
from conformance.protocol.par import Par
from conformance.protocol.token import Token
from conformance.target import Target
from conformance.verdict import NotApplicable

#: Algorithms whose keys are of another type or curve than those of ES256, which proofs here usually have.
OTHER_TYPES = ("PS256", "RS256", "EdDSA", "ES384")
#: So long after its first use a proof is tried again at the latest (seconds): servers take one for about a minute.
LATER = 20


@verifies("rfc9449-10.1-proof-binds-code", needs=Feature.DPOP)
async def test_key_of_another_type_redeems_no_code(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """A code of a push with a DPoP header is not redeemed with a proof of a key of another type."""
    listed = target.metadata.strings("dpop_signing_alg_values_supported") or []
    alg = next((alg for alg in OTHER_TYPES if alg in listed), None)
    if alg is None:
        raise NotApplicable("the metadata list no algorithm for keys of another type")
    await binds(par, authorization, token, with_proof(par), DpopKey(generate_key(alg, "dpop")))


@verifies("rfc9449-10-dpop-jkt-enforced", needs=Feature.DPOP)
async def test_thumbprint_in_other_case_is_of_another_key(par: Par, authorization: Authorization, token: Token) -> None:
    """A code of a push whose dpop_jkt is the thumbprint in other case is not redeemed with a proof of the key."""
    key = DpopKey()
    control = needs_bound_token(
        await redeemed(authorization, token, await sent(par, lambda: naming(par, key=key)), key)
    )
    answer = await par.send(naming(par, thumbprint=key.thumbprint.swapcase()), control=lambda: naming(par, key=key))
    if not answer.accepted:
        expect.refused(answer)
        return
    outcome = await authorization.code(answer)
    expect.not_redeemed(await token.redeem(outcome, answer.push, dpop_key=key), control=control)


@verifies("rfc9449-11.1-replayed-proof-refused", needs=Feature.DPOP, waits=True)
async def test_proof_is_not_good_again_later(par: Par, clock: CheckClock) -> None:
    """A proof that was accepted once is refused a while later, too: because it was used, or because it is old."""
    recorded: list[str] = []

    def record(token: str) -> str:
        recorded.append(token)
        return token

    answer = await sent(par, lambda: proving(par, fault=Fault(spoil=record)))
    used = recorded[-1]
    await clock.until(clock.now() + flows.a_while(answer, LATER), "a proof that was used some time ago")
    await refuses(par, Fault(spoil=lambda _: used))


@verifies("rfc9449-5.2-token-request-without-proof-refused", needs=(Feature.DPOP, Feature.REFRESH_TOKENS))
async def test_bound_client_refreshes_nothing_without_a_proof(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """A client registered with dpop_bound_access_tokens gets no token for a refresh without a DPoP header."""
    client = target.client(role_of(target))
    if not client.entry.dpop:
        raise NotApplicable("no client of the profile is registered for DPoP-bound tokens")
    key = DpopKey()
    answers = [await redeemed(authorization, token, await sent(par, lambda: with_proof(par)(key)), key) for _ in "12"]
    control = await token.refresh(needs_bound_token(answers[0]), client, dpop_key=key)
    answer = await token.refresh(needs_bound_token(answers[1]), client, dpop_key=None)
    expect.that(
        not answer.accepted,
        "token-issued",
        "the refresh was granted: `dpop: true` of the profile stands for a client registered as DPoP-bound",
        expected="4xx with an error",
        received=answer.summary,
    )
    expect.not_redeemed(answer, control=control)
