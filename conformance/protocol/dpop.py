"""DPoP proofs (RFC 9449)."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.profile.keyring import SigningKey, generate_key
from conformance.protocol import jws
from conformance.protocol.jws import base64url


@dataclass(frozen=True)
class DpopKey:
    """The key of one flow."""

    key: SigningKey = field(default_factory=lambda: generate_key("ES256", "dpop"), repr=False)

    @property
    def jwk(self) -> dict[str, Any]:
        """The public key as it stands in a proof."""
        return {
            name: value for name, value in self.key.public_jwk().items() if name in {"kty", "crv", "x", "y", "n", "e"}
        }

    @property
    def thumbprint(self) -> str:
        """The SHA-256 thumbprint of the key (RFC 7638): what dpop_jkt says."""
        return base64url(hashlib.sha256(json.dumps(self.jwk, sort_keys=True, separators=(",", ":")).encode()).digest())


@dataclass(frozen=True)
class Fault:
    """What is wrong in a proof: changes to claims and header, another signing key, a change of the finished JWT."""

    claims: Mapping[str, Any] = field(default_factory=dict)
    header: Mapping[str, Any] = field(default_factory=dict)
    signer: SigningKey | bytes | None = field(default=None, repr=False)
    alg: str | None = None
    spoil: Callable[[str], str] | None = None


RIGHT = Fault()


def proof(
    key: DpopKey,
    method: str,
    url: str,
    now: float,
    *,
    nonce: str | None = None,
    access_token: str | None = None,
    fault: Fault = RIGHT,
) -> str:
    """A DPoP proof (RFC 9449 section 4.2), with a fault where one is wanted. `now` in Unix seconds."""
    claims: dict[str, Any] = {
        "jti": str(uuid.uuid4()),
        "htm": method,
        "htu": url.split("?")[0].split("#")[0],
        # A second ago: a server whose clock is a moment behind may take nothing from the future.
        "iat": int(now) - 1,
    }
    if nonce is not None:
        claims["nonce"] = nonce
    if access_token is not None:
        claims["ath"] = base64url(hashlib.sha256(access_token.encode()).digest())
    changes = {name: value(now) if callable(value) else value for name, value in fault.claims.items()}
    alg = fault.alg or key.key.alg
    header = jws.changed({"typ": "dpop+jwt", "alg": alg, "jwk": key.jwk}, fault.header)
    signer = None if alg == "none" else fault.signer or key.key
    token = jws.encode(jws.changed(claims, changes), signer, alg, header)
    return fault.spoil(token) if fault.spoil else token
