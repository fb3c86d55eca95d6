"""FAPI 2.0 Security Profile: algorithms, keys and secrets (section 5.4)."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

from conformance import expect
from conformance.check import each, verifies
from conformance.checks import flows, objects, server_keys
from conformance.checks.assertions import refused
from conformance.checks.proofs import proving, refuses
from conformance.checks.test_metadata import document
from conformance.checks.test_token_request import CODES, ENOUGH_BITS
from conformance.http.wire import Wire
from conformance.profile.keyring import SigningKey, generate_key
from conformance.profile.model import Feature, Profile
from conformance.protocol import client_auth, jar, jws
from conformance.protocol.authorization import Authorization
from conformance.protocol.dpop import DpopKey
from conformance.protocol.par import Par
from conformance.protocol.token import Token, TokenAnswer
from conformance.randomness import estimate
from conformance.target import RegisteredClient, Target
from conformance.verdict import NotApplicable, NotExercised

#: The algorithms of section 5.4.1, Ed25519 under both of its names.
ALLOWED = frozenset({"PS256", "ES256", "EdDSA", "Ed25519"})
#: Bits of the curves of RFC 7518 and RFC 8037.
CURVES = {"P-256": 256, "P-384": 384, "P-521": 521, "secp256k1": 256, "Ed25519": 255, "Ed448": 448, "X25519": 255}
SMALLEST_RSA, SMALLEST_EC = 2048, 224


# -- what clients sign ------------------------------------------------------------------------------------------------


def rsa_key(client: RegisteredClient) -> SigningKey:
    """An RSA key of a client, for RS256. NotApplicable where it has none."""
    for key in client.credentials.keys:
        if key.alg.startswith(("PS", "RS")):
            return SigningKey(key.kid, "RS256", key.private)
    raise NotApplicable(f"the client of the role {client.role!r} has no RSA key that could sign by RS256")


def with_rsa_key(profile: Profile) -> dict[str, str]:
    """The client whose key can also sign by RS256, if the profile can tell."""
    for role, client in profile.clients.items():
        algs = client.keys.generate if client.keys else None
        names = [client.assertion_alg, client.request_objects.alg if client.request_objects else None, *(algs or ())]
        if client.auth == "private_key_jwt" and any(name and name.startswith(("PS", "RS")) for name in names):
            return {role: role}
    return {}


@verifies("fapi2-security-profile-5.4.1-other-assertion-algs-refused")
@each(client=with_rsa_key)
async def test_assertion_by_rs256_is_refused(par: Par, target: Target, client: str) -> None:
    """A client assertion signed with another algorithm than PS256, ES256 or Ed25519, RS256 for example, is refused."""
    await refused(par, client, client_auth.assertion(key=rsa_key(target.client(client)), alg="RS256"))


@verifies("fapi2-security-profile-5.4.1-other-request-object-algs-refused", needs=Feature.JAR)
@each(client=objects.by_algorithm)
async def test_request_object_by_rs256_is_refused(
    par: Par, authorization: Authorization, target: Target, client: str
) -> None:
    """A request object signed with another algorithm than PS256, ES256 or Ed25519 is refused."""
    fault = jar.Fault(key=rsa_key(target.client(client)), alg="RS256")
    answer = await par.send(par.object(client, fault=fault), control=lambda: par.object(client))
    await flows.no_code(par, authorization, answer)


@verifies("fapi2-security-profile-5.4.1-other-proof-algs-refused", needs=Feature.DPOP)
@each(alg=("RS256", "ES384", "PS384"))
async def test_proof_by_another_algorithm_is_refused(par: Par, alg: str) -> None:
    """A DPoP proof signed with another algorithm than PS256, ES256 or Ed25519 is refused."""
    await refuses(par, replace(proving(par), dpop=DpopKey(generate_key(alg, "other"))))


# -- what the server signs --------------------------------------------------------------------------------------------


def header_of(token: str) -> dict[str, Any]:
    """The header of a compact JWS; empty where there is none to read."""
    head = token.split(".")[0]
    try:
        header = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (ValueError, RecursionError):
        return {}
    return header if isinstance(header, dict) else {}


def judge_algorithm(token: str, what: str) -> None:
    """A JWT is signed with an allowed algorithm."""
    alg = header_of(token).get("alg")
    expect.that(
        alg in ALLOWED,
        "other-alg",
        f"{what} is signed with {alg}",
        expected="PS256, ES256 or Ed25519",
        received=str(alg),
    )


@verifies("fapi2-security-profile-5.4.1-id-token-alg", needs=Feature.OPENID)
async def test_id_token_has_an_allowed_algorithm(par: Par, authorization: Authorization, token: Token) -> None:
    """ID tokens are signed with PS256, ES256 or Ed25519."""
    tokens = flows.granted(await flows.redeemed(par, authorization, token))
    value = tokens.json.get("id_token")
    if not isinstance(value, str):
        raise NotExercised("no ID token came with the access token")
    if value.count(".") == 4:
        raise NotApplicable("the ID token is encrypted")
    judge_algorithm(value, "the ID token")


@verifies("fapi2-security-profile-5.4.1-jwt-access-token-alg")
async def test_jwt_access_token_has_an_allowed_algorithm(par: Par, authorization: Authorization, token: Token) -> None:
    """Access tokens that are JWTs are signed with PS256, ES256 or Ed25519."""
    tokens = flows.granted(await flows.redeemed(par, authorization, token))
    value = str(tokens.json.get("access_token"))
    if not jws.claims_of(value):
        raise NotApplicable("the access token is no JWT that can be read")
    judge_algorithm(value, "the access token")


@verifies("fapi2-security-profile-5.4.2-no-key-urls-in-headers")
async def test_tokens_point_to_no_keys(par: Par, authorization: Authorization, token: Token) -> None:
    """JWTs that the server issues have no x5u and no jku header."""
    tokens = flows.granted(await flows.redeemed(par, authorization, token))
    values = [str(tokens.json.get(name)) for name in ("id_token", "access_token")]
    headers = [header for header in map(header_of, values) if "alg" in header]
    if not headers:
        raise NotApplicable("no JWT came from the token endpoint")
    for header in headers:
        found = sorted({"jku", "x5u"} & header.keys())
        expect.that(
            not found,
            "key-url",
            f"the header of a JWT has {', '.join(found)}",
            expected="neither jku nor x5u",
            received=", ".join(header),
        )


@verifies("fapi2-security-profile-5.4.1-none-not-advertised")
async def test_none_is_not_advertised(target: Target) -> None:
    """No list of signature algorithms in the metadata contains none."""
    lists = {name: value for name, value in document(target).items() if name.endswith("signing_alg_values_supported")}
    wrong = [name for name, value in lists.items() if isinstance(value, list) and "none" in map(str, value)]
    expect.that(
        not wrong,
        "none-advertised",
        f"none stands in {', '.join(wrong)}",
        expected="no list with none",
        received=", ".join(wrong),
    )


# -- the server's keys ------------------------------------------------------------------------------------------------


def bits_of(number: object) -> int:
    """The length of a number in a JWK."""
    try:
        return int.from_bytes(jws.from_base64url(str(number)), "big").bit_length()
    except ValueError:
        return 0


@verifies("fapi2-security-profile-5.4.1-server-rsa-keys-2048-bits")
async def test_rsa_keys_of_the_server_are_long_enough(target: Target, wire: Wire) -> None:
    """RSA keys in the server's JWK set have 2048 bits at least."""
    keys = [key for key in await server_keys.published(target, wire) if key.get("kty") == "RSA"]
    if not keys:
        raise NotApplicable("the JWK set has no RSA key")
    shortest = min(bits_of(key.get("n")) for key in keys)
    expect.that(
        shortest >= SMALLEST_RSA,
        "short-key",
        f"an RSA key has {shortest} bits",
        expected=f"{SMALLEST_RSA} bits",
        received=str(shortest),
    )


