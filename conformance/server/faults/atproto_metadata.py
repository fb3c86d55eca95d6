"""Faults of the server's metadata in the OAuth profile of the AT protocol."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from conformance.server.app import AuthorizationServer
from conformance.server.faults import AT, fault


class _Told(AuthorizationServer):
    def told(self, members: dict[str, Any]) -> dict[str, Any]:
        """The metadata as they are published."""
        return members

    def metadata(self) -> dict[str, Any]:
        """Changed in one place."""
        return self.told(super().metadata())


@fault("atproto-oauth-server-metadata-grant-types-in-metadata", profile=AT)
class RefreshIsNotListed(_Told):
    """BUG: grant_types_supported does not list refresh_token (server-metadata)."""

    def told(self, members: dict[str, Any]) -> dict[str, Any]:
        """One less."""
        return {**members, "grant_types_supported": ["authorization_code"]}


@fault("atproto-oauth-server-metadata-auth-methods-in-metadata", profile=AT)
class PublicClientsAreNotListed(_Told):
    """BUG: token_endpoint_auth_methods_supported does not list none (server-metadata)."""

    def told(self, members: dict[str, Any]) -> dict[str, Any]:
        """One less."""
        return {**members, "token_endpoint_auth_methods_supported": ["private_key_jwt"]}


@fault("atproto-oauth-server-metadata-s256-in-metadata", "rfc8414-2-code-challenge-methods-supported", profile=AT)
class S256IsNotListed(_Told):
    """BUG: code_challenge_methods_supported is not there (server-metadata)."""

    def told(self, members: dict[str, Any]) -> dict[str, Any]:
        """Without it."""
        return {name: value for name, value in members.items() if name != "code_challenge_methods_supported"}


@fault("atproto-oauth-server-metadata-assertion-algs-in-metadata", "rfc8414-2-assertion-algorithm-not-none", profile=AT)
class AlgorithmNoneIsListed(_Told):
    """BUG: none is among the algorithms of client assertions (server-metadata)."""

    def told(self, members: dict[str, Any]) -> dict[str, Any]:
        """One more."""
        return {**members, "token_endpoint_auth_signing_alg_values_supported": ["ES256", "none"]}


@fault("atproto-oauth-server-metadata-atproto-scope-in-metadata", profile=AT)
class ScopeIsNotListed(_Told):
    """BUG: scopes_supported does not list atproto (server-metadata)."""

    def told(self, members: dict[str, Any]) -> dict[str, Any]:
        """One less."""
        return {**members, "scopes_supported": ["transition:generic"]}


@fault("atproto-oauth-server-metadata-dpop-algs-in-metadata", "rfc9449-4.3-unadvertised-alg-refused", profile=AT)
class ProofsByEs256AreNotListed(_Told):
    """BUG: dpop_signing_alg_values_supported does not list ES256 (server-metadata)."""

    def told(self, members: dict[str, Any]) -> dict[str, Any]:
        """Another one."""
        return {**members, "dpop_signing_alg_values_supported": ["ES384"]}


@fault("atproto-oauth-server-metadata-iss-flag-in-metadata", "rfc9207-2.3-support-announced", profile=AT)
class IssIsNotPromised(_Told):
    """BUG: authorization_response_iss_parameter_supported is not there (server-metadata)."""

    def told(self, members: dict[str, Any]) -> dict[str, Any]:
        """Without it."""
        name = "authorization_response_iss_parameter_supported"
        return {key: value for key, value in members.items() if key != name}


@fault("atproto-oauth-server-metadata-client-id-documents-in-metadata", profile=AT)
class DocumentsAreNotPromised(_Told):
    """BUG: client_id_metadata_document_supported is a text (server-metadata)."""

    def told(self, members: dict[str, Any]) -> dict[str, Any]:
        """Quoted."""
        return {**members, "client_id_metadata_document_supported": "true"}


@fault("atproto-oauth-server-metadata-request-uri-registration-not-disclaimed", profile=AT)
class RegistrationIsDisclaimed(_Told):
    """BUG: require_request_uri_registration is false (server-metadata)."""

    def told(self, members: dict[str, Any]) -> dict[str, Any]:
        """One more."""
        return {**members, "require_request_uri_registration": False}


@fault("atproto-oauth-server-metadata-metadata-answer", "rfc8414-3.2-media-type-json", profile=AT)
class MetadataAreText(AuthorizationServer):
    """BUG: the metadata come as text/plain (server-metadata)."""

    async def metadata_document(self, request: web.Request) -> web.StreamResponse:
        """Another type."""
        response = await super().metadata_document(request)
        response.content_type = "text/plain"
        return response


@fault(
    "atproto-oauth-server-metadata-issuer-is-origin",
    "rfc9207-2.3-iss-identical",
    "rfc8414-3.3-issuer-identical",
    profile=AT,
)
class IssuerHasASlash(_Told):
    """BUG: the issuer of the metadata ends with a slash (server-metadata)."""

    def told(self, members: dict[str, Any]) -> dict[str, Any]:
        """One more sign."""
        return {**members, "issuer": f"{self.issuer}/"}
