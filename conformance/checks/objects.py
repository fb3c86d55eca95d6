"""What the checks of request objects (RFC 9101) share: who signs, how to sign wrong, where an object is sent."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from conformance import expect
from conformance.checks import flows, server_keys
from conformance.checks.test_metadata import LOOPBACK
from conformance.http.message import Pairs, split
from conformance.http.wire import Wire
from conformance.profile.keyring import SigningKey, generate_key, key_pem
from conformance.profile.model import Client, Feature, Profile
from conformance.protocol import jar, jws
from conformance.protocol.authorization import Authorization
from conformance.protocol.outcome import Ending, Outcome
from conformance.protocol.par import BESIDE_OBJECT, Change, Par, Push, PushAnswer, changed_pairs, needs_accepted
from conformance.target import RegisteredClient, Target
from conformance.verdict import NotApplicable, NotExercised, Violation

#: A wrong request object of a client, made when the check runs.
Forgery = Callable[[RegisteredClient], jar.Fault]

#: An issuer that is nobody's.
OTHER_ISSUER = "https://other-server.example"


def signer(target: Target, wanted: Callable[[Client], bool] = lambda _: True) -> RegisteredClient:
    """A client that signs request objects and fits: the one of the role `signed`, or the first one."""
    roles = sorted(target.profile.clients, key=lambda role: role != "signed")
    for role in roles:
        entry = target.profile.clients[role]
        if entry.request_objects is not None and wanted(entry):
            return target.client(role)
    raise NotApplicable("the profile has no client with `request_objects` that this can be tried with")


def by_algorithm(profile: Profile) -> dict[str, str]:
    """One client for each algorithm that request objects are signed with: algorithm to role."""
    found: dict[str, str] = {}
    for role, client in profile.clients.items():
        if client.request_objects is not None:
            found.setdefault(client.request_objects.alg, role)
    return found


def plain(push: Push) -> Push:
    """The same request with its parameters in the form, not in a request object."""
    return replace(push, parameters=push.inside, inside=()) if push.inside else push


def carrying(push: Push, token: str, beside: Pairs = ()) -> Push:
    """A push of any text as request object, with parameters beside it."""
    pairs = (("client_id", push.client.client_id), ("request", token), *beside)
    return replace(push, parameters=pairs, inside=push.inside or push.parameters)


def asked(push: Push) -> Pairs:
    """What an authorization request asks for, wherever it says it: every parameter but client_id."""
    return tuple((name, value) for name, value in push.inside or push.parameters if name != "client_id")


async def brings_no_code(
    par: Par,
    authorization: Authorization,
    push: Push,
    control: Callable[[], Push],
    refused: Callable[[PushAnswer], PushAnswer] = expect.refused,
) -> PushAnswer:
    """A faulty request is refused at the push, or later at the authorization endpoint; never a code."""
    answer = await par.send(push, control=control)
    if not answer.accepted:
        return refused(answer)
    outcome = await authorization.open(answer)
    if outcome.granted:
        flows.not_supplied_beside(par, answer)
        raise Violation(
            "code-issued",
            f"the request object was accepted and the authorization request brought a {outcome.ending}",
            expected="a refusal",
            received=outcome.summary,
        )
    right = needs_accepted(await par.send(control()))
    expect.no_code(outcome, control=await authorization.open(right))
    return answer


async def object_refused(
    par: Par,
    authorization: Authorization,
    target: Target,
    forgery: Forgery,
    wanted: Callable[[Client], bool] = lambda _: True,
) -> PushAnswer:
    """A request object with this fault brings no code, while the same one without it does."""
    client = signer(target, wanted)
    push = par.object(client, fault=forgery(client))
    return await brings_no_code(par, authorization, push, lambda: par.object(client))


def rewritten(client: RegisteredClient, change: Callable[[str], str]) -> jar.Fault:
    """An object whose claims, as JSON text, were changed before it was signed with the client's key."""
    key = jar.signing_key(client)

    def spoil(token: str) -> str:
        head, payload, _ = token.split(".")
        text = change(jws.from_base64url(payload).decode())
        return jws.encode(text.encode(), key, key.alg, json.loads(jws.from_base64url(head)))

    return jar.Fault(spoil=spoil)


# -- signatures that are not the client's ---------------------------------------------------------------------------


def tampered(_: RegisteredClient) -> jar.Fault:
    """One bit of the signature is turned."""
    return jar.Fault(spoil=jws.tampered)


def claims_changed(_: RegisteredClient) -> jar.Fault:
    """A claim was changed after the object was signed."""

    def spoil(token: str) -> str:
        head, _, signature = token.split(".")
        claims = {**jws.claims_of(token), "state": "changed-after-signing"}
        return ".".join((head, jws.encode(claims, None, "none", {}).split(".")[1], signature))

    return jar.Fault(spoil=spoil)


def own_kid_unknown_key(client: RegisteredClient) -> jar.Fault:
    """A key made on the spot under the name of the client's own."""
    own = jar.signing_key(client)
    return jar.Fault(key=generate_key(own.alg, own.kid))


def unknown_key(client: RegisteredClient) -> jar.Fault:
    """A key made on the spot, without a name."""
    return jar.Fault(key=generate_key(jar.signing_key(client).alg, "unknown"), header={"kid": None})


