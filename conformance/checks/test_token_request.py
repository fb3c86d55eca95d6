"""The token request for the code of a pushed request (RFC 6749 sections 2.3, 3.2, 4.1.2, 4.1.3, 5.1 and 5.2)."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

from conformance import expect
from conformance.check import each, verifies
from conformance.checks import flows, near, roles
from conformance.engine import CheckClock
from conformance.protocol import client_auth
from conformance.protocol.authorization import Authorization
from conformance.protocol.par import Change, Par
from conformance.protocol.token import Token, TokenAnswer
from conformance.randomness import estimate
from conformance.target import Target
from conformance.verdict import NotApplicable, NotExercised

#: So many times one code is redeemed at once.
ATTEMPTS = 4
#: A race is not lost every time.
ROUNDS = 3
#: So many codes show whether they follow a pattern; few, for each costs a whole flow.
CODES = 8
#: Bits below which a code is short: 128 (RFC 6749 section 10.10), less what few samples leave in doubt.
ENOUGH_BITS = 100
#: The longest life that a code should have (seconds).
TEN_MINUTES = 600


@verifies("rfc6749-2.2-client-id-alone-refused")
@each(client=roles.confidential)
async def test_client_id_alone_redeems_no_code(
    par: Par, authorization: Authorization, token: Token, client: str
) -> None:
    """A client with credentials that sends its client_id alone redeems no code."""
    answer = await flows.redeemed(par, authorization, token, client, authentication=client_auth.nothing)
    expect.not_redeemed(answer, control=await flows.redeemed(par, authorization, token, client))


@verifies("rfc6749-3.2-token-request-by-post-only")
@each(client=flows.first_and_public)
async def test_token_request_by_get_redeems_no_code(
    par: Par, authorization: Authorization, token: Token, client: str
) -> None:
    """A token request by GET, with everything in the query, brings no token."""
    answer, outcome = await flows.code(par, authorization, client)
    by_get = await token.redeem(outcome, answer.push, method="GET")
    expect.that(
        not by_get.accepted,
        "token-issued",
        "a token request by GET was granted",
        expected="405, or another answer without a token",
        received=by_get.summary,
    )
    flows.granted(await flows.redeemed(par, authorization, token, client))


@verifies("rfc6749-4.1.3-parameters-in-the-body")
@each(client=flows.first_and_public)
async def test_code_in_the_url_is_not_redeemed(
    par: Par, authorization: Authorization, token: Token, client: str
) -> None:
    """A token request by POST whose code stands in the URL, and not in the body, brings no token."""
    answer, outcome = await flows.code(par, authorization, client)
    query = (("code", outcome.code or ""),)
    redeemed = await token.redeem(outcome, answer.push, query=query, code=None)
    expect.not_redeemed(redeemed, control=await flows.redeemed(par, authorization, token, client))


@verifies("rfc6749-3.2-repeated-parameter-refused")
@each(name=("grant_type", "code", "redirect_uri", "code_verifier"), values=("different", "same"))
async def test_repeated_parameter_redeems_no_code(
    par: Par, authorization: Authorization, token: Token, name: str, values: str
) -> None:
    """A token request in which a parameter stands twice is refused, with two values or the same one twice."""
    answer, outcome = await flows.code(par, authorization)
    right = {
        "grant_type": "authorization_code",
        "code": outcome.code,
        "redirect_uri": answer.push.value("redirect_uri"),
        "code_verifier": answer.push.verifier,
    }[name]
    if right is None:
        raise NotApplicable(f"the first client's token request has no {name}")
    other = right if values == "same" else near.changed(right)
    twice: dict[str, Any] = {name: [right, other]}
    redeemed = await token.redeem(outcome, answer.push, **twice)
    expect.not_redeemed(redeemed, control=await flows.redeemed(par, authorization, token))


@verifies("rfc6749-4.1.3-grant-type-required")
@each(grant_type={"missing": None, "other-case": "Authorization_Code", "unknown": "par-conformance"})
async def test_code_is_redeemed_under_its_grant_type_only(
    par: Par, authorization: Authorization, token: Token, grant_type: Change
) -> None:
    """A token request without grant_type, or with another one, redeems no code."""
    answer = await flows.redeemed(par, authorization, token, grant_type=grant_type)
    expect.not_redeemed(answer, control=await flows.redeemed(par, authorization, token))


@verifies("rfc6749-4.1.3-client-authenticated")
@each(client=roles.with_secret_or_key)
async def test_wrong_credentials_redeem_no_code(
    par: Par, authorization: Authorization, token: Token, client: str
) -> None:
    """A code is not redeemed with a secret that differs in one character, or a signature in one bit."""
    answer = await flows.redeemed(par, authorization, token, client, authentication=client_auth.wrong)
    expect.not_redeemed(answer, control=await flows.redeemed(par, authorization, token, client))


@verifies("rfc6749-4.1.3-code-bound-to-client")
@each(client=("second", "public"))
async def test_another_client_redeems_no_code(
    par: Par, authorization: Authorization, token: Token, target: Target, client: str
) -> None:
    """A code is not redeemed by another client than the one that pushed, however well that one authenticates."""
    other = target.client(client)
    answer = await flows.redeemed(par, authorization, token, by=other)
    expect.not_redeemed(answer, control=await flows.redeemed(par, authorization, token))


@verifies("rfc6749-4.1.3-code-bound-to-client")
async def test_another_client_redeems_no_code_at_its_second_attempt(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """A code is not redeemed by another client that tries again."""
    answer, outcome = await flows.code(par, authorization)
    control = await flows.redeemed(par, authorization, token)
    for _ in range(2):
        expect.not_redeemed(await token.redeem(outcome, answer.push, client=target.client("second")), control=control)


@verifies("rfc6749-4.1.3-made-up-code-refused")
@each(form=("made-up", "last-sign-changed", "other-case", "request_uri"))
async def test_made_up_code_is_refused(par: Par, authorization: Authorization, token: Token, form: str) -> None:
    """A code that was never issued is refused, be it near an issued one, or the request_uri itself."""
    answer, outcome = await flows.code(par, authorization)
    issued = outcome.code or ""
    value = {
        "made-up": secrets.token_urlsafe(32),
        "last-sign-changed": near.changed(issued),
        "other-case": near.other_case(issued),
        "request_uri": answer.request_uri or "",
    }[form]
    if value is None:
        raise NotApplicable("the codes of this server have letters of one case")
    refused = await token.redeem(outcome, answer.push, code=value)
    expect.not_redeemed(refused, control=await flows.redeemed(par, authorization, token))


@verifies("rfc6749-4.1.3-redirect-uri-repeated")
@each(client=flows.first_and_public)
async def test_pushed_redirect_uri_must_be_repeated(
    par: Par, authorization: Authorization, token: Token, client: str
) -> None:
    """A token request without redirect_uri is refused where the pushed request had one."""
    if len(par.client(client).entry.redirect_uris) < 2:
        raise NotApplicable("of a sole registered redirect URI it is known without being named which one is meant")
    answer = await flows.redeemed(par, authorization, token, client, redirect_uri=None)
    expect.not_redeemed(answer, control=await flows.redeemed(par, authorization, token, client))


@verifies("rfc6749-4.1.3-redirect-uri-identical")
@each(which=("registered", "longer", "other-case"), client=flows.first_and_public)
async def test_redirect_uri_of_the_token_request_is_the_pushed_one(
    par: Par, authorization: Authorization, token: Token, target: Target, which: str, client: str
) -> None:
    """A token request with another redirect_uri than the pushed one is refused, registered or not."""
    registered = target.client(client).entry.redirect_uris
    if which == "registered" and len(registered) < 2:
        raise NotApplicable("the client has one redirect URI only")
    other = {
        "registered": registered[-1],
        "longer": registered[0] + "/more",
        "other-case": registered[0].rsplit("/", 1)[0] + "/" + registered[0].rsplit("/", 1)[-1].swapcase(),
    }[which]
    answer = await flows.redeemed(par, authorization, token, client, redirect_uri=other)
    expect.not_redeemed(answer, control=await flows.redeemed(par, authorization, token, client))


@verifies(
    "rfc6749-4.1.2-code-used-once",
    "fapi2-security-profile-5.3.2.2-used-code-refused",
    "atproto-oauth-proof-key-for-code-exchange-pkce-reused-code-refused",
)
@each(client=flows.first_and_public)
async def test_code_is_redeemed_once(par: Par, authorization: Authorization, token: Token, client: str) -> None:
    """A code that was redeemed is refused when it comes again."""
    answer, outcome = await flows.code(par, authorization, client)
    first = flows.granted(await token.redeem(outcome, answer.push))
    expect.not_redeemed(await token.redeem(outcome, answer.push), control=first)


@verifies("rfc6749-4.1.2-code-used-once")
async def test_simultaneous_token_requests_redeem_a_code_once(
    par: Par, authorization: Authorization, token: Token
) -> None:
    """Of several token requests with one code at the same time at most one is granted."""
    granted = 0
    for _ in range(ROUNDS):
        answer, outcome = await flows.code(par, authorization)
        answers = await asyncio.gather(*(token.redeem(outcome, answer.push) for _ in range(ATTEMPTS)))
        granted = max(granted, sum(one.accepted for one in answers))
    expect.that(
        granted <= 1,
        "token-issued",
        f"{granted} of {ATTEMPTS} simultaneous token requests with one code were granted",
        expected="one",
        received=str(granted),
    )
    if granted == 0:
        await flows.tokens(par, authorization, token)


@verifies(
    "rfc6749-4.1.2-tokens-revoked-on-reuse",
    "atproto-oauth-proof-key-for-code-exchange-pkce-reused-code-revokes-session",
)
async def test_reuse_of_a_code_revokes_its_tokens(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """When a code comes a second time, the access token that it gave counts no longer."""
    answer, outcome = await flows.code(par, authorization)
    client = answer.push.client
    first = flows.granted(await token.redeem(outcome, answer.push))
    if not await flows.is_alive(target, token, first, client):
        raise NotExercised("the access token did not count before the code was reused either")
    await token.redeem(outcome, answer.push)
    expect.that(
        not await flows.is_alive(target, token, first, client),
        "token-alive",
        "the access token of a code still counts after the code came a second time",
        expected="a revoked token",
        received="a token that counts",
    )


@verifies("rfc6749-4.1.2-code-lifetime", waits=True)
@each(client=flows.first_and_public)
async def test_code_does_not_live_long(
    par: Par, authorization: Authorization, token: Token, target: Target, clock: CheckClock, client: str
) -> None:
    """A code is worth nothing once its lifetime is over, ten minutes after its issue at the latest."""
    declared = target.profile.limits.code_lifetime
    if declared is None:
        raise NotApplicable("the profile does not say how long a code lives (`limits.code_lifetime`)")
    control = await flows.redeemed(par, authorization, token, client)
    answer, outcome = await flows.code(par, authorization, client)
    await clock.until(clock.now() + min(declared, TEN_MINUTES) + 1, "the lifetime of a code")
    late = await token.redeem(outcome, answer.push)
    expect.not_redeemed(late, control=control)


@verifies("rfc6749-5.1-token-response-members")
@each(client=flows.first_and_public)
async def test_token_response_has_its_members(
    par: Par, authorization: Authorization, token: Token, client: str
) -> None:
    """The answer to a code is a JSON object with access_token and token_type."""
    answer = await flows.redeemed(par, authorization, token, client)
    if not answer.accepted and (answer.status is None or answer.status >= 300):
        raise NotExercised(f"the code of an ordinary request was not redeemed: {answer.summary}")
    media_type = answer.response.media_type if answer.response else ""
    members = {name: answer.json.get(name) for name in ("access_token", "token_type")}
    expect.that(
        media_type == "application/json" and all(isinstance(value, str) and value for value in members.values()),
        "member-missing",
        f"the token response is {media_type or 'without a media type'} and has {', '.join(answer.json) or 'nothing'}",
        expected="application/json with access_token and token_type",
        received=", ".join(answer.json) or media_type,
    )


@verifies("rfc6749-5.1-expires-in-number")
async def test_expires_in_of_a_token_is_a_number(par: Par, authorization: Authorization, token: Token) -> None:
    """expires_in of the answer to a code, where it is there, is a JSON number and not negative."""
    answer = flows.granted(await flows.redeemed(par, authorization, token))
    if "expires_in" not in answer.json:
        raise NotApplicable("the answer has no expires_in")
    value = answer.json["expires_in"]
    expect.that(
        type(value) in {int, float} and value >= 0,
        "no-number",
        f"expires_in is {value!r}",
        expected="a JSON number of seconds",
        received=repr(value),
    )


@verifies("rfc6749-5.1-token-response-not-cacheable")
async def test_token_response_is_not_cacheable(par: Par, authorization: Authorization, token: Token) -> None:
    """The answer to a code says Cache-Control: no-store."""
    answer = flows.granted(await flows.redeemed(par, authorization, token))
    said = ", ".join(answer.response.all("cache-control")) if answer.response else ""
    expect.that(
        "no-store" in said.lower(),
        "cacheable",
        "the token response may be stored by a cache",
        expected="Cache-Control: no-store",
        received=said or "no Cache-Control",
    )


async def _refused_code(
    par: Par, authorization: Authorization, token: Token, target: Target, fault: str
) -> TokenAnswer:
    """The answer to a code that is worth nothing."""
    if fault == "other-client":
        return await flows.redeemed(par, authorization, token, by=target.client("second"))
    answer, outcome = await flows.code(par, authorization)
    if fault == "made-up":
        return await token.redeem(outcome, answer.push, code=secrets.token_urlsafe(32))
    flows.granted(await token.redeem(outcome, answer.push))
    return await token.redeem(outcome, answer.push)


@verifies("rfc6749-5.2-invalid-grant")
@each(fault=("used", "made-up", "other-client"))
async def test_worthless_code_is_told_invalid_grant(
    par: Par, authorization: Authorization, token: Token, target: Target, fault: str
) -> None:
    """A code that is used, made up, or another client's is answered with invalid_grant."""
    answer = await _refused_code(par, authorization, token, target, fault)
    if not answer.refused:
        raise NotApplicable(f"the code was not refused, which is a finding of its own: {answer.summary}")
    expect.that(
        answer.error == "invalid_grant",
        "other-code",
        f"the error code is {answer.error}",
        expected="invalid_grant",
        received=answer.summary,
    )
    await flows.tokens(par, authorization, token)


