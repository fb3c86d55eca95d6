"""Faults of the metadata document and of transport (RFC 8414, RFC 6749 sections 3.1 and 3.2)."""

from __future__ import annotations

import json
import ssl
from typing import Any, ClassVar

from aiohttp import web

from conformance.server import jose
from conformance.server.app import AuthorizationServer
from conformance.server.errors import OAuthError
from conformance.server.faults import fault
from conformance.server.records import AuthorizationRequest, Parameters


class _Changed(AuthorizationServer):
    """Metadata with other members; None takes one out."""

    changes: ClassVar[dict[str, Any]] = {}

    def metadata(self) -> dict[str, Any]:
        """Change them."""
        members = super().metadata() | self.changes
        return {name: value for name, value in members.items() if value is not None}


@fault("rfc8414-2-issuer-present", "rfc8414-2-issuer-https", "rfc9207-2.3-iss-identical")
class IssuerIsMissing(_Changed):
    """BUG: the metadata do not name the issuer (RFC 8414 section 2)."""

    changes: ClassVar[dict[str, Any]] = {"issuer": None}


@fault(
    "rfc8414-2-issuer-plain-url", "rfc8414-3.3-issuer-identical", "rfc9207-2.3-iss-identical", "rfc8414-2-issuer-https"
)
class IssuerHasAQuery(AuthorizationServer):
    """BUG: the issuer identifier of the metadata has a query (RFC 8414 section 2)."""

    def metadata(self) -> dict[str, Any]:
        """Add one."""
        return super().metadata() | {"issuer": f"{self.issuer}?tenant=1"}


@fault("rfc8414-3.3-issuer-identical", "rfc9207-2.3-iss-identical")
class IssuerEndsWithASlash(AuthorizationServer):
    """BUG: the issuer identifier of the metadata ends with a slash that nobody asked for (RFC 8414 section 3.3)."""

    def metadata(self) -> dict[str, Any]:
        """Add it."""
        return super().metadata() | {"issuer": f"{self.issuer}/"}


@fault("rfc8414-2-authorization-endpoint", alone=True)
class AuthorizationEndpointIsAPath(_Changed):
    """BUG: the metadata name the authorization endpoint by its path (RFC 8414 section 2)."""

    changes: ClassVar[dict[str, Any]] = {"authorization_endpoint": "/authorize"}


@fault("rfc8414-2-token-endpoint")
class TokenEndpointIsMissing(_Changed):
    """BUG: the metadata do not name the token endpoint (RFC 8414 section 2)."""

    changes: ClassVar[dict[str, Any]] = {"token_endpoint": None}


@fault(
    "rfc6749-3.1-authorization-endpoint-without-fragment",
    "rfc9126-4-client-id-and-request-uri-suffice",
    "rfc6749-3.1-get-supported",
    "rfc9126-5-endpoint-usable",
    "rfc9126-5-usable-regardless-of-metadata",
    "rfc8705-2-certificate-accepted-on-push",
    "openid-core-3.1.2.1-get-accepted-at-authorization-endpoint",
    "openid-core-3.1.2.3-prompt-none-answers-with-error",
    "openid-core-3.1.2.1-prompt-none-shows-no-page",
    "rfc7636-4.2-s256-supported",
    alone=True,
)
class AuthorizationEndpointHasAFragment(AuthorizationServer):
    """BUG: the URL of the authorization endpoint has a fragment (RFC 6749 section 3.1)."""

    def metadata(self) -> dict[str, Any]:
        """Add it."""
        return super().metadata() | {"authorization_endpoint": f"{self.url('authorization')}#top"}


@fault("rfc6749-3.2-token-endpoint-without-fragment")
class TokenEndpointHasAFragment(AuthorizationServer):
    """BUG: the URL of the token endpoint has a fragment (RFC 6749 section 3.2)."""

    def metadata(self) -> dict[str, Any]:
        """Add it."""
        return super().metadata() | {"token_endpoint": f"{self.url('token')}#top"}

    def assertion_audiences(self) -> set[str]:
        """The server knows itself by that name."""
        return super().assertion_audiences() | {f"{self.url('token')}#top"}


@fault("rfc8414-2-jwks-uri-https")
class KeysUnderHttp(AuthorizationServer):
    """BUG: the keys are published under plain http (RFC 8414 section 2)."""

    def metadata(self) -> dict[str, Any]:
        """Name that address."""
        return super().metadata() | {"jwks_uri": self.url("jwks").replace("https:", "http:", 1)}


@fault(
    "rfc6749-3.1-authorization-endpoint-tls",
    "rfc9126-4-client-id-and-request-uri-suffice",
    "rfc9101-8-authorization-endpoint-uses-https",
    "rfc9126-5-endpoint-usable",
    "rfc9126-5-usable-regardless-of-metadata",
    "rfc8705-2-certificate-accepted-on-push",
    "rfc7636-4.2-s256-supported",
    alone=True,
)
class AuthorizationEndpointUnderHttp(AuthorizationServer):
    """BUG: the metadata name an authorization endpoint under plain http (RFC 6749 section 3.1)."""

    def metadata(self) -> dict[str, Any]:
        """Name that address."""
        return super().metadata() | {"authorization_endpoint": self.url("authorization").replace("https:", "http:", 1)}


