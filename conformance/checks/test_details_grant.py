"""Which authorization details are granted, beside scope, resource and a query (RFC 9396)."""

from __future__ import annotations

import json

from conformance import expect
from conformance.check import each, verifies
from conformance.checks.details import (
    PARAMETER,
    asked,
    client_of,
    granted,
    needs_granted,
    replaced,
    samples,
    text,
    texts_of,
    tokens_for,
    types_of,
    wordiest,
)
from conformance.checks.test_beside_request_uri import with_outside
from conformance.profile.model import Feature
from conformance.protocol.authorization import Authorization
from conformance.protocol.par import Par
from conformance.protocol.token import Token
from conformance.target import Target
from conformance.verdict import NotApplicable, NotExercised

#: The scopes of OpenID Connect Core section 5.4: they are about the ID token and the userinfo endpoint.
OPENID_SCOPES = {"openid", "profile", "email", "address", "phone", "offline_access"}


@verifies("rfc9396-7-granted-details-returned", needs=Feature.RAR)
async def test_token_answer_returns_the_details(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """The token answer returns the authorization_details as granted."""
    entries = samples(target)
    tokens = await tokens_for(par, authorization, token, target, entries)
    found = tokens.json.get(PARAMETER)
    expect.that(
        isinstance(found, list) and types_of(found) == types_of(entries),
        "details-missing" if found is None else "other-details",
        f"the token answer has {found!r} as {PARAMETER}",
        expected=text(entries),
        received=json.dumps(found),
    )


@verifies("rfc9396-3.1-scope-and-details-both-processed", needs=Feature.RAR)
async def test_scope_and_details_are_both_granted(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """With scope and authorization_details in one push, the token has both."""
    client = client_of(target)
    if not client.entry.scope:
        raise NotApplicable("the client that asks for details has no scope")
    tokens = await tokens_for(par, authorization, token, target, samples(target))
    scope = tokens.scope if tokens.scope is not None else set(client.entry.scope.split())
    if tokens.id_token:  # what OpenID Connect's scopes ask for is there, whatever the access token is good for
        scope = scope | OPENID_SCOPES
    expect.that(
        set(client.entry.scope.split()) <= scope,
        "scope-lost",
        "beside details the pushed scope was not granted",
        expected=client.entry.scope,
        received=" ".join(sorted(scope)),
    )
    control = set((await par_scope(par, authorization, token, target)) or ())
    expect.that(
        scope - OPENID_SCOPES <= control | set(client.entry.scope.split()),
        "scope-granted",
        "beside details more scope was granted than without",
        expected=client.entry.scope,
        received=" ".join(sorted(scope)),
    )
    await needs_granted(token, tokens, client)


async def par_scope(par: Par, authorization: Authorization, token: Token, target: Target) -> set[str] | None:
    """The scope that the same client is granted without details."""
    answer = await par.accepted(client_of(target))
    tokens = await token.redeem(await authorization.code(answer), answer.push)
    return tokens.scope


@verifies("rfc9396-3.2-resource-leaves-details-alone", needs=(Feature.RAR, Feature.RESOURCE_INDICATORS))
async def test_resource_changes_no_details(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """A resource parameter beside authorization_details does not change which details are granted."""
    client = client_of(target)
    if not client.entry.resource:
        raise NotApplicable("the client that asks for details has no `resource`")
    entries = samples(target)
    plain = await needs_granted(token, await tokens_for(par, authorization, token, target, entries), client)
    answer = await par.accepted(client, authorization_details=text(entries), resource=client.entry.resource)
    tokens = await token.redeem(await authorization.code(answer), answer.push)
    if not tokens.accepted:
        raise NotExercised(f"the code of a request with details and resource was not redeemed: {tokens.summary}")
    beside = await granted(token, tokens, client)
    expect.that(
        types_of(beside) == types_of(plain),
        "other-details",
        "beside a resource other details were granted",
        expected=text(plain),
        received=json.dumps(beside),
    )


@verifies("rfc9396-12-query-cannot-change-pushed-details", needs=Feature.RAR)
@each(pushed=("other", "none"))
async def test_details_beside_request_uri_have_no_effect(
    par: Par, authorization: Authorization, token: Token, target: Target, pushed: str
) -> None:
    """An authorization_details in the query beside request_uri has no effect, whether some were pushed or none."""
    client, entries = client_of(target), samples(target)
    outside = entries[-1:]
    if pushed == "none":
        answer = await par.accepted(client)
    elif len(entries) > 1:
        answer = await asked(par, target, entries[:1])
    else:
        word = wordiest(entries)
        outside = replaced(entries, word, word[:-1] + ("x" if word[-1] != "x" else "y"))
        answer = await asked(par, target, entries)
    outcome = await with_outside(
        par, authorization, answer, authorization.new_browser(), authorization_details=text(outside)
    )
    if outcome is None:
        return
    tokens = await token.redeem(outcome, answer.push)
    if not tokens.accepted:
        raise NotExercised(f"the code was not redeemed: {tokens.summary}")
    details = await granted(token, tokens, client) or []
    foreign = set(texts_of(outside)) - set(texts_of([] if pushed == "none" else entries[:1]))
    if foreign & set(texts_of(details)):
        same = await par.accepted(client) if pushed == "none" else await asked(par, target, entries[:1])
        browser = authorization.new_browser()
        usual = await token.redeem(await authorization.code(same, browser=browser), same.push)
        if foreign & set(texts_of(await granted(token, usual, client) or [])):
            raise NotApplicable("the server grants again what this person granted before, without a word of it")
    expect.that(
        not foreign & set(texts_of(details)),
        "query-used",
        "the details of the query were granted",
        expected="the pushed details" if pushed == "other" else "no details",
        received=json.dumps(details),
    )
