"""Whose word a request object is: signature, key and algorithm (RFC 9101 sections 6.2, 10.5 and 10.8)."""

from __future__ import annotations

from typing import Literal

from conformance import expect
from conformance.check import each, verifies
from conformance.checks import objects
from conformance.checks.objects import Forgery, object_refused, signer
from conformance.checks.test_client_authentication import client_auth_key
from conformance.http.listener import listening
from conformance.profile.keyring import SigningKey, generate_key
from conformance.profile.model import Client, Feature
from conformance.protocol import client_auth, jar, jws
from conformance.protocol.authorization import Authorization
from conformance.protocol.client_auth import Occasion
from conformance.protocol.par import Par, needs_accepted, speaks_openid
from conformance.protocol.token import Token
from conformance.target import RegisteredClient, Target
from conformance.verdict import NotApplicable, NotExercised

BROKEN: dict[str, Forgery] = {"signature": objects.tampered, "claims": objects.claims_changed}
FOREIGN: dict[str, Forgery] = {
    "under-the-own-kid": objects.own_kid_unknown_key,
    "without-kid": objects.unknown_key,
    "under-its-own-kid": lambda client: jar.Fault(key=generate_key(jar.signing_key(client).alg, "unknown")),
}


@verifies("rfc9101-6.2-signature-validated", "openid-core-6.3.2-signature-validated", needs=Feature.JAR)
@each(changed=BROKEN)
async def test_object_changed_after_signing_is_refused(
    par: Par, authorization: Authorization, target: Target, changed: Forgery
) -> None:
    """A request object of which one bit of the signature, or a claim, was changed brings no code."""
    await object_refused(par, authorization, target, changed)


@verifies("rfc9101-10.2-signature-validated-on-push", needs=Feature.JAR)
@each(changed={**BROKEN, "key": objects.own_kid_unknown_key})
async def test_object_with_an_invalid_signature_gets_no_request_uri(par: Par, target: Target, changed: Forgery) -> None:
    """A request object with an invalid signature is refused at the push already."""
    client = signer(target)
    push = par.object(client, fault=changed(client))
    expect.not_accepted(await par.send(push, control=lambda: par.object(client)))


@verifies("rfc9101-6.2-empty-signature-refused", needs=Feature.JAR)
async def test_object_with_an_empty_signature_is_refused(
    par: Par, authorization: Authorization, target: Target
) -> None:
    """A request object with the registered algorithm in its header and an empty signature brings no code."""
    empty = jar.Fault(spoil=lambda token: token.rpartition(".")[0] + ".")
    await object_refused(par, authorization, target, lambda _: empty)


@verifies("rfc9101-6.2-zero-ecdsa-signature-refused", needs=Feature.JAR)
async def test_object_with_a_signature_of_zeros_is_refused(
    par: Par, authorization: Authorization, target: Target
) -> None:
    """A request object whose ECDSA signature is nothing but zeros brings no code."""
    size = {"ES256": 64, "ES384": 96, "ES512": 132}
    client = signer(target, lambda entry: bool(entry.request_objects and entry.request_objects.alg in size))
    zeros = jws.base64url(bytes(size[jar.settings_of(client).alg]))
    fault = jar.Fault(spoil=lambda token: f"{token.rpartition('.')[0]}.{zeros}")
    push = par.object(client, fault=fault)
    await objects.brings_no_code(par, authorization, push, lambda: par.object(client))


@verifies("rfc9101-6.2-unknown-key-refused", needs=Feature.JAR)
@each(key=FOREIGN)
async def test_object_signed_with_an_unknown_key_is_refused(
    par: Par, authorization: Authorization, target: Target, key: Forgery
) -> None:
    """A request object signed with a key made on the spot brings no code, whatever name the key is given."""
    await object_refused(par, authorization, target, key)


