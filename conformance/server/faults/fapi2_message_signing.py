"""Faults of FAPI 2.0 Message Signing, tried on the server that conforms to it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from conformance.profile.keyring import generate_key
from conformance.server import jose
from conformance.server.app import AuthorizationServer
from conformance.server.clients import RegisteredClient
from conformance.server.faults import fault
from conformance.server.forms import Form
from conformance.server.keys import signing_key
from conformance.server.records import AuthorizationRequest, Parameters
from conformance.server.request_object import invalid_object

SIGNED = "reference-fapi2-signed"
_STRANGER = generate_key("PS256", "stranger")


@fault(
    "fapi2-message-signing-5.3.1-unsigned-push-refused",
    "rfc9101-10.5-plain-push-refused-where-required-for-client",
    "rfc9126-2.3-signed-object-policy-of-client",
    "rfc9101-10.5-plain-push-refused-where-required-for-all",
    "rfc9126-2.3-signed-object-policy-of-server",
    profile=SIGNED,
)
class UnsignedPushIsServed(AuthorizationServer):
    """BUG: the parameters of a push may stand in its form (FAPI 2.0 Message Signing section 5.3.1)."""

    def require_request_object(self, client: RegisteredClient) -> None:
        """Let it pass."""


@fault("fapi2-message-signing-5.3.1-missing-audience-refused", profile=SIGNED)
class ObjectNeedsNoAudience(AuthorizationServer):
    """BUG: a request object without aud is for every server (FAPI 2.0 Message Signing section 5.3.1)."""

    def check_object_audience(self, claims: dict[str, Any]) -> None:
        """Only where it is there."""
        if "aud" in claims:
            super().check_object_audience(claims)


class _Times(AuthorizationServer):
    def repaired(self, claims: dict[str, Any]) -> dict[str, Any]:
        """The claims whose times are checked."""
        return claims

    def check_object_times(self, claims: dict[str, Any]) -> None:
        """Check others than there are."""
        super().check_object_times(self.repaired(dict(claims)))


@fault("fapi2-message-signing-5.3.1-missing-nbf-refused", profile=SIGNED)
class ObjectNeedsNoNbf(_Times):
    """BUG: a request object without nbf is taken (FAPI 2.0 Message Signing section 5.3.1)."""

    def repaired(self, claims: dict[str, Any]) -> dict[str, Any]:
        """It begins now."""
        return {"nbf": self.now(), **claims}


@fault("fapi2-message-signing-5.3.1-old-nbf-refused", profile=SIGNED)
class NbfMayBeOld(_Times):
    """BUG: nbf may lie in the past as far as one likes (FAPI 2.0 Message Signing section 5.3.1)."""

    def repaired(self, claims: dict[str, Any]) -> dict[str, Any]:
        """It begins now, if it began."""
        begins = jose.seconds(claims.get("nbf"))
        return {**claims, "nbf": max(begins, self.now())} if begins is not None else claims


@fault("fapi2-message-signing-5.3.1-missing-exp-refused", profile=SIGNED)
class ObjectNeedsNoExp(_Times):
    """BUG: a request object without exp is good for ever (FAPI 2.0 Message Signing section 5.3.1)."""

    def repaired(self, claims: dict[str, Any]) -> dict[str, Any]:
        """It ends soon."""
        return {"exp": self.now() + 60, **claims}


@fault("fapi2-message-signing-5.3.1-long-lifetime-refused", profile=SIGNED)
class ObjectMayLiveLong(_Times):
    """BUG: a request object may live as long as it likes (FAPI 2.0 Message Signing section 5.3.1)."""

    def repaired(self, claims: dict[str, Any]) -> dict[str, Any]:
        """It ends in an hour at the latest."""
        ends = jose.seconds(claims.get("exp"))
        begins = jose.seconds(claims.get("nbf"))
        if ends is None or begins is None or begins < self.now() - 60:
            return claims
        return {**claims, "exp": min(ends, begins + 3600)}


@fault("fapi2-message-signing-5.3.1-jti-not-required", profile=SIGNED)
class ObjectNeedsAJti(AuthorizationServer):
    """BUG: a request object without jti is refused (FAPI 2.0 Message Signing section 5.3.1)."""

    def check_object_times(self, claims: dict[str, Any]) -> None:
        """Ask for it."""
        super().check_object_times(claims)
        if "jti" not in claims:
            raise invalid_object()


@fault("fapi2-message-signing-5.3.2-redirect-uri-outside-object-refused", profile=SIGNED)
class RedirectUriMayStandOutside(AuthorizationServer):
    """BUG: a redirect_uri beside the request object is taken where the object has none (section 5.3.2)."""

    def pushed_parameters(self, client: RegisteredClient, form: Form) -> Parameters:
        """One exception."""
        parameters = super().pushed_parameters(client, form)
        outside = form.get("redirect_uri")
        return {"redirect_uri": outside, **parameters} if outside else parameters


@fault("fapi2-message-signing-5.4.1-signed-response-issued", profile=SIGNED)
class ResponseIsSignedByAStranger(AuthorizationServer):
    """BUG: responses are signed with a key that is not published (FAPI 2.0 Message Signing section 5.4.1)."""

    def sign_response(self, request: AuthorizationRequest, parameters: dict[str, str]) -> str:
        """Another key."""
        claims = {"iss": self.issuer, "aud": request.client.client_id, "exp": int(self.now()) + 600}
        return _STRANGER.sign(parameters | claims)


@fault("fapi2-message-signing-5.4.1-unsigned-response-refused", profile=SIGNED)
class FragmentNeedsNoSignature(AuthorizationServer):
    """BUG: a response by fragment is given unsigned (FAPI 2.0 Message Signing section 5.4.1)."""

    def response_modes(self) -> list[str]:
        """One more."""
        return [*super().response_modes(), "fragment"]


@fault("fapi2-message-signing-5.4.1-iss-inside-response-only", profile=SIGNED)
class IssStandsBesideTheResponse(AuthorizationServer):
    """BUG: iss stands beside the signed response, too (FAPI 2.0 Message Signing section 5.4.1)."""

    def deliver(self, redirect_uri: str, mode: str, parameters: dict[str, str]) -> web.Response:
        """Add it."""
        response = super().deliver(redirect_uri, mode, parameters)
        if "response" in parameters and "Location" in response.headers:
            response.headers["Location"] += "&" + urlencode({"iss": self.issuer})
        return response


@fault(
    "fapi2-message-signing-5.4.1-iss-inside-response-only",
    "fapi2-security-profile-5.3.2.2-iss-in-response",
    "rfc9207-2-iss-with-code",
    "rfc9207-2-iss-with-error",
    "rfc9207-3-announced-and-sent",
    profile=SIGNED,
)
class ResponseHasNoIss(AuthorizationServer):
    """BUG: a signed response does not say who has issued it (FAPI 2.0 Message Signing section 5.4.1)."""

    def sign_response(self, request: AuthorizationRequest, parameters: dict[str, str]) -> str:
        """Neither as a parameter nor as a claim."""
        claims = {"aud": request.client.client_id, "exp": int(self.now()) + 600}
        told = {name: value for name, value in parameters.items() if name != "iss"}
        return signing_key(self.settings.own_alg).sign(told | claims)


@fault(
    "fapi2-message-signing-5.4.1-signed-response-issued",
    "fapi2-security-profile-5.3.2.2-long-state-returned",
    "openid-core-6.3.1-encrypted-object-decrypted",
    "rfc6749-4.1.2-state-exact",
    "rfc6749-4.1.2.1-state-with-error",
    "rfc9101-4-strings-taken-unchanged",
    "rfc9101-5-pushed-parameters-not-overridden-by-query",
    "rfc9101-6.1-encrypted-object-decrypted",
    "rfc9101-6.3-parameters-extracted",
    "rfc9126-2-state-effective",
    "rfc9126-2-utf8",
    "rfc9126-2.2-request-uri-stands-for-request",
    "rfc9126-3-encrypted-object-decrypted",
    "rfc9126-3-request-object-effective",
    "rfc9126-4-outside-value-without-effect",
    profile=SIGNED,
    alone=True,
)
class StateIsLostInTheResponse(AuthorizationServer):
    """BUG: the signed response does not have the state (FAPI 2.0 Message Signing section 5.4.1)."""

    def sign_response(self, request: AuthorizationRequest, parameters: dict[str, str]) -> str:
        """Leave it out."""
        return super().sign_response(request, {name: text for name, text in parameters.items() if name != "state"})


class _OtherClaims(AuthorizationServer):
    """Signs responses with other claims than it should."""

    def response_claims(self, request: AuthorizationRequest) -> dict[str, Any]:
        """What stands beside the parameters."""
        return {"iss": self.issuer, "aud": request.client.client_id, "exp": int(self.now()) + 600}

    def sign_response(self, request: AuthorizationRequest, parameters: dict[str, str]) -> str:
        """With those claims."""
        return signing_key(self.settings.own_alg).sign(parameters | self.response_claims(request))


@fault("fapi2-message-signing-5.4.1-response-has-its-claims", profile=SIGNED)
class ResponseIsMeantForItsIssuer(_OtherClaims):
    """BUG: the audience of a signed response is the server itself (FAPI 2.0 Message Signing section 5.4.1)."""

    def response_claims(self, request: AuthorizationRequest) -> dict[str, Any]:
        """Another aud."""
        return super().response_claims(request) | {"aud": self.issuer}


@fault("fapi2-message-signing-5.4.1-response-has-its-claims", profile=SIGNED)
class ResponseHasExpired(_OtherClaims):
    """BUG: exp of a signed response is the time at which it was made (FAPI 2.0 Message Signing section 5.4.1)."""

    def response_claims(self, request: AuthorizationRequest) -> dict[str, Any]:
        """No time to live."""
        return super().response_claims(request) | {"exp": int(self.now())}


@fault("fapi2-message-signing-5.4.1-response-lives-10-minutes-at-most", profile=SIGNED)
class ResponseIsGoodAllDay(_OtherClaims):
    """BUG: a signed response is good for a day (FAPI 2.0 Message Signing section 5.4.1)."""

    def response_claims(self, request: AuthorizationRequest) -> dict[str, Any]:
        """More than enough."""
        return super().response_claims(request) | {"exp": int(self.now()) + 86_400}
