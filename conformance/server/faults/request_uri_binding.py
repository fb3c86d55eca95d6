"""Faults of whose a request_uri is: the client that pushed it (RFC 9126 sections 2.2 and 4)."""

from __future__ import annotations

from conformance.server.app import AuthorizationServer
from conformance.server.clients import RegisteredClient
from conformance.server.faults import fault
from conformance.server.forms import Form
from conformance.server.records import AuthorizationRequest, PushedRequest

BOUND = "rfc9126-2.2-bound-to-client"


@fault(BOUND, "rfc9101-10.2-request-uri-bound-to-client")
class AnyClientMayUseIt(AuthorizationServer):
    """BUG: any client can open the request_uri of another (RFC 9126 section 2.2)."""

    def check_bound_to_client(self, pushed: PushedRequest, client: RegisteredClient) -> None:
        """Let it pass."""


@fault(BOUND)
class PublicClientsMayUseAny(AuthorizationServer):
    """BUG: the binding is checked for clients with credentials only (RFC 9126 section 2.2)."""

    def check_bound_to_client(self, pushed: PushedRequest, client: RegisteredClient) -> None:
        """Confidential clients only."""
        if client.confidential:
            super().check_bound_to_client(pushed, client)


@fault(BOUND)
class BoundToTheKindOfClient(AuthorizationServer):
    """BUG: the binding is to the client's method of authentication, not to the client (section 2.2)."""

    def check_bound_to_client(self, pushed: PushedRequest, client: RegisteredClient) -> None:
        """Compare the methods."""
        if self.clients[pushed.client_id].auth != client.auth:
            super().check_bound_to_client(pushed, client)


@fault(BOUND, "rfc9101-10.2-request-uri-bound-to-client")
class BindingIsFoundOutAtTheCode(AuthorizationServer):
    """BUG: a foreign client_id takes the request over: the code is its own, at its own redirect URI (section 2.2)."""

    def pushed_request(self, client: RegisteredClient, query: Form, pushed: PushedRequest) -> AuthorizationRequest:
        """The other client's request, with everything else as pushed."""
        if pushed.client_id == client.client_id:
            return super().pushed_request(client, query, pushed)
        self.check_not_expired(pushed)
        self.check_not_used(pushed)
        parameters = {**pushed.parameters, "client_id": client.client_id, "redirect_uri": client.redirect_uris[0]}
        parameters.pop("scope", None)
        return AuthorizationRequest(client, parameters, client.redirect_uris[0], pushed)


@fault("rfc9126-4-client-id-required", "rfc9101-5-client-id-required-beside-request-uri")
class ClientIdMayBeMissing(AuthorizationServer):
    """BUG: without client_id the client is the one that pushed (RFC 9126 section 4)."""

    def asking_client(self, query: Form) -> RegisteredClient:
        """Take the request's owner."""
        pushed = self.load_pushed(query.get("request_uri") or "")
        if pushed is not None and query.get("client_id") is None:
            return self.clients[pushed.client_id]
        return super().asking_client(query)


@fault("rfc9126-2.2-foreign-attempt-spoils-nothing")
class ForeignAttemptBurnsIt(AuthorizationServer):
    """BUG: the stored request is taken out before the client is compared (RFC 9126 section 2.2)."""

    def check_bound_to_client(self, pushed: PushedRequest, client: RegisteredClient) -> None:
        """Too late."""
        if pushed.client_id != client.client_id:
            self.pushed.drop(pushed.request_uri)
        super().check_bound_to_client(pushed, client)


@fault("rfc9126-2.2-bound-to-client")
class BindingHoldsOnce(AuthorizationServer):
    """BUG: another client that tries again gets through (RFC 9126 section 2.2)."""

    def check_bound_to_client(self, pushed: PushedRequest, client: RegisteredClient) -> None:
        """Only the first attempt is noticed."""
        tried = self.__dict__.setdefault("tried", set())
        if pushed.request_uri not in tried:
            if pushed.client_id != client.client_id:
                tried.add(pushed.request_uri)
            super().check_bound_to_client(pushed, client)
