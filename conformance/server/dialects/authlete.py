"""Authlete's reference authorization server: one page for login and decision.

Sources: the page "Pushed Authorization Requests (PAR)" of Authlete's knowledge base, the API's description and the
sources of java-oauth-server and its libraries. What these leave open is a setting here.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Literal

from aiohttp import web

from conformance.server import pages
from conformance.server.app import AuthorizationServer, Handler
from conformance.server.dialects import DialectSettings, dialect
from conformance.server.errors import OAuthError
from conformance.server.records import AuthorizationRequest, Interaction, Session


@dataclass(frozen=True, kw_only=True)
class AuthleteSettings(DialectSettings):
    """What is set for the service, and what the pages do not say."""

    require_par: bool = False
    """parRequired of the service; a client has it by the role par_required."""
    client_assertion_aud_restricted_to_issuer: bool = False
    """The service's flag of that name: the issuer alone, as a string."""
    www_authenticate: bool = False
    """Failed Basic authentication is answered with WWW-Authenticate; the older handler of the server sends none."""

    lifetime: float = 600
    """pushedAuthReqDuration; the examples have 600."""
    metadata: Literal["both", "oauth", "openid"] = "openid"
    introspection: bool = False
    """The endpoint is there, but for resource servers with accounts of their own."""
    dpop: bool = True

    def profile(self) -> str:
        """One profile for all."""
        return "authlete"

    def variables(self) -> Mapping[str, str]:
        """What the service has."""
        return {
            "AUTHLETE_PAR_REQUIRED": "true" if self.require_par else "false",
            "AUTHLETE_PAR_DURATION": f"{self.lifetime:g}",
        }


class Authlete(AuthorizationServer):
    """The reference authorization server in front of one service."""

    settings: AuthleteSettings
    paths: Mapping[str, str] = {
        **AuthorizationServer.paths,
        "pushed_authorization_request": "/api/par",
        "authorization": "/api/authorization",
        "decision": "/api/authorization/decision",
        "token": "/api/token",
        "jwks": "/api/jwks",
        "userinfo": "/api/userinfo",
        "introspection": "/api/introspection",
    }

    def routes(self) -> list[tuple[str, str, Handler]]:
        """The page is the answer of the authorization endpoint itself."""
        own = {"interaction", "login", "consent"}
        decision = self.settings.issuer_path + self.paths["decision"]
        return [*(route for route in super().routes() if route[0] not in own), ("consent", decision, self.decision)]

    @property
    def cookie_name(self) -> str:
        """The container's session."""
        return "JSESSIONID"

    def verify_assertion_audience(self, claims: dict[str, object]) -> None:
        """Under the flag the issuer as a string, and nothing else."""
        if self.settings.client_assertion_aud_restricted_to_issuer and claims.get("aud") != self.issuer:
            raise OAuthError("invalid_client", "client authentication failed", status=401)
        super().verify_assertion_audience(claims)

    def error_headers(self, request: web.Request, error: OAuthError) -> dict[str, str]:
        """The older handler builds its 401 without a challenge."""
        headers = super().error_headers(request, error)
        if not self.settings.www_authenticate:
            headers.pop("WWW-Authenticate", None)
        return headers

    # One page

    async def begin(self, request: web.Request, asked: AuthorizationRequest) -> web.StreamResponse:
        """The page, or an answer at once where none may be shown or none is needed."""
        session = self.session_of(request) or self.new_session()
        interaction = self.new_interaction(session, asked)
        if not self.needs_login(session, interaction):
            await self.past_login(interaction)
        if "none" in self.prompts(asked):
            response = await self.without_pages(session, interaction)
        elif self.needs_login(session, interaction) or self.needs_consent(session, interaction):
            response = self.decision_page(session, interaction)
        else:
            response = await self.conclude(session, interaction, allowed=True)
        self.set_cookie(response, session)
        return response

    def decision_page(self, session: Session, interaction: Interaction) -> web.Response:
        """Who asks for what; name and password where nobody is logged in; two buttons."""
        asked = interaction.request
        scopes = "".join(f"<li>{escape(scope)}</li>" for scope in (asked.text("scope") or "").split())
        fields = f'<input type="hidden" name="interaction" value="{escape(interaction.id)}">\n'
        if self.needs_login(session, interaction):
            fields += (
                '<p><input type="text" name="loginId" placeholder="Login ID" required></p>\n'
                '<p><input type="password" name="password" placeholder="Password" required></p>\n'
            )
        fields += (
            '<input type="submit" name="authorized" value="Authorize">\n'
            '<input type="submit" name="denied" value="Deny" formnovalidate>'
        )
        html = pages.page(
            "Authorization",
            f"<p>Client <strong>{escape(asked.client.client_id)}</strong></p>\n<ul>{scopes}</ul>\n"
            f"<p>The answer goes to {escape(asked.redirect_uri)}</p>\n"
            + pages.form(self.url("decision"), interaction.csrf, fields),
        )
        return self.page(html, redirect_uri=asked.redirect_uri)

    async def decision(self, request: web.Request) -> web.StreamResponse:
        """POST of the page: authorized or denied, by a person who proves who it is."""
        form = await self.read_form(request)
        session = self.session_of(request)
        interaction = self.interactions.get(form.get("interaction") or "")
        if interaction is None or session is None or self.now() >= interaction.expires_at or interaction.finished:
            raise OAuthError("invalid_request", "there is no such page, or no longer")
        self.check_same_browser(session, interaction)
        self.check_csrf(request, form, interaction)
        if form.get("denied") is not None:
            return await self.conclude(session, interaction, allowed=False)
        if self.needs_login(session, interaction):
            user = self.users.get(form.get("loginId") or "")
            password = form.get("password") or ""
            if user is None or not hmac.compare_digest(user.password.encode(), password.encode()):
                return self.decision_page(session, interaction)
            await self.past_login(interaction)
            session = self.renew_session(session, interaction)
            session.user, session.auth_time = user, self.now()
            interaction.logged_in = True
        await self.past_login(interaction)
        self.consents.add(self.consent_name(session, interaction))
        response = await self.conclude(session, interaction, allowed=True)
        self.set_cookie(response, session)
        return response


dialect(
    "authlete",
    "Authlete: the reference authorization server in front of a service",
    server=Authlete,
    settings=AuthleteSettings,
    origin_variable="AUTHLETE_URL",
    ca_variable="AUTHLETE_CA_FILE",
)