@verifies("rfc9101-6.2-foreign-clients-key-refused", needs=Feature.JAR)
@each(kid=("own", "its", "none"))
async def test_object_signed_with_the_key_of_another_client_is_refused(
    par: Par, authorization: Authorization, target: Target, kid: str
) -> None:
    """A request object of this client that another registered client signed brings no code."""
    own = signer(target)
    alg = jar.signing_key(own).alg
    role = next(
        (
            role
            for role, credentials in target.keyring.clients.items()
            if role != own.role and any(key.alg == alg for key in credentials.keys)
        ),
        None,
    )
    if role is None:
        raise NotApplicable(f"the profile has no other client with a key for {alg}")
    key = target.client(role).credentials.key(alg)
    names = {"own": jar.signing_key(own).kid, "its": key.kid, "none": None}
    await object_refused(par, authorization, target, lambda _: jar.Fault(key=key, header={"kid": names[kid]}))


def _second_key(client: RegisteredClient) -> SigningKey:
    own = jar.signing_key(client)
    return next(key for key in client.credentials.keys if key.alg == own.alg and key.kid != own.kid)


@verifies("rfc9101-6.2-kid-names-the-key-used", needs=Feature.JAR)
async def test_object_whose_kid_names_another_key_is_refused(
    par: Par, authorization: Authorization, target: Target
) -> None:
    """A request object signed with one key of the client under the kid of another one brings no code."""
    client = next(
        (
            client
            for role in target.profile.clients
            if (client := target.client(role)).entry.request_objects
            and sum(key.alg == jar.settings_of(client).alg for key in client.credentials.keys) > 1
        ),
        None,
    )
    if client is None:
        raise NotApplicable("no client of the profile has two keys for the algorithm of its request objects")
    second = _second_key(client)
    needs_accepted(await par.send(par.object(client, fault=jar.Fault(key=second))))
    fault = jar.Fault(key=second, header={"kid": jar.signing_key(client).kid})
    await objects.brings_no_code(par, authorization, par.object(client, fault=fault), lambda: par.object(client))


@verifies("rfc9101-6.2-unknown-kid-refused", needs=Feature.JAR)
async def test_object_with_an_unknown_kid_is_refused(par: Par, authorization: Authorization, target: Target) -> None:
    """A request object that the client's own key signed under a kid that names none of its keys brings no code."""
    await object_refused(par, authorization, target, lambda _: jar.Fault(header={"kid": "par-conformance-unknown"}))


def other_algorithm(
    client: RegisteredClient, alg: str, *ways: Literal["own-key", "other-padding"]
) -> tuple[str, SigningKey]:
    """Another algorithm than the registered one, with a key of the client that signs with it: the first way there is.

    A key of its own for that algorithm, or an RSA key that is meant for another one. NotApplicable without such a key.
    """
    for way in ways:
        for key in client.credentials.keys:
            if way == "own-key" and key.alg != alg:
                return key.alg, key
            if way == "other-padding" and key.alg[:2] in {"RS", "PS"}:
                other = "RS256" if alg != "RS256" else "PS256"
                return other, SigningKey(key.kid, other, key.private)
    raise NotApplicable(
        f"the client of the role {client.role!r} has no key that signs with another algorithm than {alg}"
    )


@verifies("rfc9101-6.2-unregistered-alg-refused", "openid-core-6.3.2-alg-must-match-registration", needs=Feature.JAR)
@each(client=objects.by_algorithm, way=("own-key", "other-padding"))
async def test_object_with_another_algorithm_is_refused(
    par: Par, authorization: Authorization, target: Target, client: str, way: Literal["own-key", "other-padding"]
) -> None:
    """A request object that the client signed with another algorithm than its registered one brings no code."""
    own = target.client(client)
    if not jar.settings_of(own).alg_registered:
        raise NotApplicable("no algorithm is registered for the request objects of this client")
    alg, key = other_algorithm(own, jar.settings_of(own).alg, way)
    push = par.object(own, fault=jar.Fault(key=key, alg=alg))
    await objects.brings_no_code(par, authorization, push, lambda: par.object(own))