def certificate_of(key: SigningKey) -> x509.Certificate:
    """A self-signed certificate over a key, good for a day."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "par-conformance")])
    today = datetime.now(UTC)
    private = key.private
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())  # type: ignore[arg-type]
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(hours=1))
        .not_valid_after(today + timedelta(days=1))
    )
    return builder.sign(private, hashes.SHA256())  # type: ignore[arg-type]


def certificate_in_header(client: RegisteredClient) -> jar.Fault:
    """A key made on the spot, whose certificate stands in x5c."""
    key = generate_key(_with_certificate(jar.signing_key(client).alg), "certified")
    der = certificate_of(key).public_bytes(serialization.Encoding.DER)
    return jar.Fault(key=key, header={"x5c": [base64.b64encode(der).decode()], "kid": None})


def _with_certificate(alg: str) -> str:
    if alg == "EdDSA":
        raise NotApplicable("a certificate over an EdDSA key is signed without a hash: it is not tried")
    return alg


def pointed_to(client: RegisteredClient, name: str, url: str) -> tuple[jar.Fault, str]:
    """A key made on the spot to which jku or x5u points, and what has to stand at the URL."""
    alg = jar.signing_key(client).alg
    key = generate_key(_with_certificate(alg) if name == "x5u" else alg, "pointed-to")
    if name == "jku":
        return jar.Fault(key=key, header={"jku": url}), json.dumps({"keys": [key.public_jwk()]})
    text = certificate_of(key).public_bytes(serialization.Encoding.PEM).decode()
    return jar.Fault(key=key, header={"x5u": url, "kid": None}), text


def hmac_secrets(client: RegisteredClient) -> dict[str, bytes]:
    """The client's public key in the forms in which a confused server could take it for a secret."""
    own = jar.signing_key(client)
    pem = key_pem(own)
    der = base64.b64decode("".join(line for line in pem.splitlines() if not line.startswith("-----")))
    return {"pem": pem.encode(), "pem-trimmed": pem.strip().encode(), "der": der}


# -- where an object is sent ------------------------------------------------------------------------------------------


def reaches_loopback(target: Target) -> None:
    """Stop where the target does not run on this machine: it could not reach the suite's listener."""
    if split(target.authorization_endpoint).hostname not in LOOPBACK:
        raise NotApplicable("the target cannot reach the suite's listener on loopback")


def takes_objects_by_value(target: Target, client: RegisteredClient) -> None:
    """Stop where the authorization endpoint serves nothing but pushed requests."""
    if target.has(Feature.REQUIRE_PAR) or client.entry.require_par:
        raise NotApplicable("only pushed requests are served: nothing comes by value to the authorization endpoint")


async def by_value(
    authorization: Authorization,
    push: Push,
    repeated: tuple[str, ...] = (),
    changes: Mapping[str, Change] | None = None,
) -> Outcome:
    """Send a request object in the query of the authorization endpoint, some parameters repeated beside it."""
    beside = tuple((name, value) for name, value in asked(push) if name in repeated)
    redirect_uri = push.value("redirect_uri")
    return await authorization.visit(
        changed_pairs((*push.parameters, *beside), changes or {}), ends=[redirect_uri] if redirect_uri else []
    )


async def shape_by_value(
    par: Par, authorization: Authorization, client: RegisteredClient
) -> tuple[tuple[str, ...], Outcome]:
    """Which parameters this server wants beside an object by value, and the control that brought a code with them.

    NotExercised where no such request brings a code.
    """
    takes_objects_by_value(authorization.target, client)
    for repeated in BESIDE_OBJECT:
        outcome = await by_value(authorization, par.object(client), repeated)
        if outcome.ending is Ending.CODE:
            return repeated, outcome
    raise NotExercised(f"no request object by value brought a code: {outcome.summary}")


# -- encryption -------------------------------------------------------------------------------------------------------


async def server_key(target: Target, wire: Wire, kty: str = "") -> dict[str, object]:
    """The server's public encryption key, of a type if one is named. NotApplicable where it publishes none."""
    for key in await server_keys.published(target, wire):
        if key.get("use") == "enc" and str(key.get("kty", "")).startswith(kty):
            return key
    raise NotApplicable(f"the server publishes no encryption key{f' of the type {kty}' if kty else ''}")


def encryption(target: Target, client: RegisteredClient, kty: str) -> tuple[str, str]:
    """The JWE alg and enc that a client and the server share for a type of key. NotApplicable where there are none."""
    settings = jar.settings_of(client)
    algs = target.metadata.strings("request_object_encryption_alg_values_supported") or []
    encs = target.metadata.strings("request_object_encryption_enc_values_supported") or ["A128CBC-HS256"]
    wanted = [settings.encryption_alg] if settings.encryption_alg else [alg for alg in algs if alg != "RSA1_5"]
    fitting = [alg for alg in wanted if alg.startswith("RSA" if kty == "RSA" else "ECDH")]
    if not fitting:
        raise NotApplicable(f"no encryption algorithm for {kty} keys that the suite and the server share")
    return fitting[0], settings.encryption_enc or ("A256GCM" if "A256GCM" in encs else encs[0])


async def encrypted(
    par: Par, target: Target, wire: Wire, push: Push, payload: str | bytes | None = None, *, kty: str = ""
) -> Push:
    """A push whose request object is encrypted to the server; `payload` in place of the signed object."""
    wanted = jar.settings_of(push.client).encryption_alg
    if not kty and wanted:
        kty = "RSA" if wanted.startswith("RSA") else "EC"
    key = await server_key(target, wire, kty)
    alg, enc = encryption(target, push.client, str(key.get("kty")))
    token = dict(push.parameters)["request"] if payload is None else payload
    return with_object(push, jar.encrypt(token, key, alg, enc, nested=not isinstance(payload, bytes)))


def with_object(push: Push, token: str) -> Push:
    """The same push with another text in the place of its request object."""
    return replace(push, parameters=changed_pairs(push.parameters, {"request": token}))