@fault(
    "rfc6749-3.2-token-endpoint-tls",
    "rfc7523-2.2-assertion-accepted",
    "rfc9449-10.1-dpop-header-supported",
    "rfc9449-10.1-dpop-jkt-supported",
    "rfc9449-6.2-thumbprint-in-introspection",
    "rfc9449-6.2-introspection-token-type",
    "rfc9449-6.1-thumbprint-in-jwt-access-token",
    "rfc9449-5-public-clients-refresh-token-bound",
    "rfc9449-5-token-type-dpop",
    "rfc6749-2.3.1-basic-supported",
    "rfc9700-2.1.1-pkce-supported",
    "rfc7636-4.2-s256-supported",
    "rfc9126-2-pkce-effective",
)
class TokenEndpointUnderHttp(AuthorizationServer):
    """BUG: the metadata name a token endpoint under plain http (RFC 6749 section 3.2)."""

    def metadata(self) -> dict[str, Any]:
        """Name that address."""
        return super().metadata() | {"token_endpoint": self.url("token").replace("https:", "http:", 1)}

    def assertion_audiences(self) -> set[str]:
        """The server knows itself by that name."""
        return super().assertion_audiences() | {self.url("token").replace("https:", "http:", 1)}


@fault("rfc8414-2-keys-have-use")
class KeysDoNotSayTheirUse(AuthorizationServer):
    """BUG: the keys for encryption do not say what they are for (RFC 8414 section 2)."""

    def public_jwks(self) -> list[dict[str, Any]]:
        """Take use out of them."""
        keys = super().public_jwks()
        return [{name: value for name, value in key.items() if (name, value) != ("use", "enc")} for key in keys]


@fault("rfc8414-2-scopes-supported")
class ScopesAreNotListed(_Changed):
    """BUG: the metadata list no scopes (RFC 8414 section 2)."""

    changes: ClassVar[dict[str, Any]] = {"scopes_supported": None}


@fault("rfc8414-2-response-types-supported")
class ResponseTypeCodeIsNotListed(_Changed):
    """BUG: the metadata list another response type than code (RFC 8414 section 2)."""

    changes: ClassVar[dict[str, Any]] = {"response_types_supported": ["none"]}


@fault("rfc8414-2-grant-types-supported")
class GrantTypeIsNotListed(_Changed):
    """BUG: the metadata list refresh_token as the only grant type (RFC 8414 section 2)."""

    changes: ClassVar[dict[str, Any]] = {"grant_types_supported": ["refresh_token"]}


@fault("rfc8414-2-response-modes-supported")
class ListedResponseModeIsRefused(AuthorizationServer):
    """BUG: a response mode that the metadata list is refused (RFC 8414 section 2)."""

    def check_response_mode(self, parameters: Parameters) -> None:
        """Refuse it."""
        if parameters.get("response_mode") == "fragment.jwt":
            raise OAuthError("invalid_request", "response_mode is not supported")
        super().check_response_mode(parameters)


@fault("rfc8414-2-response-modes-supported")
class JarmIsLostInOneMode(AuthorizationServer):
    """BUG: form_post.jwt is listed, and answered as form_post (RFC 8414 section 2)."""

    def response_mode_of(self, request: AuthorizationRequest) -> str:
        """Forget the JWT."""
        mode = super().response_mode_of(request)
        return "form_post" if mode == "form_post.jwt" else mode


@fault("rfc8414-2-assertion-algorithms-listed")
class AssertionAlgorithmsAreNotListed(_Changed):
    """BUG: private_key_jwt is listed, and no algorithm for it (RFC 8414 section 2)."""

    changes: ClassVar[dict[str, Any]] = {"token_endpoint_auth_signing_alg_values_supported": None}


@fault("rfc8414-2-assertion-algorithm-not-none")
class NoneIsListed(AuthorizationServer):
    """BUG: none is listed among the algorithms of client assertions (RFC 8414 section 2)."""

    def metadata(self) -> dict[str, Any]:
        """Add it."""
        members = super().metadata()
        name = "token_endpoint_auth_signing_alg_values_supported"
        return members | {name: [*members[name], "none"]}


@fault("rfc8414-2-assertion-algorithm-rs256")
class Rs256IsNotListed(AuthorizationServer):
    """BUG: RS256 is not among the algorithms of client assertions (RFC 8414 section 2)."""

    def metadata(self) -> dict[str, Any]:
        """Take it out."""
        members = super().metadata()
        name = "token_endpoint_auth_signing_alg_values_supported"
        return members | {name: [alg for alg in members[name] if alg != "RS256"]}


