"""Faults that leave what was pushed in a browser, or tell it to others (RFC 9126 section 8)."""

from __future__ import annotations

import base64
import json
from html import escape

from aiohttp import web

from conformance.server.app import AuthorizationServer
from conformance.server.faults import fault
from conformance.server.faults.browser_pages import BrowserServer
from conformance.server.records import AuthorizationRequest, Interaction


@fault("rfc9126-8-request-data-not-left-in-browser", browser=True)
class RequestInLocalStorage(BrowserServer):
    """BUG: a script keeps the request in local storage (RFC 9126 section 8)."""

    def further(self, interaction: Interaction) -> str:
        """Store the state under its encoded name, which the page itself does not show."""
        state = base64.b64encode((interaction.request.text("state") or "").encode()).decode()
        half = len(state) // 2
        return f"<script>localStorage.setItem('request', atob('{state[:half]}' + '{state[half:]}'))</script>"


@fault("rfc9126-8-request-data-not-in-urls", "rfc9126-8-request-data-not-left-in-browser", browser=True)
class PictureCarriesTheState(BrowserServer):
    """BUG: a picture of the page is loaded with the state in its URL (RFC 9126 section 8)."""

    def further(self, interaction: Interaction) -> str:
        """Load it from the server itself."""
        return f'<img alt="" src="/picture?state={escape(interaction.request.text("state") or "")}">'


@fault("rfc9126-8-request-data-not-told-to-others", "rfc9700-4.2.4-no-third-party-resources", browser=True)
class PictureOfAnotherSite(BrowserServer):
    """BUG: a picture of another site is loaded with the request_uri in its URL (RFC 9126 section 8)."""

    def further(self, interaction: Interaction) -> str:
        """Count the visit elsewhere."""
        pushed = interaction.request.pushed
        return f'<img alt="" src="https://counter.example/p?of={escape(pushed.request_uri if pushed else "")}">'


@fault("rfc9396-13-details-stay-out-of-urls", browser=True)
class DetailsInCookie(AuthorizationServer):
    """BUG: authorization_details are kept in a cookie (RFC 9396 section 13)."""

    async def begin(self, request: web.Request, asked: AuthorizationRequest) -> web.StreamResponse:
        """Put them there."""
        response = await super().begin(request, asked)
        details = asked.parameters.get("authorization_details")
        if details:
            content = base64.urlsafe_b64encode(json.dumps(details).encode()).decode().rstrip("=")
            response.set_cookie("details", content[:3500], path="/", httponly=True, secure=True, samesite="Lax")
        return response


@fault("rfc9700-4.2.4-referrer-suppressed", browser=True)
class RefererTellsThePage(AuthorizationServer):
    """BUG: the client is told the whole address of the page before (RFC 9700 section 4.2.4)."""

    def browser_headers(self) -> dict[str, str]:
        """Referrer-Policy: unsafe-url."""
        return {**super().browser_headers(), "Referrer-Policy": "unsafe-url"}
