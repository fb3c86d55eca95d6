"""Faults of error pages, and of input that comes alive in a page."""

from __future__ import annotations

import json

from aiohttp import web

from conformance.server import pages
from conformance.server.app import AuthorizationServer
from conformance.server.errors import OAuthError
from conformance.server.faults import fault
from conformance.server.faults.browser_pages import BrowserServer
from conformance.server.records import Interaction


@fault("rfc9126-4-dead-request-told-before-login", browser=True)
class LoginComesBeforeTheError(AuthorizationServer):
    """BUG: who opens a dead request is asked to log in first (RFC 9126 section 4)."""

    def authorization_error(self, request: web.Request, error: OAuthError) -> web.Response:
        """A login page that leads to the error."""
        session = self.session_of(request)
        if error.code != "invalid_request_uri" or (session is not None and session.user is not None):
            return super().authorization_error(request, error)
        fields = '<input type="text" name="username"><input type="password" name="password"><button>Log in</button>'
        return self.page(pages.page("Log in", pages.form(f"{self.issuer}/nowhere", "", fields)))


@fault("rfc9700-2.1-no-open-redirector", browser=True)
class ErrorPageLeadsAway(BrowserServer):
    """BUG: a script of the error page goes to the redirect_uri of the link (RFC 9700 section 2.1)."""

    def authorization_error(self, request: web.Request, error: OAuthError) -> web.Response:
        """Go on to whatever the link says."""
        address = request.query.get("redirect_uri", "")
        if error.about is not None or not address.startswith("https://"):
            return super().authorization_error(request, error)
        told = json.dumps(address).replace("<", "\\u003c")
        return self.page(pages.page("One moment", f"<script>location.replace({told})</script>"), status=400)


@fault("rfc6749-10.14-input-escaped", browser=True)
class ErrorPageRepeatsTheLink(BrowserServer):
    """BUG: the error page repeats parameters of the link as they are (RFC 6749 section 10.14)."""

    def authorization_error(self, request: web.Request, error: OAuthError) -> web.Response:
        """Tell the parameters."""
        if error.about is not None:
            return super().authorization_error(request, error)
        told = "".join(f"<p>{name}: {value}</p>" for name, value in request.query.items())
        return self.page(pages.page("The request was refused", told), status=400)


@fault("rfc6749-10.14-input-escaped", browser=True)
class LoginHintIsAlive(BrowserServer):
    """BUG: the login page fills login_hint in without escaping it (RFC 6749 section 10.14)."""

    def further(self, interaction: Interaction) -> str:
        """Greet whoever comes."""
        return f'<p title="{interaction.request.text("login_hint") or ""}">Welcome.</p>'
