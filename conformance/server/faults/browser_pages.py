"""The base of faults that put more on a page of the server."""

from __future__ import annotations

from aiohttp import web

from conformance.server.app import AuthorizationServer
from conformance.server.records import Interaction, Session

LOOSE = "script-src 'unsafe-inline'; img-src *; form-action *; frame-ancestors 'none'"


class BrowserServer(AuthorizationServer):
    """A server whose pages may have more on them: `further` is HTML at the end of a page."""

    def further(self, interaction: Interaction) -> str:
        """What stands at the end of login and consent pages."""
        return ""

    def page(self, html: str, *, status: int = 200, redirect_uri: str = "") -> web.Response:
        """A page whose policy does not hold back what a fault adds."""
        response = super().page(html, status=status, redirect_uri=redirect_uri)
        response.headers["Content-Security-Policy"] = LOOSE
        return response

    def login_page(self, interaction: Interaction, *, failed: bool = False) -> web.Response:
        """The login page with an addition."""
        return self._extended(super().login_page(interaction, failed=failed), interaction)

    def consent_page(self, session: Session, interaction: Interaction) -> web.Response:
        """The consent page with an addition."""
        return self._extended(super().consent_page(session, interaction), interaction)

    def _extended(self, response: web.Response, interaction: Interaction) -> web.Response:
        response.text = (response.text or "").replace("</body>", self.further(interaction) + "</body>")
        return response
