"""Authlete's API: what an authorization server in front of it asks, and the actions that it is answered with.

The reference server is behind it, asked with requests that are made of what the API was given. Only the result code of
a pushed request that was accepted is documented, so the others are left out.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast
from urllib.parse import quote_plus

from aiohttp import web
from cryptography import x509
from multidict import CIMultiDict

from conformance.server import jose
from conformance.server.app import AuthorizationServer, Handler
from conformance.server.dialects import DialectSettings, dialect
from conformance.server.errors import OAuthError
from conformance.server.forms import parse_form
from conformance.server.records import Interaction, Session

FORM = "application/x-www-form-urlencoded"
#: Status of an answer to the action that tells an authorization server to give it.
PUSH_ACTIONS = {
    201: "CREATED",
    400: "BAD_REQUEST",
    401: "UNAUTHORIZED",
    403: "FORBIDDEN",
    413: "PAYLOAD_TOO_LARGE",
    500: "INTERNAL_SERVER_ERROR",
}
TOKEN_ACTIONS = {200: "OK", 400: "BAD_REQUEST", 401: "INVALID_CLIENT", 500: "INTERNAL_SERVER_ERROR"}
#: Reasons for a failure to the errors that clients are told.
REASONS = {
    "DENIED": "access_denied",
    "NOT_LOGGED_IN": "login_required",
    "NOT_AUTHENTICATED": "access_denied",
    "CONSENT_REQUIRED": "consent_required",
    "MAX_AGE_NOT_SUPPORTED": "login_required",
    "EXCEEDS_MAX_AGE": "login_required",
    "DIFFERENT_SUBJECT": "login_required",
}


@dataclass(frozen=True, kw_only=True)
class ApiSettings(DialectSettings):
    """What is set for the service, and what the pages do not say."""

    service_issuer: str = "http://localhost:8080"
    """The issuer of the service: the address of the authorization server in front."""
    api_token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    """The access token of the service, for `Authorization: Bearer`."""
    require_par: bool = False
    """parRequired of the service; a client has it by the role par_required."""

    lifetime: float = 600
    metadata: Literal["both", "oauth", "openid"] = "openid"
    introspection: bool = False
    body_limit: int = 4 * 1024 * 1024
    """Of the API itself; what is too large for a pushed request is `largest_request`."""
    largest_request: int = 1024 * 1024
    """Parameters that are longer are answered with PAYLOAD_TOO_LARGE (bytes); not documented."""

    def profile(self) -> str:
        """The profile of the authorization server in front."""
        return "authlete"

    def variables(self) -> Mapping[str, str]:
        """What the service has, and how it is reached."""
        return {
            "AUTHLETE_URL": self.service_issuer,
            "AUTHLETE_API_TOKEN": self.api_token,
            "AUTHLETE_PAR_REQUIRED": "true" if self.require_par else "false",
            "AUTHLETE_PAR_DURATION": f"{self.lifetime:g}",
        }


@dataclass
class Forwarded:
    """A client's request, made of what the authorization server in front has forwarded."""

    content: bytes
    headers: CIMultiDict[str]
    method: str = "POST"
    certificate: str | None = None
    content_type: str = FORM
    charset: str = "utf-8"
    raw_path: str = "/"
    transport: None = None

    @property
    def content_length(self) -> int:
        """Bytes of the form."""
        return len(self.content)

    async def read(self) -> bytes:
        """The form."""
        return self.content


