"""PingOne: a hosted sign-on page over a flow API, opaque URNs that live for a minute, PAR required by application.

Sources: the page "Pushed authorization requests" of PingOne's documentation, its API reference (par-*, authorize-intro,
flows, error-codes) and the models of its SDKs. What these leave open is a setting here.
"""

from __future__ import annotations

import hmac
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from aiohttp import web

from conformance.server import jose
from conformance.server.app import AuthorizationServer, Handler
from conformance.server.clients import RegisteredClient
from conformance.server.dialects import DialectSettings, dialect
from conformance.server.dialects.scripted import login_page, policy
from conformance.server.errors import OAuthError
from conformance.server.records import AuthorizationRequest, Interaction, Parameters, Session
from conformance.server.settings import SettingsError

PASSWORD_CHECK = "application/vnd.pingidentity.usernamePassword.check+json"  # noqa: S105 - a media type
#: What the hosted page does: it sends name and password to the flow, and goes where the flow says.
SCRIPT = f"""
const form = document.forms[0];
form.addEventListener("submit", async (event) => {{
  event.preventDefault();
  const answer = await fetch(form.dataset.flow, {{
    method: "POST",
    headers: {{"Content-Type": "{PASSWORD_CHECK}"}},
    body: JSON.stringify({{username: form.username.value, password: form.password.value}}),
  }});
  const flow = await answer.json();
  if (flow.resumeUrl) location.assign(flow.resumeUrl);
  else document.querySelector("[role=alert]").textContent = flow.message;
}});
"""
#: Error codes of the platform by HTTP status (error-codes).
_CODES = {401: "INVALID_TOKEN", 403: "ACCESS_FAILED", 404: "NOT_FOUND", 413: "REQUEST_FAILED", 429: "REQUEST_LIMITED"}


@dataclass(frozen=True, kw_only=True)
class PingOneSettings(DialectSettings):
    """What is set in PingOne for an application, and what its pages do not say."""

    par_requirement: Literal["OPTIONAL", "REQUIRED"] = "OPTIONAL"
    """parRequirement of every application; the role par_required has REQUIRED in any case."""
    lifetime: float = 60
    """parTimeout, 1 to 600."""
    pkce_enforcement: Literal["OPTIONAL", "REQUIRED", "S256_REQUIRED"] = "S256_REQUIRED"
    """pkceEnforcement of every application."""
    allow_unsigned: bool = False
    """supportUnsignedRequestObject: request objects with alg none are taken."""
    workers: tuple[str, ...] = ()
    """Roles whose application is a Worker with client credentials only: it sends no authorization requests."""
    request_uri_prefix: str = "urn:pingone:request_uri:"
    """Not documented; this value is a third party's."""
    error_format: Literal["oauth", "pingone"] = "oauth"
    """Format of errors at the PAR endpoint; not documented. pingone: the platform's id, code, message, details."""
    oversize_status: Literal[413, 400] = 413
    """Status for a body of more than 1 MB; not documented."""

    metadata: Literal["both", "oauth", "openid"] = "openid"
    iss: bool = False
    consent: Literal["none"] = "none"
    jwe: bool = False
    jarm: bool = False
    dpop: bool = False
    rar: bool = False
    resource_indicators: bool = False
    mtls: bool = False
    claims_parameter: bool = False
    signing_algs: tuple[str, ...] = ("RS256", "RS384", "RS512")

    def __post_init__(self) -> None:
        """PingOne takes 1 to 600 seconds."""
        super().__post_init__()
        if not 1 <= self.lifetime <= 600:
            raise SettingsError("settings: lifetime (parTimeout) must be 1 to 600 seconds")

    def profile(self) -> str:
        """One profile for all."""
        return "pingone"

    def variables(self) -> Mapping[str, str]:
        """What the applications have."""
        return {
            "PINGONE_PAR_REQUIRED": "true" if self.par_requirement == "REQUIRED" else "false",
            "PINGONE_PAR_TIMEOUT": f"{self.lifetime:g}",
        }


