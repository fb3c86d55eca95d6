"""Faults of how errors and codes get to the client (RFC 6749 section 4.1.2, OpenID Connect Core section 3.1.2.6)."""

from __future__ import annotations

import html as markup
from dataclasses import replace

from aiohttp import web

from conformance.server.app import AuthorizationServer
from conformance.server.errors import OAuthError
from conformance.server.faults import fault
from conformance.server.records import AuthorizationRequest, Interaction, PushedRequest

ONCE = "rfc9126-4-one-time-use"


@fault("openid-core-3.1.2.6-error-in-response-mode")
class ErrorsIgnoreTheResponseMode(AuthorizationServer):
    """BUG: an error goes into the query, whatever response_mode was pushed (OpenID Connect Core section 3.1.2.6)."""

    def response_mode_of(self, request: AuthorizationRequest) -> str:
        """That of errors is the usual one."""
        failed = self.__dict__.pop("failed", False)
        return self.settings.default_response_mode if failed else super().response_mode_of(request)

    def error_redirect(self, request: AuthorizationRequest, error: OAuthError) -> web.Response:
        """Nothing is awaited between here and the response."""
        self.failed = True
        return super().error_redirect(request, error)


@fault("openid-core-3.1.2.6-error-in-response-mode")
class ErrorsAreNeverSigned(AuthorizationServer):
    """BUG: with response_mode=jwt a code comes in a JWT, and an error as it is (JARM, OpenID Core 3.1.2.6)."""

    def respond(self, request: AuthorizationRequest, answer: dict[str, str]) -> web.Response:
        """Errors without the JWT."""
        mode = self.response_mode_of(request)
        if "error" not in answer or not mode.endswith("jwt"):
            return super().respond(request, answer)
        plain = mode.removesuffix("jwt").removesuffix(".")
        return self.deliver(request.redirect_uri, plain, self.response_parameters(request, answer))


@fault("rfc9126-2-redirect-uri-effective")
class ErrorsGoToTheFirstRedirectUri(AuthorizationServer):
    """BUG: an error goes to the client's first redirect URI, whichever one was pushed (RFC 9126 section 2)."""

    def error_redirect(self, request: AuthorizationRequest, error: OAuthError) -> web.Response:
        """To the first."""
        if request.redirect_uri in request.client.redirect_uris:
            request = replace(request, redirect_uri=request.client.redirect_uris[0])
        return super().error_redirect(request, error)


@fault("rfc9126-2-state-effective")
class FormsForTheClientAreNotEscaped(AuthorizationServer):
    """BUG: the page of response_mode=form_post holds the state as it is, markup too (RFC 6749 section 10.14)."""

    def page(self, html: str, *, status: int = 200, redirect_uri: str = "") -> web.Response:
        """Without escapes, where a code is delivered."""
        delivers = 'name="code"' in html and 'name="state"' in html
        return super().page(markup.unescape(html) if delivers else html, status=status, redirect_uri=redirect_uri)


@fault(ONCE)
class FormsUseNothingUp(AuthorizationServer):
    """BUG: a request_uri is used up by the redirect, which response_mode=form_post does not have (section 4)."""

    def authorization_response(self, request: AuthorizationRequest, code: str) -> web.Response:
        """As good as new."""
        if request.pushed is not None and self.response_mode_of(request) == "form_post":
            request.pushed.used = False
        return super().authorization_response(request, code)


@fault(ONCE)
class EachYesBringsACode(AuthorizationServer):
    """BUG: a consent page that is answered again brings another code for the same request (RFC 9126 section 4)."""

    async def finish(self, interaction: Interaction) -> None:
        """As often as it comes."""
        answered: set[str] = self.__dict__.setdefault("answered", set())
        if interaction.id in answered and interaction.request.pushed is not None:
            interaction.request.pushed.used = False
        answered.add(interaction.id)


@fault(ONCE)
class NewLoginsUseNothingUp(AuthorizationServer):
    """BUG: a request with prompt=login comes back after the login, and is never used up (RFC 9126 section 4)."""

    async def consume(self, pushed: PushedRequest) -> None:
        """All others."""
        if pushed.parameters.get("prompt") != "login":
            await super().consume(pushed)


@fault("rfc6749-4.1.2-state-exact")
class StateIsTrimmed(AuthorizationServer):
    """BUG: blanks around a state do not come back (RFC 6749 section 4.1.2)."""

    def response_parameters(self, request: AuthorizationRequest, answer: dict[str, str]) -> dict[str, str]:
        """Trim it."""
        found = super().response_parameters(request, answer)
        return found | ({"state": found["state"].strip()} if "state" in found else {})
