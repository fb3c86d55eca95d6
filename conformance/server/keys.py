"""The server's own keys: made once a process, for making them costs more than starting a server."""

from __future__ import annotations

from functools import cache
from typing import Any

from joserfc.jwk import ECKey, RSAKey

from conformance.profile.keyring import SigningKey, generate_key

#: Algorithms in which request objects may be encrypted for the server.
ENCRYPTION_ALGS = ("RSA-OAEP", "RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW")
ENCRYPTION_ENCS = ("A128GCM", "A256GCM", "A128CBC-HS256", "A256CBC-HS512")


@cache
def signing_key(alg: str) -> SigningKey:
    """The key that the server signs with in an algorithm."""
    return generate_key(alg, f"server-{alg}")


@cache
def decryption_key(kty: str) -> RSAKey | ECKey:
    """The private key that the server decrypts with: RSA or EC."""
    if kty == "RSA":
        return RSAKey.generate_key(2048, {"kid": "server-enc-RSA", "use": "enc"}, private=True)
    return ECKey.generate_key("P-256", {"kid": "server-enc-EC", "use": "enc"}, private=True)


def public_jwks(alg: str = "RS256", *, encryption: bool) -> list[dict[str, Any]]:
    """The public halves, as the JWK set shows them; `alg` is what the server signs with."""
    keys = [signing_key(one).public_jwk() for one in dict.fromkeys(("ES256", alg))]
    if encryption:
        keys += [dict(decryption_key(kty).as_dict(private=False)) for kty in ("EC", "RSA")]
    return keys
