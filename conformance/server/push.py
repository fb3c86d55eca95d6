"""The pushed authorization request endpoint (RFC 9126, section 2)."""

from __future__ import annotations

import math
import uuid
from collections import deque
from typing import Any

from aiohttp import web

from conformance.server.client_auth import CREDENTIALS
from conformance.server.clients import RegisteredClient
from conformance.server.errors import OAuthError
from conformance.server.forms import Form
from conformance.server.records import Parameters, PushedRequest
from conformance.server.request_object import RequestObjects


class Push(RequestObjects):
    """Takes authorization requests from clients and gives out references to them."""

    async def push(self, request: web.Request) -> web.StreamResponse:
        """POST to the pushed authorization request endpoint."""
        form = await self.read_form(request)
        self.check_duplicates(form)
        jkt = self.proof_at_push(request)
        client = self.authenticate_client(request, form)
        self.check_rate(client)
        self.check_client_id_matches(client, form, required=form.get("request") is None)
        self.refuse_request_uri_in_push(form)
        parameters = self.pushed_parameters(client, form)
        self.bind_key(client, parameters, jkt)
        self.check_authorization_request(client, parameters, authenticated=True)
        pushed = await self.store(client, parameters)
        return self.push_response(request, pushed)

    def refuse_request_uri_in_push(self, form: Form) -> None:
        """A pushed request carries no request_uri (RFC 9126, section 2.1)."""
        if form.get("request_uri") is not None:
            raise OAuthError("invalid_request", "request_uri cannot be pushed")

    def pushed_parameters(self, client: RegisteredClient, form: Form) -> Parameters:
        """What is asked for: the claims of a request object alone, or the form."""
        request_object = form.get("request")
        if request_object is None:
            self.require_request_object(client)
            return self.form_parameters(form)
        self.check_outer_parameters(form.names() - CREDENTIALS - {"request", "client_id"})
        return self.read_request_object(client, request_object)

    def require_request_object(self, client: RegisteredClient) -> None:
        """Where signed request objects are a duty, nothing else will do (RFC 9126, section 2.3)."""
        if self.settings.require_signed_request_object or client.require_signed_request_object:
            raise OAuthError("invalid_request", "a signed request object is required")

    def form_parameters(self, form: Form) -> Parameters:
        """The parameters of a form: empty ones are omitted, credentials are no part of the request."""
        return {name: self.form_value(form, name) for name in form.names() - self.not_stored()}

    def not_stored(self) -> set[str]:
        """Names that are not kept with the request (RFC 9126, section 2.1)."""
        return set(CREDENTIALS)

    def form_value(self, form: Form, name: str) -> Any:
        """One parameter: a text, or a list where it may come more than once."""
        return form.all(name) if name in self.repeatable() else form.get(name)

    # The reference

    def new_reference(self) -> str:
        """The unguessable part of a request_uri: 256 random bits (RFC 9126, section 7.1)."""
        return str(uuid.uuid4()) if self.settings.request_uri_form == "uuid" else self.random()

    def new_request_uri(self, client: RegisteredClient) -> str:
        """A new request_uri (RFC 9126, section 2.2)."""
        prefix = {
            "urn": "urn:ietf:params:oauth:request_uri:",
            "uuid": "urn:uuid:",
            "vendor": "urn:example:pushed:",
            "https": f"{self.issuer}/requests/",
        }
        return prefix[self.settings.request_uri_form] + self.new_reference()

    def lifetime_of(self, client: RegisteredClient, parameters: Parameters) -> float:
        """Seconds that a request_uri can be used."""
        return self.settings.lifetime

    async def store(self, client: RegisteredClient, parameters: Parameters) -> PushedRequest:
        """Keep the request under a new request_uri, for this client only."""
        pushed = PushedRequest(
            request_uri=self.new_request_uri(client),
            client_id=client.client_id,
            parameters=parameters,
            expires_at=self.now() + self.lifetime_of(client, parameters),
        )
        self.pushed.put(pushed.request_uri, pushed)
        return pushed

    def load_pushed(self, request_uri: str) -> PushedRequest | None:
        """What was pushed under a request_uri, dead or alive; None where it is none of ours."""
        return self.pushed.get(request_uri)

    # The answer

    def push_response(self, request: web.Request, pushed: PushedRequest) -> web.Response:
        """201 with request_uri and expires_in (RFC 9126, section 2.2)."""
        return self.json_response(self.push_members(pushed), status=201, headers=self.headers_of_push_response(request))

    def push_members(self, pushed: PushedRequest) -> dict[str, Any]:
        """The members of the answer."""
        return {"request_uri": pushed.request_uri, "expires_in": self.expires_in(pushed)}

    def expires_in(self, pushed: PushedRequest) -> int:
        """The announced lifetime: a positive whole number of seconds."""
        rest = math.floor(pushed.expires_at - self.now() + 0.5)
        return max(1, rest - self.settings.expires_in_offset)

    def headers_of_push_response(self, request: web.Request) -> dict[str, str]:
        """Headers of the answer."""
        return self.credential_headers() | self.nonce_headers(request)

    # Rate

    def check_rate(self, client: RegisteredClient) -> None:
        """No more pushes of one client than the limit; beyond it 429 (RFC 9126, section 2.3)."""
        if not self.settings.rate_limit:
            return
        now = self.now()
        times = self.push_times.setdefault(client.client_id, deque())
        while times and times[0] <= now - self.settings.rate_window:
            times.popleft()
        if len(times) >= self.settings.rate_limit:
            wait = math.ceil(times[0] + self.settings.rate_window - now)
            raise OAuthError(
                "temporarily_unavailable",
                "too many requests",
                status=429,
                headers={"Retry-After": str(max(1, wait))},
            )
        times.append(now)
