"""Request objects at the pushed authorization request endpoint (RFC 9126 section 3)."""

from __future__ import annotations

import secrets
from dataclasses import replace

from conformance import expect
from conformance.check import each, verifies
from conformance.http.message import Request
from conformance.http.wire import Wire
from conformance.profile.keyring import generate_key, key_pem
from conformance.profile.model import Feature
from conformance.protocol import jar, jws
from conformance.protocol.authorization import Authorization
from conformance.protocol.outcome import Ending
from conformance.protocol.par import Par, Push
from conformance.target import Target
from conformance.verdict import NotApplicable


@verifies("rfc9126-3-request-object-accepted", needs=Feature.JAR)
async def test_signed_request_object_is_accepted(par: Par) -> None:
    """A signed request object beside nothing but client authentication is accepted."""
    expect.accepted(await par.send(par.object("signed"), control=lambda: par.ordinary("signed")))


@verifies("rfc9126-3-request-object-effective", needs=Feature.JAR)
async def test_request_object_is_carried_out(par: Par, authorization: Authorization) -> None:
    """The parameters in a pushed request object are the ones that are carried out."""
    answer = expect.accepted(await par.send(par.object("signed"), control=lambda: par.ordinary("signed")))
    outcome = expect.code(
        await authorization.open(answer), control=await authorization.open(await par.accepted("signed"))
    )
    expect.that(
        outcome.parameters.get("state") == answer.push.value("state"),
        "state-changed",
        "the state of the request object did not come back",
        expected=answer.push.value("state"),
        received=outcome.parameters.get("state"),
    )


def beside(push: Push, **outside: str) -> Push:
    """The same push with parameters beside its request object."""
    return replace(push, parameters=(*push.parameters, *outside.items()))


@verifies("rfc9126-3-outer-value-without-effect", needs=Feature.JAR)
async def test_parameter_beside_the_request_object_does_not_win(par: Par, authorization: Authorization) -> None:
    """A parameter in the form does not replace the one in the request object."""
    push = beside(par.object("signed"), state="from-the-form")
    answer = await par.send(push, control=lambda: par.object("signed"))
    if not answer.accepted:
        expect.refused(answer)
        return
    outcome = await authorization.open(answer)
    expect.that(
        outcome.ending is not Ending.CODE or outcome.parameters.get("state") != "from-the-form",
        "form-used",
        "the state beside the request object came back",
        expected="the state of the request object",
        received="from-the-form",
    )


@verifies("rfc9126-3-outer-parameter-not-merged", needs=Feature.JAR)
async def test_parameter_beside_the_request_object_is_not_added(par: Par, authorization: Authorization) -> None:
    """A parameter that only the form has is not taken into the request."""
    push = beside(par.object("signed", state=None), state="from-the-form")
    answer = await par.send(push, control=lambda: par.object("signed", state=None))
    if not answer.accepted:
        expect.refused(answer)
        return
    outcome = await authorization.open(answer)
    expect.that(
        outcome.ending is not Ending.CODE or outcome.parameters.get("state") != "from-the-form",
        "form-used",
        "the state beside the request object came back although the object has none",
        expected="no state",
        received="from-the-form",
    )


def _unknown_key(par: Par) -> jar.Fault:
    own = jar.signing_key(par.client("signed"))
    return jar.Fault(key=generate_key(own.alg, own.kid))


def _hmac(par: Par) -> jar.Fault:
    own = jar.signing_key(par.client("signed"))
    return jar.Fault(key=key_pem(own).encode(), alg="HS256", header={"kid": own.kid})


def _embedded(par: Par) -> jar.Fault:
    key = generate_key(jar.signing_key(par.client("signed")).alg, "embedded")
    return jar.Fault(key=key, header={"jwk": key.public_jwk()})


def _rewritten(_: Par) -> jar.Fault:
    def spoil(token: str) -> str:
        head, _, signature = token.split(".")
        claims = {**jws.claims_of(token), "state": "changed-" + secrets.token_hex(4)}
        return ".".join((head, jws.encode(claims, None, "none", {}).split(".")[1], signature))

    return jar.Fault(spoil=spoil)


FORGERIES = {
    "tampered-signature": lambda _: jar.Fault(spoil=jws.tampered),
    "claims-changed-after-signing": _rewritten,
    "unknown-key": _unknown_key,
    "alg-none": lambda _: jar.Fault(alg="none", header={"alg": "none", "kid": None}),
    "public-key-as-hmac-secret": _hmac,
    "key-in-the-header": _embedded,
    "empty-signature": lambda _: jar.Fault(spoil=lambda token: token.rpartition(".")[0] + "."),
}