@fault("rfc8414-2-member-types")
class ScopesAreOneText(AuthorizationServer):
    """BUG: scopes_supported is one text in place of a list (RFC 8414 section 2)."""

    def metadata(self) -> dict[str, Any]:
        """Join them."""
        return super().metadata() | {"scopes_supported": " ".join(self.known_scopes())}


@fault("rfc8414-2-member-types")
class BooleanIsAText(_Changed):
    """BUG: claims_parameter_supported is the text "false" (RFC 8414 section 2)."""

    changes: ClassVar[dict[str, Any]] = {"claims_parameter_supported": "false"}


@fault("rfc8414-2.1-signed-metadata")
class SignedMetadataIsUnsigned(AuthorizationServer):
    """BUG: signed_metadata is a JWT without signature (RFC 8414 section 2.1)."""

    def metadata(self) -> dict[str, Any]:
        """Add it."""
        parts = [json.dumps({"alg": "none"}), json.dumps({"iss": self.issuer})]
        return super().metadata() | {"signed_metadata": ".".join(jose.encode(part.encode()) for part in parts) + "."}


@fault("rfc8414-3-well-known-path", settings={"issuer_path": "/tenant"})
class WellKnownIsAppended(AuthorizationServer):
    """BUG: the well-known suffix is only appended to the issuer's path, never inserted before it (section 3)."""

    def metadata_paths(self) -> list[str]:
        """Behind the path."""
        return [f"{self.settings.issuer_path}/.well-known/oauth-authorization-server"]


@fault(
    "rfc8414-3-https",
    "rfc8414-3.2-status-200",
    "rfc9126-2-metadata-published",
    "rfc9700-2.6-metadata-published",
    "rfc9396-10-types-advertised",
)
class MetadataRedirectsToHttp(AuthorizationServer):
    """BUG: the well-known place redirects to plain http (RFC 8414 section 3)."""

    async def metadata_document(self, request: web.Request) -> web.StreamResponse:
        """302."""
        return web.Response(status=302, headers={"Location": f"{self.issuer.replace('https:', 'http:', 1)}/metadata"})


@fault("rfc8414-3.2-status-200")
class MetadataIsCreated(AuthorizationServer):
    """BUG: the document is answered with 201 at one of its places (RFC 8414 section 3.2)."""

    async def metadata_document(self, request: web.Request) -> web.StreamResponse:
        """201."""
        status = 201 if "oauth-authorization-server" in request.path else 200
        return self.json_response(self.metadata(), status=status)


@fault("rfc8414-3.2-media-type-json")
class MetadataIsText(AuthorizationServer):
    """BUG: the document is text/plain (RFC 8414 section 3.2)."""

    async def metadata_document(self, request: web.Request) -> web.StreamResponse:
        """Another media type."""
        response = self.json_response(self.metadata())
        response.content_type = "text/plain"
        return response


@fault("rfc8414-3.2-json-object")
class MetadataIsAnArray(AuthorizationServer):
    """BUG: the document is an array with the object in it, at one of its places (RFC 8414 section 3.2)."""

    async def metadata_document(self, request: web.Request) -> web.StreamResponse:
        """Wrap it."""
        if "oauth-authorization-server" not in request.path:
            return await super().metadata_document(request)
        return web.json_response([self.metadata()])


@fault("rfc8414-3.2-no-empty-arrays")
class MembersAreEmpty(AuthorizationServer):
    """BUG: members without values are published as empty arrays (RFC 8414 section 3.2)."""

    def metadata(self) -> dict[str, Any]:
        """Add one."""
        return super().metadata() | {"ui_locales_supported": []}


@fault("rfc8414-6.1-tls12")
class OnlyTls13(AuthorizationServer):
    """BUG: the server speaks TLS 1.3 only (RFC 8414 section 6.1)."""

    def oldest_tls(self) -> ssl.TLSVersion:
        """Nothing older."""
        return ssl.TLSVersion.TLSv1_3


@fault("rfc9700-2.6-metadata-published", "rfc9126-2-metadata-published", "rfc9396-10-types-advertised", alone=True)
class NoMetadata(AuthorizationServer):
    """BUG: there is no metadata document (RFC 9700 section 2.6)."""

    def metadata_paths(self) -> list[str]:
        """Nowhere."""
        return ["/.well-known/nothing"]


@fault(
    "rfc9700-2.5-asymmetric-methods-offered",
    "rfc8705-2-certificate-accepted-on-push",
    "rfc8705-5-conventional-endpoint-works-without-alias",
    "rfc8705-2.2-registered-certificate-accepted",
    "rfc8705-2.1-registered-subject-accepted",
    settings={"mtls": False},
)
class OnlySecretsAreOffered(AuthorizationServer):
    """BUG: the metadata list methods with shared secrets only (RFC 9700 section 2.5)."""

    def metadata(self) -> dict[str, Any]:
        """Leave the others out."""
        listed = ["client_secret_basic", "client_secret_post", "client_secret_jwt", "none"]
        return super().metadata() | {"token_endpoint_auth_methods_supported": listed}
