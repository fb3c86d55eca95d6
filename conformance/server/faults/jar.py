"""Faults in what stands in a request object (RFC 9101 sections 4, 6.3 and 9)."""

from __future__ import annotations

import json
from typing import Any

import aiohttp

from conformance.server import jose
from conformance.server.app import AuthorizationServer
from conformance.server.clients import RegisteredClient
from conformance.server.errors import OAuthError
from conformance.server.faults import fault
from conformance.server.forms import Form
from conformance.server.records import Parameters


@fault("rfc9101-4-nested-request-refused", "openid-core-6.1-nested-request-refused")
class NestedRequestIsIgnored(AuthorizationServer):
    """BUG: a claim request in a request object is passed over (RFC 9101 section 4)."""

    def refuse_nested_objects(self, claims: dict[str, Any]) -> None:
        """Look at request_uri only."""
        super().refuse_nested_objects({name: value for name, value in claims.items() if name != "request"})


@fault("rfc9101-4-nested-request-uri-refused", "openid-core-6.1-nested-request-uri-refused")
class NestedUrnIsIgnored(AuthorizationServer):
    """BUG: a claim request_uri is refused when it is a URL, and passed over when it is a URN (RFC 9101 section 4)."""

    def refuse_nested_objects(self, claims: dict[str, Any]) -> None:
        """Look at URLs only."""
        urn = str(claims.get("request_uri", "")).startswith("urn:")
        super().refuse_nested_objects(
            {name: value for name, value in claims.items() if not (urn and name == "request_uri")}
        )


@fault("rfc9101-4-nested-request-uri-not-fetched")
class NestedReferenceIsFetchedFirst(AuthorizationServer):
    """BUG: a URL in the claim request_uri is fetched before the object is refused (RFC 9101 section 4)."""

    async def push(self, request: Any) -> Any:
        """Fetch what the object of the form points to, then go on as usual."""
        form = await self.read_form(request)
        try:
            url = jose.parse_jws(form.get("request") or "").claims().get("request_uri")
        except ValueError:
            url = None
        if isinstance(url, str) and url.startswith("http://127.0.0.1"):
            async with aiohttp.ClientSession() as session, session.get(url) as answer:
                await answer.read()
        return await super().push(request)


@fault("rfc9101-4-numbers-taken-as-json-numbers")
class NumbersOfObjectsAreDropped(AuthorizationServer):
    """BUG: only string claims are taken for parameters, so that max_age as a number is lost (RFC 9101 section 4)."""

    def object_parameters(self, claims: dict[str, Any]) -> Parameters:
        """Leave out numbers."""
        return {name: value for name, value in super().object_parameters(claims).items() if not isinstance(value, int)}


@fault("rfc9101-4-strings-taken-unchanged")
class EscapesOfObjectsStay(AuthorizationServer):
    """BUG: strings are taken as they stand between the quotes, with their escapes (RFC 9101 section 4)."""

    def object_parameters(self, claims: dict[str, Any]) -> Parameters:
        """Put JSON's escapes back."""
        return {
            name: json.dumps(value)[1:-1] if isinstance(value, str) else value
            for name, value in super().object_parameters(claims).items()
        }


@fault("rfc9101-4-structured-claims-survive", "rfc9396-3-accepted-in-request-object")
class StructuresOfObjectsAreRefused(AuthorizationServer):
    """BUG: a request object with a claim that is no string or number is refused (RFC 9101 section 4)."""

    def object_parameters(self, claims: dict[str, Any]) -> Parameters:
        """Refuse objects, and arrays of objects."""
        parameters = super().object_parameters(claims)
        for value in parameters.values():
            if isinstance(value, dict) or (isinstance(value, list) and not all(isinstance(one, str) for one in value)):
                raise OAuthError("invalid_request_object", "a claim has the wrong type")
        return parameters


@fault("rfc9101-4-structured-claims-survive")
class DetailsOfObjectsAreLost(AuthorizationServer):
    """BUG: authorization_details as an array are accepted and forgotten (RFC 9101 section 4)."""

    def object_parameters(self, claims: dict[str, Any]) -> Parameters:
        """Take them only as text."""
        parameters = super().object_parameters(claims)
        if isinstance(parameters.get("authorization_details"), list):
            del parameters["authorization_details"]
        return parameters


@fault(
    "rfc9101-4-issuer-audience-accepted", "rfc9101-5-object-suffices", "rfc9126-3-request-object-accepted", alone=True
)
class ObjectsAreForThePushEndpoint(AuthorizationServer):
    """BUG: a request object has to name the PAR endpoint as audience in place of the issuer (RFC 9101 section 4)."""

    def check_object_audience(self, claims: dict[str, Any]) -> None:
        """Compare with the endpoint."""
        if claims.get("aud") != self.url("pushed_authorization_request"):
            raise OAuthError("invalid_request_object", "the request object is invalid")


@fault("rfc9101-4-audience-array-accepted")
class ObjectsHaveOneAudience(AuthorizationServer):
    """BUG: an audience array of more than one member is refused (RFC 9101 section 4)."""

    def check_object_audience(self, claims: dict[str, Any]) -> None:
        """Count the members."""
        if isinstance(claims.get("aud"), list) and len(claims["aud"]) > 1:
            raise OAuthError("invalid_request_object", "the request object is invalid")
        super().check_object_audience(claims)


@fault("rfc9101-4-foreign-audience-refused")
class ObjectsForOthersAreTaken(AuthorizationServer):
    """BUG: the audience of a request object is not looked at (RFC 9101 section 4)."""

    def check_object_audience(self, claims: dict[str, Any]) -> None:
        """Let it pass."""


