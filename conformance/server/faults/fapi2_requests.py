"""Faults of pushed requests and the answers to them (FAPI 2.0 Security Profile section 5.3.2.2)."""

from __future__ import annotations

from typing import Any

from conformance.server.app import AuthorizationServer
from conformance.server.clients import RegisteredClient
from conformance.server.errors import OAuthError
from conformance.server.faults import FAPI, fault
from conformance.server.records import AuthorizationRequest, Parameters


@fault("fapi2-security-profile-5.3.2.2-client-authenticated-push-supported", profile=FAPI)
class ClientsWithOwnCertificateArePlain(AuthorizationServer):
    """BUG: clients with a self-signed certificate get a request_uri that leads nowhere (FAPI 2.0 section 5.3.2.2)."""

    async def store(self, client: RegisteredClient, parameters: Parameters) -> Any:
        """Forget it."""
        pushed = await super().store(client, parameters)
        if client.auth == "self_signed_tls_client_auth":
            self.pushed.drop(pushed.request_uri)
        return pushed


@fault("fapi2-security-profile-5.3.2.2-response-type-must-be-code", profile=FAPI)
class HybridIsCode(AuthorizationServer):
    """BUG: response_type=code token is taken for code (FAPI 2.0 section 5.3.2.2)."""

    def check_response_type(self, parameters: Parameters) -> None:
        """Look at its parts."""
        if parameters.get("response_type") != "code token":
            super().check_response_type(parameters)


class _Lenient(AuthorizationServer):
    def needs_push(self, client: RegisteredClient) -> bool:
        """Whether a client has to push."""
        return True

    def require_par_applies(self, client: RegisteredClient) -> bool:
        """Not for all."""
        return self.needs_push(client) and super().require_par_applies(client)


@fault("fapi2-security-profile-5.3.2.2-requests-without-push-refused", profile=FAPI)
class ClientsWithCertificateNeedNotPush(_Lenient):
    """BUG: the requests of clients with certificates need not be pushed (FAPI 2.0 section 5.3.2.2)."""

    def needs_push(self, client: RegisteredClient) -> bool:
        """Whoever shows a certificate is trusted."""
        return not client.uses_tls


@fault("fapi2-security-profile-5.3.2.2-missing-code-challenge-refused", profile=FAPI)
class CertificateReplacesPkce(AuthorizationServer):
    """BUG: clients with certificates need no code_challenge (FAPI 2.0 section 5.3.2.2)."""

    def needs_pkce(self, client: RegisteredClient) -> bool:
        """Only the others do."""
        return not client.uses_tls


@fault(
    "fapi2-security-profile-5.3.2.2-plain-code-challenge-refused",
    "rfc7636-7.2-plain-refused",
    profile=FAPI,
)
class PlainIsServed(AuthorizationServer):
    """BUG: the method plain is served where it is named (FAPI 2.0 section 5.3.2.2)."""

    def check_pkce(self, client: RegisteredClient, parameters: Parameters) -> None:
        """Let it pass."""
        if parameters.get("code_challenge_method") != "plain" or "code_challenge" not in parameters:
            super().check_pkce(client, parameters)


@fault(
    "fapi2-security-profile-5.3.2.2-missing-code-challenge-method-refused",
    "rfc7636-4.3-missing-method-is-plain",
    profile=FAPI,
)
class MethodIsS256ByDefault(AuthorizationServer):
    """BUG: a code_challenge without method is taken for S256 (FAPI 2.0 section 5.3.2.2)."""

    def check_pkce(self, client: RegisteredClient, parameters: Parameters) -> None:
        """Fill it in."""
        if "code_challenge" in parameters:
            parameters.setdefault("code_challenge_method", "S256")
        super().check_pkce(client, parameters)


@fault("fapi2-security-profile-5.3.2.2-missing-redirect-uri-refused", profile=FAPI)
class SoleRedirectUriIsMeant(AuthorizationServer):
    """BUG: a request without redirect_uri means the sole registered one (FAPI 2.0 section 5.3.2.2)."""

    def check_redirect_uri(self, client: RegisteredClient, parameters: Parameters, *, authenticated: bool) -> str:
        """Fill it in."""
        if "redirect_uri" not in parameters and len(client.redirect_uris) == 1 and not self.is_openid(parameters):
            return client.redirect_uris[0]
        return super().check_redirect_uri(client, parameters, authenticated=authenticated)


