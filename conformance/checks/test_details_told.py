"""Where authorization details are told: in tokens, introspection, metadata (RFC 9396 sections 9 and 10)."""

from __future__ import annotations

import json

from conformance import expect
from conformance.check import verifies
from conformance.checks.details import (
    PARAMETER,
    client_of,
    samples,
    text,
    tokens_for,
    types_of,
)
from conformance.checks.flows import claims_of_token
from conformance.profile.model import Feature
from conformance.protocol.authorization import Authorization
from conformance.protocol.par import Par
from conformance.protocol.token import Token
from conformance.target import Target
from conformance.verdict import NotApplicable


@verifies("rfc9396-9.1-details-in-jwt-access-token", needs=Feature.RAR)
async def test_jwt_access_token_carries_the_details(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """An access token that is a JWT carries the granted authorization_details as a top-level claim."""
    tokens = await tokens_for(par, authorization, token, target, samples(target))
    claims = claims_of_token(tokens)
    if not claims:
        raise NotApplicable("the access token is no JWT that can be read")
    found = claims.get(PARAMETER)
    expect.that(
        isinstance(found, list) and bool(types_of(found) & types_of(samples(target))),
        "details-missing",
        f"the claim {PARAMETER} is {found!r}",
        expected=text(samples(target)),
        received=json.dumps(found),
    )


@verifies("rfc9396-9.2-details-in-introspection-well-formed", needs=(Feature.RAR, Feature.INTROSPECTION))
async def test_details_in_introspection_are_well_formed(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """If an introspection answer carries the details, it does so as an array of objects, each with a type."""
    tokens = await tokens_for(par, authorization, token, target, samples(target))
    told = await token.introspect(str(tokens.json["access_token"]), client_of(target)) or {}
    if PARAMETER not in told:
        raise NotApplicable("the introspection answer carries no details")
    found = told[PARAMETER]
    good = isinstance(found, list) and all(
        isinstance(entry, dict) and isinstance(entry.get("type"), str) for entry in found
    )
    expect.that(
        good,
        "malformed",
        f"{PARAMETER} is {found!r}",
        expected="an array of objects with a type",
        received=json.dumps(found),
    )


@verifies("rfc9396-10-types-advertised", needs=Feature.RAR)
async def test_types_are_advertised(target: Target) -> None:
    """The metadata lists authorization_details_types_supported as an array of strings."""
    member = "authorization_details_types_supported"
    listed = target.metadata.strings(member)
    expect.that(
        listed is not None,
        "not-advertised",
        f"{member} is {target.metadata.document.get(member)!r}",
        expected="an array of strings",
        received=repr(target.metadata.document.get(member)),
    )
    missing = {str(entry["type"]) for entry in samples(target)} - set(listed or ())
    expect.that(
        not missing,
        "type-missing",
        f"{member} does not list {', '.join(sorted(missing))}",
        expected=", ".join(sorted(missing)),
        received=", ".join(listed or ()),
    )
