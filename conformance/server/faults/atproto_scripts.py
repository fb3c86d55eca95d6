"""Faults of what scripts of other origins can read and send (OAuth profile of the AT protocol)."""

from __future__ import annotations

from conformance.server.app import AuthorizationServer
from conformance.server.faults import AT, fault


@fault("atproto-oauth-authorization-servers-cors-at-metadata", profile=AT)
class MetadataAreNotForScripts(AuthorizationServer):
    """BUG: scripts cannot read the metadata (authorization-servers)."""

    def has_cors(self, endpoint: str) -> bool:
        """Not these."""
        return endpoint != "metadata" and super().has_cors(endpoint)


@fault("atproto-oauth-authorization-servers-cors-at-par-endpoint", profile=AT)
class ScriptsCannotPushProofs(AuthorizationServer):
    """BUG: the preflight of a push does not allow the DPoP header (authorization-servers)."""

    def preflight_headers(self, endpoint: str) -> dict[str, str]:
        """Without it."""
        headers = super().preflight_headers(endpoint)
        if endpoint == "pushed_authorization_request":
            headers["Access-Control-Allow-Headers"] = "Content-Type"
        return headers


@fault(
    "atproto-oauth-authorization-servers-cors-at-par-endpoint",
    "atproto-oauth-authorization-servers-cors-at-token-endpoint",
    "rfc9449-8-nonce-readable-for-browser-clients",
    profile=AT,
)
class ScriptsCannotReadNonces(AuthorizationServer):
    """BUG: scripts can read the answers, and not the nonce in their headers (authorization-servers)."""

    def cors_headers(self, endpoint: str) -> dict[str, str]:
        """Expose nothing."""
        headers = super().cors_headers(endpoint)
        return {name: value for name, value in headers.items() if name != "Access-Control-Expose-Headers"}


@fault("atproto-oauth-authorization-servers-cors-at-token-endpoint", profile=AT)
class ScriptsCannotReadTokens(AuthorizationServer):
    """BUG: scripts can push, and cannot use the token endpoint (authorization-servers)."""

    def has_cors(self, endpoint: str) -> bool:
        """Not this one."""
        return endpoint != "token" and super().has_cors(endpoint)