class PingOne(AuthorizationServer):
    """The authorization server of one PingOne environment."""

    settings: PingOneSettings

    @property
    def environment(self) -> str:
        """The path of the environment: /{environmentId}."""
        return self.settings.issuer_path.removesuffix("/as")

    def routes(self) -> list[tuple[str, str, Handler]]:
        """The flow API and the hosted page lie beside /as."""
        own = {"interaction", "login", "consent"}
        return [
            *(route for route in super().routes() if route[0] not in own),
            ("interaction", f"{self.environment}/signon", self.sign_on_page),
            ("flow", f"{self.environment}/flows/{{interaction}}", self.flow),
            ("resume", f"{self.settings.issuer_path}/resume", self.resume),
        ]

    def allowed_methods(self, endpoint: str) -> list[str]:
        """The flow is read and written."""
        return {"flow": ["GET", "POST"], "resume": ["GET"]}.get(endpoint) or super().allowed_methods(endpoint)

    def has_cors(self, endpoint: str) -> bool:
        """The flow goes with a cookie: other origins stay out."""
        return endpoint not in {"flow", "resume"} and super().has_cors(endpoint)

    def refusal(self, endpoint: str, request: web.Request, error: OAuthError) -> web.Response:
        """The flow API speaks the platform's format, the resume endpoint is visited by browsers."""
        if endpoint == "resume":
            return self.authorization_error(request, error)
        if endpoint == "flow" or (
            endpoint == "pushed_authorization_request" and self.settings.error_format == "pingone"
        ):
            return self.platform_error(request, error)
        return super().refusal(endpoint, request, error)

    def platform_error(self, request: web.Request, error: OAuthError) -> web.Response:
        """id, code, message, details (error-codes)."""
        status = self.error_status(request, error)
        members = {
            "id": str(uuid.uuid4()),
            "code": _CODES.get(status, "INVALID_REQUEST"),
            "message": "The request could not be completed.",
            "details": [{"code": error.code.upper(), "message": error.description}],
        }
        headers = self.credential_headers() | self.error_headers(request, error)
        return self.json_response(members, status=status, headers=headers)

    # The pushed request

    def authenticate_client(self, request: web.Request, form: Any) -> RegisteredClient:
        """A Worker with client credentials only sends no authorization requests, so it has nothing to push."""
        client = super().authenticate_client(request, form)
        if client.role in self.settings.workers:
            raise OAuthError("unauthorized_client", "the application has no grant type that uses authorization")
        return client

    async def read_body(self, request: web.Request) -> bytes:
        """Less than 1 MB."""
        try:
            return await super().read_body(request)
        except OAuthError as error:
            error.status = self.settings.oversize_status if error.status == 413 else error.status
            raise

    def new_request_uri(self, client: RegisteredClient) -> str:
        """A URN with something random in it."""
        return f"{self.settings.request_uri_prefix}{self.new_reference()}"

    def check_redirect_uri(self, client: RegisteredClient, parameters: Parameters, *, authenticated: bool) -> str:
        """redirect_uri is a required parameter (par-*)."""
        if parameters.get("redirect_uri") is None:
            raise OAuthError("invalid_request", "redirect_uri is missing")
        return super().check_redirect_uri(client, parameters, authenticated=authenticated)

    def require_par_applies(self, client: RegisteredClient) -> bool:
        """parRequirement of the application."""
        return self.settings.par_requirement == "REQUIRED" or super().require_par_applies(client)

    def needs_pkce(self, client: RegisteredClient) -> bool:
        """pkceEnforcement of the application."""
        return self.settings.pkce_enforcement != "OPTIONAL" or super().needs_pkce(client)

    def challenge_methods(self) -> list[str]:
        """S256_REQUIRED leaves plain out."""
        return ["S256"] if self.settings.pkce_enforcement == "S256_REQUIRED" else ["S256", "plain"]

    # Request objects

    def object_algs(self) -> list[str]:
        """HMAC with the secret, RSA with the key."""
        return [*(["none"] if self.settings.allow_unsigned else []), *jose.SYMMETRIC, *self.signing_algs()]

    def check_object_algorithm(self, client: RegisteredClient, jws: jose.Jws) -> None:
        """none where the application allows unsigned objects."""
        if not (self.settings.allow_unsigned and jws.alg == "none"):
            super().check_object_algorithm(client, jws)

    def verify_object_signature(self, client: RegisteredClient, jws: jose.Jws) -> None:
        """Nothing to verify on an unsigned object."""
        if jws.alg != "none":
            super().verify_object_signature(client, jws)

    # Sign-on

    def response_modes(self) -> list[str]:
        """pi.flow is the response mode of the flow API."""
        return ["pi.flow", *super().response_modes()]

    async def begin(self, request: web.Request, asked: AuthorizationRequest) -> web.StreamResponse:
        """Under pi.flow the flow itself is the answer; else the browser goes to the hosted page."""
        response = await super().begin(request, asked)
        flow = dict(
            part.partition("=")[::2] for part in urlsplit(response.headers.get("Location", "")).query.split("&")
        )
        interaction = self.interactions.get(flow.get("flowId", ""))
        if asked.text("response_mode") != "pi.flow" or interaction is None:
            return response
        answer = self.json_response(self.flow_members(interaction), headers=self.credential_headers())
        answer.cookies.update(response.cookies)
        return answer

    def interaction_url(self, interaction: Interaction, step: str = "") -> str:
        """The hosted page."""
        return f"{self.origin}{self.environment}/signon?flowId={interaction.id}"

    def flow_of(self, request: web.Request) -> tuple[Session, Interaction]:
        """The open flow that the path or the query names, in the browser that began it."""
        name = request.match_info.get("interaction") or request.query.get("flowId", "")
        session, interaction = self.session_of(request), self.interactions.get(name)
        if interaction is None or self.now() >= interaction.expires_at or interaction.finished or session is None:
            raise OAuthError("not_found", "there is no such flow, or no longer", status=404)
        self.check_same_browser(session, interaction)
        return session, interaction

    def needs_consent(self, session: Session, interaction: Interaction) -> bool:
        """Nobody is asked in the code flow, not even by prompt=consent (authorize-intro)."""
        return False

    def flow_members(self, interaction: Interaction) -> dict[str, Any]:
        """The flow as the API shows it."""
        session = self.sessions.get(interaction.session_id)
        members: dict[str, Any] = {
            "id": interaction.id,
            "environment": {"id": self.environment.removeprefix("/")},
            "resumeUrl": f"{self.issuer}/resume?flowId={interaction.id}",
            "_links": {"self": {"href": f"{self.origin}{self.environment}/flows/{interaction.id}"}},
        }
        waits = session is None or self.needs_login(session, interaction)
        return members | {"status": "USERNAME_PASSWORD_REQUIRED" if waits else "COMPLETED"}

    async def flow(self, request: web.Request) -> web.StreamResponse:
        """GET and POST of a flow: what a media type of the vendor says is done."""
        session, interaction = self.flow_of(request)
        if request.method == "GET":
            return self.json_response(self.flow_members(interaction), headers=self.credential_headers())
        if request.headers.get("Origin", self.origin) not in {self.origin, "null"}:
            raise OAuthError("access_denied", "the request was sent from another place", status=403)
        try:
            body = jose.parse_json(await self.read_body(request))
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise OAuthError("invalid_data", "the body is no JSON object")
        if request.content_type.lower() != PASSWORD_CHECK.lower():
            raise OAuthError("invalid_data", "the content type names no action of this flow", status=415)
        session = self.check_password(session, interaction, body)
        response = self.json_response(self.flow_members(interaction), headers=self.credential_headers())
        self.set_cookie(response, session)
        return response

    def check_password(self, session: Session, interaction: Interaction, body: dict[str, Any]) -> Session:
        """usernamePassword.check: a logged-in session under a new name, or 400."""
        username, password = str(body.get("username") or ""), str(body.get("password") or "")
        user = self.users.get(username)
        if user is None or not hmac.compare_digest(user.password.encode(), password.encode()):
            raise OAuthError("invalid_value", "The provided credentials are invalid")
        renewed = self.renew_session(session, interaction)
        renewed.user, renewed.auth_time = user, self.now()
        interaction.logged_in = True
        return renewed

    async def resume(self, request: web.Request) -> web.StreamResponse:
        """GET of the resume URL of a completed flow: the answer to the client."""
        session, interaction = self.flow_of(request)
        if self.flow_members(interaction)["status"] != "COMPLETED":
            return self.see_other(self.interaction_url(interaction))
        await self.past_login(interaction)
        return await self.conclude(session, interaction, allowed=True)

    async def sign_on_page(self, request: web.Request) -> web.StreamResponse:
        """The hosted page: nothing on it works without its script."""
        _, interaction = self.flow_of(request)
        response = self.page(login_page(SCRIPT, flow=f"{self.environment}/flows/{interaction.id}"))
        response.headers["Content-Security-Policy"] = policy(SCRIPT)
        return response


dialect(
    "pingone",
    "PingOne: hosted page and flow API, PAR required by application",
    server=PingOne,
    settings=PingOneSettings,
    origin_variable="PINGONE_URL",
    ca_variable="PINGONE_CA_FILE",
)
