"""Faults in the audience of client assertions (RFC 7523 section 3, item 3, and its update)."""

from __future__ import annotations

from typing import Any

from conformance.server import jose
from conformance.server.app import AuthorizationServer
from conformance.server.clients import RegisteredClient
from conformance.server.errors import invalid_client
from conformance.server.faults import fault
from conformance.server.forms import Form

Claims = dict[str, Any]

#: Under the update of RFC 7523 the issuer is the only audience.
UPDATE: dict[str, Any] = {"settings": {"assertion_audience": "issuer"}, "plans": ("rfc7523bis",)}


class _Audience(AuthorizationServer):
    """Takes some audiences beside the right ones."""

    def takes(self, audience: object) -> bool:
        """Whether this one will do."""
        return False

    def verify_assertion_audience(self, claims: Claims) -> None:
        """Judge the others as usual."""
        if not self.takes(claims.get("aud")):
            super().verify_assertion_audience(claims)


@fault("rfc7523-3-aud-required")
class AssertionsNeedNoAudience(_Audience):
    """BUG: an assertion without aud is accepted (RFC 7523 section 3)."""

    def takes(self, audience: object) -> bool:
        """None will do."""
        return audience is None


@fault("rfc7523-3-aud-required")
class EmptyAudienceIsForEverybody(_Audience):
    """BUG: an empty aud array is for everybody (RFC 7523 section 3)."""

    def takes(self, audience: object) -> bool:
        """An empty list will do."""
        return audience == []


@fault("rfc7523-3-foreign-aud-refused", "rfc7523-3-aud-compared-exactly")
class AssertionsForOthersAreTaken(_Audience):
    """BUG: aud of an assertion has only to be there (RFC 7523 section 3)."""

    def takes(self, audience: object) -> bool:
        """Any will do."""
        return bool(audience)


@fault("rfc7523-3-foreign-aud-refused")
class ArraysOfAudiencesAreNotRead(_Audience):
    """BUG: an aud array is taken whoever stands in it (RFC 7523 section 3)."""

    def takes(self, audience: object) -> bool:
        """Any array with members will do."""
        return isinstance(audience, list) and bool(audience)


@fault("rfc7523-3-aud-compared-exactly")
class AudiencesAreComparedByPrefix(_Audience):
    """BUG: an aud that begins like the issuer will do (RFC 7523 section 3)."""

    def takes(self, audience: object) -> bool:
        """Compare the beginning."""
        return isinstance(audience, str) and audience.startswith(self.issuer)


@fault("rfc7523-3-aud-compared-exactly")
class AudiencesAreComparedWithoutCase(_Audience):
    """BUG: aud is compared without regard to case (RFC 7523 section 3)."""

    def takes(self, audience: object) -> bool:
        """Fold the case."""
        return isinstance(audience, str) and audience.lower() == self.issuer


@fault("rfc7523-3-aud-compared-exactly", "rfc7523bis-4-audience-compared-exactly", **UPDATE)
class SlashAtTheEndIsForgiven(_Audience):
    """BUG: an aud is right with a slash more (draft-ietf-oauth-rfc7523bis section 4)."""

    def takes(self, audience: object) -> bool:
        """Trim it."""
        return isinstance(audience, str) and audience.rstrip("/") == self.issuer


@fault("rfc7523-3-aud-array-accepted")
class AudienceIsOneText(AuthorizationServer):
    """BUG: an aud array is refused (RFC 7523 section 3)."""

    def verify_assertion_audience(self, claims: Claims) -> None:
        """Demand a string."""
        if not isinstance(claims.get("aud"), str):
            raise invalid_client()
        super().verify_assertion_audience(claims)


# -- the update


@fault(
    "rfc7523bis-4-issuer-identifier-exists",
    "rfc8414-2-issuer-https",
    "rfc9207-2.3-iss-identical",
    "rfc8414-3.3-issuer-identical",
    "rfc8414-2-issuer-present",
    **UPDATE,
)
class IssuerIsNotTold(AuthorizationServer):
    """BUG: the metadata has an empty issuer (draft-ietf-oauth-rfc7523bis section 4)."""

    def endpoint_metadata(self) -> dict[str, Any]:
        """Leave it empty."""
        return {**super().endpoint_metadata(), "issuer": ""}


