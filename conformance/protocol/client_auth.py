"""Client authentication (RFC 6749 section 2.3, RFC 7523, RFC 8705): right in every method, and wrong on purpose.

An `Authentication` makes a `Proof` for one request at the moment it is sent, because client assertions are used once.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus

from conformance.http.message import Pairs
from conformance.profile.keyring import SigningKey
from conformance.protocol import jws
from conformance.target import RegisteredClient, Target
from conformance.verdict import NotApplicable

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
#: How long an ordinary client assertion lives (seconds).
LIFETIME = 60


@dataclass(frozen=True)
class Proof:
    """What authentication adds to a request. `certificate` names the role whose certificate is shown."""

    headers: Pairs = ()
    form: Pairs = field(default=(), repr=False)
    certificate: str | None = None


@dataclass(frozen=True)
class Occasion:
    """For whom and where a proof is made."""

    client: RegisteredClient
    target: Target
    endpoint: str
    now: float


Authentication = Callable[[Occasion], Proof]


def registered(occasion: Occasion) -> Proof:
    """Authenticate as the client is registered."""
    client = occasion.client
    match client.entry.auth:
        case "client_secret_basic":
            return basic(client.client_id, client.credentials.secret or "")
        case "client_secret_post":
            return post(client.credentials.secret or "")
        case "client_secret_jwt" | "private_key_jwt":
            return assertion()(occasion)
        case "tls_client_auth" | "self_signed_tls_client_auth":
            return Proof(certificate=client.role)
        case "none":
            return Proof()


def basic(client_id: str, secret: str) -> Proof:
    """HTTP Basic, user and password form-encoded first (RFC 6749 section 2.3.1)."""
    text = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return Proof(headers=(("Authorization", "Basic " + base64.b64encode(text.encode()).decode()),))


def post(secret: str) -> Proof:
    """The secret in the body (RFC 6749 section 2.3.1)."""
    return Proof(form=(("client_secret", secret),))


def identification(client: RegisteredClient, proof: Proof) -> Pairs:
    """The client_id of a token request's body: there unless the credentials are HTTP Basic (RFC 6749 section 4.1.3).

    HTTP Basic says whose it is, and a server may take a client_id beside it for a second method (section 2.3).
    """
    by_basic = bool(proof.headers) and not proof.form
    return () if by_basic else (("client_id", client.client_id),)


def nothing(_: Occasion) -> Proof:
    """No credentials at all."""
    return Proof()


def signing(client: RegisteredClient) -> tuple[str, SigningKey | bytes]:
    """The algorithm and key of a client's ordinary assertions. NotApplicable if it has no key."""
    if client.entry.auth == "client_secret_jwt":
        return client.entry.assertion_alg or "HS256", (client.credentials.secret or "").encode()
    try:
        key = client.credentials.key(client.entry.assertion_alg)
    except KeyError as missing:
        raise NotApplicable(f"the client of the role {client.role!r} has no signing key") from missing
    return key.alg, key


def audience(occasion: Occasion) -> str:
    """The aud of a client's ordinary assertion, as its profile entry says."""
    target = occasion.target
    match occasion.client.entry.assertion_audience:
        case "issuer":
            return target.issuer
        case "endpoint":
            return occasion.endpoint
        case "token_endpoint":
            return target.token_endpoint
        case "pushed_authorization_request_endpoint":
            return target.par_endpoint


def assertion_claims(occasion: Occasion, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The claims of an ordinary client assertion (RFC 7523 section 3) with changes; None takes a claim out."""
    client = occasion.client
    return jws.changed(
        {
            "iss": client.client_id,
            "sub": client.client_id,
            "aud": audience(occasion),
            "iat": int(occasion.now),
            "exp": int(occasion.now) + LIFETIME,
            "jti": str(uuid.uuid4()),
        },
        changes,
    )


def assertion(
    claims: Mapping[str, Any] | None = None,
    header: Mapping[str, Any] | None = None,
    *,
    key: SigningKey | bytes | None = None,
    alg: str | None = None,
    spoil: Callable[[str], str] | None = None,
    assertion_type: str | None = ASSERTION_TYPE,
) -> Authentication:
    """A client assertion with changes to claims, header, key or algorithm. `spoil` changes the finished JWT.

    Times in `claims` may be given as a function of now (Unix seconds).
    """

    def prove(occasion: Occasion) -> Proof:
        own_alg, own_key = signing(occasion.client)
        used_key = key if key is not None else own_key
        used_alg = alg or (key.alg if isinstance(key, SigningKey) else own_alg)
        changes = {name: value(occasion.now) if callable(value) else value for name, value in (claims or {}).items()}
        base: dict[str, Any] = {"alg": used_alg, "typ": "JWT"}
        if isinstance(own_key, SigningKey):
            base["kid"] = used_key.kid if isinstance(used_key, SigningKey) else own_key.kid
        signer = None if used_alg == "none" else used_key
        token = jws.encode(assertion_claims(occasion, changes), signer, used_alg, jws.changed(base, header or {}))
        form: list[tuple[str, str]] = []
        if assertion_type is not None:
            form.append(("client_assertion_type", assertion_type))
        form.append(("client_assertion", spoil(token) if spoil else token))
        return Proof(form=tuple(form))

    return prove


def fixed(proof: Proof) -> Authentication:
    """The very same proof again: a replay."""
    return lambda _: proof


def both(*ways: Authentication) -> Authentication:
    """Several methods in one request."""

    def prove(occasion: Occasion) -> Proof:
        proofs = [way(occasion) for way in ways]
        return Proof(
            headers=tuple(header for proof in proofs for header in proof.headers),
            form=tuple(pair for proof in proofs for pair in proof.form),
            certificate=next((proof.certificate for proof in proofs if proof.certificate), None),
        )

    return prove


def wrong(occasion: Occasion) -> Proof:
    """The registered method with a credential that is not the client's: one change, everything else right."""
    client = occasion.client
    match client.entry.auth:
        case "client_secret_basic":
            return basic(client.client_id, near_miss(client.credentials.secret or ""))
        case "client_secret_post":
            return post(near_miss(client.credentials.secret or ""))
        case "client_secret_jwt" | "private_key_jwt":
            return assertion(spoil=jws.tampered)(occasion)
        case "none":
            raise NotApplicable("a public client has no credential that could be wrong")
        case _:
            raise NotApplicable("another certificate is shown by the checks of mutual TLS")


def near_miss(secret: str) -> str:
    """A secret of the same length that differs in its last character only."""
    last = "b" if secret[-1:] == "a" else "a"
    return secret[:-1] + last
