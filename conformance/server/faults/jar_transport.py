"""Faults of the authorization endpoint's https (RFC 9101 section 8)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web

from conformance.server.app import AuthorizationServer
from conformance.server.faults import fault


@fault("rfc9101-8-authorization-endpoint-uses-https", "rfc6749-3.1-authorization-endpoint-tls", alone=True)
class AuthorizationEndpointIsHttp(AuthorizationServer):
    """BUG: the authorization endpoint is published as http, from where it redirects to https (RFC 9101 section 8)."""

    plain = ""

    def application(self) -> web.Application:
        """Listen in clear as well."""
        app = super().application()
        app.cleanup_ctx.append(self.in_clear)
        return app

    async def in_clear(self, _: web.Application) -> AsyncIterator[None]:
        """Redirect whoever comes in clear."""

        async def redirect(request: web.BaseRequest) -> web.StreamResponse:
            form = await request.text()
            raise web.HTTPSeeOther(self.origin + request.raw_path + (f"?{form}" if form else ""))

        runner = web.ServerRunner(web.Server(redirect))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.plain = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield
        await runner.cleanup()

    def endpoint_metadata(self) -> dict[str, Any]:
        """Without the s."""
        members = super().endpoint_metadata()
        return {**members, "authorization_endpoint": self.plain + self.settings.issuer_path + "/authorize"}