@fault(
    "rfc7523bis-5-issuer-audience-accepted",
    "rfc7523-2.2-assertion-accepted",
    "openid-core-9-client-secret-jwt-keyed-with-utf8-secret",
    "rfc8705-6.1-clients-without-certificate-unharmed",
    "rfc9126-2-token-endpoint-methods-accepted",
    **UPDATE,
    alone=True,
)
class IssuerIsNoAudience(AuthorizationServer):
    """BUG: the issuer has to stand in an array (draft-ietf-oauth-rfc7523bis section 5)."""

    def verify_assertion_audience(self, claims: Claims) -> None:
        """Demand an array."""
        if not isinstance(claims.get("aud"), list):
            raise invalid_client()
        super().verify_assertion_audience(claims)


@fault(
    "rfc7523bis-5-token-endpoint-audience-refused",
    "rfc7523bis-4-token-endpoint-audience-refused-at-token-endpoint",
    **UPDATE,
)
class TokenEndpointIsAnAudience(_Audience):
    """BUG: the token endpoint is still an audience (draft-ietf-oauth-rfc7523bis section 5)."""

    def takes(self, audience: object) -> bool:
        """It will do."""
        return audience == self.url("token")


@fault("rfc7523bis-4-token-endpoint-audience-refused-at-token-endpoint", **UPDATE)
class TokenEndpointIsItsOwnAudience(_Audience):
    """BUG: the token endpoint is an audience there, and at the PAR endpoint no more (draft, section 4)."""

    endpoint = ""

    def authenticate_client(self, request: Any, form: Form) -> RegisteredClient:
        """Note the endpoint."""
        self.endpoint = request.path
        return super().authenticate_client(request, form)

    def takes(self, audience: object) -> bool:
        """It will do there."""
        return audience == self.url("token") and self.endpoint.endswith("/token")


@fault("rfc7523bis-5-par-endpoint-audience-refused", **UPDATE)
class PushEndpointIsAnAudience(_Audience):
    """BUG: the PAR endpoint is still an audience (draft-ietf-oauth-rfc7523bis section 5)."""

    def takes(self, audience: object) -> bool:
        """It will do."""
        return audience == self.url("pushed_authorization_request")


@fault("rfc7523bis-5-further-audiences-refused", **UPDATE)
class FurtherAudiencesAreFine(_Audience):
    """BUG: the issuer may stand among others (draft-ietf-oauth-rfc7523bis section 5)."""

    def takes(self, audience: object) -> bool:
        """It will do among others."""
        return isinstance(audience, list) and self.issuer in audience


@fault("rfc7523bis-5-other-issuers-audience-refused", "rfc7523-3-foreign-aud-refused", **UPDATE)
class OtherIssuersAreAudiences(_Audience):
    """BUG: any https issuer by itself will do as audience (draft-ietf-oauth-rfc7523bis section 5)."""

    def takes(self, audience: object) -> bool:
        """Any host without a path and port will do."""
        host = audience.removeprefix("https://") if isinstance(audience, str) else ""
        return bool(host) and not host.startswith("127.") and not {"/", ":", "?"} & set(host)


@fault("rfc7523bis-5-single-element-array-accepted", **UPDATE)
class ArrayOfTheIssuerIsRefused(AuthorizationServer):
    """BUG: the issuer in an array of one is refused (draft-ietf-oauth-rfc7523bis section 5)."""

    def verify_assertion_audience(self, claims: Claims) -> None:
        """Demand a string."""
        if not isinstance(claims.get("aud"), str):
            raise invalid_client()
        super().verify_assertion_audience(claims)


@fault("rfc7523bis-5-typed-assertion-accepted", **UPDATE)
class TypedAssertionsAreRefused(AuthorizationServer):
    """BUG: the type client-authentication+jwt is refused (draft-ietf-oauth-rfc7523bis section 5)."""

    def verify_assertion_type(self, jws: jose.Jws) -> None:
        """Know JWT only."""
        if jws.typ not in {None, "jwt"}:
            raise invalid_client()


@fault("rfc7523bis-5-untyped-assertion-accepted", **UPDATE)
class UntypedAssertionsAreRefused(AuthorizationServer):
    """BUG: an assertion without a typ header is refused (draft-ietf-oauth-rfc7523bis section 5)."""

    def verify_assertion_type(self, jws: jose.Jws) -> None:
        """Demand one."""
        if jws.typ is None:
            raise invalid_client()
        super().verify_assertion_type(jws)
