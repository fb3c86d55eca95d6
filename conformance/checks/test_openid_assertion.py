"""Client assertions as OpenID Connect Core section 9 wants them."""

from __future__ import annotations

from dataclasses import replace

from conformance import expect
from conformance.check import each, verifies
from conformance.checks import roles
from conformance.profile.model import Feature
from conformance.protocol import client_auth
from conformance.protocol.client_auth import Occasion
from conformance.protocol.par import Par
from conformance.target import Target
from conformance.verdict import NotApplicable, NotExercised


@verifies("openid-core-9-client-secret-jwt-keyed-with-utf8-secret", needs=Feature.OPENID)
async def test_assertion_keyed_with_the_secret_is_accepted(par: Par, target: Target) -> None:
    """A client assertion whose HMAC is keyed with the octets of the client secret is accepted."""
    role = roles.by_method(target.profile).get("client_secret_jwt")
    if role is None:
        raise NotApplicable("no client of the profile uses client_secret_jwt")
    expect.accepted(await par.push(role))


@verifies("openid-core-9-assertion-jti-required", needs=Feature.OPENID)
@each(client=roles.with_assertion)
async def test_assertion_without_jti_is_refused(par: Par, client: str) -> None:
    """A client assertion without jti is refused."""
    push = replace(par.ordinary(client), authentication=client_auth.assertion({"jti": None}))
    expect.refused(await par.send(push, control=lambda: par.ordinary(client)))


@verifies("openid-core-9-assertion-used-once", needs=Feature.OPENID)
@each(client=roles.with_assertion)
async def test_assertion_is_used_once(par: Par, target: Target, client: str) -> None:
    """A client assertion that was accepted once is refused the next time."""
    own = target.client(client)
    proof = client_auth.assertion()(Occasion(own, target, target.par_endpoint, par.wire.clock.now()))
    first = await par.send(replace(par.ordinary(client), authentication=client_auth.fixed(proof)))
    if not first.accepted:
        raise NotExercised(f"the assertion was not accepted the first time: {first.summary}")
    again = replace(par.ordinary(client), authentication=client_auth.fixed(proof))
    expect.refused(await par.send(again, control=lambda: par.ordinary(client)))


@verifies("openid-core-9-unknown-assertion-claims-ignored", needs=Feature.OPENID)
@each(client=roles.with_assertion)
async def test_unknown_claim_of_an_assertion_is_ignored(par: Par, client: str) -> None:
    """A claim in a client assertion that nobody knows is ignored."""
    claims = {"par_conformance": {"any": [1, True]}}
    push = replace(par.ordinary(client), authentication=client_auth.assertion(claims))
    expect.accepted(await par.send(push, control=lambda: par.ordinary(client)))
