"""What the server says about itself (RFC 8414; OpenID Connect Discovery)."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from conformance.server import jose, keys
from conformance.server.openid import ACR
from conformance.server.resources import Resources


class Metadata(Resources):
    """Metadata and keys."""

    async def metadata_document(self, request: web.Request) -> web.StreamResponse:
        """GET of a well-known place."""
        return self.json_response(self.metadata())

    async def jwks(self, request: web.Request) -> web.StreamResponse:
        """GET of the server's public keys."""
        return self.json_response({"keys": self.public_jwks()})

    def public_jwks(self) -> list[dict[str, Any]]:
        """The server's public keys: the one that it signs with, and those that it decrypts with."""
        return keys.public_jwks(self.settings.own_alg, encryption=self.settings.jar and self.settings.jwe)

    def metadata_paths(self) -> list[str]:
        """Well-known places: inserted before the issuer's path (RFC 8414, section 3.1), or appended to it
        (OpenID Connect Discovery, section 4)."""
        path = self.settings.issuer_path
        oauth = [f"/.well-known/oauth-authorization-server{path}"]
        openid = [f"{path}/.well-known/openid-configuration"]
        return {"both": oauth + openid, "oauth": oauth, "openid": openid}[self.settings.metadata]

    def metadata(self) -> dict[str, Any]:
        """The document; a member without anything to say is left out."""
        members = (
            self.endpoint_metadata()
            | self.flow_metadata()
            | self.authentication_metadata()
            | self.request_object_metadata()
            | self.openid_metadata()
            | self.extension_metadata()
        )
        return {name: value for name, value in members.items() if value not in (None, [], {})}

    def endpoint_metadata(self) -> dict[str, Any]:
        """Issuer and endpoints."""
        settings = self.settings
        return {
            "issuer": self.issuer,
            "authorization_endpoint": self.url("authorization"),
            "token_endpoint": self.url("token"),
            "pushed_authorization_request_endpoint": self.url("pushed_authorization_request"),
            "require_pushed_authorization_requests": settings.require_par,
            "jwks_uri": self.url("jwks"),
            "userinfo_endpoint": self.url("userinfo") if settings.openid else None,
            "introspection_endpoint": self.url("introspection") if settings.introspection else None,
            "mtls_endpoint_aliases": self.mtls_aliases(),
        }

    def mtls_aliases(self) -> dict[str, str]:
        """Endpoints on the port for client certificates (RFC 8705, section 5)."""
        names = ["token", "pushed_authorization_request"]
        names += ["userinfo"] if self.settings.openid else []
        names += ["introspection"] if self.settings.introspection else []
        return {f"{name}_endpoint": url for name in names if (url := self.mtls_url(name))}

    def flow_metadata(self) -> dict[str, Any]:
        """Response types and modes, grants, PKCE, iss."""
        return {
            "response_types_supported": ["code"],
            "response_modes_supported": self.response_modes(),
            "grant_types_supported": self.grant_types(),
            "code_challenge_methods_supported": self.challenge_methods(),
            "authorization_response_iss_parameter_supported": self.settings.iss,
            "scopes_supported": self.known_scopes(),
        }

    def known_scopes(self) -> list[str]:
        """Every scope that some client may have."""
        scopes: set[str] = set()
        for client in self.clients.values():
            scopes |= self.allowed_scopes(client)
        return sorted(scopes)

    def authentication_metadata(self) -> dict[str, Any]:
        """How clients authenticate."""
        methods = self.authentication_methods()
        algs = [
            *(self.signing_algs() if "private_key_jwt" in methods else ()),
            *(jose.SYMMETRIC if "client_secret_jwt" in methods else ()),
        ]
        confidential = [method for method in methods if method != "none"]
        return {
            "token_endpoint_auth_methods_supported": methods,
            "token_endpoint_auth_signing_alg_values_supported": algs,
            "introspection_endpoint_auth_methods_supported": confidential if self.settings.introspection else None,
            "introspection_endpoint_auth_signing_alg_values_supported": algs if self.settings.introspection else None,
            "tls_client_certificate_bound_access_tokens": (self.mtls_origin and self.settings.mtls_bound_tokens)
            or None,
        }

    def authentication_methods(self) -> list[str]:
        """Supported authentication methods at every endpoint for direct requests."""
        methods = ["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt"]
        if self.mtls_origin:
            methods += ["tls_client_auth", "self_signed_tls_client_auth"]
        if self.settings.public_clients:
            methods.append("none")
        return [method for method in methods if method in (self.settings.auth_methods or methods)]

    def request_object_metadata(self) -> dict[str, Any]:
        """Request objects (RFC 9101, section 9; OpenID Connect Discovery, section 3)."""
        settings = self.settings
        signed = self.object_algs() if settings.jar else None
        return {
            "request_parameter_supported": settings.jar,
            "request_uri_parameter_supported": bool(settings.jar and settings.jar_by_reference),
            "require_request_uri_registration": True if settings.jar_by_reference else None,
            "require_signed_request_object": settings.require_signed_request_object,
            "request_object_signing_alg_values_supported": signed,
            "request_object_encryption_alg_values_supported": self.if_encrypted(keys.ENCRYPTION_ALGS),
            "request_object_encryption_enc_values_supported": self.if_encrypted(keys.ENCRYPTION_ENCS),
        }

    def if_encrypted(self, values: tuple[str, ...]) -> list[str]:
        """The values where request objects may be encrypted."""
        return list(values) if self.settings.jar and self.settings.jwe else []

    def openid_metadata(self) -> dict[str, Any]:
        """What OpenID Connect asks for."""
        if not self.settings.openid:
            return {}
        return {
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [self.settings.own_alg],
            "acr_values_supported": [ACR],
            "claims_supported": ["sub", "auth_time", "acr", "preferred_username", "email"],
            "claims_parameter_supported": self.settings.claims_parameter,
            "prompt_values_supported": ["none", "login", "consent", "select_account"],
        }

    def extension_metadata(self) -> dict[str, Any]:
        """JARM, DPoP, rich authorization requests."""
        settings = self.settings
        return {
            "authorization_signing_alg_values_supported": [settings.own_alg] if settings.jarm else None,
            "dpop_signing_alg_values_supported": self.proof_algs() if settings.dpop else None,
            "authorization_details_types_supported": self.detail_types() if settings.rar else None,
        }