@fault("fapi2-security-profile-5.3.2.2-expires-in-below-600", profile=FAPI)
class ExactlyTenMinutes(AuthorizationServer):
    """BUG: a request_uri lives for exactly 600 seconds (FAPI 2.0 section 5.3.2.2)."""

    def lifetime_of(self, client: RegisteredClient, parameters: Parameters) -> float:
        """One too many."""
        return 600


@fault("fapi2-security-profile-5.3.2.2-request-uri-long-enough-lived", profile=FAPI)
class TwentySeconds(AuthorizationServer):
    """BUG: a request_uri lives for 20 seconds (FAPI 2.0 section 5.3.2.2)."""

    def lifetime_of(self, client: RegisteredClient, parameters: Parameters) -> float:
        """Too few."""
        return 20


@fault("fapi2-security-profile-5.3.2.2-nonce-of-64-characters-accepted", profile=FAPI)
class NonceHasUpTo48Characters(AuthorizationServer):
    """BUG: a nonce of more than 48 characters is refused (FAPI 2.0 section 5.3.2.2)."""

    def check_texts(self, parameters: Parameters) -> None:
        """Count."""
        super().check_texts(parameters)
        if len(parameters.get("nonce", "")) > 48:
            raise OAuthError("invalid_request", "nonce is too long")


@fault("fapi2-security-profile-5.3.2.2-long-nonce-intact-or-refused", profile=FAPI)
class NonceIsCut(AuthorizationServer):
    """BUG: a nonce is cut after 255 characters (FAPI 2.0 section 5.3.2.2)."""

    def check_texts(self, parameters: Parameters) -> None:
        """As wide as the column."""
        super().check_texts(parameters)
        if "nonce" in parameters:
            parameters["nonce"] = parameters["nonce"][:255]


@fault(
    "fapi2-security-profile-5.3.2.2-iss-in-response",
    "rfc9207-2-iss-with-code",
    "rfc9207-2-iss-in-every-mode",
    "rfc9207-3-announced-and-sent",
    profile=FAPI,
)
class IssIsForErrors(AuthorizationServer):
    """BUG: iss stands beside errors, and not beside codes (FAPI 2.0 section 5.3.2.2)."""

    def response_parameters(self, request: AuthorizationRequest, answer: dict[str, str]) -> dict[str, str]:
        """Take it out."""
        parameters = super().response_parameters(request, answer)
        if "code" in parameters:
            parameters.pop("iss", None)
        return parameters


@fault(
    "fapi2-security-profile-5.3.2.2-missing-redirect-uri-refused",
    "openid-core-3.1.2.2-missing-redirect-uri-refused",
    profile=FAPI,
)
class FirstRedirectUriIsMeant(AuthorizationServer):
    """BUG: a request without redirect_uri means the first registered one (FAPI 2.0 section 5.3.2.2)."""

    def check_redirect_uri(self, client: RegisteredClient, parameters: Parameters, *, authenticated: bool) -> str:
        """Fill it in."""
        if "redirect_uri" not in parameters and self.is_openid(parameters):
            return client.redirect_uris[0]
        return super().check_redirect_uri(client, parameters, authenticated=authenticated)


@fault("fapi2-security-profile-5.3.2.2-expires-in-below-600", profile=FAPI)
class ObjectSaysHowLong(AuthorizationServer):
    """BUG: a request_uri lives as long as the request object that was pushed (FAPI 2.0 section 5.3.2.2)."""

    def object_parameters(self, claims: dict[str, Any]) -> Parameters:
        """Keep exp for later."""
        return {**super().object_parameters(claims), "object_expires": claims.get("exp")}

    def lifetime_of(self, client: RegisteredClient, parameters: Parameters) -> float:
        """The longer of the two."""
        usual, expires = super().lifetime_of(client, parameters), parameters.pop("object_expires", None)
        return usual if expires is None else max(usual, float(expires) - self.now())
