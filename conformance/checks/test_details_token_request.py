"""Authorization details in token requests, and after a refresh (RFC 9396 sections 6, 8 and 11.2)."""

from __future__ import annotations

import json

from conformance import expect
from conformance.check import verifies
from conformance.checks.details import (
    PARAMETER,
    UNKNOWN,
    Sample,
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
from conformance.checks.flows import claims_of_token
from conformance.profile.model import Feature
from conformance.protocol.authorization import Authorization
from conformance.protocol.par import Par
from conformance.protocol.token import Token, TokenAnswer
from conformance.target import Target
from conformance.verdict import NotApplicable, NotExercised


async def asking_at_token_endpoint(
    par: Par, authorization: Authorization, token: Token, target: Target, wanted: list[Sample]
) -> TokenAnswer:
    """The code of a request with the first valid entry, redeemed with details of the token request's own."""
    entries = samples(target)[:1]
    control = await tokens_for(par, authorization, token, target, entries)
    await needs_granted(token, control, client_of(target))
    answer = await asked(par, target, entries)
    return await token.redeem(await authorization.code(answer), answer.push, authorization_details=text(wanted))


@verifies("rfc9396-6-more-than-granted-not-issued", needs=Feature.RAR)
async def test_token_request_gets_no_more_details_than_granted(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """A token request for authorization_details of a type that was not granted does not get them."""
    entries = samples(target)
    if len({entry["type"] for entry in entries}) < 2:
        raise NotApplicable("the client may ask for one type of details only")
    other = next(entry for entry in entries if entry["type"] != entries[0]["type"])
    for wanted in ([other], [entries[0], other]):
        tokens = await asking_at_token_endpoint(par, authorization, token, target, wanted)
        details = await granted(token, tokens, client_of(target)) if tokens.accepted else None
        expect.that(
            other["type"] not in types_of(details),
            "details-granted",
            f"the token request brought details of the type {other['type']!r}, which the person never saw",
            expected="a refusal, or the granted details",
            received=json.dumps(details),
        )


@verifies("rfc9396-6-more-than-granted-not-issued", needs=Feature.RAR)
async def test_token_request_does_not_change_what_was_granted(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """A token request for authorization_details of the granted type, but with another text in them, gets none such."""
    sample = samples(target)[0]
    word = wordiest([sample])
    tokens = await asking_at_token_endpoint(par, authorization, token, target, [replaced(sample, word, word + "B")])
    details = await granted(token, tokens, client_of(target)) if tokens.accepted else None
    expect.that(
        word + "B" not in set(texts_of(details)),
        "details-granted",
        "the token request changed a text of the details that the person saw",
        expected="a refusal, or the granted details",
        received=json.dumps(details),
    )


def _agree(held: Sample, told: Sample) -> bool:
    """Whether two entries can be the same: for a resource server fields are left out and added (section 9.2)."""
    return held.get("type") == told.get("type") and all(told[name] == held[name] for name in told.keys() & held.keys())


@verifies("rfc9396-7-granted-details-returned", needs=Feature.RAR)
async def test_answer_tells_the_details_of_its_own_token(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """Where a token request asks for a part of the details, its token has none that the answer does not tell."""
    client, entries = client_of(target), samples(target)
    if len(entries) < 2:
        raise NotApplicable("the client may ask for one entry of details only")
    answer = await asked(par, target, entries)
    outcome = await authorization.code(answer)
    tokens = await token.redeem(outcome, answer.push, authorization_details=text(entries[:1]))
    if not tokens.accepted:
        await needs_granted(token, await tokens_for(par, authorization, token, target, entries), client)
        raise NotApplicable(f"the token endpoint gives no part of what was granted: {tokens.summary}")
    value = str(tokens.json.get("access_token"))
    held = claims_of_token(tokens) or await token.introspect(value, client) or {}
    if not isinstance(held.get(PARAMETER), list) or not isinstance(tokens.json.get(PARAMETER), list):
        raise NotApplicable("the answer, or the token and introspection, do not show any details")
    told = [entry for entry in tokens.json[PARAMETER] if isinstance(entry, dict)]
    expect.that(
        all(isinstance(entry, dict) and any(_agree(entry, one) for one in told) for entry in held[PARAMETER]),
        "other-details",
        "the access token has details that the answer does not tell",
        expected=json.dumps(held[PARAMETER]),
        received=json.dumps(tokens.json[PARAMETER]),
    )


@verifies("rfc9396-8-token-error-code", needs=Feature.RAR)
async def test_error_of_faulty_details_at_the_token_endpoint(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """The token endpoint's error for authorization_details of an unknown type is invalid_authorization_details."""
    tokens = await asking_at_token_endpoint(par, authorization, token, target, [{"type": UNKNOWN}])
    if tokens.accepted:
        raise NotApplicable("the token endpoint pays no heed to authorization_details")
    expect.that(
        tokens.error == "invalid_authorization_details",
        "other-code",
        f"the error code is {tokens.error}",
        expected="invalid_authorization_details",
        received=tokens.error,
    )


@verifies("rfc9396-11.2-details-survive-refresh", needs=(Feature.RAR, Feature.REFRESH_TOKENS))
async def test_refreshed_token_has_the_details(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """A refreshed access token has the details of the grant that it comes from."""
    client = client_of(target)
    answer = await asked(par, target, samples(target))
    first = await token.redeem(await authorization.code(answer), answer.push)
    details = await needs_granted(token, first, client)
    second = await token.refresh(first, client, dpop_key=answer.push.dpop)
    if not second.accepted:
        raise NotExercised(f"the refresh token brought nothing: {second.summary}")
    kept = await granted(token, second, client)
    if kept is None and PARAMETER in first.json and not claims_of_token(second):
        introspected = await token.introspect(str(second.json["access_token"]), client)
        if introspected is None:
            raise NotApplicable("nothing shows which details the refreshed token has")
    expect.that(
        kept == details,
        "other-details",
        "the refreshed token has other details than the first",
        expected=json.dumps(details),
        received=json.dumps(kept),
    )