class AuthleteApi(AuthorizationServer):
    """The API of one service."""

    settings: ApiSettings
    paths: Mapping[str, str] = {
        **AuthorizationServer.paths,
        "pushed_authorization_request": "/api/par",
        "authorization": "/api/authorization",
        "token": "/api/token",
        "jwks": "/api/jwks",
    }

    @property
    def issuer(self) -> str:
        """The issuer of the service."""
        return self.settings.service_issuer

    def routes(self) -> list[tuple[str, str, Handler]]:
        """The calls of the API that an authorization server makes for clients."""
        return [
            ("api", "/pushed_auth_req", self.api(self.pushed_auth_req)),
            ("api", "/auth/authorization", self.api(self.auth_authorization)),
            ("api", "/auth/authorization/issue", self.api(self.authorization_issue)),
            ("api", "/auth/authorization/fail", self.api(self.authorization_fail)),
            ("api", "/auth/token", self.api(self.auth_token)),
            ("configuration", "/service/configuration", self.configuration),
            ("configuration", "/service/jwks/get", self.jwks),
        ]

    def allowed_methods(self, endpoint: str) -> list[str]:
        """Calls are POST, documents GET."""
        return ["GET"] if endpoint == "configuration" else ["POST"]

    def has_cors(self, endpoint: str) -> bool:
        """No browser calls it."""
        return False

    def authentication_methods(self) -> list[str]:
        """Certificates are forwarded, so that no port of its own is needed for them."""
        return [*super().authentication_methods(), "tls_client_auth", "self_signed_tls_client_auth"]

    def endpoint_metadata(self) -> dict[str, Any]:
        """The endpoints of the authorization server in front; it has no others."""
        return super().endpoint_metadata() | {"userinfo_endpoint": None, "mtls_endpoint_aliases": None}

    # Calls

    def api(self, call: Any) -> Handler:
        """A call: its caller is the service's authorization server, its body one JSON object."""

        async def handle(request: web.Request) -> web.StreamResponse:
            self.check_caller(request)
            try:
                asked = jose.parse_json(await self.read_body(request))
            except ValueError:
                asked = None
            if not isinstance(asked, dict):
                return self.json_response({"resultMessage": "the body is no JSON object"}, status=400)
            return self.json_response(await call(asked))

        return handle

    def check_caller(self, request: web.Request) -> None:
        """The service's access token."""
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self.settings.api_token}".encode()):
            raise OAuthError("invalid_token", "the access token of the service is missing or wrong", status=401)

    def error_members(self, error: OAuthError) -> dict[str, Any]:
        """Errors of a client are OAuth errors; those of the API itself have a message."""
        if error.code == "invalid_token":
            return {"resultMessage": error.description}
        return super().error_members(error)

    async def configuration(self, request: web.Request) -> web.StreamResponse:
        """GET of the metadata that the authorization server in front publishes."""
        self.check_caller(request)
        return self.json_response(self.metadata())

    def forwarded(self, asked: Mapping[str, Any]) -> web.Request:
        """The client's request: its form, Basic credentials, proof and certificate."""
        headers: CIMultiDict[str] = CIMultiDict()
        parameters, client_id, secret = (str(asked.get(name) or "") for name in _CLIENT)
        if client_id and secret:
            pair = f"{quote_plus(client_id)}:{quote_plus(secret)}".encode()
            headers["Authorization"] = "Basic " + base64.b64encode(pair).decode()
        if asked.get("dpop"):
            headers["DPoP"] = str(asked["dpop"])
        request = Forwarded(parameters.encode(), headers, certificate=asked.get("clientCertificate") or None)
        return cast(web.Request, request)

    def shown_certificate(self, request: web.Request) -> x509.Certificate | None:
        """The certificate that was forwarded; the server in front has verified its chain."""
        text = cast(Forwarded, request).certificate
        return x509.load_pem_x509_certificate(text.encode()) if text else None

    async def pushed_auth_req(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """/pushed_auth_req: the client's pushed request, and the answer to it."""
        request = self.forwarded(asked)
        try:
            if len(str(asked.get("parameters") or "").encode()) > self.settings.largest_request:
                raise OAuthError("invalid_request", "the request is too large", status=413)
            response = cast(web.Response, await self.push(request))
        except OAuthError as error:
            response = self.error_response(request, error)
        action = PUSH_ACTIONS.get(response.status, "BAD_REQUEST")
        members = {"type": "pushedAuthReqResponse", "action": action, "responseContent": response.text}
        if action == "CREATED":
            pushed = cast(dict[str, Any], jose.parse_json((response.text or "").encode()))
            members |= {"resultCode": "A245001", "requestUri": pushed["request_uri"]}
        return members | _nonce(response)

    async def auth_token(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """/auth/token: the client's token request, and the answer to it."""
        request = self.forwarded(asked)
        try:
            response = cast(web.Response, await self.token(request))
        except OAuthError as error:
            response = self.error_response(request, error)
        action = TOKEN_ACTIONS.get(response.status, "BAD_REQUEST")
        return {"type": "tokenResponse", "action": action, "responseContent": response.text} | _nonce(response)

    # The front channel

    async def auth_authorization(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """/auth/authorization: what to do with a browser's request: ask the person, or answer."""
        try:
            try:
                query = parse_form(str(asked.get("parameters") or "").encode())
            except ValueError:
                raise OAuthError("invalid_request", "the parameters are no form in UTF-8") from None
            self.check_duplicates(query)
            found = await self.find_request(query)
            await self.use_up("visit", found.pushed)
        except OAuthError as error:
            return self.answered(self.front_error(error))
        session = Session(id=self.random(), expires_at=self.now() + self.settings.interaction_lifetime)
        interaction = self.new_interaction(session, found)
        self.sessions.put(session.id, session)
        prompts = [prompt.upper() for prompt in self.prompts(found)]
        members: dict[str, Any] = {
            "type": "authorizationResponse",
            "action": "NO_INTERACTION" if "NONE" in prompts else "INTERACTION",
            "resultCode": "A004001",
            "ticket": interaction.id,
            "client": {"clientId": found.client.client_id, "clientName": found.client.client_id},
            "scopes": [{"name": scope} for scope in (found.text("scope") or "").split()],
            "prompts": prompts,
        }
        if "max_age" in found.parameters:
            members["maxAge"] = int(found.parameters["max_age"])
        return members

    def front_error(self, error: OAuthError) -> web.Response:
        """An error at the redirect URI where that is trusted, else as JSON for the browser."""
        if error.about is not None:
            return self.error_redirect(error.about, error)
        return self.json_response(self.error_members(error), status=400)

    def ticket_of(self, asked: Mapping[str, Any]) -> tuple[Session, Interaction]:
        """The open request that a ticket stands for."""
        interaction = self.interactions.get(str(asked.get("ticket") or ""))
        session = self.sessions.get(interaction.session_id) if interaction else None
        if interaction is None or session is None or interaction.finished or self.now() >= interaction.expires_at:
            raise OAuthError("invalid_request", "the ticket is unknown, or was used already")
        return session, interaction

    async def authorization_issue(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """/auth/authorization/issue: the person, whom the server in front knows, has agreed."""
        try:
            session, interaction = self.ticket_of(asked)
            session.user = self.users.get(str(asked.get("subject") or ""))
            session.auth_time = float(asked.get("authTime") or self.now())
            if session.user is None:
                raise OAuthError("invalid_request", "subject is missing")
            await self.past_login(interaction)
            return self.answered(await self.conclude(session, interaction, allowed=True))
        except OAuthError as error:
            return self.answered(self.front_error(error))

    async def authorization_fail(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """/auth/authorization/fail: the person has not agreed, or nobody is there."""
        try:
            session, interaction = self.ticket_of(asked)
            code = REASONS.get(str(asked.get("reason")), "server_error")
            if code == "access_denied":
                return self.answered(await self.conclude(session, interaction, allowed=False))
            await self.finish(interaction)
            return self.answered(self.error_redirect(interaction.request, OAuthError(code, "nobody was asked")))
        except OAuthError as error:
            return self.answered(self.front_error(error))

    def answered(self, response: web.Response) -> dict[str, Any]:
        """What the browser gets, as an action."""
        members: dict[str, Any] = {"type": "authorizationResponse"}
        if "Location" in response.headers:
            return members | {"action": "LOCATION", "responseContent": response.headers["Location"]}
        if response.content_type == "text/html":
            return members | {"action": "FORM", "responseContent": response.text}
        return members | {"action": "BAD_REQUEST", "responseContent": response.text}


_CLIENT = ("parameters", "clientId", "clientSecret")


def _nonce(response: web.Response) -> dict[str, str]:
    return {"dpopNonce": response.headers["DPoP-Nonce"]} if "DPoP-Nonce" in response.headers else {}


dialect(
    "authlete-api",
    "Authlete's API, to be asked by `par-conformance bridge authlete`",
    server=AuthleteApi,
    settings=ApiSettings,
    origin_variable="AUTHLETE_API",
    ca_variable="AUTHLETE_API_CA_FILE",
    beside="par-conformance bridge authlete authlete.yaml",
)
