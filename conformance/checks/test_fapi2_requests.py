"""FAPI 2.0 Security Profile: what is pushed, and what is served at the authorization endpoint (section 5.3.2.2)."""

from __future__ import annotations

import secrets

from conformance import expect
from conformance.check import each, verifies
from conformance.checks import flows, roles
from conformance.checks.objects import by_algorithm
from conformance.checks.test_metadata import LOOPBACK
from conformance.checks.test_required_par import control, plain
from conformance.http.listener import listening
from conformance.http.message import split
from conformance.profile.model import Client, Feature
from conformance.protocol import jar
from conformance.protocol.authorization import Authorization
from conformance.protocol.outcome import Outcome
from conformance.protocol.par import Par, PushAnswer
from conformance.protocol.pkce import new_verifier
from conformance.protocol.token import Token
from conformance.target import Target
from conformance.verdict import NotApplicable, NotExercised

#: Bounds of expires_in (seconds).
SHORTEST, LIMIT = 30, 600


@verifies("fapi2-security-profile-5.3.2.2-client-authenticated-push-supported")
@each(client=roles.confidential)
async def test_push_of_an_authenticated_client_is_served(par: Par, authorization: Authorization, client: str) -> None:
    """A push of a client that authenticates is accepted, and leads to a code."""
    answer = expect.accepted(await par.send(par.ordinary(client)))
    expect.code(await authorization.open(answer))


@verifies(
    "fapi2-security-profile-5.3.2.2-response-type-must-be-code",
    "atproto-oauth-request-fields-other-response-types-refused",
)
@each(value=("token", "id_token", "id_token token", "code token", "code id_token", "code id_token token", "none"))
async def test_other_response_types_are_refused(par: Par, authorization: Authorization, value: str) -> None:
    """A push with any response_type but code is refused."""
    await flows.no_code(par, authorization, await par.push(response_type=value))


@verifies(
    "fapi2-security-profile-5.3.2.2-requests-without-push-refused",
    "atproto-oauth-pushed-authorization-requests-par-requests-without-push-refused",
)
@each(client=roles.confidential, method=("GET", "POST"))
async def test_request_that_was_not_pushed_is_refused(
    par: Par, authorization: Authorization, client: str, method: str
) -> None:
    """An authorization request whose parameters did not come by a push is refused."""
    outcome = await plain(par, authorization, client, method)
    expect.no_code(outcome, control=await control(par, authorization, client))


@verifies("fapi2-security-profile-5.3.2.2-requests-without-push-refused", needs=Feature.JAR)
@each(client=by_algorithm, way=("by-value", "by-reference"))
async def test_request_object_that_was_not_pushed_is_refused(
    par: Par, authorization: Authorization, target: Target, client: str, way: str
) -> None:
    """An authorization request whose request object did not come by a push is refused."""
    push = par.object(client)
    if way == "by-value":
        outcome = await authorization.visit(push.parameters)
    elif split(target.authorization_endpoint).hostname not in LOOPBACK:
        raise NotApplicable("the target cannot reach the suite's listener on loopback")
    else:
        token = dict(push.parameters)["request"].encode()
        async with listening({"/request.jwt": ("application/oauth-authz-req+jwt", token)}) as listener:
            pairs = (("client_id", push.client.client_id), ("request_uri", f"{listener.url}/request.jwt"))
            outcome = await authorization.visit(pairs)
    expect.no_code(outcome, control=await control(par, authorization, client))


@verifies(
    "fapi2-security-profile-5.3.2.2-missing-code-challenge-refused",
    "atproto-oauth-request-fields-missing-code-challenge-refused",
)
@each(client=roles.confidential)
async def test_push_without_a_code_challenge_is_refused(par: Par, authorization: Authorization, client: str) -> None:
    """A push without code_challenge is refused."""
    answer = await par.push(client, code_challenge=None, code_challenge_method=None)
    await flows.no_code(par, authorization, answer)


@verifies(
    "fapi2-security-profile-5.3.2.2-plain-code-challenge-refused",
    "atproto-oauth-proof-key-for-code-exchange-pkce-plain-refused",
)
async def test_plain_code_challenge_is_refused(par: Par, authorization: Authorization) -> None:
    """A push with code_challenge_method plain is refused."""
    answer = await par.push(code_challenge=new_verifier(), code_challenge_method="plain")
    await flows.no_code(par, authorization, answer)


@verifies(
    "fapi2-security-profile-5.3.2.2-missing-code-challenge-method-refused",
    "atproto-oauth-request-fields-missing-code-challenge-method-refused",
)
async def test_push_without_a_code_challenge_method_is_refused(par: Par, authorization: Authorization) -> None:
    """A push with code_challenge but without code_challenge_method is refused."""
    await flows.no_code(par, authorization, await par.push(code_challenge_method=None))


@verifies("fapi2-security-profile-5.3.2.2-missing-redirect-uri-refused")
@each(client=roles.confidential)
async def test_push_without_a_redirect_uri_is_refused(par: Par, authorization: Authorization, client: str) -> None:
    """A push without redirect_uri is refused, even of a client that has one alone."""
    await flows.no_code(par, authorization, await par.push(client, redirect_uri=None))


