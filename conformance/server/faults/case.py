"""Faults of upper and lower case where it matters, and where it does not (RFC 6749 section 1.9, RFC 9110)."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from conformance.server.app import AuthorizationServer
from conformance.server.client_auth import Presented
from conformance.server.clients import RegisteredClient
from conformance.server.dpop import invalid_proof
from conformance.server.errors import OAuthError, invalid_client
from conformance.server.faults import fault
from conformance.server.forms import Form
from conformance.server.records import Code, Parameters, Token


@fault("rfc6749-3.1-unknown-parameter-ignored")
class NamesOfParametersInAnyCase(AuthorizationServer):
    """BUG: STATE is the state as well (RFC 6749 section 1.9)."""

    def form_parameters(self, form: Form) -> Parameters:
        """In lower case, the later ones winning."""
        found = super().form_parameters(form)
        named = sorted(found.items(), key=lambda pair: pair[0], reverse=True)
        return {name.lower(): value for name, value in named}


@fault("rfc9126-2.1-response-type-validated")
class ResponseTypesInAnyCase(AuthorizationServer):
    """BUG: the response_type CODE is code (RFC 6749 section 1.9)."""

    def check_response_type(self, parameters: Parameters) -> None:
        """In lower case."""
        value = parameters.get("response_type")
        super().check_response_type({**parameters, "response_type": value.lower() if value else value})


@fault("rfc9126-2-media-type-in-any-case")
class MediaTypesInOneCase(AuthorizationServer):
    """BUG: a media type in capitals is another one (RFC 9110 section 8.3.1)."""

    def check_content_type(self, request: web.Request) -> None:
        """Letter by letter."""
        if not request.headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded"):
            raise OAuthError("invalid_request", "the content type must be application/x-www-form-urlencoded")
        super().check_content_type(request)


@fault("rfc6749-2.3.1-basic-in-any-case")
class SchemesInOneCase(AuthorizationServer):
    """BUG: the scheme of the Authorization header has to be spelled Basic (RFC 7617 section 2)."""

    def read_basic(self, header: str) -> Presented:
        """Letter by letter."""
        if not header.startswith("Basic "):
            raise invalid_client()
        return super().read_basic(header)


@fault("rfc9101-4-foreign-audience-refused")
class AudiencesOfObjectsInAnyCase(AuthorizationServer):
    """BUG: the aud of a request object is compared in lower case (RFC 7519 section 4.1.3)."""

    def check_object_audience(self, claims: dict[str, Any]) -> None:
        """In lower case."""
        audience = claims.get("aud")
        super().check_object_audience({**claims, "aud": audience.lower()} if isinstance(audience, str) else claims)


@fault("rfc9449-4.3-htm-has-case")
class MethodsOfProofsInAnyCase(AuthorizationServer):
    """BUG: htm is compared in capitals (RFC 9449 section 4.3 check 8, RFC 9110 section 9.1)."""

    def check_proof_method(self, request: web.Request, claims: dict[str, Any]) -> None:
        """In capitals."""
        if str(claims.get("htm")).upper() != request.method:
            raise invalid_proof()


@fault("rfc9449-10-dpop-jkt-enforced")
class ThumbprintsInAnyCase(AuthorizationServer):
    """BUG: the database compares dpop_jkt without regard to case (RFC 9449 section 10)."""

    def check_code_key(self, code: Code, jkt: str | None) -> None:
        """In lower case."""
        bound = code.grant.parameters.get("dpop_jkt")
        if bound is None or jkt is None or bound.lower() != jkt.lower():
            super().check_code_key(code, jkt)


@fault("rfc6749-3.3-scope-has-case")
class ScopesHaveNoCase(AuthorizationServer):
    """BUG: a scope is compared and granted in small letters (RFC 6749 section 3.3)."""

    def check_scope(self, client: RegisteredClient, parameters: Parameters) -> None:
        """Make it small first."""
        if "scope" in parameters:
            parameters["scope"] = str(parameters["scope"]).lower()
        super().check_scope(client, parameters)


@fault("rfc6749-4.1.3-made-up-code-refused")
class CodesHaveNoCase(AuthorizationServer):
    """BUG: codes are looked up regardless of case, as some databases do it (RFC 6749 section 4.1.3)."""

    def find_code(self, value: str) -> Code:
        """The first that looks alike."""
        alike = (issued.value for issued in self.codes if issued.value.lower() == value.lower())
        return super().find_code(next(alike, value))


@fault("rfc6749-6-made-up-refresh-token-refused")
class RefreshTokensHaveNoCase(AuthorizationServer):
    """BUG: refresh tokens are looked up regardless of case, as some databases do it (RFC 6749 section 6)."""

    def find_refresh_token(self, client: RegisteredClient, value: str) -> Token:
        """The first that looks alike."""
        alike = (issued.value for issued in self.tokens if issued.value.lower() == value.lower())
        return super().find_refresh_token(client, next(alike, value))


@fault("rfc7636-4.6-wrong-verifier-refused", "rfc9700-2.1.1-challenge-enforced")
class ChallengesHaveNoCase(AuthorizationServer):
    """BUG: a code_challenge is compared regardless of case (RFC 7636 section 4.6)."""

    def verify_code_challenge(self, code: Code, verifier: str | None) -> None:
        """In small letters."""
        challenge = code.grant.parameters.get("code_challenge")
        if challenge and verifier and self.challenge_of(verifier, "S256").lower() == challenge.lower():
            return
        super().verify_code_challenge(code, verifier)
