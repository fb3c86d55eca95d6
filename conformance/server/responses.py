"""What the browser gets: pages, error pages, and authorization responses in every response mode."""

from __future__ import annotations

from urllib.parse import urlencode

from aiohttp import web

from conformance.server import keys, pages
from conformance.server.codes import Codes
from conformance.server.errors import OAuthError
from conformance.server.records import AuthorizationRequest


class Responses(Codes):
    """Answers of the authorization endpoint and of its pages."""

    # Pages

    def page_headers(self, redirect_uri: str = "") -> dict[str, str]:
        """Headers of every page: not framed, not cached, no referrer, no foreign content, only https."""
        target = f" {pages.source(redirect_uri)}" if redirect_uri else ""
        headers = {
            "Content-Security-Policy": f"default-src 'none'; style-src 'self'; script-src {pages.SUBMIT_HASH}; "
            f"form-action 'self'{target}; base-uri 'none'; frame-ancestors 'none'",
            "X-Frame-Options": "DENY",
            "X-Content-Type-Options": "nosniff",
        }
        return self.browser_headers() | headers

    def browser_headers(self) -> dict[str, str]:
        """Headers of everything that goes to a browser."""
        headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
        if self.settings.tls:
            headers["Strict-Transport-Security"] = "max-age=31536000"
        return headers

    def page(self, html: str, *, status: int = 200, redirect_uri: str = "") -> web.Response:
        """A page. `redirect_uri` is where its form may lead."""
        return web.Response(text=html, status=status, content_type="text/html", headers=self.page_headers(redirect_uri))

    def error_page(self, error: OAuthError) -> web.Response:
        """An error that is shown to the person, because nobody is trusted to be told."""
        status = self.settings.error_pages_status if error.status == 400 else error.status
        response = self.page(pages.error(error.code, error.description), status=status)
        response.headers.update(error.headers)
        return response

    def see_other(self, location: str) -> web.Response:
        """303, so that no browser posts a password again (RFC 9700, section 4.12)."""
        return web.Response(status=303, headers=self.browser_headers() | {"Location": location})

    # Authorization responses

    def authorization_error(self, request: web.Request, error: OAuthError) -> web.Response:
        """An error as a page, or at the redirect URI if the request is known and the URI trusted. Nothing that
        `request` says of itself decides where an error goes."""
        if error.about is None:
            return self.error_page(error)
        return self.error_redirect(error.about, error)

    def error_redirect(self, request: AuthorizationRequest, error: OAuthError) -> web.Response:
        """An error at the redirect URI (RFC 6749, section 4.1.2.1)."""
        return self.respond(request, {"error": error.code, "error_description": error.description})

    def authorization_response(self, request: AuthorizationRequest, code: str) -> web.Response:
        """The code at the redirect URI (RFC 6749, section 4.1.2)."""
        return self.respond(request, {"code": code})

    def respond(self, request: AuthorizationRequest, answer: dict[str, str]) -> web.Response:
        """An answer with state and iss, in the response mode of the request."""
        parameters = self.response_parameters(request, answer)
        mode = self.response_mode_of(request)
        if mode.endswith("jwt"):
            parameters = {"response": self.sign_response(request, parameters)}
        return self.deliver(request.redirect_uri, mode.removesuffix("jwt").removesuffix("."), parameters)

    def response_parameters(self, request: AuthorizationRequest, answer: dict[str, str]) -> dict[str, str]:
        """The answer with the request's state, unchanged, and with iss (RFC 9207, section 2)."""
        parameters = dict(answer)
        state = request.text("state")
        if state is not None:
            parameters["state"] = state
        if self.settings.iss:
            parameters["iss"] = self.issuer
        return parameters

    def response_mode_of(self, request: AuthorizationRequest) -> str:
        """The response mode; an error about the mode itself goes the default way."""
        mode = request.text("response_mode")
        if mode in self.response_modes():
            return mode
        return "jwt" if self.settings.signed_responses_only else self.settings.default_response_mode

    def sign_response(self, request: AuthorizationRequest, parameters: dict[str, str]) -> str:
        """The answer as a signed JWT for this client (JARM, section 2.1)."""
        claims = {"iss": self.issuer, "aud": request.client.client_id, "exp": int(self.now()) + 600}
        return keys.signing_key(self.settings.own_alg).sign(parameters | claims)

    def deliver(self, redirect_uri: str, mode: str, parameters: dict[str, str]) -> web.Response:
        """Send the parameters to the redirect URI. A mode of `jwt` alone means the query."""
        if mode == "form_post":
            return self.page(pages.form_post(redirect_uri, parameters), redirect_uri=redirect_uri)
        text = urlencode(parameters)
        if mode == "fragment":
            return self.see_other(f"{redirect_uri}#{text}")
        joint = "&" if "?" in redirect_uri else "?"
        return self.see_other(f"{redirect_uri}{joint}{text}")
