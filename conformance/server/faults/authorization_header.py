"""Faults of what is made of an Authorization header that proves nothing (RFC 9126 section 2.1 step 1)."""

from __future__ import annotations

import base64

from aiohttp import web

from conformance.server.app import AuthorizationServer
from conformance.server.clients import RegisteredClient
from conformance.server.faults import fault
from conformance.server.forms import Form

MISSING = "rfc9126-2.1-missing-credentials-refused"


@fault(MISSING)
class OtherSchemesAreTrusted(AuthorizationServer):
    """BUG: a header of another scheme than Basic was verified by the gateway, for sure (RFC 9126 section 2.1)."""

    def authenticate_client(self, request: web.Request, form: Form) -> RegisteredClient:
        """Believe client_id beside it."""
        scheme = request.headers.get("Authorization", "Basic").partition(" ")[0]
        if scheme.lower() != "basic":
            return self.find_client(form.get("client_id") or "")
        return super().authenticate_client(request, form)


@fault(MISSING)
class UnreadableHeadersAreTrusted(AuthorizationServer):
    """BUG: the exception for Basic credentials that are no base64 skips what comes after (RFC 9126 section 2.1)."""

    def authenticate_client(self, request: web.Request, form: Form) -> RegisteredClient:
        """Believe client_id where the header cannot be read."""
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        try:
            base64.b64decode(value, validate=True)
        except ValueError:
            if scheme.lower() == "basic":
                return self.find_client(form.get("client_id") or "")
        return super().authenticate_client(request, form)


@fault(MISSING)
class EmptyHeadersAreTrusted(AuthorizationServer):
    """BUG: a header with neither user nor password has passed, and client_id says who it is (section 2.1)."""

    def authenticate_client(self, request: web.Request, form: Form) -> RegisteredClient:
        """Believe client_id beside a lonely colon."""
        if request.headers.get("Authorization") == "Basic Og==":
            return self.find_client(form.get("client_id") or "")
        return super().authenticate_client(request, form)
