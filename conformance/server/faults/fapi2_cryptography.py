"""Faults of algorithms and keys (FAPI 2.0 Security Profile sections 5.4.1 and 5.4.2)."""

from __future__ import annotations

import secrets
from typing import Any

from conformance.profile.keyring import generate_key
from conformance.server import jose, keys
from conformance.server.app import AuthorizationServer
from conformance.server.clients import RegisteredClient
from conformance.server.faults import FAPI, fault
from conformance.server.records import Token


@fault("fapi2-security-profile-5.4.1-other-assertion-algs-refused", profile=FAPI)
class AnyRsaAssertionWillDo(AuthorizationServer):
    """BUG: a client with an RSA key may sign its assertions by RS256 (FAPI 2.0 section 5.4.1)."""

    def verify_assertion_algorithm(self, client: RegisteredClient, jws: jose.Jws) -> None:
        """RSA is RSA."""
        if jws.alg != "RS256":
            super().verify_assertion_algorithm(client, jws)

    def keys_of(self, client: RegisteredClient, jws: jose.Jws) -> list[Any]:
        """For RS256 those for PS256."""
        if jws.alg != "RS256":
            return super().keys_of(client, jws)
        return [key for key in client.keys if key.alg == "PS256"]


@fault(
    "fapi2-security-profile-5.4.1-other-request-object-algs-refused",
    "openid-core-6.3.2-alg-must-match-registration",
    "rfc9101-6.2-unregistered-alg-refused",
    profile=FAPI,
)
class AnyRsaObjectWillDo(AuthorizationServer):
    """BUG: a client with an RSA key may sign its request objects by RS256 (FAPI 2.0 section 5.4.1)."""

    def check_object_algorithm(self, client: RegisteredClient, jws: jose.Jws) -> None:
        """RSA is RSA."""
        if jws.alg != "RS256":
            super().check_object_algorithm(client, jws)

    def keys_of(self, client: RegisteredClient, jws: jose.Jws) -> list[Any]:
        """For RS256 those for PS256."""
        if jws.alg != "RS256":
            return super().keys_of(client, jws)
        return [key for key in client.keys if key.alg == "PS256"]


@fault("fapi2-security-profile-5.4.1-other-proof-algs-refused", profile=FAPI)
class ProofsMayBeSignedByAnything(AuthorizationServer):
    """BUG: proofs may be signed by every algorithm that the library knows, and the metadata say so (section 5.4.1)."""

    def proof_algs(self) -> list[str]:
        """All."""
        return list(jose.ASYMMETRIC)


@fault("fapi2-security-profile-5.4.1-id-token-alg", profile=FAPI)
class IdTokenByRs256(AuthorizationServer):
    """BUG: ID tokens are signed by RS256 (FAPI 2.0 section 5.4.1)."""

    def public_jwks(self) -> list[dict[str, Any]]:
        """With its key."""
        return [*super().public_jwks(), keys.signing_key("RS256").public_jwk()]

    def openid_metadata(self) -> dict[str, Any]:
        """As it is."""
        return {**super().openid_metadata(), "id_token_signing_alg_values_supported": ["RS256"]}

    def id_token(self, *arguments: Any) -> str:
        """Sign with it."""
        return keys.signing_key("RS256").sign(self.id_token_claims(*arguments))


@fault("fapi2-security-profile-5.4.1-jwt-access-token-alg", profile=FAPI, settings={"access_tokens": "jwt"})
class AccessTokenByRs256(AuthorizationServer):
    """BUG: access tokens are signed by RS256 (FAPI 2.0 section 5.4.1)."""

    def sign_access_token(self, token: Token) -> str:
        """Sign with it."""
        claims = self.token_members(token) | {"jti": token.value}
        return keys.signing_key("RS256").sign(claims, {"typ": "at+jwt"})


@fault("fapi2-security-profile-5.4.2-no-key-urls-in-headers", profile=FAPI, settings={"access_tokens": "jwt"})
class AccessTokenPointsToKeys(AuthorizationServer):
    """BUG: access tokens say by jku where their key is (FAPI 2.0 section 5.4.2)."""

    def sign_access_token(self, token: Token) -> str:
        """Add the header."""
        claims = self.token_members(token) | {"jti": token.value}
        return keys.signing_key(self.settings.own_alg).sign(claims, {"typ": "at+jwt", "jku": self.url("jwks")})


@fault("fapi2-security-profile-5.4.1-none-not-advertised", profile=FAPI)
class NoneIsAdvertised(AuthorizationServer):
    """BUG: the metadata list none for ID tokens (FAPI 2.0 section 5.4.1)."""

    def openid_metadata(self) -> dict[str, Any]:
        """One more."""
        return {**super().openid_metadata(), "id_token_signing_alg_values_supported": [self.settings.own_alg, "none"]}


class _Keys(AuthorizationServer):
    def further(self) -> dict[str, Any]:
        """A key that is published beside the others."""
        return {}

    def public_jwks(self) -> list[dict[str, Any]]:
        """One more."""
        return [*super().public_jwks(), self.further()]


@fault("fapi2-security-profile-5.4.1-server-rsa-keys-2048-bits", profile=FAPI)
class ShortRsaKey(_Keys):
    """BUG: an RSA key of 1024 bits is among the server's keys (FAPI 2.0 section 5.4.1)."""

    def further(self) -> dict[str, Any]:
        """A number of half the length."""
        number = (1 << 1023) | secrets.randbits(1022) | 1
        return {
            "kty": "RSA",
            "use": "sig",
            "alg": "PS256",
            "kid": "old",
            "e": "AQAB",
            "n": jose.encode(number.to_bytes(128, "big")),
        }


@fault("fapi2-security-profile-5.4.1-server-ec-keys-224-bits", profile=FAPI)
class SmallCurve(_Keys):
    """BUG: a key on the curve P-192 is among the server's keys (FAPI 2.0 section 5.4.1)."""

    def further(self) -> dict[str, Any]:
        """Two numbers of 192 bits."""
        x, y = (jose.encode(secrets.token_bytes(24)) for _ in range(2))
        return {"kty": "EC", "use": "sig", "kid": "small", "crv": "P-192", "x": x, "y": y}


@fault("fapi2-security-profile-5.4.2-no-duplicate-kid", profile=FAPI)
class TwoKeysOfOneName(_Keys):
    """BUG: two keys of the server have one kid (FAPI 2.0 section 5.4.2)."""

    def further(self) -> dict[str, Any]:
        """Another key under a known name."""
        return {**generate_key("ES256", "x").public_jwk(), "kid": keys.signing_key("ES256").kid}
