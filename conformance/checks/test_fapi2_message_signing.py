"""FAPI 2.0 Message Signing: signed requests and signed authorization responses, and the times of request objects."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jwt

from conformance import expect
from conformance.check import each, verifies
from conformance.checks import flows, objects, server_keys
from conformance.checks.objects import signer
from conformance.checks.test_fapi2_cryptography import header_of
from conformance.http.message import fragment_of, query_of
from conformance.http.wire import Wire
from conformance.profile.model import Feature
from conformance.protocol import jar, jws
from conformance.protocol.authorization import Authorization
from conformance.protocol.outcome import Ending, Outcome
from conformance.protocol.par import Par, PushAnswer
from conformance.target import Target
from conformance.verdict import NotApplicable, NotExercised, Violation

#: Ahead by as much as every server has to bear, and by more than any may (seconds).
SLIGHTLY, FAR = 8, 75
#: An hour, and as little more as a check dares (seconds).
HOUR, BEYOND = 3600, 120
#: Ten minutes, and a little for clocks that differ (seconds).
LONGEST_RESPONSE = 610


async def pushed(par: Par, target: Target, fault: jar.Fault) -> PushAnswer:
    """A push whose request object is changed; its control is the same without the change."""
    client = signer(target)
    return await par.send(par.object(client, fault=fault), control=lambda: par.object(client))


async def refused(par: Par, authorization: Authorization, target: Target, claims: dict[str, Any]) -> None:
    """A request object with these changes to its claims leads to no code."""
    await flows.no_code(par, authorization, await pushed(par, target, jar.Fault(claims=claims)))


# -- the times of request objects (FAPI 2.0 Security Profile section 5.3.2.1) -----------------------------------------


def ahead(target: Target, claim: str, seconds: int) -> dict[str, Any]:
    """A time so far ahead, and an exp that does not stand in its way."""
    lifetime = jar.settings_of(signer(target)).lifetime
    return {claim: lambda now: int(now) + seconds, "exp": lambda now: int(now) + seconds + lifetime}


@verifies("fapi2-security-profile-5.3.2.1-request-object-slightly-ahead-accepted", needs=Feature.JAR)
@each(claim=("iat", "nbf"))
async def test_request_object_slightly_ahead_is_accepted(par: Par, target: Target, claim: str) -> None:
    """A request object whose iat or nbf is eight seconds ahead is accepted."""
    expect.accepted(await pushed(par, target, jar.Fault(claims=ahead(target, claim, SLIGHTLY))))


@verifies("fapi2-security-profile-5.3.2.1-request-object-far-ahead-refused", needs=Feature.JAR)
@each(claim=("iat", "nbf"))
async def test_request_object_far_ahead_is_refused(
    par: Par, authorization: Authorization, target: Target, claim: str
) -> None:
    """A request object whose iat or nbf is 75 seconds ahead is refused."""
    await refused(par, authorization, target, ahead(target, claim, FAR))


# -- signed requests --------------------------------------------------------------------------------------------------


@verifies("fapi2-message-signing-5.3.1-unsigned-push-refused", needs=Feature.JAR)
async def test_push_without_a_request_object_is_refused(par: Par, authorization: Authorization, target: Target) -> None:
    """A push without a request object is refused."""
    client = signer(target)
    push = objects.plain(par.ordinary(client))
    await flows.no_code(par, authorization, await par.send(push, control=lambda: par.object(client)))


@verifies("fapi2-message-signing-5.3.1-missing-audience-refused", needs=Feature.JAR)
async def test_request_object_without_aud_is_refused(par: Par, authorization: Authorization, target: Target) -> None:
    """A request object without aud is refused."""
    await refused(par, authorization, target, {"aud": None})


@verifies("fapi2-message-signing-5.3.1-missing-nbf-refused", needs=Feature.JAR)
async def test_request_object_without_nbf_is_refused(par: Par, authorization: Authorization, target: Target) -> None:
    """A request object without nbf is refused."""
    await refused(par, authorization, target, {"nbf": None})


@verifies("fapi2-message-signing-5.3.1-missing-exp-refused", needs=Feature.JAR)
async def test_request_object_without_exp_is_refused(par: Par, authorization: Authorization, target: Target) -> None:
    """A request object without exp is refused."""
    await refused(par, authorization, target, {"exp": None})


@verifies("fapi2-message-signing-5.3.1-old-nbf-refused", needs=Feature.JAR)
async def test_request_object_with_an_old_nbf_is_refused(
    par: Par, authorization: Authorization, target: Target
) -> None:
    """A request object whose nbf is more than 60 minutes in the past is refused, though its exp is still ahead."""
    old = {"nbf": lambda now: int(now) - HOUR - BEYOND, "iat": lambda now: int(now) - HOUR - BEYOND}
    await refused(par, authorization, target, {**old, "exp": lambda now: int(now) + 60})


@verifies("fapi2-message-signing-5.3.1-long-lifetime-refused", needs=Feature.JAR)
async def test_request_object_that_lives_long_is_refused(
    par: Par, authorization: Authorization, target: Target
) -> None:
    """A request object whose exp is more than 60 minutes after its nbf is refused."""
    await refused(par, authorization, target, {"exp": lambda now: int(now) + HOUR + BEYOND})


@verifies("fapi2-message-signing-5.3.1-jti-not-required", needs=Feature.JAR)
async def test_request_object_without_jti_is_accepted(par: Par, target: Target) -> None:
    """A request object without jti is accepted."""
    expect.accepted(await pushed(par, target, jar.Fault(claims={"jti": None})))


@verifies("fapi2-message-signing-5.3.2-redirect-uri-outside-object-refused", needs=Feature.JAR)
async def test_redirect_uri_beside_the_object_is_refused(
    par: Par, authorization: Authorization, target: Target
) -> None:
    """A request whose redirect_uri stands beside the request object in place of inside it is refused."""
    client = signer(target)
    push = par.object(client, redirect_uri=None)
    push = replace(push, parameters=(*push.parameters, ("redirect_uri", client.redirect_uri)))
    await flows.no_code(par, authorization, await par.send(push, control=lambda: par.object(client)))


# -- signed responses -------------------------------------------------------------------------------------------------


async def signed_response(par: Par, authorization: Authorization) -> tuple[PushAnswer, Outcome, str]:
    """A code that came for response_mode=jwt, and the JWT that it came in."""
    answer = expect.accepted(await par.push(response_mode="jwt"))
    outcome = await authorization.open(answer)
    if outcome.ending is not Ending.CODE:
        expect.code(outcome, control=await authorization.open(await par.accepted()))
    location = outcome.location or ""
    token = {**query_of(location), **fragment_of(location)}.get("response")
    if token is None:
        raise Violation(
            "unsigned",
            f"a pushed response_mode=jwt was answered without a JWT: {outcome.mode}",
            expected="the parameter response",
            received=outcome.summary,
        )
    return answer, outcome, token


def verifies_with(token: str, jwk: dict[str, Any]) -> bool:
    """Whether a JWK verifies a JWS."""
    alg = str(header_of(token).get("alg"))
    head, _, signature = token.rpartition(".")
    try:
        algorithm = jwt.get_algorithm_by_name(alg)
        return bool(algorithm.verify(head.encode(), jwt.PyJWK(jwk, algorithm=alg).key, jws.from_base64url(signature)))
    except (jwt.PyJWTError, ValueError, TypeError, NotImplementedError, AttributeError):
        return False


@verifies("fapi2-message-signing-5.4.1-signed-response-issued", needs=Feature.JARM)
async def test_response_is_a_signed_jwt(par: Par, authorization: Authorization, target: Target, wire: Wire) -> None:
    """A pushed response_mode=jwt is answered with a signed JWT that holds the response parameters."""
    answer, _, token = await signed_response(par, authorization)
    if token.count(".") == 4:
        raise NotApplicable("the response is encrypted")
    claims = jws.claims_of(token)
    expect.that(
        bool(claims.get("code")) and claims.get("state") == answer.push.value("state"),
        "parameters-missing",
        "the JWT does not hold the response parameters",
        expected="code and state",
        received=", ".join(claims),
    )
    keys = [key for key in await server_keys.published(target, wire) if key.get("use", "sig") == "sig"]
    symmetric = str(header_of(token).get("alg")).startswith("HS")
    expect.that(
        symmetric or any(verifies_with(token, key) for key in keys),
        "not-signed",
        f"no key of the server verifies the response; its alg is {header_of(token).get('alg')}",
        expected="a signature of the server",
        received=str(header_of(token)),
    )


@verifies("fapi2-message-signing-5.4.1-response-has-its-claims", needs=Feature.JARM)
async def test_response_is_meant_for_its_client(par: Par, authorization: Authorization) -> None:
    """A signed response names its client as the audience, and a time until which it is good, which is not over."""
    answer, outcome, token = await signed_response(par, authorization)
    if token.count(".") == 4:
        raise NotApplicable("the response is encrypted")
    claims = jws.claims_of(token)
    client_id = answer.push.client.client_id
    expect.that(
        client_id in (claims.get("aud"), *(claims["aud"] if isinstance(claims.get("aud"), list) else ())),
        "other-audience",
        f"the audience of the signed response is {claims.get('aud')!r}",
        expected=client_id,
        received=repr(claims.get("aud")),
    )
    rest = _rest_of_life(claims, outcome)
    expect.that(
        rest is not None and rest > 0,
        "expired",
        f"the signed response has exp {claims.get('exp')!r}",
        expected="a time ahead",
        received=repr(claims.get("exp")),
    )


@verifies("fapi2-message-signing-5.4.1-response-lives-10-minutes-at-most", needs=Feature.JARM)
async def test_response_does_not_live_long(par: Par, authorization: Authorization) -> None:
    """A signed response is good for ten minutes at most."""
    _, outcome, token = await signed_response(par, authorization)
    rest = None if token.count(".") == 4 else _rest_of_life(jws.claims_of(token), outcome)
    if rest is None:
        raise NotApplicable("the response has no exp that could be read")
    expect.that(
        rest <= LONGEST_RESPONSE,
        "too-long",
        f"a signed response is good for {rest:.0f} seconds",
        expected="600 seconds at most",
        received=f"{rest:.0f} seconds",
    )


def _rest_of_life(claims: dict[str, Any], outcome: Outcome) -> float | None:
    """For how long (seconds) a response is good after it came; None where it does not say."""
    expires = claims.get("exp")
    if not isinstance(expires, int | float) or isinstance(expires, bool) or not outcome.responses:
        return None
    return expires - outcome.responses[-1].received


@verifies("fapi2-message-signing-5.4.1-unsigned-response-refused", needs=Feature.JARM)
@each(mode={"none": None, "query": "query", "fragment": "fragment", "form_post": "form_post"})
async def test_unsigned_response_is_refused(par: Par, authorization: Authorization, mode: str | None) -> None:
    """A request for an unsigned authorization response is refused, or answered with a signed one."""
    push = par.ordinary(response_mode=mode)
    answer = await par.send(push, control=lambda: par.ordinary(response_mode="jwt"))
    if not answer.accepted:
        expect.refused(answer)
        return
    outcome = await authorization.open(answer)
    if outcome.ending is Ending.CODE and not (outcome.mode or "").endswith("jwt"):
        raise Violation(
            "unsigned",
            f"the code came unsigned, by {outcome.mode}",
            expected="a refusal, or a signed response",
            received=outcome.summary,
        )
    if outcome.ending is not Ending.CODE:
        signed = needs_code(await par.send(par.ordinary(response_mode="jwt")))
        expect.no_code(outcome, control=await authorization.open(signed))


def needs_code(answer: PushAnswer) -> PushAnswer:
    """The control: a push for a signed response."""
    if not answer.accepted:
        raise NotExercised(f"a push for a signed response was not accepted: {answer.summary}")
    return answer


@verifies("fapi2-message-signing-5.4.1-iss-inside-response-only", needs=Feature.JARM)
async def test_iss_stands_inside_the_response_only(par: Par, authorization: Authorization) -> None:
    """With a signed authorization response, iss stands inside the JWT and not beside it."""
    _, outcome, token = await signed_response(par, authorization)
    location = outcome.location or ""
    beside = {**query_of(location), **fragment_of(location)}
    expect.that(
        "iss" not in beside,
        "iss-beside",
        "iss stands beside the signed response",
        expected="iss inside the JWT only",
        received=", ".join(beside),
    )
    expect.that(
        "iss" in jws.claims_of(token),
        "iss-missing",
        "the signed response has no iss",
        expected="iss",
        received=", ".join(jws.claims_of(token)),
    )
