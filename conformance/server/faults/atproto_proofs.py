"""Faults of DPoP proofs and nonces in the OAuth profile of the AT protocol."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from conformance.server import jose
from conformance.server.app import AuthorizationServer
from conformance.server.clients import RegisteredClient
from conformance.server.dpop import invalid_proof
from conformance.server.faults import AT, fault
from conformance.server.records import Parameters


@fault("atproto-oauth-demonstrating-proof-of-possession-d-po-p-push-without-proof-refused", profile=AT)
class PushNeedsNoKey(AuthorizationServer):
    """BUG: a push needs no key (demonstrating-proof-of-possession-d-po-p)."""

    def bind_key(self, client: RegisteredClient, parameters: Parameters, jkt: str | None) -> None:
        """Only where there is one."""
        if jkt is not None or "dpop_jkt" in parameters:
            super().bind_key(client, parameters, jkt)


@fault("atproto-oauth-demonstrating-proof-of-possession-d-po-p-nonce-in-every-answer", profile=AT)
class ErrorsHaveNoNonce(AuthorizationServer):
    """BUG: errors, but for the demand for a nonce, come without one (demonstrating-proof-of-possession-d-po-p)."""

    def nonce_headers(self, request: web.Request) -> dict[str, str]:
        """Only for successes."""
        return {} if request.get("failed") else super().nonce_headers(request)

    def error_headers(self, request: web.Request, error: Any) -> dict[str, str]:
        """Note that this is an error."""
        request["failed"] = True
        return super().error_headers(request, error)


@fault("atproto-oauth-demonstrating-proof-of-possession-d-po-p-nonce-lives-5-minutes-at-most", profile=AT)
class NoncesLiveLong(AuthorizationServer):
    """BUG: every nonce that was ever issued is good (demonstrating-proof-of-possession-d-po-p)."""

    def check_proof_nonce(self, claims: dict[str, Any]) -> None:
        """Take the newest for it."""
        known: set[object] = self.__dict__.setdefault("known", set())
        if claims.get("nonce") not in known:
            super().check_proof_nonce(claims)

    def current_nonce(self) -> str:
        """Keep it for ever."""
        nonce = super().current_nonce()
        self.__dict__.setdefault("known", set()).add(nonce)
        return nonce


@fault("atproto-oauth-demonstrating-proof-of-possession-d-po-p-stale-nonce-accepted", profile=AT)
class OnlyTheNewestNonce(AuthorizationServer):
    """BUG: the nonce before the newest is refused at once (demonstrating-proof-of-possession-d-po-p)."""

    def check_proof_nonce(self, claims: dict[str, Any]) -> None:
        """Nothing but the newest."""
        stale = claims.get("nonce") != self.current_nonce()
        super().check_proof_nonce({**claims, "nonce": None} if stale else claims)


@fault(
    "atproto-oauth-demonstrating-proof-of-possession-d-po-p-nonce-demanded-on-push",
    "rfc9449-11.3-proof-without-nonce-refused",
    profile=AT,
)
class PushNeedsNoNonce(AuthorizationServer):
    """BUG: only the token endpoint demands a nonce (demonstrating-proof-of-possession-d-po-p)."""

    def read_proof(self, request: web.Request, endpoint: str, access_token: str | None = None) -> str | None:
        """Note where this is."""
        self.at_push = endpoint == "pushed_authorization_request"
        return super().read_proof(request, endpoint, access_token)

    at_push = False

    def check_proof_nonce(self, claims: dict[str, Any]) -> None:
        """Not at the push, where there is none."""
        if not self.at_push or "nonce" in claims:
            super().check_proof_nonce(claims)


@fault(
    "atproto-oauth-demonstrating-proof-of-possession-d-po-p-es256-proofs-accepted",
    "atproto-oauth-confidential-client-authentication-es256-assertions-accepted",
    "atproto-oauth-pushed-authorization-requests-par-pushes-supported",
    "rfc7523-2.2-assertion-accepted",
    "rfc9126-2-post-form",
    "rfc9126-2-token-endpoint-methods-accepted",
    "rfc9126-2.1-public-client-served",
    "rfc9126-5-endpoint-usable",
    "rfc9449-10.1-dpop-header-supported",
    "rfc9449-10.1-dpop-jkt-supported",
    profile=AT,
    alone=True,
)
class ProofsByEs256AreRefused(AuthorizationServer):
    """BUG: proofs by ES256 are refused (demonstrating-proof-of-possession-d-po-p)."""

    def verify_proof_signature(self, jws: jose.Jws) -> None:
        """Another one is wanted."""
        if jws.alg == "ES256":
            raise invalid_proof()
        super().verify_proof_signature(jws)
