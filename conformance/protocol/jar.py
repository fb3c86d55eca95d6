"""Request objects (RFC 9101): made right, and wrong on purpose."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from joserfc import jwe
from joserfc.jwk import ECKey, OKPKey, RSAKey

from conformance.profile.keyring import SigningKey
from conformance.profile.model import RequestObjects
from conformance.protocol import jws
from conformance.target import RegisteredClient, Target
from conformance.verdict import NotApplicable, NotExercised

#: Parameters whose values are numbers or structures in a request object (RFC 9101 section 4).
_STRUCTURED = frozenset({"authorization_details", "claims"})
_NUMBERS = frozenset({"max_age"})


@dataclass(frozen=True)
class Fault:
    """What is wrong in a request object: changes to claims and header, another key or algorithm, a spoilt JWT.

    Values of claims may be functions of now (Unix seconds).
    """

    claims: Mapping[str, Any] = field(default_factory=dict)
    header: Mapping[str, Any] = field(default_factory=dict)
    key: SigningKey | bytes | None = field(default=None, repr=False)
    alg: str | None = None
    spoil: Callable[[str], str] | None = None


RIGHT = Fault()


def settings_of(client: RegisteredClient) -> RequestObjects:
    """How a client makes request objects. NotApplicable if it does not use them."""
    if client.entry.request_objects is None:
        raise NotApplicable(f"the client of the role {client.role!r} has no `request_objects` in the profile")
    return client.entry.request_objects


def signing_key(client: RegisteredClient) -> SigningKey:
    """The key that the client's request objects are signed with. NotApplicable if it has none."""
    alg = settings_of(client).alg
    try:
        return client.credentials.key(alg)
    except KeyError as missing:
        raise NotApplicable(f"the client of the role {client.role!r} has no key for {alg}") from missing


def claims_for(client: RegisteredClient, target: Target, parameters: Mapping[str, Any], now: float) -> dict[str, Any]:
    """The claims that carry authorization parameters (RFC 9101 section 4), structures as JSON, numbers as numbers."""
    carried = {name: _as_claim(name, value) for name, value in parameters.items()}
    return {
        "iss": client.client_id,
        "aud": target.issuer,
        "iat": int(now),
        "nbf": int(now),
        "exp": int(now) + settings_of(client).lifetime,
        "jti": str(uuid.uuid4()),
        **carried,
    }


def _as_claim(name: str, value: Any) -> Any:
    if name in _STRUCTURED and isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            return value
    if name in _NUMBERS and isinstance(value, str) and value.isdigit():
        return int(value)
    return value


def request_object(
    client: RegisteredClient,
    target: Target,
    parameters: Mapping[str, Any],
    now: float | None = None,
    fault: Fault = RIGHT,
) -> str:
    """A signed request object with these authorization parameters, and a fault where one is wanted."""
    now = time.time() if now is None else now
    settings = settings_of(client)
    key = fault.key if fault.key is not None else signing_key(client)
    alg = fault.alg or (key.alg if isinstance(key, SigningKey) else "HS256")
    header: dict[str, Any] = {"alg": alg}
    if settings.typ:
        header["typ"] = settings.typ
    if isinstance(key, SigningKey):
        header["kid"] = key.kid
    changes = {name: value(now) if callable(value) else value for name, value in fault.claims.items()}
    token = jws.encode(
        jws.changed(claims_for(client, target, parameters, now), changes),
        None if alg == "none" else key,
        alg,
        jws.changed(header, fault.header),
    )
    return fault.spoil(token) if fault.spoil else token


def encrypt(payload: str | bytes, jwk: Mapping[str, Any], alg: str, enc: str, *, nested: bool = True) -> str:
    """A compact JWE over a payload to the server's key; `nested`: the payload is a JWT (RFC 7519 section 5.2)."""
    header = {"alg": alg, "enc": enc}
    if nested:
        header["cty"] = "JWT"
    if "kid" in jwk:
        header["kid"] = str(jwk["kid"])
    kinds: dict[str, Any] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
    kind = kinds.get(str(jwk.get("kty")))
    if kind is None:
        raise NotExercised(f"the server's encryption key is of the unknown type {jwk.get('kty')!r}")
    data = payload.encode() if isinstance(payload, str) else payload
    registry = jwe.JWERegistry(algorithms=[alg, enc])
    return jwe.encrypt_compact(header, data, kind.import_key(dict(jwk)), registry=registry)
