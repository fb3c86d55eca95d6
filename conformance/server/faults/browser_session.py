"""Faults of the browser's session: whose it is, its cookie, who else reads it."""

from __future__ import annotations

from aiohttp import web

from conformance.server.app import BROWSER, AuthorizationServer
from conformance.server.errors import OAuthError
from conformance.server.faults import fault
from conformance.server.records import Interaction, Session


@fault("rfc6749-3.1-resource-owner-authenticated", browser=True)
class PageKnowsItsPerson(AuthorizationServer):
    """BUG: who is logged in hangs on the page's address and not on the browser (RFC 6749 section 3.1)."""

    def find_interaction(self, request: web.Request) -> tuple[Session, Interaction]:
        """The session of the page, whoever opens it."""
        interaction = self.interactions.get(request.match_info["interaction"])
        session = self.sessions.get(interaction.session_id) if interaction else None
        if interaction is None or session is None or interaction.finished:
            raise OAuthError("invalid_request", "there is no such page, or no longer")
        return session, interaction


@fault("rfc6749-3.1-resource-owner-authenticated", browser=True)
class SessionKeepsItsName(AuthorizationServer):
    """BUG: the session has the same name before and after the login (RFC 6749 section 3.1)."""

    def renew_session(self, session: Session, interaction: Interaction) -> Session:
        """Keep it."""
        return session


@fault("rfc6749-10.12-session-cookie-protected", browser=True)
class ScriptsReadTheCookie(AuthorizationServer):
    """BUG: the session cookie is not HttpOnly (RFC 6749 section 10.12)."""

    def set_cookie(self, response: web.StreamResponse, session: Session) -> None:
        """Leave HttpOnly out."""
        super().set_cookie(response, session)
        response.cookies[self.cookie_name]["httponly"] = ""


@fault(
    "rfc9700-4.12-no-307",
    "rfc9700-2.1-credentials-not-forwarded",
    "rfc9126-4-client-id-and-request-uri-suffice",
    settings={"consent": "none"},
    browser=True,
)
class PasswordTravelsOn(AuthorizationServer):
    """BUG: the login form is answered with a 307 to the client (RFC 9700 section 4.12)."""

    async def login(self, request: web.Request) -> web.StreamResponse:
        """Go to the client at once."""
        response = await super().login(request)
        interaction = self.interactions.get(request.match_info["interaction"])
        session = self.sessions.get(interaction.session_id) if interaction else None
        if response.status != 303 or interaction is None or session is None or session.user is None:
            return response
        answer = await self.next_page(session, interaction)
        if answer.status == 303:
            answer.set_status(307)
        self.set_cookie(answer, session)
        return answer


@fault("rfc9700-2.6-no-cors-at-authorization-endpoint", browser=True)
class ScriptsReadTheAuthorizationEndpoint(AuthorizationServer):
    """BUG: the authorization endpoint lets every origin read it, with cookies (RFC 9700 section 2.6)."""

    def finish_response(self, endpoint: str, request: web.Request, response: web.StreamResponse) -> None:
        """Allow whoever asks."""
        super().finish_response(endpoint, request, response)
        if endpoint in BROWSER and "Origin" in request.headers:
            response.headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
            response.headers["Access-Control-Allow-Credentials"] = "true"
