"""Proof Key for Code Exchange (RFC 7636)."""

from __future__ import annotations

import hashlib
import secrets

from conformance.protocol.jws import base64url


def new_verifier() -> str:
    """A code_verifier of 43 characters, 256 random bits (RFC 7636 section 4.1)."""
    return secrets.token_urlsafe(32)


def challenge(verifier: str) -> str:
    """The S256 code_challenge of a code_verifier (RFC 7636 section 4.2)."""
    return base64url(hashlib.sha256(verifier.encode("ascii")).digest())
