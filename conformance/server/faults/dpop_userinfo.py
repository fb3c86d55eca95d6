"""Faults of bound access tokens at the UserInfo endpoint (RFC 9449 section 7)."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from conformance.server import jose
from conformance.server.app import AuthorizationServer
from conformance.server.dpop import invalid_proof
from conformance.server.faults import fault
from conformance.server.records import Token

PROOF_REQUIRED = "rfc9449-7.1-proof-required-at-userinfo"
KEY_COMPARED = "rfc9449-7.1-key-compared-at-userinfo"
PROOF_CHECKED = "rfc9449-7.1-proof-checked-at-userinfo"
ATH_CHECKED = "rfc9449-7.1-ath-checked-at-userinfo"
NO_BEARER = "rfc9449-7.2-bound-token-as-bearer-refused"


@fault(PROOF_REQUIRED, KEY_COMPARED, PROOF_CHECKED, ATH_CHECKED, NO_BEARER)
class UserinfoKnowsNoBinding(AuthorizationServer):
    """BUG: at the UserInfo endpoint a bound token is worth as much as any other (RFC 9449 section 7.1)."""

    def check_token_binding(self, request: web.Request, token: Token, scheme: str) -> None:
        """Look at bearer tokens and at certificates."""
        if token.jkt is None:
            super().check_token_binding(request, token, scheme)


@fault(PROOF_REQUIRED)
class UserinfoNeedsNoProof(AuthorizationServer):
    """BUG: the UserInfo endpoint checks a proof that is there, and misses none (RFC 9449 section 7.1)."""

    def check_token_binding(self, request: web.Request, token: Token, scheme: str) -> None:
        """The scheme has to be right, at least."""
        if scheme.lower() != "dpop" or "DPoP" in request.headers:
            super().check_token_binding(request, token, scheme)


@fault(KEY_COMPARED)
class UserinfoTakesAnyKey(AuthorizationServer):
    """BUG: the UserInfo endpoint checks proofs, and not whose they are (RFC 9449 section 7.1)."""

    def proof_at_resource(self, request: web.Request, token: Token) -> str | None:
        """Any key is the right one."""
        return token.jkt if super().proof_at_resource(request, token) else None


@fault(PROOF_CHECKED, ATH_CHECKED)
class UserinfoReadsOnlyTheKey(AuthorizationServer):
    """BUG: at the UserInfo endpoint the key of a proof is read, and nothing is checked (RFC 9449 section 7.1)."""

    def proof_at_resource(self, request: web.Request, token: Token) -> str | None:
        """Read the key."""
        if "DPoP" not in request.headers:
            return None
        try:
            return jose.thumbprint(jose.parse_jws(request.headers["DPoP"]).header["jwk"])
        except (ValueError, KeyError):
            raise invalid_proof() from None


@fault(PROOF_CHECKED)
class UserinfoTakesProofsForOthers(AuthorizationServer):
    """BUG: at the UserInfo endpoint a proof may be made for any URL (RFC 9449 section 7.1)."""

    def check_proof_target(self, endpoint: str, claims: dict[str, Any]) -> None:
        """Not here."""
        if endpoint != "userinfo":
            super().check_proof_target(endpoint, claims)


@fault(PROOF_CHECKED)
class UserinfoTakesProofsOfAnyMethod(AuthorizationServer):
    """BUG: at the UserInfo endpoint a proof may be made for any method (RFC 9449 section 7.1)."""

    def check_proof_method(self, request: web.Request, claims: dict[str, Any]) -> None:
        """Not here."""
        if not request.path.endswith("/userinfo"):
            super().check_proof_method(request, claims)


@fault(ATH_CHECKED)
class AthIsNotCompared(AuthorizationServer):
    """BUG: ath has to be there, and is not compared with the access token (RFC 9449 section 7.1)."""

    def check_proof_token(self, claims: dict[str, Any], access_token: str | None) -> None:
        """Only see that it is there."""
        if access_token is not None and not isinstance(claims.get("ath"), str):
            raise invalid_proof()


@fault(ATH_CHECKED)
class AthMayBeMissing(AuthorizationServer):
    """BUG: ath is compared with the access token only where it is there (RFC 9449 section 7.1)."""

    def check_proof_token(self, claims: dict[str, Any], access_token: str | None) -> None:
        """Compare what is there."""
        if "ath" in claims:
            super().check_proof_token(claims, access_token)


@fault(NO_BEARER)
class BoundTokenIsABearerToken(AuthorizationServer):
    """BUG: under the scheme Bearer the UserInfo endpoint takes bound tokens as well (RFC 9449 section 7.2)."""

    def check_token_binding(self, request: web.Request, token: Token, scheme: str) -> None:
        """The scheme of bearer tokens asks for no proof."""
        if scheme.lower() != "bearer":
            super().check_token_binding(request, token, scheme)
