"""Compact JWS (RFC 7515) built piece by piece: a library refuses to make most of what a checker must send."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import jwt

from conformance.http.message import parse_json_object
from conformance.profile.keyring import SigningKey


def base64url(data: bytes) -> str:
    """Base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """The bytes of base64url text, padding optional. ValueError if it is none."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def changed(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The mapping with changes on top; a change to None takes the member out."""
    return {name: value for name, value in {**values, **changes}.items() if value is not None}


def signature(alg: str, key: SigningKey | bytes, message: bytes) -> bytes:
    """The signature of a message under a JWS algorithm (RFC 7518); `key` is bytes for HS*."""
    algorithm = jwt.get_algorithm_by_name(alg)
    return algorithm.sign(message, key.private if isinstance(key, SigningKey) else key)


def encode(
    claims: Mapping[str, Any] | bytes, key: SigningKey | bytes | None, alg: str, header: Mapping[str, Any]
) -> str:
    """A compact JWS. `header` is used as it is; `alg` is what really signs; without a key there is no signature."""
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    message = f"{base64url(json.dumps(dict(header)).encode())}.{base64url(payload)}"
    signed = b"" if key is None else signature(alg, key, message.encode())
    return f"{message}.{base64url(signed)}"


def claims_of(token: str) -> dict[str, Any]:
    """The claims of a JWS, its signature not looked at; empty where there are none to read."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        return parse_json_object(from_base64url(parts[1])) or {}
    except ValueError:
        return {}


def last_claims_of(token: str) -> dict[str, Any]:
    """The claims of a JWS, of a claim that stands twice the last one (RFC 7519 section 4 lets a parser read it so)."""
    try:
        claims = json.loads(from_base64url(token.split(".")[1]))
    except (ValueError, IndexError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}


def tampered(token: str) -> str:
    """The same token with one bit of its signature turned (its first byte: the last may hold unused bits)."""
    head, _, signed = token.rpartition(".")
    raw = bytearray(from_base64url(signed))
    raw[0] ^= 1
    return f"{head}.{base64url(bytes(raw))}"