@verifies("rfc9101-6.2-hmac-with-public-key-refused", needs=Feature.JAR)
@each(form=("pem", "pem-trimmed", "der"))
async def test_object_with_the_public_key_as_secret_is_refused(
    par: Par, authorization: Authorization, target: Target, form: str
) -> None:
    """A request object whose HMAC is keyed with the client's public key brings no code."""

    def forgery(client: RegisteredClient) -> jar.Fault:
        kid = jar.signing_key(client).kid
        return jar.Fault(key=objects.hmac_secrets(client)[form], alg="HS256", header={"kid": kid})

    await object_refused(par, authorization, target, forgery)


@verifies("rfc9101-6.2-embedded-jwk-not-trusted", needs=Feature.JAR)
@each(kid=("its", "own", "none"))
async def test_key_in_the_header_is_not_trusted(
    par: Par, authorization: Authorization, target: Target, kid: str
) -> None:
    """A request object signed with the key that its own header carries brings no code."""

    def forgery(client: RegisteredClient) -> jar.Fault:
        own = jar.signing_key(client)
        key = generate_key(own.alg, "embedded")
        names = {"its": key.kid, "own": own.kid, "none": None}
        return jar.Fault(key=key, header={"jwk": key.public_jwk(), "kid": names[kid]})

    await object_refused(par, authorization, target, forgery)


@verifies("rfc9101-6.2-embedded-certificate-not-trusted", needs=Feature.JAR)
async def test_certificate_in_the_header_is_not_trusted(par: Par, authorization: Authorization, target: Target) -> None:
    """A request object signed with the key of the certificate in its own header brings no code."""
    await object_refused(par, authorization, target, objects.certificate_in_header)


async def _pointed_to(par: Par, authorization: Authorization, target: Target, header: str) -> None:
    objects.reaches_loopback(target)
    client = signer(target)
    served: dict[str, tuple[str, bytes]] = {}
    async with listening(served) as listener:
        fault, content = objects.pointed_to(client, header, f"{listener.url}/keys")
        served["/keys"] = ("application/json" if header == "jku" else "application/x-pem-file", content.encode())
        push = par.object(client, fault=fault)
        await objects.brings_no_code(par, authorization, push, lambda: par.object(client))
        hits = await listener.connections()
        expect.that(
            not hits,
            "fetched",
            f"the server fetched the address in the header {header} of a request object",
            expected="no connection",
            received=f"{hits} connections",
        )


@verifies("rfc9101-6.2-jku-not-trusted", needs=Feature.JAR)
async def test_keys_behind_jku_are_not_trusted(par: Par, authorization: Authorization, target: Target) -> None:
    """A request object signed with a key that its jku header points to brings no code, and nothing is fetched."""
    await _pointed_to(par, authorization, target, "jku")


@verifies("rfc9101-6.2-x5u-not-trusted", needs=Feature.JAR)
async def test_certificate_behind_x5u_is_not_trusted(par: Par, authorization: Authorization, target: Target) -> None:
    """A request object signed with a key that its x5u header points to brings no code, and nothing is fetched."""
    await _pointed_to(par, authorization, target, "x5u")


@verifies("rfc9101-6.2-unknown-critical-header-refused", needs=Feature.JAR)
async def test_object_with_an_unknown_critical_header_is_refused(
    par: Par, authorization: Authorization, target: Target
) -> None:
    """A request object whose crit header names an extension that nobody knows brings no code."""
    critical = jar.Fault(header={"crit": ["par-conformance"], "par-conformance": True})
    await object_refused(par, authorization, target, lambda _: critical)


@verifies("rfc9101-6.2-invalid-signature-error-code", needs=Feature.JAR)
@each(fault={"changed": objects.tampered, "foreign-key": objects.own_kid_unknown_key})
async def test_invalid_signature_is_told_invalid_request_object(par: Par, target: Target, fault: Forgery) -> None:
    """The error for a request object with an invalid signature is invalid_request_object."""
    client = signer(target)
    push = par.object(client, fault=fault(client))
    expect.error_code(await par.send(push, control=lambda: par.object(client)), "invalid_request_object")


