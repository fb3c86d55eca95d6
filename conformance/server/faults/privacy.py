"""Faults that let out what was pushed (RFC 9126 sections 2.1 and 8)."""

from __future__ import annotations

import base64
import json
from html import escape
from urllib.parse import quote, urlencode

from aiohttp import web

from conformance.server.app import AuthorizationServer
from conformance.server.faults import fault
from conformance.server.records import AuthorizationRequest, Interaction

SHOWN = "rfc9126-2.1-authentication-not-in-request"
IN_URLS = "rfc9126-8-request-data-not-in-urls"


class _StoresEverything(AuthorizationServer):
    """Keeps credentials with the request (RFC 9126 section 2.1)."""

    def not_stored(self) -> set[str]:
        """Everything is stored."""
        return set()


@fault(SHOWN)
class SecretsInHiddenFields(_StoresEverything):
    """BUG: the login page carries the whole form of the push along, client_secret too (RFC 9126 section 2.1)."""

    def login_page(self, interaction: Interaction, *, failed: bool = False) -> web.Response:
        """Hidden fields."""
        response = super().login_page(interaction, failed=failed)
        secret = str(interaction.request.parameters.get("client_secret", ""))
        hidden = f'<input type="hidden" name="restart" value="{escape(secret)}">'
        response.text = (response.text or "").replace("</form>", f"{hidden}</form>")
        return response


@fault(SHOWN)
class SecretsInTheCookie(_StoresEverything):
    """BUG: a restart cookie holds the pushed form, credentials too, in base64 (RFC 9126 section 2.1)."""

    async def begin(self, request: web.Request, asked: AuthorizationRequest) -> web.StreamResponse:
        """Set the cookie."""
        response = await super().begin(request, asked)
        told = {name: str(asked.parameters.get(name, "")) for name in ("client_id", "client_secret")}
        response.set_cookie("restart", base64.urlsafe_b64encode(json.dumps(told).encode()).decode(), secure=True)
        return response


@fault(SHOWN)
class AssertionsInTheAnswer(_StoresEverything):
    """BUG: parameters that the server does not know go back with the answer: client_assertion too (section 2.1)."""

    def response_parameters(self, request: AuthorizationRequest, answer: dict[str, str]) -> dict[str, str]:
        """With the assertion."""
        parameters = super().response_parameters(request, answer)
        assertion = request.text("client_assertion")
        return parameters | ({"client_assertion": assertion} if assertion else {})


@fault(IN_URLS, "rfc9396-13-details-stay-out-of-urls")
class ParametersInTheLoginUrl(AuthorizationServer):
    """BUG: the login page's URL has the pushed parameters in its query (RFC 9126 section 8)."""

    async def begin(self, request: web.Request, asked: AuthorizationRequest) -> web.StreamResponse:
        """Spread them out."""
        response = await super().begin(request, asked)
        location = response.headers.get("Location", "")
        if asked.pushed is not None and location.startswith(self.origin):
            told = {name: str(value) for name, value in asked.parameters.items()}
            response.headers["Location"] = f"{location}?{urlencode(told)}"
        return response


@fault(IN_URLS, "rfc9396-13-details-stay-out-of-urls")
class ParametersInTheConsentUrl(AuthorizationServer):
    """BUG: after the login the browser is sent to the consent page with the pushed request in its URL, as base64."""

    async def login(self, request: web.Request) -> web.StreamResponse:
        """Add it to where the browser goes."""
        _, interaction = self.find_interaction(request)
        response = await super().login(request)
        location = response.headers.get("Location")
        if location and interaction.request.pushed is not None:
            told = json.dumps({name: str(value) for name, value in interaction.request.parameters.items()})
            response.headers["Location"] = f"{location}?resume={quote(base64.b64encode(told.encode()).decode())}"
        return response


@fault(IN_URLS)
class UnknownParametersInTheUrl(AuthorizationServer):
    """BUG: parameters that the server does not know are handed on in the URL, for plug-ins (section 8)."""

    async def begin(self, request: web.Request, asked: AuthorizationRequest) -> web.StreamResponse:
        """Hand them on."""
        response = await super().begin(request, asked)
        location = response.headers.get("Location", "")
        told = {name: str(value) for name, value in asked.parameters.items() if name.startswith("x_")}
        if told and location.startswith(self.origin):
            response.headers["Location"] = f"{location}?{urlencode(told)}"
        return response