@verifies("rfc6749-5.2-token-error-status")
@each(fault=("used", "made-up"))
async def test_worthless_code_is_answered_with_400(
    par: Par, authorization: Authorization, token: Token, target: Target, fault: str
) -> None:
    """A code that is used or made up is answered with the status 400."""
    answer = await _refused_code(par, authorization, token, target, fault)
    if not answer.refused or answer.error == "invalid_client":
        raise NotApplicable(f"the code was not refused for its own sake: {answer.summary}")
    expect.that(
        answer.status == 400,
        f"status-{answer.status}",
        f"a worthless code was answered with {answer.summary}",
        expected="HTTP 400",
        received=answer.summary,
    )
    await flows.tokens(par, authorization, token)


@verifies("rfc6749-10.10-code-unguessable", "fapi2-security-profile-5.4.1-codes-unguessable")
async def test_codes_are_random(par: Par, authorization: Authorization) -> None:
    """Codes are different, without order, and vary in enough bits."""
    codes = [(await flows.code(par, authorization))[1].code or "" for _ in range(CODES)]
    found = estimate(codes, par.wire.clock.now())
    expect.that(
        found.repeated == 0 and found.pattern is None and found.bits >= ENOUGH_BITS,
        "guessable",
        f"{found.repeated} of {CODES} codes came twice; {found.pattern or f'about {found.bits:g} bits vary'}",
        expected="at least 128 random bits",
        received=found.pattern or f"{found.bits:g} bits, {found.repeated} repeated",
    )