@verifies("fapi2-security-profile-5.3.2.2-missing-redirect-uri-refused")
async def test_sole_redirect_uri_is_not_taken_for_granted(
    par: Par, authorization: Authorization, target: Target
) -> None:
    """A push without redirect_uri and without the scope openid is refused too: that scope demands one anyway."""
    found = [role for role, client in target.profile.clients.items() if has_one_address(client)]
    if not found:
        raise NotApplicable("no confidential client of the profile has one redirect URI alone")
    role, scope = found[0], flows.without_openid(target.client(found[0]).entry)
    answer = await par.send(
        par.ordinary(role, redirect_uri=None, scope=scope, nonce=None),
        control=lambda: par.ordinary(role, scope=scope, nonce=None),
    )
    await flows.no_code(par, authorization, answer)


def has_one_address(client: Client) -> bool:
    """Whether the server could guess where a confidential client's code goes."""
    return len(client.redirect_uris) == 1 and client.auth != "none"


# -- the lifetime -----------------------------------------------------------------------------------------------------


async def lifetime(par: Par, client: str) -> float:
    """The expires_in of an ordinary push."""
    answer: PushAnswer = await par.accepted(client)
    if answer.expires_in is None:
        raise NotApplicable("expires_in is missing or no number, which is a finding of its own")
    return answer.expires_in


@verifies("fapi2-security-profile-5.3.2.2-expires-in-below-600")
@each(client=roles.confidential)
async def test_request_uri_lives_less_than_ten_minutes(par: Par, client: str) -> None:
    """The expires_in of a push is less than 600 seconds."""
    value = await lifetime(par, client)
    expect.that(
        value < LIMIT,
        "too-long",
        f"expires_in is {value:g}",
        expected=f"less than {LIMIT}",
        received=f"{value:g}",
    )


@verifies("fapi2-security-profile-5.3.2.2-expires-in-below-600", needs=Feature.JAR)
async def test_request_object_gives_no_ten_minutes(par: Par) -> None:
    """A request object that lives for an hour does not give its request_uri ten minutes."""
    client = next(iter(by_algorithm(par.target.profile).values()), None)
    if client is None:
        raise NotApplicable("no client of the profile signs its requests")
    hour = jar.Fault(claims={"exp": lambda now: int(now) + 3590})
    answer = await par.send(par.object(client, fault=hour), control=lambda: par.object(client))
    if not answer.accepted:
        expect.refused(answer)
        return
    value = answer.expires_in or 0
    expect.that(
        value < LIMIT,
        "too-long",
        f"expires_in is {value:g} because the request object says so",
        expected=f"less than {LIMIT}",
        received=f"{value:g}",
    )


@verifies("fapi2-security-profile-5.3.2.2-request-uri-long-enough-lived")
async def test_request_uri_lives_half_a_minute(par: Par) -> None:
    """The expires_in of a push is 30 seconds at least."""
    value = await lifetime(par, "first")
    expect.that(
        value >= SHORTEST - 1,  # a server may count the second in which it answers
        "too-short",
        f"expires_in is {value:g}",
        expected=f"{SHORTEST} or more",
        received=f"{value:g}",
    )


# -- the nonce --------------------------------------------------------------------------------------------------------


@verifies("fapi2-security-profile-5.3.2.2-nonce-of-64-characters-accepted", needs=Feature.OPENID)
async def test_nonce_of_64_characters_comes_back(par: Par, authorization: Authorization, token: Token) -> None:
    """A pushed nonce of 64 characters is accepted and comes back whole."""
    nonce = secrets.token_hex(32)
    answer = expect.accepted(await par.push(nonce=nonce))
    judge_nonce(await nonce_of(token, answer, await authorization.code(answer)), nonce)


@verifies("fapi2-security-profile-5.3.2.2-long-nonce-intact-or-refused", needs=Feature.OPENID)
@each(length=("300", "1000"))
async def test_long_nonce_is_never_cut(par: Par, authorization: Authorization, token: Token, length: str) -> None:
    """A pushed nonce of several hundred characters is refused or comes back whole, and is never cut."""
    nonce = secrets.token_hex(int(length) // 2)
    answer = await par.push(nonce=nonce)
    if not answer.accepted:
        expect.refused(answer)
        return
    outcome = await authorization.open(answer)
    if outcome.refused:
        return
    judge_nonce(await nonce_of(token, answer, authorization.needs_code(outcome)), nonce)


async def nonce_of(token: Token, answer: PushAnswer, outcome: Outcome) -> object:
    """The nonce in the ID token that a push leads to."""
    tokens = flows.granted(await token.redeem(outcome, answer.push))
    if not tokens.id_token:
        raise NotExercised("no ID token came with the access token")
    return tokens.id_token.get("nonce")


def judge_nonce(found: object, nonce: str) -> None:
    """The nonce is whole."""
    expect.that(
        found == nonce,
        "nonce-changed",
        f"of a nonce of {len(nonce)} characters {len(str(found or ''))} came back",
        expected=nonce[:60],
        received=str(found)[:60],
    )
