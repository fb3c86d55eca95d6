"""Faults of iss in the authorization response (RFC 9207)."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from conformance.server.app import AuthorizationServer
from conformance.server.faults import fault
from conformance.server.records import AuthorizationRequest, Grant


class _Iss(AuthorizationServer):
    """Another iss, or none."""

    def iss_of(self, request: AuthorizationRequest, answer: dict[str, str]) -> str | None:
        """What iss says."""
        return self.issuer

    def response_parameters(self, request: AuthorizationRequest, answer: dict[str, str]) -> dict[str, str]:
        """Set it, or leave it out."""
        found = super().response_parameters(request, answer)
        iss = self.iss_of(request, answer)
        if iss is None:
            found.pop("iss", None)
        else:
            found["iss"] = iss
        return found


@fault(
    "rfc9207-2-iss-with-code",
    "rfc9207-2-iss-in-every-mode",
    "rfc9207-3-announced-and-sent",
)
class NoIssWithCode(_Iss):
    """BUG: iss is announced, and only errors carry it (RFC 9207 section 2)."""

    def iss_of(self, request: AuthorizationRequest, answer: dict[str, str]) -> str | None:
        """With errors only."""
        return self.issuer if "error" in answer else None


@fault("rfc9207-2-iss-with-code")
class NoIssForPublicClients(_Iss):
    """BUG: responses to public clients carry no iss (RFC 9207 section 2)."""

    def iss_of(self, request: AuthorizationRequest, answer: dict[str, str]) -> str | None:
        """For clients that authenticate."""
        return self.issuer if request.client.confidential or "error" in answer else None


@fault("rfc9207-2-iss-with-error")
class NoIssWithErrors(_Iss):
    """BUG: errors carry no iss (RFC 9207 section 2)."""

    def iss_of(self, request: AuthorizationRequest, answer: dict[str, str]) -> str | None:
        """With a code only."""
        return None if "error" in answer else self.issuer


@fault("rfc9207-2-iss-in-every-mode")
class NoIssInFormPost(_Iss):
    """BUG: a response by form_post carries no iss (RFC 9207 section 2)."""

    def iss_of(self, request: AuthorizationRequest, answer: dict[str, str]) -> str | None:
        """In the other modes."""
        return None if self.response_mode_of(request) == "form_post" else self.issuer


@fault("rfc9207-2-iss-https", "rfc9207-2.3-iss-identical", "rfc9207-2.4-same-as-id-token")
class IssHasAQuery(_Iss):
    """BUG: iss has a query that the issuer does not have (RFC 9207 section 2)."""

    def iss_of(self, request: AuthorizationRequest, answer: dict[str, str]) -> str | None:
        """Add one."""
        return f"{self.issuer}?client_id={request.client.client_id}"


@fault("rfc9207-2.3-iss-identical", "rfc9207-2.4-same-as-id-token")
class IssEndsWithASlash(_Iss):
    """BUG: iss ends with a slash that the issuer does not have (RFC 9207 section 2.3)."""

    def iss_of(self, request: AuthorizationRequest, answer: dict[str, str]) -> str | None:
        """Add it."""
        return f"{self.issuer}/"


@fault("rfc9207-2.4-same-as-id-token", "openid-core-2-id-token-iss-is-issuer")
class IdTokenHasAnotherIssuer(AuthorizationServer):
    """BUG: the claim iss of the ID token is another one than iss of the response (RFC 9207 section 2.4)."""

    def id_token_claims(self, grant: Grant) -> dict[str, Any]:
        """Add a slash."""
        return super().id_token_claims(grant) | {"iss": f"{self.issuer}/"}


@fault("rfc9207-2.3-support-announced")
class IssIsNotAnnounced(AuthorizationServer):
    """BUG: iss is sent, and the metadata do not say so (RFC 9207 section 2.3)."""

    def flow_metadata(self) -> dict[str, Any]:
        """Leave it out."""
        return super().flow_metadata() | {"authorization_response_iss_parameter_supported": None}


@fault("rfc9207-3-metadata-boolean")
class AnnouncementIsAText(AuthorizationServer):
    """BUG: the metadata announce iss by the text "true" (RFC 9207 section 3)."""

    def flow_metadata(self) -> dict[str, Any]:
        """A text."""
        return super().flow_metadata() | {"authorization_response_iss_parameter_supported": "true"}


@fault("rfc9207-2.3-iss-identical")
class IssOfErrorsEndsWithASlash(AuthorizationServer):
    """BUG: iss beside an error ends with a slash that the issuer does not have (RFC 9207 section 2.3)."""

    def response_parameters(self, request: AuthorizationRequest, answer: dict[str, str]) -> dict[str, str]:
        """A slash more."""
        parameters = super().response_parameters(request, answer)
        return {**parameters, "iss": f"{self.issuer}/"} if "error" in answer else parameters


@fault("rfc9207-2-iss-in-every-mode")
class IssOfFormsEndsWithASlash(AuthorizationServer):
    """BUG: iss of a response by form_post ends with a slash that the issuer does not have (RFC 9207 section 2.3)."""

    def deliver(self, redirect_uri: str, mode: str, parameters: dict[str, str]) -> web.Response:
        """A slash more."""
        changed = {**parameters, "iss": f"{self.issuer}/"} if mode == "form_post" else parameters
        return super().deliver(redirect_uri, mode, changed)
