"""Faults of the pushed authorization request endpoint."""

from __future__ import annotations

import hashlib
from typing import Any

from conformance.server.app import AuthorizationServer
from conformance.server.clients import RegisteredClient
from conformance.server.faults import fault
from conformance.server.forms import Form


@fault("rfc9126-2.1-request-uri-refused")
class PushTakesRequestUri(AuthorizationServer):
    """BUG: a pushed request may itself carry request_uri (RFC 9126 section 2.1 step 2)."""

    def refuse_request_uri_in_push(self, form: Form) -> None:
        """Let it pass."""


@fault("rfc9126-2.1-request-uri-refused")
class PublicClientMayPushRequestUri(AuthorizationServer):
    """BUG: request_uri in a push is refused, except from public clients (RFC 9126 section 2.1 step 2)."""

    def refuse_request_uri_in_push(self, form: Form) -> None:
        """Look only at clients with credentials."""
        if form.get("client_id") != "public-client":
            super().refuse_request_uri_in_push(form)


@fault("rfc9126-2.2-request-uri-unpredictable")
class ReferencesAreCounted(AuthorizationServer):
    """BUG: references are the hashes of a counter (RFC 9126 section 2.2)."""

    count = 0

    def new_reference(self) -> str:
        """The next number, hashed."""
        self.count += 1
        return hashlib.sha256(str(self.count).encode()).hexdigest()


@fault("rfc9126-2.2-status-201")
class SuccessIs200(AuthorizationServer):
    """BUG: a successful push is answered with 200 (RFC 9126 section 2.2)."""

    def json_response(
        self, members: dict[str, Any], *, status: int = 200, headers: dict[str, str] | None = None
    ) -> Any:
        """200 in place of 201."""
        return super().json_response(members, status=200 if status == 201 else status, headers=headers)


@fault("rfc9126-2.2-expires-in-integer")
class ExpiresInIsText(AuthorizationServer):
    """BUG: expires_in is a string (RFC 9126 section 2.2)."""

    def push_members(self, pushed: Any) -> dict[str, Any]:
        """The number between quotes."""
        members = super().push_members(pushed)
        return {**members, "expires_in": str(members["expires_in"])}


@fault("rfc9126-4-expired-refused")
class LivesATenthTooLong(AuthorizationServer):
    """BUG: a request_uri lives a tenth longer than it is announced (RFC 9126 section 4)."""

    def check_not_expired(self, pushed: Any) -> None:
        """Grant six seconds more of a minute."""
        if self.now() > pushed.expires_at + self.settings.lifetime / 10:
            super().check_not_expired(pushed)


@fault("rfc9126-2.2-bound-to-client")
class AnyClientMayUseIt(AuthorizationServer):
    """BUG: any client can open the request_uri of another (RFC 9126 section 2.2)."""

    def check_bound_to_client(self, pushed: Any, client: RegisteredClient) -> None:
        """Let it pass."""
