"""The authorization endpoint (RFC 6749, section 3.1; RFC 9126, section 4)."""

from __future__ import annotations

from aiohttp import web

from conformance.server.clients import RegisteredClient
from conformance.server.errors import OAuthError
from conformance.server.forms import Form, parse_form
from conformance.server.records import AuthorizationRequest, Parameters, PushedRequest
from conformance.server.references import References

#: Parameters that say where the request is, rather than what it asks for.
POINTERS = frozenset({"client_id", "request_uri", "request"})


class Authorize(References):
    """Finds the authorization request that a browser brings, and begins the interaction with its person."""

    async def authorize(self, request: web.Request) -> web.StreamResponse:
        """GET or POST at the authorization endpoint."""
        query = await self.read_query(request)
        self.check_duplicates(query)
        found = await self.find_request(query)
        await self.use_up("visit", found.pushed)
        return await self.begin(request, found)

    async def read_query(self, request: web.Request) -> Form:
        """The parameters: of the query, or of the form where it is posted (OpenID Connect Core, 3.1.2.1)."""
        if request.method == "POST":
            return await self.read_form(request)
        try:
            raw = request.raw_path.partition("?")[2].partition("#")[0]
            return parse_form(raw.encode("utf-8", "surrogateescape"))
        except ValueError:
            raise OAuthError("invalid_request", "the query is not a form in UTF-8") from None

    async def find_request(self, query: Form) -> AuthorizationRequest:
        """The checked authorization request, wherever it is: pushed, in a request object, or in the query."""
        client = self.asking_client(query)
        request_uri, request_object = query.get("request_uri"), query.get("request")
        if request_uri is not None and request_object is not None:
            raise OAuthError("invalid_request", "request and request_uri exclude each other")
        if request_uri is not None:
            pushed = self.load_pushed(request_uri)
            if pushed is not None:
                return self.pushed_request(client, query, pushed)
            return await self.referenced_request(client, query, request_uri)
        if request_object is not None:
            return self.request_by_value(client, query, request_object)
        return self.plain_request(client, query)

    def asking_client(self, query: Form) -> RegisteredClient:
        """The client that client_id names."""
        client = self.clients.get(query.get("client_id") or "")
        if client is None:
            raise OAuthError("invalid_request", "client_id is missing or unknown")
        return client

    # Pushed

    def pushed_request(self, client: RegisteredClient, query: Form, pushed: PushedRequest) -> AuthorizationRequest:
        """A request that was pushed: the client's own, alive, unused; checked again (RFC 9126, section 7.4)."""
        self.check_bound_to_client(pushed, client)
        self.check_outer_parameters(query.names() - POINTERS)
        try:
            self.check_not_expired(pushed)
            self.check_not_used(pushed)
        except OAuthError as error:
            error.about = self.told_at_redirect_uri(client, pushed)
            raise
        parameters, owner = self.effective_parameters(query, pushed), self.clients[pushed.client_id]
        return self.check_authorization_request(owner, parameters, pushed, authenticated=True)

    def told_at_redirect_uri(self, client: RegisteredClient, pushed: PushedRequest) -> AuthorizationRequest | None:
        """The dead request of this client, if its redirect URI may hear of it; None for an error page."""
        if self.settings.authorize_errors == "page":
            return None
        redirect_uri = self.check_redirect_uri(client, pushed.parameters, authenticated=True)
        return AuthorizationRequest(client, pushed.parameters, redirect_uri, pushed)

    def check_bound_to_client(self, pushed: PushedRequest, client: RegisteredClient) -> None:
        """The request_uri belongs to the client that pushed it; others cannot use it, nor spoil it."""
        if pushed.client_id != client.client_id:
            raise OAuthError("invalid_request_uri", "the request_uri is unknown")

    def check_not_expired(self, pushed: PushedRequest) -> None:
        """An expired request_uri is refused (RFC 9126, section 4)."""
        if self.now() >= pushed.expires_at:
            raise OAuthError("invalid_request_uri", "the request_uri has expired")

    def check_not_used(self, pushed: PushedRequest) -> None:
        """A request_uri is good once (RFC 9126, section 4)."""
        if pushed.used:
            raise OAuthError("invalid_request_uri", "the request_uri was used already")

    def effective_parameters(self, query: Form, pushed: PushedRequest) -> Parameters:
        """The pushed parameters; what stands beside the request_uri has no effect (RFC 9101, section 6.3)."""
        return dict(pushed.parameters)

    # Not pushed

    def require_par_applies(self, client: RegisteredClient) -> bool:
        """Whether only pushed requests will do: for all clients, or for this one (RFC 9126, sections 5 and 6)."""
        return self.settings.require_par or client.require_par

    def require_pushed(self, client: RegisteredClient) -> None:
        """Under that policy every other request is refused with invalid_request (RFC 9126, section 4)."""
        if self.require_par_applies(client):
            raise OAuthError("invalid_request", "a pushed authorization request is required")

    def plain_request(self, client: RegisteredClient, query: Form) -> AuthorizationRequest:
        """A request whose parameters stand in the query."""
        parameters = self.form_parameters(query)
        found = self.check_authorization_request(client, parameters)
        try:
            self.require_pushed(client)
            self.require_request_object(client)
            self.bind_key(client, parameters, None)
        except OAuthError as error:
            error.about = found
            raise
        return found

    def request_by_value(self, client: RegisteredClient, query: Form, text: str) -> AuthorizationRequest:
        """A request in a request object (RFC 9101, section 5.1)."""
        self.require_pushed(client)
        if not self.settings.jar_by_value:
            raise OAuthError("request_not_supported", "request objects are not supported here")
        self.check_outer_parameters(query.names() - POINTERS)
        parameters = self.read_request_object(client, text)
        self.bind_key(client, parameters, None)
        return self.check_authorization_request(client, parameters)

    async def referenced_request(self, client: RegisteredClient, query: Form, request_uri: str) -> AuthorizationRequest:
        """A request in a request object elsewhere (RFC 9101, section 5.2), if that is supported at all."""
        self.require_pushed(client)
        if not self.may_fetch(request_uri):
            raise OAuthError("invalid_request_uri", "the request_uri is unknown")
        self.check_outer_parameters(query.names() - POINTERS)
        parameters = self.read_request_object(client, await self.fetch_request_object(request_uri))
        self.bind_key(client, parameters, None)
        return self.check_authorization_request(client, parameters)
