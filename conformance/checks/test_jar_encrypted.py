"""Request objects that are signed and then encrypted to the server (RFC 9101 section 6.1)."""

from __future__ import annotations

import json

from conformance import expect
from conformance.check import each, verifies
from conformance.checks import objects
from conformance.checks.objects import brings_no_code, encrypted, signer, with_object
from conformance.http.wire import Wire
from conformance.profile.model import Feature
from conformance.protocol import jar, jws
from conformance.protocol.authorization import Authorization
from conformance.protocol.par import Par, Push
from conformance.target import Target
from conformance.verdict import NotExercised


@verifies(
    "rfc9126-3-encrypted-object-decrypted",
    "rfc9101-6.1-encrypted-object-decrypted",
    "openid-core-6.3.1-encrypted-object-decrypted",
    needs=Feature.ENCRYPTED_REQUEST_OBJECTS,
)
@each(kty=("RSA", "EC"))
async def test_encrypted_request_object_is_accepted(
    par: Par, authorization: Authorization, target: Target, wire: Wire, kty: str
) -> None:
    """A request object that is signed and then encrypted to the server is decrypted and carried out."""
    client = signer(target)
    push = await encrypted(par, target, wire, par.object(client), kty=kty)
    answer = expect.accepted(await par.send(push, control=lambda: par.object(client)))
    outcome = await authorization.code(answer)
    expect.that(
        outcome.parameters.get("state") == push.value("state"),
        "state-changed",
        "the state of the encrypted request object did not come back",
        expected=push.value("state"),
        received=outcome.parameters.get("state"),
    )


def _other_tag(jwe: str) -> str:
    return ".".join((*jwe.split(".")[:4], jws.base64url(bytes(16))))


def _other_text(jwe: str) -> str:
    head, key, initial, text, tag = jwe.split(".")
    raw = bytearray(jws.from_base64url(text))
    raw[0] ^= 1
    return ".".join((head, key, initial, jws.base64url(bytes(raw)), tag))


UNDECRYPTABLE = {"tag-changed": _other_tag, "text-changed": _other_text}


async def _right(par: Par, target: Target, wire: Wire) -> Push:
    """An encrypted request object. NotExercised where no such object is accepted: a refusal would say nothing."""
    client = signer(target)
    answer = await par.send(await encrypted(par, target, wire, par.object(client)), purpose="control")
    if not answer.accepted:
        raise NotExercised(f"an ordinary encrypted request object was not accepted: {answer.summary}")
    return await encrypted(par, target, wire, par.object(client))


@verifies(
    "rfc9126-3-undecryptable-object-refused",
    "openid-core-6.3.1-undecryptable-object-refused",
    needs=Feature.ENCRYPTED_REQUEST_OBJECTS,
)
@each(broken=UNDECRYPTABLE)
async def test_undecryptable_request_object_is_refused(
    par: Par, authorization: Authorization, target: Target, wire: Wire, broken: object
) -> None:
    """A request object that the server cannot decrypt is refused."""
    assert callable(broken)
    push = await _right(par, target, wire)
    faulty = with_object(push, broken(dict(push.parameters)["request"]))
    expect.refused(await par.send(faulty, control=lambda: par.object(push.client)))


@verifies("rfc9101-6.1-undecryptable-object-error-code", needs=Feature.ENCRYPTED_REQUEST_OBJECTS)
async def test_undecryptable_object_is_told_invalid_request_object(par: Par, target: Target, wire: Wire) -> None:
    """The error for a request object that cannot be decrypted is invalid_request_object."""
    push = await _right(par, target, wire)
    faulty = with_object(push, _other_tag(dict(push.parameters)["request"]))
    expect.error_code(await par.send(faulty, control=lambda: par.object(push.client)), "invalid_request_object")


@verifies("rfc9101-6.1-unsigned-in-jwe-refused", needs=Feature.ENCRYPTED_REQUEST_OBJECTS)
@each(cty={"said-to-be-claims": False, "said-to-be-a-jwt": True})
async def test_encrypted_claims_without_a_signature_are_refused(
    par: Par, authorization: Authorization, target: Target, wire: Wire, cty: bool
) -> None:
    """An encrypted request object that is a bare set of claims, without a signature, brings no code."""
    push = await _right(par, target, wire)
    claims = json.dumps(jws.claims_of(dict(par.object(push.client).parameters)["request"]))
    faulty = await encrypted(par, target, wire, push, claims if cty else claims.encode())
    await brings_no_code(par, authorization, faulty, lambda: par.object(push.client))


@verifies("rfc9101-6.1-alg-none-in-jwe-refused", needs=Feature.ENCRYPTED_REQUEST_OBJECTS)
@each(spelling=("none", "None"))
async def test_encrypted_unsigned_object_is_refused(
    par: Par, authorization: Authorization, target: Target, wire: Wire, spelling: str
) -> None:
    """An encrypted request object whose inner JWT has the algorithm none brings no code."""
    client = (await _right(par, target, wire)).client
    unsigned = jar.Fault(alg="none", header={"alg": spelling, "kid": None})
    faulty = await encrypted(par, target, wire, par.object(client, fault=unsigned))
    await brings_no_code(par, authorization, faulty, lambda: par.object(client))


@verifies(
    "rfc9101-6.1-signature-in-jwe-validated",
    "openid-core-6.3.1-signature-in-jwe-validated",
    needs=Feature.ENCRYPTED_REQUEST_OBJECTS,
)
@each(
    forgery={
        "signature-changed": objects.tampered,
        "claims-changed": objects.claims_changed,
        "foreign-key": objects.own_kid_unknown_key,
        "signature-empty": lambda _: jar.Fault(spoil=lambda token: token.rpartition(".")[0] + "."),
    }
)
async def test_encrypted_object_with_a_wrong_signature_is_refused(
    par: Par, authorization: Authorization, target: Target, wire: Wire, forgery: objects.Forgery
) -> None:
    """An encrypted request object whose inner signature is invalid brings no code."""
    client = (await _right(par, target, wire)).client
    faulty = await encrypted(par, target, wire, par.object(client, fault=forgery(client)))
    await brings_no_code(par, authorization, faulty, lambda: par.object(client))
