"""Faults of servers without request objects (RFC 9101 section 7)."""

from __future__ import annotations

from conformance.server.app import AuthorizationServer
from conformance.server.clients import RegisteredClient
from conformance.server.errors import OAuthError
from conformance.server.faults import fault
from conformance.server.forms import Form
from conformance.server.records import AuthorizationRequest, Parameters


@fault("rfc9101-7-unsupported-request-refused", "rfc9126-2-request-object-not-ignored", settings={"jar": False})
class UnsupportedObjectsAreIgnoredInPushes(AuthorizationServer):
    """BUG: a server without request objects ignores them in a push (RFC 9101 section 7)."""

    def pushed_parameters(self, client: RegisteredClient, form: Form) -> Parameters:
        """Use the form."""
        self.require_request_object(client)
        return {name: value for name, value in self.form_parameters(form).items() if name != "request"}


@fault(
    "rfc9101-7-unsupported-request-refused",
    "rfc9126-2-request-object-not-ignored",
    "rfc9126-2.3-malformed-answered",
    settings={"jar": False},
)
class UnsupportedObjectsLeavePushesOfLittle(UnsupportedObjectsAreIgnoredInPushes):
    """BUG: what a server is left with that ignores a pushed request object ends in a 500 (RFC 9126 section 2.3)."""

    def pushed_parameters(self, client: RegisteredClient, form: Form) -> Parameters:
        """Nobody thought of a push without response_type and redirect_uri."""
        if not form.get("response_type") and not form.get("redirect_uri"):
            raise OAuthError("server_error", "unexpected", status=500)
        return super().pushed_parameters(client, form)


@fault(
    "rfc9101-7-unsupported-request-refused",
    "openid-core-6.1-unsupported-request-answered",
    settings={"jar": False},
)
class UnsupportedObjectsAreIgnoredInLinks(AuthorizationServer):
    """BUG: a server without request objects ignores them in a link (RFC 9101 section 7)."""

    def request_by_value(self, client: RegisteredClient, query: Form, text: str) -> AuthorizationRequest:
        """Use the query."""
        return self.plain_request(client, query)


@fault("openid-core-6.1-unsupported-request-answered", settings={"jar": False})
class UnsupportedObjectsAreInvalidRequests(AuthorizationServer):
    """BUG: a server without request objects says invalid_request to the client (OpenID Connect Core section 6.1)."""

    def request_by_value(self, client: RegisteredClient, query: Form, text: str) -> AuthorizationRequest:
        """Use the other code."""
        about = self.plain_request(client, query)
        raise OAuthError("invalid_request", "there are parameters that nobody knows", about=about)
