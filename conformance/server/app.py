"""The reference authorization server: routes to rules."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from conformance.server.atproto import Atproto
from conformance.server.errors import OAuthError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

#: Endpoints that only browsers visit: their errors are pages, and no script of another origin reads them.
BROWSER = frozenset({"authorization", "interaction", "login", "consent"})


class AuthorizationServer(Atproto):
    """A correct authorization server. Every rule is one method: override it to break, or to vary, just that."""

    def application(self) -> web.Application:
        """The web application."""
        app = web.Application(client_max_size=self.settings.body_limit)
        for endpoint, path, handler in self.routes():
            app.router.add_route("*", path, self.route(endpoint, handler))
        return app

    def connection(self, handlers: Callable[[], asyncio.Protocol]) -> Callable[[], asyncio.Protocol]:
        """What reads a new connection: a strict parser (RFC 9112)."""
        return handlers

    def routes(self) -> list[tuple[str, str, Handler]]:
        """Endpoint name, path, handler."""
        base, paths = self.settings.issuer_path, self.paths
        interaction = f"{base}{paths['interaction']}/{{interaction}}"
        routes: list[tuple[str, str, Handler]] = [
            ("pushed_authorization_request", base + paths["pushed_authorization_request"], self.push),
            ("authorization", base + paths["authorization"], self.authorize),
            ("token", base + paths["token"], self.token),
            ("jwks", base + paths["jwks"], self.jwks),
            ("interaction", interaction, self.interaction_page),
            ("login", f"{interaction}/login", self.login),
            ("consent", f"{interaction}/consent", self.consent),
        ]
        if self.settings.openid:
            routes.append(("userinfo", base + paths["userinfo"], self.userinfo))
        if self.settings.introspection:
            routes.append(("introspection", base + paths["introspection"], self.introspection))
        routes += [("metadata", path, self.metadata_document) for path in self.metadata_paths()]
        return routes

    def allowed_methods(self, endpoint: str) -> list[str]:
        """The methods of an endpoint."""
        match endpoint:
            case "authorization" | "userinfo":
                return ["GET", "HEAD", "POST"]
            case "jwks" | "metadata" | "interaction":
                return ["GET", "HEAD"]
            case _:
                return ["POST"]

    def route(self, endpoint: str, handler: Handler) -> Handler:
        """The handler behind the rules that hold for every request."""

        async def handle(request: web.Request) -> web.StreamResponse:
            self.requests += 1
            try:
                response = await self.answer(endpoint, handler, request)
            except OAuthError as error:
                response = self.refusal(endpoint, request, error)
            except Exception as error:
                self.crashes.append(error)
                raise
            self.finish_response(endpoint, request, response)
            return response

        return handle

    async def answer(self, endpoint: str, handler: Handler, request: web.Request) -> web.StreamResponse:
        """The preflight, the refused method, or the handler's answer."""
        if self.is_preflight(endpoint, request):
            return web.Response(status=204, headers=self.preflight_headers(endpoint))
        self.check_method(endpoint, request)
        return await handler(request)

    def refusal(self, endpoint: str, request: web.Request, error: OAuthError) -> web.Response:
        """The answer to a refused request: for a person, or for a client."""
        if endpoint in BROWSER:
            return self.authorization_error(request, error)
        return self.error_response(request, error)

    def check_method(self, endpoint: str, request: web.Request) -> None:
        """405 with Allow for every other method (RFC 9126, section 2.3)."""
        allowed = self.allowed_methods(endpoint)
        if request.method in allowed:
            return
        if self.settings.other_methods == 404:
            raise OAuthError("invalid_request", "there is nothing here", status=404)
        raise OAuthError(
            "invalid_request", "the method is not allowed", status=405, headers={"Allow": ", ".join(allowed)}
        )

    def finish_response(self, endpoint: str, request: web.Request, response: web.StreamResponse) -> None:
        """What every answer gets."""
        super().finish_response(endpoint, request, response)
        if "Origin" in request.headers and self.has_cors(endpoint):
            response.headers.update(self.cors_headers(endpoint))
        if self.settings.close_connection:
            response.force_close()

    # CORS

    def has_cors(self, endpoint: str) -> bool:
        """Scripts of other origins may use direct endpoints, and never those for browsers."""
        return self.settings.cors and endpoint not in BROWSER

    def is_preflight(self, endpoint: str, request: web.Request) -> bool:
        """Whether a browser asks if a script may send a request."""
        asks = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        return asks and self.has_cors(endpoint)

    def preflight_headers(self, endpoint: str) -> dict[str, str]:
        """What a script may send."""
        return {
            "Access-Control-Allow-Methods": ", ".join(self.allowed_methods(endpoint)),
            "Access-Control-Allow-Headers": "Authorization, Content-Type, DPoP",
            "Access-Control-Max-Age": "600",
        }

    def cors_headers(self, endpoint: str) -> dict[str, str]:
        """Any origin, without cookies; the nonce can be read."""
        return {
            "Access-Control-Allow-Origin": "*",
            "Access-Control-Expose-Headers": "DPoP-Nonce, WWW-Authenticate",
        }
