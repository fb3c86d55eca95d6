"""The ID Token that comes of a pushed request (OpenID Connect Core section 2): whose, for whom, how long, signed."""

from __future__ import annotations

import hashlib
from typing import Any

from conformance import expect
from conformance.check import verifies
from conformance.checks import flows, server_keys
from conformance.checks.test_fapi2_cryptography import header_of
from conformance.checks.test_fapi2_message_signing import verifies_with
from conformance.engine import CheckClock
from conformance.http.wire import Wire
from conformance.profile.model import Feature
from conformance.protocol import jws
from conformance.protocol.authorization import Authorization
from conformance.protocol.par import Par
from conformance.protocol.token import Token
from conformance.target import RegisteredClient, Target
from conformance.verdict import NotApplicable, NotExercised

#: So far a clock may be off before a time is judged (seconds).
CLOCK_OFFSET = 300


async def id_token(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> tuple[RegisteredClient, str, dict[str, Any]]:
    """An ID Token, its client and its claims. NotApplicable where it is encrypted, NotExercised where none comes."""
    client = flows.openid_client(target)
    tokens = await flows.tokens(par, authorization, token, client)
    value = tokens.json.get("id_token")
    if not isinstance(value, str):
        raise NotExercised("no ID Token came")
    if value.count(".") == 4:
        raise NotApplicable("the ID Token is encrypted")
    claims = jws.claims_of(value)
    if not claims:
        raise NotExercised("the ID Token cannot be read")
    return client, value, claims


@verifies("openid-core-2-id-token-iss-is-issuer", needs=Feature.OPENID)
async def test_id_token_is_of_the_issuer(par: Par, authorization: Authorization, token: Token, target: Target) -> None:
    """iss of the ID Token is the server's issuer identifier, character by character."""
    _, _, claims = await id_token(par, authorization, token, target)
    expect.that(
        claims.get("iss") == target.issuer,
        "other-issuer",
        f"iss of the ID Token is {claims.get('iss')!r}",
        expected=target.issuer,
        received=repr(claims.get("iss")),
    )


@verifies("openid-core-2-id-token-aud-has-client-id", needs=Feature.OPENID)
async def test_id_token_is_for_the_client(par: Par, authorization: Authorization, token: Token, target: Target) -> None:
    """aud of the ID Token is, or contains, the client_id of the client that pushed the request."""
    client, _, claims = await id_token(par, authorization, token, target)
    audience = claims.get("aud")
    expect.that(
        client.client_id in (audience if isinstance(audience, list) else [audience]),
        "other-audience",
        f"aud of the ID Token is {audience!r}",
        expected=client.client_id,
        received=repr(audience),
    )


@verifies("openid-core-2-id-token-azp-is-client-id", needs=Feature.OPENID)
async def test_azp_is_the_client(par: Par, authorization: Authorization, token: Token, target: Target) -> None:
    """azp of the ID Token, where there is one, is the client_id of the client that pushed the request."""
    client, _, claims = await id_token(par, authorization, token, target)
    expect.that(
        claims.get("azp", client.client_id) == client.client_id,
        "other-party",
        f"azp of the ID Token is {claims.get('azp')!r}",
        expected=client.client_id,
        received=repr(claims.get("azp")),
    )


@verifies("openid-core-2-id-token-times", needs=Feature.OPENID)
async def test_id_token_lives(par: Par, authorization: Authorization, token: Token, target: Target) -> None:
    """exp and iat of the ID Token are JSON numbers, exp is ahead, and iat is not."""
    _, _, claims = await id_token(par, authorization, token, target)
    now, times = par.wire.clock.now(), (claims.get("exp"), claims.get("iat"))
    expires, issued = (None if isinstance(time, bool) or not isinstance(time, int | float) else time for time in times)
    expect.that(
        expires is not None
        and issued is not None
        and issued < expires
        and now - CLOCK_OFFSET < expires
        and issued < now + CLOCK_OFFSET,
        "wrong-times",
        f"exp and iat of the ID Token are {times[0]!r} and {times[1]!r}",
        expected="numbers of seconds, exp ahead and iat not",
        received=f"{times[0]!r}, {times[1]!r}",
    )


@verifies("openid-core-2-id-token-signed", needs=Feature.OPENID)
async def test_id_token_has_the_servers_signature(
    par: Par, authorization: Authorization, token: Token, target: Target, wire: Wire
) -> None:
    """A key that the server publishes verifies the ID Token, or for a MAC the client's secret does."""
    client, value, _ = await id_token(par, authorization, token, target)
    alg = str(header_of(value).get("alg"))
    if alg == "none" and "none" in (target.metadata.strings("id_token_signing_alg_values_supported") or ()):
        raise NotApplicable("the client may have asked for unsigned ID Tokens when it was registered")
    if alg.startswith("HS"):
        secret = client.credentials.secret
        if secret is None:
            raise NotApplicable("the ID Token has a MAC, and its client has no secret to verify it with")
        good = value.rpartition(".")[2] == jws.base64url(
            jws.signature(alg, secret.encode(), value.rpartition(".")[0].encode())
        )
    else:
        good = any(verifies_with(value, key) for key in await server_keys.published(target, wire))
    expect.that(
        good,
        "not-signed",
        f"no key of the server verifies the ID Token; its alg is {alg}",
        expected="a signature of the server",
        received=str(header_of(value)),
    )


@verifies("openid-core-3.1.3.6-at-hash-right", needs=Feature.OPENID)
async def test_hash_of_the_access_token_is_right(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """at_hash of the ID Token, where there is one, is the hash of the access token beside it."""
    tokens = await flows.tokens(par, authorization, token, flows.openid_client(target))
    value = str(tokens.json.get("id_token"))
    if "at_hash" not in tokens.id_token:
        raise NotApplicable("the ID Token has no at_hash")
    bits = str(header_of(value).get("alg"))[-3:]
    if bits not in {"256", "384", "512"}:
        raise NotApplicable(f"the suite does not know which hash goes with the alg {header_of(value).get('alg')}")
    digest = hashlib.new(f"sha{bits}", str(tokens.json["access_token"]).encode()).digest()
    right = jws.base64url(digest[: len(digest) // 2])
    expect.that(
        tokens.id_token["at_hash"] == right,
        "other-hash",
        "at_hash of the ID Token is not the hash of the access token that came with it",
        expected=right,
        received=str(tokens.id_token["at_hash"]),
    )


@verifies("openid-core-5.3.2-sub-identical", needs=Feature.OPENID)
async def test_userinfo_speaks_of_the_same_person(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """sub of the UserInfo answer is sub of the ID Token."""
    answer = await par.accepted(flows.openid_client(target))
    tokens = flows.granted(await token.redeem(await authorization.code(answer), answer.push))
    if "sub" not in tokens.id_token:
        raise NotApplicable("no ID Token came that can be read")
    response = await token.userinfo(tokens, dpop_key=answer.push.dpop)
    told = response.json_object() or jws.claims_of(response.text.strip())
    if response.status != 200 or "sub" not in told:
        raise NotExercised(f"the UserInfo endpoint told of nobody: HTTP {response.status}")
    expect.that(
        told["sub"] == tokens.id_token["sub"],
        "other-person",
        "sub of the UserInfo answer is not sub of the ID Token",
        expected=str(tokens.id_token["sub"]),
        received=str(told["sub"]),
    )


@verifies("openid-core-2-auth-time-of-the-login", needs=Feature.OPENID, waits=True)
async def test_auth_time_is_that_of_the_last_login(
    par: Par, authorization: Authorization, token: Token, target: Target, clock: CheckClock
) -> None:
    """auth_time after a second login in the same browser is later than after the first."""
    client, browser = flows.openid_client(target), authorization.new_browser()
    found: list[object] = []
    for prompt in (None, "login"):
        if found:
            await clock.until(clock.now() + 4, "a login that is a few seconds old")
        logins = flows.logins(par.wire, browser)
        answer = await flows.taken(par, client, "max_age with a prompt", max_age="3600", prompt=prompt)
        outcome = await authorization.code(answer, browser=browser)
        found.append(flows.granted(await token.redeem(outcome, answer.push)).id_token.get("auth_time"))
        if flows.logins(par.wire, browser) == logins:
            raise NotApplicable("the person did not have to log in anew")
    first, second = found
    if not isinstance(first, int) or not isinstance(second, int):
        raise NotApplicable("the ID Token has no auth_time")
    expect.that(
        second > first,
        "other-time",
        "auth_time is that of the first login, although the person logged in again",
        expected=f"more than {first}",
        received=str(second),
    )


@verifies("openid-core-2-auth-time-of-the-login", needs=Feature.OPENID, waits=True)
async def test_auth_time_is_the_time_of_the_login(
    par: Par, authorization: Authorization, token: Token, target: Target, clock: CheckClock
) -> None:
    """auth_time of a later request in the same browser, where nobody logs in anew, is still that of the login."""
    client, browser = flows.openid_client(target), authorization.new_browser()

    async def auth_time() -> object:
        answer = await flows.taken(par, client, "max_age", max_age="3600")
        outcome = await authorization.code(answer, browser=browser)
        return flows.granted(await token.redeem(outcome, answer.push)).id_token.get("auth_time")

    first = await auth_time()
    before = flows.logins(par.wire, browser)
    await clock.until(clock.now() + 4, "a login that is a few seconds old")
    second = await auth_time()
    if flows.logins(par.wire, browser) != before or not isinstance(first, int) or not isinstance(second, int):
        raise NotApplicable("the person had to log in anew, or the ID Token has no auth_time")
    expect.that(
        abs(second - first) <= 1,
        "other-time",
        f"auth_time moved by {second - first} seconds although nobody logged in",
        expected=str(first),
        received=str(second),
    )