@verifies(
    "rfc9101-10.5-alg-none-refused", "fapi2-security-profile-5.4.1-request-object-alg-none-refused", needs=Feature.JAR
)
@each(spelling=("none", "None", "NONE", "nOnE"))
async def test_unsigned_object_is_refused(
    par: Par, authorization: Authorization, target: Target, spelling: str
) -> None:
    """A request object with the algorithm none, however it is spelt, brings no code."""
    unsigned = jar.Fault(alg="none", header={"alg": spelling, "kid": None})
    await object_refused(par, authorization, target, lambda _: unsigned)


# -- JWTs that were made for something else -------------------------------------------------------------------------


@verifies("rfc9101-10.8-client-assertion-as-object-refused", needs=Feature.JAR)
async def test_client_assertion_is_no_request_object(par: Par, authorization: Authorization, target: Target) -> None:
    """A client assertion pushed as request object brings no code, though a complete request stands beside it."""
    client = _asserting(target)
    proof = client_auth.registered(Occasion(client, target, target.par_endpoint, par.wire.clock.now()))
    push = par.object(client)
    faulty = objects.carrying(push, dict(proof.form)["client_assertion"], objects.asked(push))
    await objects.brings_no_code(par, authorization, faulty, lambda: par.object(client))


def _asserting(target: Target) -> RegisteredClient:
    def same_key(entry: Client) -> bool:
        return entry.auth == "private_key_jwt"

    client = signer(target, same_key)
    client_auth_key(client, client)
    return client


@verifies("rfc9101-10.8-id-token-as-object-refused", needs=(Feature.JAR, Feature.OPENID))
async def test_id_token_is_no_request_object(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """An ID Token of the server pushed as request object brings no code, though a request stands beside it."""
    client = signer(target, lambda entry: "openid" in (entry.scope or "").split())
    if not speaks_openid(target, client):
        raise NotApplicable("the client's ordinary request is no OpenID Connect request")
    answer = await par.accepted(client)
    tokens = await token.redeem(await authorization.code(answer), answer.push)
    id_token = tokens.json.get("id_token")
    if not isinstance(id_token, str):
        raise NotExercised(f"an ordinary flow brought no ID Token: {tokens.summary}")
    push = par.object(client)
    faulty = objects.carrying(push, id_token, objects.asked(push))
    await objects.brings_no_code(par, authorization, faulty, lambda: par.object(client))


@verifies("rfc9101-10.8-other-typ-refused", needs=Feature.JAR)
@each(typ=("dpop+jwt", "at+jwt", "client-authentication+jwt"))
async def test_object_of_another_type_is_refused(
    par: Par, authorization: Authorization, target: Target, typ: str
) -> None:
    """A request object whose typ header says that it is something else brings no code."""
    await object_refused(par, authorization, target, lambda _: jar.Fault(header={"typ": typ}))


@verifies(
    "rfc9101-10.8-untyped-object-accepted", "fapi2-message-signing-5.3.1-untyped-object-accepted", needs=Feature.JAR
)
@each(typ={"none": None, "JWT": "JWT"})
async def test_object_without_a_type_of_its_own_is_accepted(par: Par, target: Target, typ: str | None) -> None:
    """A request object without a typ header, or with the general one JWT, is accepted."""
    client = signer(target)
    typed = {"typ": "oauth-authz-req+jwt"}
    expect.accepted(
        await par.send(
            par.object(client, fault=jar.Fault(header={"typ": typ})),
            control=lambda: par.object(client, fault=jar.Fault(header=typed)),
        )
    )


@verifies("rfc9101-4-typed-object-accepted", "fapi2-message-signing-5.3.1-typed-object-accepted", needs=Feature.JAR)
async def test_object_of_the_registered_type_is_accepted(par: Par, target: Target) -> None:
    """A request object with the typ header oauth-authz-req+jwt is accepted."""
    client = signer(target)
    expect.accepted(
        await par.send(
            par.object(client, fault=jar.Fault(header={"typ": "oauth-authz-req+jwt"})),
            control=lambda: par.object(client, fault=jar.Fault(header={"typ": "JWT"})),
        )
    )
