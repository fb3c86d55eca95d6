"""Faults of one way in: rules of request_uri that hold not by POST, not for public clients, not after a login."""

from __future__ import annotations

from aiohttp import web

from conformance.server.app import AuthorizationServer
from conformance.server.clients import RegisteredClient
from conformance.server.faults import fault
from conformance.server.forms import Form
from conformance.server.records import PushedRequest

BOUND = "rfc9126-2.2-bound-to-client"
ONCE = "rfc9126-4-one-time-use"


class ByMethod(AuthorizationServer):
    """Knows, while it looks for a request, how it came."""

    posted = False

    async def authorize(self, request: web.Request) -> web.StreamResponse:
        """Remember the method: nothing is awaited between here and the rules but the form."""
        query = await self.read_query(request)
        self.check_duplicates(query)
        self.posted = request.method == "POST"
        found = await self.find_request(query)
        await self.use_up("visit", found.pushed)
        return await self.begin(request, found)


@fault(BOUND)
class BindingIsForgottenByPost(ByMethod):
    """BUG: the binding is checked where the request comes by GET (RFC 9126 section 2.2)."""

    def check_bound_to_client(self, pushed: PushedRequest, client: RegisteredClient) -> None:
        """GET only."""
        if not self.posted:
            super().check_bound_to_client(pushed, client)


@fault("rfc9126-4-post-accepted", "openid-core-3.1.2.1-post-accepted-at-authorization-endpoint")
class PostIsNotServed(AuthorizationServer):
    """BUG: the authorization endpoint answers POST with 405 (RFC 9126 section 4)."""

    def allowed_methods(self, endpoint: str) -> list[str]:
        """GET and HEAD."""
        return ["GET", "HEAD"] if endpoint == "authorization" else super().allowed_methods(endpoint)


def _owner(server: AuthorizationServer, pushed: PushedRequest) -> str:
    return server.clients[pushed.client_id].auth


@fault(ONCE)
class UsedUpForConfidentialClientsOnly(AuthorizationServer):
    """BUG: what a public client has pushed is never used up (RFC 9126 section 4)."""

    async def consume(self, pushed: PushedRequest) -> None:
        """Only where there are credentials."""
        if _owner(self, pushed) != "none":
            await super().consume(pushed)


@fault(ONCE)
class UsedIsForgottenByPost(ByMethod):
    """BUG: whether a request_uri was used is looked at where it comes by GET (RFC 9126 section 4)."""

    def check_not_used(self, pushed: PushedRequest) -> None:
        """By POST it is as good as new."""
        if self.posted:
            pushed.used = False
        super().check_not_used(pushed)


@fault("rfc9126-4-expired-refused")
class ExpiryIsForConfidentialClientsOnly(AuthorizationServer):
    """BUG: what a public client has pushed lives for ever (RFC 9126 section 4)."""

    def check_not_expired(self, pushed: PushedRequest) -> None:
        """Only where there are credentials."""
        if _owner(self, pushed) != "none":
            super().check_not_expired(pushed)


@fault("rfc9126-4-expired-refused")
class ExpiryIsForgottenByPost(ByMethod):
    """BUG: the lifetime is looked at where the request comes by GET (RFC 9126 section 4)."""

    def check_not_expired(self, pushed: PushedRequest) -> None:
        """GET only."""
        if not self.posted:
            super().check_not_expired(pushed)


@fault(BOUND)
class PublicClientsRequestsAreAnybodys(AuthorizationServer):
    """BUG: what a public client has pushed can be opened in any client's name (RFC 9126 section 2.2)."""

    def check_bound_to_client(self, pushed: PushedRequest, client: RegisteredClient) -> None:
        """Only where there were credentials."""
        if _owner(self, pushed) != "none":
            super().check_bound_to_client(pushed, client)


@fault("rfc9126-4-client-id-required", "rfc9101-5-client-id-required-beside-request-uri")
class ClientIdIsReadFromThePushByPost(ByMethod):
    """BUG: by POST a request_uri without client_id is served in the name of whoever pushed it (section 4)."""

    def asking_client(self, query: Form) -> RegisteredClient:
        """GET only."""
        pushed = self.load_pushed(query.get("request_uri") or "")
        if self.posted and query.get("client_id") is None and pushed is not None:
            return self.clients[pushed.client_id]
        return super().asking_client(query)


class _Trusting(AuthorizationServer):
    """Knows, while it looks for a request, whether somebody is logged in."""

    known = False

    async def authorize(self, request: web.Request) -> web.StreamResponse:
        """Look at the session: nothing is awaited between here and the rules."""
        query = await self.read_query(request)
        self.check_duplicates(query)
        session = self.session_of(request)
        self.known = session is not None and session.user is not None
        found = await self.find_request(query)
        await self.use_up("visit", found.pushed)
        return await self.begin(request, found)


@fault("rfc9126-4-expired-refused")
class SessionOutlivesTheRequest(_Trusting):
    """BUG: whoever is logged in may open what has expired (RFC 9126 section 4)."""

    def check_not_expired(self, pushed: PushedRequest) -> None:
        """Only for strangers."""
        if not self.known:
            super().check_not_expired(pushed)


@fault(BOUND, "rfc9101-10.2-request-uri-bound-to-client")
class SessionStandsForTheClient(_Trusting):
    """BUG: the binding is not looked at where somebody is logged in (RFC 9126 section 2.2)."""

    def check_bound_to_client(self, pushed: PushedRequest, client: RegisteredClient) -> None:
        """Only for strangers."""
        if not self.known:
            super().check_bound_to_client(pushed, client)
