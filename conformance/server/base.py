"""The state of the server, its addresses, and how it answers."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from conformance.profile.keyring import Keyring
from conformance.profile.model import Profile
from conformance.server import clients, jose
from conformance.server.clients import RegisteredClient, User
from conformance.server.errors import OAuthError
from conformance.server.forms import Form, parse_form
from conformance.server.records import Code, Interaction, PushedRequest, Seen, Session, Shelf, Token
from conformance.server.settings import Settings


class Base:
    """What every part of the server stands on. A rule is a method; state is kept here."""

    #: Endpoint to path below the issuer.
    paths: Mapping[str, str] = {
        "pushed_authorization_request": "/par",
        "authorization": "/authorize",
        "token": "/token",
        "jwks": "/jwks",
        "userinfo": "/userinfo",
        "introspection": "/introspect",
        "interaction": "/interaction",
    }

    def __init__(
        self,
        profile: Profile,
        keyring: Keyring,
        settings: Settings,
        *,
        origin: str,
        mtls_origin: str | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Register the profile's clients and users. `origin` is scheme and authority of the server's own port,
        `mtls_origin` of the port that asks for client certificates; `now` gives Unix seconds."""
        self.settings = settings
        self.origin = origin
        self.mtls_origin = mtls_origin
        self.now = now
        self.clients: dict[str, RegisteredClient] = {
            client_id: client
            for client_id, client in clients.register(profile, keyring).items()
            if self.may_register(client)
        }
        self.users: dict[str, User] = clients.users(keyring)
        self.pushed: Shelf[PushedRequest] = Shelf(now)
        self.sessions: Shelf[Session] = Shelf(now)
        self.interactions: Shelf[Interaction] = Shelf(now)
        self.codes: Shelf[Code] = Shelf(now)
        self.tokens: Shelf[Token] = Shelf(now)
        self.seen: Shelf[Seen] = Shelf(now)
        self.push_times: dict[str, deque[float]] = {}
        self.consents: set[str] = set()
        self.last_nonce = ""
        self.lock = asyncio.Lock()
        self.requests = 0
        self.crashes: list[Exception] = []
        """What no handler expected: a bug of the server, answered with 500."""

    def may_register(self, client: RegisteredClient) -> bool:
        """Whether the settings leave room for this client."""
        methods = self.settings.auth_methods
        if methods and client.auth not in methods:
            return False
        if client.uses_tls:
            return self.settings.tls and self.settings.mtls
        return self.settings.public_clients or client.confidential

    @property
    def issuer(self) -> str:
        """The issuer identifier (RFC 8414, section 2)."""
        return self.origin + self.settings.issuer_path

    def url(self, endpoint: str) -> str:
        """The URL of an endpoint."""
        return self.issuer + self.paths[endpoint]

    def mtls_url(self, endpoint: str) -> str | None:
        """The URL of an endpoint on the port for client certificates; None without one (RFC 8705, section 5)."""
        if self.mtls_origin is None:
            return None
        return self.mtls_origin + self.settings.issuer_path + self.paths[endpoint]

    def signing_algs(self) -> tuple[str, ...]:
        """The asymmetric algorithms that are accepted from clients."""
        return self.settings.signing_algs or jose.ASYMMETRIC

    def random(self) -> str:
        """256 random bits, base64url."""
        return secrets.token_urlsafe(32)

    # Reading

    async def read_form(self, request: web.Request) -> Form:
        """The form in the body, and nothing of the query. OAuthError for another media type or broken text."""
        self.check_content_type(request)
        body = await self.read_body(request)
        try:
            return parse_form(body)
        except ValueError:
            raise OAuthError("invalid_request", "the body is not a form in UTF-8") from None

    def check_content_type(self, request: web.Request) -> None:
        """Only application/x-www-form-urlencoded, in UTF-8 where it names a charset (RFC 9126, section 2.1)."""
        form = request.content_type == "application/x-www-form-urlencoded"
        if not form or (request.charset or "utf-8").lower() not in {"utf-8", "utf8"}:
            raise OAuthError("invalid_request", "the content type must be application/x-www-form-urlencoded")

    async def read_body(self, request: web.Request) -> bytes:
        """The body up to the limit, announced or chunked; beyond it 413 (RFC 9126, section 2.3)."""
        too_large = OAuthError("invalid_request", "the request is too large", status=413)
        if (request.content_length or 0) > self.settings.body_limit:
            raise too_large
        try:
            return await request.read()
        except web.HTTPRequestEntityTooLarge:
            raise too_large from None

    def check_duplicates(self, form: Form) -> None:
        """No parameter comes twice (RFC 6749, section 3.1); `resource` may (RFC 8707, section 2)."""
        if form.repeated() - self.repeatable():
            raise OAuthError("invalid_request", "a parameter is there more than once")

    def repeatable(self) -> set[str]:
        """Parameters that may come more than once."""
        return {"resource"}

    # Answering

    def json_response(
        self, data: Mapping[str, Any], *, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> web.Response:
        """A JSON answer."""
        if self.settings.field_order == "reversed":
            data = dict(reversed(list(data.items())))
        text = json.dumps(data, indent=2 if self.settings.pretty_json else None)
        response = web.Response(body=text.encode(), status=status, headers=headers, content_type="application/json")
        if self.settings.chunked:
            response.enable_chunked_encoding()
        return response

    def credential_headers(self) -> dict[str, str]:
        """Headers of every answer that carries something secret (RFC 6749, section 5.1)."""
        if not self.settings.cache_control:
            return {}
        return {"Cache-Control": self.settings.cache_control, "Pragma": "no-cache"}

    def error_response(self, request: web.Request, error: OAuthError) -> web.Response:
        """An error of a direct request, as JSON (RFC 6749, section 5.2; RFC 9126, section 2.3)."""
        return self.json_response(
            self.error_members(error),
            status=self.error_status(request, error),
            headers=self.credential_headers() | self.error_headers(request, error),
        )

    def error_members(self, error: OAuthError) -> dict[str, Any]:
        """The members of an error answer."""
        return {"error": error.code, "error_description": error.description}

    def error_status(self, request: web.Request, error: OAuthError) -> int:
        """401 for invalid_client, always where the Authorization header was used."""
        if error.code == "invalid_client" and "Authorization" not in request.headers:
            return self.settings.invalid_client_status
        return error.status

    def error_headers(self, request: web.Request, error: OAuthError) -> dict[str, str]:
        """WWW-Authenticate where the Authorization header was used in vain (RFC 6749, section 5.2)."""
        headers = dict(error.headers)
        if error.code == "invalid_client" and "Authorization" in request.headers:
            headers["WWW-Authenticate"] = f'Basic realm="{self.issuer}", charset="UTF-8"'
        return headers
