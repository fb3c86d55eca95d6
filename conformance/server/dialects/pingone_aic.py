"""PingOne Advanced Identity Cloud and PingAM: bare request_uris, login over REST, parameters beside that count.

Sources: the page "Authorization code grant with PAR" and the endpoint reference of the product (oauth2-par-endpoint,
oauth2-authorize-endpoint, server-advanced). What these leave open is a setting here.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import string
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from html import escape
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from conformance.server import pages
from conformance.server.app import AuthorizationServer, Handler
from conformance.server.authorize import POINTERS
from conformance.server.clients import RegisteredClient
from conformance.server.dialects import DialectSettings, dialect
from conformance.server.dialects.scripted import login_page, policy
from conformance.server.errors import OAuthError
from conformance.server.forms import Form
from conformance.server.records import (
    AuthorizationRequest,
    Interaction,
    Parameters,
    PushedRequest,
    Seen,
    Session,
    Shelf,
)
from conformance.server.request_object import invalid_object

#: What a decision about consent consists of: it says how to answer, and is no part of what is asked for.
DECISION = frozenset({"csrf", "decision", "save_consent"})
#: A browser that was sent to the login page keeps by this cookie that it brought its request_uri in time.
VISIT = "visit"
#: The request_uri that the browser of the current request brought in time.
_BROUGHT: ContextVar[str | None] = ContextVar("brought", default=None)
_SIGNS = string.ascii_letters + string.digits
#: A request object that decompresses to more is refused (bytes).
LARGEST_OBJECT = 32_768
#: What the login page does: it authenticates over REST, and goes on to where the person came from.
SCRIPT = """
const form = document.forms[0];
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const answer = await fetch(form.dataset.authenticate, {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      "Accept-API-Version": "resource=2.0, protocol=1.0",
      "X-OpenAM-Username": form.username.value,
      "X-OpenAM-Password": form.password.value,
    },
  });
  if (answer.ok) location.assign(form.dataset.goto);
  else document.querySelector("[role=alert]").textContent = (await answer.json()).message;
});
"""


@dataclass(frozen=True, kw_only=True)
class AicSettings(DialectSettings):
    """What is set for the tenant, its realm and its clients, and what the pages do not say."""

    request_object_restrictions_enforced: bool = False
    """The ESV esv.oauth2.request.object.restrictions.enforced."""
    outside_parameters: Literal["override", "merge"] = "override"
    """Without that ESV: a parameter beside request_uri replaces the pushed one, or only adds; not documented."""
    require_par: bool = False
    """Require Pushed Authorization Requests, of the realm; a client has it by the role par_required."""
    cookie: str = "iPlanetDirectoryPro"
    """Name of the session cookie; a tenant of Advanced Identity Cloud has one of its own."""
    authorize_error_status: Literal[401, 400] = 401
    """Status of a refusal at the authorization endpoint that other servers would send to the client."""

    lifetime: float = 90
    consent: Literal["ask", "remember", "none"] = "none"
    """none is implied consent, the default for applications; ask is explicit consent."""
    metadata: Literal["both", "oauth", "openid"] = "openid"
    jarm: bool = False
    dpop: bool = False
    rar: bool = False
    resource_indicators: bool = False
    mtls: bool = False

    def profile(self) -> str:
        """Two expectations: with the restrictions, and without."""
        return "pingone-aic-restricted" if self.request_object_restrictions_enforced else "pingone-aic"

    def variables(self) -> Mapping[str, str]:
        """What the realm has."""
        return {
            "AIC_PAR_REQUIRED": "true" if self.require_par else "false",
            "AIC_PAR_LIFETIME": f"{self.lifetime:g}",
            "AIC_COOKIE": self.cookie,
        }


@dataclass
class Visit:
    """A browser at the login page, and the request_uri that it goes back to."""

    request_uri: str
    expires_at: float


class AdvancedIdentityCloud(AuthorizationServer):
    """The authorization server of one realm."""

    settings: AicSettings
    paths: Mapping[str, str] = {
        **AuthorizationServer.paths,
        "token": "/access_token",
        "jwks": "/connect/jwk_uri",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """As the reference server; beside it, when a new login was asked for, and who is at the login page."""
        super().__init__(*args, **kwargs)
        self.demanded: Shelf[Seen] = Shelf(self.now)
        self.visits: Shelf[Visit] = Shelf(self.now)

    @property
    def deployment(self) -> str:
        """The path of the product: /am."""
        return self.settings.issuer_path.partition("/oauth2")[0]

    @property
    def realm(self) -> str:
        """The realm as paths of the REST interface name it: /realms/root/realms/alpha."""
        return self.settings.issuer_path.partition("/oauth2")[2]

    @property
    def authenticate_path(self) -> str:
        """Where a person logs in over REST."""
        return f"{self.deployment}/json{self.realm}/authenticate"

    def routes(self) -> list[tuple[str, str, Handler]]:
        """There are no pages for an interaction: the authorization endpoint is visited again."""
        own = {"interaction", "login", "consent"}
        return [
            *(route for route in super().routes() if route[0] not in own),
            ("interaction", f"{self.deployment}/XUI/", self.sign_in_page),
            ("authenticate", self.authenticate_path, self.authenticate),
        ]

    def has_cors(self, endpoint: str) -> bool:
        """Nobody logs in from another origin."""
        return endpoint != "authenticate" and super().has_cors(endpoint)

    @property
    def cookie_name(self) -> str:
        """The session cookie of the tenant."""
        return self.settings.cookie

    # The pushed request

    def new_request_uri(self, client: RegisteredClient) -> str:
        """A bare string without scheme: 27 random letters and digits."""
        return "".join(secrets.choice(_SIGNS) for _ in range(27))

    def pushed_parameters(self, client: RegisteredClient, form: Form) -> Parameters:
        """Beside a request object only client authentication may stand."""
        if form.get("request") is not None and form.names() - self.not_stored() - {"request", "client_id"}:
            raise OAuthError("invalid_request", "Invalid parameter scope")
        return super().pushed_parameters(client, form)

    def decrypt_request_object(self, text: str) -> str:
        """What is inside an encrypted object is bounded."""
        plain = super().decrypt_request_object(text)
        if plain is not text and len(plain) > LARGEST_OBJECT:
            raise invalid_object()
        return plain

    # Beside the request_uri

    def effective_parameters(self, query: Form, pushed: PushedRequest) -> Parameters:
        """Parameters beside the request_uri count, unless the restrictions are enforced."""
        if self.settings.request_object_restrictions_enforced:
            return super().effective_parameters(query, pushed)
        outside = {
            name: self.form_value(query, name) for name in query.names() - POINTERS - DECISION - self.not_stored()
        }
        if self.settings.outside_parameters == "merge":
            return {**outside, **pushed.parameters}
        return {**pushed.parameters, **outside}

    # The way through

    async def authorize(self, request: web.Request) -> web.StreamResponse:
        """As the reference server; whoever comes back from the login page may have been slow there."""
        visit = self.visits.get(request.cookies.get(VISIT, ""))
        _BROUGHT.set(visit.request_uri if visit is not None and self.now() < visit.expires_at else None)
        return await super().authorize(request)

    def check_not_expired(self, pushed: PushedRequest) -> None:
        """A request_uri has to be brought in time, not to be answered in time."""
        if pushed.request_uri != _BROUGHT.get():
            super().check_not_expired(pushed)

    async def begin(self, request: web.Request, asked: AuthorizationRequest) -> web.StreamResponse:
        """A login, a question, or an answer; whoever was sent away comes back to this address."""
        session = self.session_of(request) or self.new_session()
        interaction = self.new_interaction(session, asked)
        query = await self.read_query(request)
        interaction.logged_in = session.auth_time >= self.first_asked(query)
        if "none" in self.prompts(asked):
            return await self.without_pages(session, interaction)
        if self.needs_login(session, interaction):
            return self.to_sign_in(query, asked)
        await self.past_login(interaction)
        if not self.needs_consent(session, interaction):
            return await self.conclude(session, interaction, allowed=True)
        if query.get("decision") is None or request.method != "POST":
            return self.consent_question(session, interaction, query)
        if not hmac.compare_digest((query.get("csrf") or "").encode(), session.id.encode()):
            raise OAuthError("invalid_request", "csrf is not the session of this browser")
        return await self.conclude(session, interaction, allowed=query.get("decision") == "allow")

    def first_asked(self, query: Form) -> float:
        """When this very request came first (Unix seconds): a login since then is a new one."""
        name = hashlib.sha256(
            repr(sorted(pair for pair in query.pairs if pair[0] not in DECISION)).encode()
        ).hexdigest()
        known = self.demanded.get(name)
        if known is None:
            known = Seen(self.now() + self.settings.interaction_lifetime)
            self.demanded.put(name, known)
        return known.expires_at - self.settings.interaction_lifetime

    def to_sign_in(self, query: Form, asked: AuthorizationRequest) -> web.Response:
        """To the login page, and from there back here."""
        back = f"{self.url('authorization')}?{urlencode(query.pairs)}"
        realm = "/" + self.realm.rpartition("/realms/")[2]
        page = f"{self.origin}{self.deployment}/XUI/?{urlencode({'realm': realm, 'goto': back})}"
        response = self.see_other(page)
        if asked.pushed is not None:
            name = self.random()
            self.visits.put(name, Visit(asked.pushed.request_uri, self.now() + self.settings.interaction_lifetime))
            response.set_cookie(VISIT, name, path="/", httponly=True, secure=True, samesite="Lax")
        return response

    async def sign_in_page(self, request: web.Request) -> web.StreamResponse:
        """The login page: nothing on it works without its script."""
        goto = request.query.get("goto", "")
        own = urlsplit(self.origin)
        if urlsplit(goto)[:2] != own[:2]:
            raise OAuthError("invalid_request", "goto leads to another place")
        response = self.page(login_page(SCRIPT, authenticate=self.authenticate_path, goto=goto))
        response.headers["Content-Security-Policy"] = policy(SCRIPT)
        return response

    async def authenticate(self, request: web.Request) -> web.StreamResponse:
        """POST with X-OpenAM-Username and X-OpenAM-Password: the session's token, in JSON and as a cookie."""
        if request.headers.get("Origin", self.origin) != self.origin:
            raise OAuthError("access_denied", "the request was sent from another place", status=403)
        user = self.users.get(request.headers.get("X-OpenAM-Username", ""))
        password = request.headers.get("X-OpenAM-Password", "")
        if user is None or not hmac.compare_digest(user.password.encode(), password.encode()):
            failed = {"code": 401, "reason": "Unauthorized", "message": "Authentication Failed"}
            return self.json_response(failed, status=401, headers=self.credential_headers())
        before = self.session_of(request)
        if before is not None:
            self.sessions.drop(before.id)
        session = self.new_session()
        session.user, session.auth_time = user, self.now()
        members = {"tokenId": session.id, "successUrl": "/enduser/?realm=/alpha", "realm": self.realm[-6:]}
        response = self.json_response(members, headers=self.credential_headers())
        self.set_cookie(response, session)
        return response

    def consent_question(self, session: Session, interaction: Interaction, query: Form) -> web.Response:
        """The consent page; its form is the request once more, with csrf and the decision."""
        asked = interaction.request
        fields = [pair for pair in query.pairs if pair[0] not in DECISION]
        hidden = "\n".join(
            f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in fields
        )
        buttons = (
            '<button type="submit" name="decision" value="allow">Allow</button>\n'
            '<button type="submit" name="decision" value="deny">Deny</button>'
        )
        scopes = "".join(f"<li>{escape(scope)}</li>" for scope in (asked.text("scope") or "").split())
        html = pages.page(
            "Consent",
            f"<p><strong>{escape(asked.client.client_id)}</strong> asks for access, and the answer goes to "
            f'{escape(asked.redirect_uri)}</p>\n<ul class="scope">{scopes}</ul>\n'
            + pages.form(self.url("authorization"), session.id, f"{hidden}\n{buttons}"),
        )
        return self.page(html, redirect_uri=asked.redirect_uri)

    # Errors

    def error_redirect(self, request: AuthorizationRequest, error: OAuthError) -> web.Response:
        """Errors of a request stay here: 401 in place of a redirect (oauth2-authorize-endpoint). What a person, or
        their absence, leads to goes to the client."""
        if error.code in {"access_denied", "consent_required", "interaction_required", "login_required"}:
            return super().error_redirect(request, error)
        return self.error_page(OAuthError(error.code, error.description, status=self.settings.authorize_error_status))


dialect(
    "pingone-aic",
    "PingOne Advanced Identity Cloud and PingAM: REST login, bare request_uris, the ESV on or off",
    server=AdvancedIdentityCloud,
    settings=AicSettings,
    origin_variable="AIC_URL",
    ca_variable="AIC_CA_FILE",
)