@verifies("rfc9126-3-signature-validated", needs=Feature.JAR)
@each(forgery=FORGERIES)
async def test_request_object_with_a_wrong_signature_is_refused(par: Par, forgery: object) -> None:
    """A request object that is not signed with the client's own key is refused."""
    assert callable(forgery)
    push = par.object("signed", fault=forgery(par))
    expect.refused(await par.send(push, control=lambda: par.object("signed")))


@verifies("rfc9126-3-client-id-claim-matches", needs=Feature.JAR)
@each(signer=("own-key", "its-key"))
async def test_request_object_for_another_client_is_refused(par: Par, target: Target, signer: str) -> None:
    """A request object whose client_id claim is another client is refused, whoever signed it."""
    own, other = target.client("signed"), target.client("signed_second")
    key = jar.signing_key(own if signer == "own-key" else other)
    fault = jar.Fault(claims={"client_id": other.client_id, "iss": other.client_id}, key=key)
    expect.refused(await par.send(par.object(own, fault=fault), control=lambda: par.object(own)))


async def server_key(target: Target, wire: Wire, alg_family: str = "") -> dict[str, object]:
    """The server's public encryption key. NotApplicable where it publishes none."""
    if target.metadata.jwks_uri is None:
        raise NotApplicable("the server publishes no JWK set")
    response = await wire.send(Request("GET", target.metadata.jwks_uri, repeatable=True), purpose="JWK set")
    keys = (response.json_object() or {}).get("keys")
    for key in keys if isinstance(keys, list) else []:
        if isinstance(key, dict) and key.get("use") == "enc" and str(key.get("kty", "")).startswith(alg_family):
            return key
    raise NotApplicable("the server publishes no encryption key")


async def encrypted(par: Par, target: Target, wire: Wire, push: Push, payload: str | bytes | None = None) -> Push:
    """A push whose request object is encrypted to the server; `payload` in place of the signed object."""
    settings = jar.settings_of(push.client)
    algs = target.metadata.strings("request_object_encryption_alg_values_supported") or []
    encs = target.metadata.strings("request_object_encryption_enc_values_supported") or ["A128CBC-HS256"]
    key = await server_key(target, wire)
    fitting = [alg for alg in algs if alg.startswith("RSA" if key.get("kty") == "RSA" else "ECDH")]
    alg = settings.encryption_alg or next((alg for alg in fitting if alg not in {"RSA1_5"}), None)
    if alg is None:
        raise NotApplicable("no encryption algorithm that the suite and the server share")
    enc = settings.encryption_enc or ("A256GCM" if "A256GCM" in encs else encs[0])
    token = dict(push.parameters)["request"] if payload is None else payload
    jwe = jar.encrypt(token, key, alg, enc, nested=payload is None)
    pairs = tuple((name, jwe if name == "request" else value) for name, value in push.parameters)
    return replace(push, parameters=pairs)


@verifies("rfc9126-3-encrypted-object-decrypted", needs=Feature.ENCRYPTED_REQUEST_OBJECTS)
async def test_encrypted_request_object_is_accepted(
    par: Par, authorization: Authorization, target: Target, wire: Wire
) -> None:
    """A request object that is signed and then encrypted to the server is decrypted and carried out."""
    push = await encrypted(par, target, wire, par.object("signed"))
    answer = expect.accepted(await par.send(push, control=lambda: par.object("signed")))
    outcome = await authorization.code(answer)
    expect.that(
        outcome.parameters.get("state") == push.value("state"),
        "state-changed",
        "the state of the encrypted request object did not come back",
        expected=push.value("state"),
        received=outcome.parameters.get("state"),
    )


@verifies("rfc9126-3-undecryptable-object-refused", needs=Feature.ENCRYPTED_REQUEST_OBJECTS)
async def test_undecryptable_request_object_is_refused(par: Par, target: Target, wire: Wire) -> None:
    """A request object that the server cannot decrypt is refused."""
    push = await encrypted(par, target, wire, par.object("signed"))

    def broken(jwe: str) -> str:
        head, key, iv, text, tag = jwe.split(".")
        return ".".join((head, key, iv, text, jws.base64url(bytes(16)) if tag else tag))

    pairs = tuple((name, broken(value) if name == "request" else value) for name, value in push.parameters)
    expect.refused(await par.send(replace(push, parameters=pairs), control=lambda: par.object("signed")))