@fault("rfc9101-4-foreign-audience-refused")
class AudiencesOfObjectsAreComparedByPrefix(AuthorizationServer):
    """BUG: an audience that begins like the issuer will do (RFC 9101 section 4)."""

    def check_object_audience(self, claims: dict[str, Any]) -> None:
        """Compare the beginning."""
        audience = claims.get("aud")
        if isinstance(audience, str) and audience.startswith(self.issuer):
            return
        super().check_object_audience(claims)


@fault("rfc9101-4-foreign-iss-refused")
class ObjectsOfAnyIssuerAreTaken(AuthorizationServer):
    """BUG: iss of a request object is not compared with the client (RFC 9101 section 4)."""

    def check_object_client(self, client: RegisteredClient, claims: dict[str, Any]) -> None:
        """Compare client_id only."""
        super().check_object_client(client, {**claims, "iss": client.client_id})


@fault("rfc9101-6.3-missing-client-id-claim-refused")
class ObjectsNeedNoClientId(AuthorizationServer):
    """BUG: a request object whose iss is the client needs no client_id (RFC 9101 section 6.3)."""

    def check_object_client(self, client: RegisteredClient, claims: dict[str, Any]) -> None:
        """Take iss for it."""
        if "client_id" not in claims and claims.get("iss") == client.client_id and "sub" not in claims:
            claims["client_id"] = client.client_id
        super().check_object_client(client, claims)


@fault(
    "rfc9101-6.3-client-id-claim-mismatch-refused",
    "rfc9126-3-client-id-claim-matches",
    "rfc9101-6.3-query-client-id-mismatch-refused",
    "openid-core-6.1-client-id-mismatch-refused",
)
class ObjectsMayNameAnotherClient(AuthorizationServer):
    """BUG: the client_id claim has only to be there (RFC 9101 section 6.3)."""

    def check_object_client(self, client: RegisteredClient, claims: dict[str, Any]) -> None:
        """Replace it."""
        if "client_id" in claims:
            claims.update(client_id=client.client_id)
        super().check_object_client(client, claims)


@fault("rfc9101-6.3-object-of-another-client-refused", "rfc9126-3-client-id-claim-matches")
class ObjectsOfOthersAreTakenOver(AuthorizationServer):
    """BUG: an object that another client made and signed is taken when a client pushes it (RFC 9101 section 6.3)."""

    def pushed_parameters(self, client: RegisteredClient, form: Form) -> Parameters:
        """Verify the object as the one of the client that it names."""
        try:
            named = jose.parse_jws(form.get("request") or "").claims().get("client_id")
        except ValueError:
            named = None
        maker = self.clients.get(named) if isinstance(named, str) else None
        if maker is None or maker is client or not maker.keys:
            return super().pushed_parameters(client, form)
        parameters = self.read_request_object(maker, form.get("request") or "")
        return {**parameters, "client_id": client.client_id, "redirect_uri": client.redirect_uris[0]}


class _Lenient(AuthorizationServer):
    """Looks at no time of a request object that a subclass exempts."""

    def exempt(self, claims: dict[str, Any]) -> dict[str, Any]:
        """Claims in their place."""
        return claims

    def check_object_times(self, claims: dict[str, Any]) -> None:
        """Check what is left."""
        super().check_object_times(self.exempt(claims))


@fault("rfc9101-9.1-expired-object-refused")
class ObjectsNeverExpire(_Lenient):
    """BUG: exp of a request object is not compared with the time (RFC 9101 section 9.1)."""

    def exempt(self, claims: dict[str, Any]) -> dict[str, Any]:
        """Prolong its life."""
        jose.seconds(claims.get("exp"))
        return {**claims, "exp": self.now() + 60}


@fault("rfc9101-9.1-expired-object-refused")
class ZeroIsNoExpiry(_Lenient):
    """BUG: an exp of 0 counts as absent (RFC 9101 section 9.1)."""

    def exempt(self, claims: dict[str, Any]) -> dict[str, Any]:
        """Mistake it for none."""
        return claims if claims.get("exp") != 0 else {**claims, "exp": self.now() + 60}


@fault("rfc9101-9.1-object-not-yet-valid-refused")
class ObjectsAreValidEarly(_Lenient):
    """BUG: nbf of a request object is not looked at (RFC 9101 section 9.1)."""

    def exempt(self, claims: dict[str, Any]) -> dict[str, Any]:
        """Take it out."""
        return {**claims, "nbf": None}


@fault("rfc9101-9.1-object-not-yet-valid-refused", settings={"request_object_lifetime": 360})
class ShortLivedObjectsAreValidEarly(ObjectsAreValidEarly):
    """BUG: exp of a request object may lie six minutes ahead, and nbf is not looked at (RFC 9101 section 9.1)."""


@fault("rfc9101-9.1-exp-that-is-no-number-refused")
class ExpiryOfObjectsMayBeText(_Lenient):
    """BUG: an exp that is no number is passed over (RFC 9101 section 9.1)."""

    def exempt(self, claims: dict[str, Any]) -> dict[str, Any]:
        """Put a number in its place."""
        return claims if isinstance(claims.get("exp"), int) else {**claims, "exp": self.now() + 60}


@fault("rfc9101-9.1-exp-that-is-no-number-refused")
class ExpiryOfObjectsIsConverted(_Lenient):
    """BUG: an exp in digits is converted to a number (RFC 9101 section 9.1)."""

    def exempt(self, claims: dict[str, Any]) -> dict[str, Any]:
        """Convert it."""
        text = claims.get("exp")
        return {**claims, "exp": int(text)} if isinstance(text, str) and text.isdigit() else claims
