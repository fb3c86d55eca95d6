"""Reading and verifying compact JWS, strictly: what arrives is hostile."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from dataclasses import dataclass
from typing import Any, cast

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

#: Algorithms that the server knows; `none` is not among them.
ASYMMETRIC = (
    "ES256",
    "ES384",
    "ES512",
    "PS256",
    "PS384",
    "PS512",
    "RS256",
    "RS384",
    "RS512",
    "EdDSA",
)
SYMMETRIC = ("HS256", "HS384", "HS512")

_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


@dataclass(frozen=True)
class Jws:
    """A compact JWS that nobody has verified yet."""

    header: dict[str, Any]
    payload: bytes
    signed: bytes
    signature: bytes

    @property
    def alg(self) -> str:
        """The alg header, or an empty text where it is no text."""
        alg = self.header.get("alg")
        return alg if isinstance(alg, str) else ""

    @property
    def kid(self) -> str | None:
        """The kid header; ValueError where it is no text."""
        kid = self.header.get("kid")
        if kid is not None and not isinstance(kid, str):
            raise ValueError("kid is no text")
        return kid

    @property
    def typ(self) -> str | None:
        """The typ header in lower case, without application/; ValueError where it is no text."""
        typ = self.header.get("typ")
        if typ is None:
            return None
        if not isinstance(typ, str):
            raise ValueError("typ is no text")  # noqa: TRY004 - every mistake is told alike
        return typ.lower().removeprefix("application/") or None

    def claims(self) -> dict[str, Any]:
        """The payload as claims; ValueError where it is no JSON object."""
        claims = parse_json(self.payload)
        if not isinstance(claims, dict):
            raise ValueError("the claims are no JSON object")  # noqa: TRY004
        return claims


def parse_jws(text: str) -> Jws:
    """The parts of a compact JWS. ValueError for anything else, and for critical headers that nobody knows."""
    parts = text.split(".")
    if len(parts) != 3:
        raise ValueError("not a compact JWS")
    header = parse_json(decode(parts[0]))
    if not isinstance(header, dict) or "crit" in header:
        raise ValueError("the header cannot be understood")
    return Jws(header, decode(parts[1]), f"{parts[0]}.{parts[1]}".encode("ascii"), decode(parts[2]))


def verify(jws: Jws, key: Any, alg: str) -> bool:
    """Whether the signature is one of `key` with `alg`. The alg header is the caller's to judge."""
    if alg not in ASYMMETRIC and alg not in SYMMETRIC:
        return False
    return bool(jwt.get_algorithm_by_name(alg).verify(jws.signed, key, jws.signature))


def decode(text: str) -> bytes:
    """Base64url without padding. ValueError for anything else."""
    if not _BASE64URL.fullmatch(text):
        raise ValueError("not base64url")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def encode(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def parse_json(raw: bytes | str) -> object:
    """JSON without what readers disagree on: repeated members, NaN, lone surrogates, endless depth. ValueError."""
    data = raw.encode("utf-8") if isinstance(raw, str) else raw
    try:
        value = cast(
            object,
            json.loads(
                data.decode("utf-8"),
                object_pairs_hook=_members,
                parse_constant=_no_constant,
                parse_float=_finite,
            ),
        )
    except RecursionError:
        raise ValueError("the JSON is too deep") from None
    if _SURROGATE.search(data):
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    return value


def seconds(value: object) -> float | None:
    """A NumericDate as float; None where the claim is absent. ValueError where it is no usable number."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) > 1e15:
        raise ValueError("not a NumericDate")
    return float(value)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is there twice")
    return members


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("the number is too large")
    return value


#: Which key an asymmetric algorithm needs: kty, and crv where the type has curves.
_KEY_OF = {
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
}
_THUMBPRINT_MEMBERS = {
    "EC": ("crv", "kty", "x", "y"),
    "OKP": ("crv", "kty", "x"),
    "RSA": ("e", "kty", "n"),
}


def load_public_jwk(jwk: object, alg: str) -> Any:
    """The public key in a JWK that somebody sent, for one asymmetric algorithm. ValueError if it is none, holds
    private members, does not fit the algorithm, or is weak."""
    if not isinstance(jwk, dict) or alg not in ASYMMETRIC:
        raise ValueError("no public key for an asymmetric algorithm")
    if not {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}.isdisjoint(jwk):
        raise ValueError("the key is private")
    if (jwk.get("kty"), jwk.get("crv")) != _KEY_OF.get(alg, ("RSA", None)):
        raise ValueError("the key does not fit the algorithm")
    try:
        key = jwt.PyJWK(jwk, algorithm=alg).key
    except (jwt.PyJWTError, TypeError, KeyError, AttributeError, UnsupportedAlgorithm) as error:
        raise ValueError("the key cannot be read") from error
    if getattr(key, "key_size", 2048) < 2048 and alg not in _KEY_OF:
        raise ValueError("the key is weak")
    return key


def pem(key: Any) -> bytes:
    """A public key in PEM."""
    encoded: bytes = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return encoded


def thumbprint(jwk: dict[str, Any]) -> str:
    """The SHA-256 thumbprint of a JWK (RFC 7638)."""
    members = {name: jwk[name] for name in _THUMBPRINT_MEMBERS[jwk["kty"]]}
    return encode(hashlib.sha256(json.dumps(members, separators=(",", ":")).encode()).digest())