@verifies("fapi2-security-profile-5.4.1-server-ec-keys-224-bits")
async def test_curves_of_the_server_are_large_enough(target: Target, wire: Wire) -> None:
    """Elliptic curve keys in the server's JWK set have 224 bits at least."""
    keys = [key for key in await server_keys.published(target, wire) if key.get("kty") in {"EC", "OKP"}]
    if not keys:
        raise NotApplicable("the JWK set has no elliptic curve key")
    for key in keys:
        bits = CURVES.get(str(key.get("crv")), bits_of(key.get("x")) + 8)
        expect.that(
            bits >= SMALLEST_EC,
            "short-key",
            f"the key {key.get('kid')!r} is on the curve {key.get('crv')!r}",
            expected=f"{SMALLEST_EC} bits",
            received=str(bits),
        )


@verifies("fapi2-security-profile-5.4.2-no-duplicate-kid")
async def test_no_kid_is_there_twice(target: Target, wire: Wire) -> None:
    """No two keys in the server's JWK set have the same kid."""
    kids = [str(key["kid"]) for key in await server_keys.published(target, wire) if "kid" in key]
    twice = sorted({kid for kid in kids if kids.count(kid) > 1})
    expect.that(
        not twice,
        "duplicate-kid",
        f"two keys have the kid {', '.join(twice)}",
        expected="one key for each kid",
        received=", ".join(kids),
    )


# -- what the server makes up -----------------------------------------------------------------------------------------


@verifies("fapi2-security-profile-5.4.1-opaque-tokens-unguessable")
@each(kind=("access_token", "refresh_token"))
async def test_opaque_tokens_are_random(par: Par, authorization: Authorization, token: Token, kind: str) -> None:
    """Access and refresh tokens that are no JWTs are different, without order, and vary in enough bits."""
    answers: list[TokenAnswer] = [await flows.redeemed(par, authorization, token)]
    first = flows.granted(answers[0]).json.get(kind)
    if not isinstance(first, str):
        raise NotApplicable(f"the token answer has no {kind}")
    if jws.claims_of(first) or first.count(".") == 4:
        raise NotApplicable(f"the {kind} is a JWT")
    answers += [flows.granted(await flows.redeemed(par, authorization, token)) for _ in range(CODES - 1)]
    found = estimate([str(answer.json.get(kind)) for answer in answers], par.wire.clock.now())
    expect.that(
        found.repeated == 0 and found.pattern is None and found.bits >= ENOUGH_BITS,
        "guessable",
        f"{found.repeated} of {CODES} came twice; {found.pattern or f'about {found.bits:g} bits vary'}",
        expected="at least 128 random bits",
        received=found.pattern or f"{found.bits:g} bits, {found.repeated} repeated",
    )
