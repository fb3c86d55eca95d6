"""Right ways to answer over HTTP: statuses, headers, members, connections."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from conformance.server.app import AuthorizationServer, Handler
from conformance.server.errors import OAuthError
from conformance.server.records import PushedRequest
from conformance.server.variants import limits, right, variant, without

MTLS = ("mtls", "mtls_self_signed")

variant("invalid-client-is-400", "invalid_client has the status 400 where no header was used (RFC 6749 section 5.2)",
        settings={"invalid_client_status": 400})  # fmt: skip
variant("chunked-answers", "JSON comes in chunks (RFC 9112 section 7.1)", settings={"chunked": True})
variant("connection-closed-each-time", "the connection is closed after each answer (RFC 9112 section 9.6)",
        settings={"close_connection": True})  # fmt: skip
variant("members-in-another-order", "the members of JSON answers are indented and in another order (RFC 8259)",
        settings={"field_order": "reversed", "pretty_json": True})  # fmt: skip
variant("not-found-for-other-methods", "another method is answered with 404, as if there were nothing (RFC 9110)",
        settings={"other_methods": 404}, notes=("rfc9126-2.3-status-405",))  # fmt: skip
variant("no-cors", "no script of another origin may use the endpoints", settings={"cors": False})
variant("caching-said-at-length", "Cache-Control has further directives",
        settings={"cache_control": "private, no-cache, No-Store, max-age=0"})  # fmt: skip
variant("issuer-with-a-path", "the issuer has a path (RFC 8414 section 3.1)", settings={"issuer_path": "/tenant/one"})
variant("metadata-of-oauth-only", "the metadata is at the place of RFC 8414 only", settings={"metadata": "oauth"})
variant("metadata-of-openid-only", "the metadata is at the place of OpenID Connect only",
        settings={"metadata": "openid"})  # fmt: skip
variant("metadata-of-openid-behind-a-path",
        "the metadata of an issuer with a path is where OpenID Connect Discovery section 4.1 puts it, and nowhere else",
        settings={"metadata": "openid", "issuer_path": "/tenant/one"})  # fmt: skip
variant("plain-http-on-loopback", "on loopback, behind a proxy that ends TLS, the server speaks plain http",
        without(*MTLS), settings={"tls": False})  # fmt: skip
variant("without-mutual-tls", "no client certificates", without(*MTLS), settings={"mtls": False})


@right(without(*MTLS), settings={"tls": False})
class SecureCookieOnPlainHttp(AuthorizationServer):
    """RIGHT: cookies are Secure although the loopback address is plain http: browsers keep those too."""

    def set_cookie(self, response: web.StreamResponse, session: Any) -> None:
        """Secure whatever the scheme."""
        response.set_cookie(self.cookie_name, session.id, path="/", httponly=True, secure=True, samesite="None")


@right()
class CharsetOnJson(AuthorizationServer):
    """RIGHT: application/json comes with a charset parameter, which means nothing (RFC 8259 section 11)."""

    def finish_response(self, endpoint: str, request: web.Request, response: web.StreamResponse) -> None:
        """Name UTF-8 on every JSON answer."""
        super().finish_response(endpoint, request, response)
        if response.content_type == "application/json":
            response.headers["Content-Type"] = "Application/JSON; charset=UTF-8"


@right()
class RedirectsThatSaySo(AuthorizationServer):
    """RIGHT: a redirect has a note for whoever does not follow it; no browser shows it (RFC 9110 section 15.4)."""

    def finish_response(self, endpoint: str, request: web.Request, response: web.StreamResponse) -> None:
        """A line of HTML, without the headers of a page."""
        super().finish_response(endpoint, request, response)
        if 300 <= response.status < 400 and isinstance(response, web.Response):
            for name in ("Content-Security-Policy", "X-Frame-Options", "Referrer-Policy"):
                response.headers.pop(name, None)
            response.text = "<p>Redirecting.</p>"
            response.content_type = "text/html"


@right()
class ErrorsWithoutDescription(AuthorizationServer):
    """RIGHT: errors are the code alone; error_description is optional (RFC 6749 section 5.2)."""

    def error_members(self, error: OAuthError) -> dict[str, Any]:
        """The code."""
        return {"error": error.code}


@right()
class FurtherMembers(AuthorizationServer):
    """RIGHT: answers have further members, which clients ignore (RFC 6749 section 5.1)."""

    def json_response(
        self, data: Mapping[str, Any], *, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> web.Response:
        """Add members of every kind."""
        more = {"trace_id": "7f3a", "server_time": 1_700_000_000, "hints": ["one"], "x_details": {"node": None}}
        return super().json_response({**data, **more}, status=status, headers=headers)


@right()
class ChallengeOnEvery401(AuthorizationServer):
    """RIGHT: each 401 has a challenge, also where no Authorization header was sent (RFC 9110 section 11.6.1)."""

    def error_headers(self, request: web.Request, error: OAuthError) -> dict[str, str]:
        """A challenge wherever client authentication failed."""
        headers = super().error_headers(request, error)
        if error.code == "invalid_client":
            headers["WWW-Authenticate"] = 'Basic realm="clients"'
        return headers


@right()
class HeadIsRefusedWithoutAllow(AuthorizationServer):
    """RIGHT: HEAD is not served at the endpoints for browsers and the 405 comes without a body."""

    def allowed_methods(self, endpoint: str) -> list[str]:
        """The methods without HEAD."""
        return [method for method in super().allowed_methods(endpoint) if method != "HEAD"]


@right(limits(body_bytes=None), settings={"body_limit": 24_000}, notes=("rfc9126-2.3-status-413",))
class SmallLimitAnsweredWith400(AuthorizationServer):
    """RIGHT: a body beyond a small limit is answered with 400; the status 413 is an example (RFC 9126 section 2.3)."""

    async def read_body(self, request: web.Request) -> bytes:
        """400 in place of 413."""
        try:
            return await super().read_body(request)
        except OAuthError as error:
            error.status = 400
            raise


@right(limits(body_bytes=None), settings={"body_limit": 24_000}, notes=("rfc9126-2.3-status-413",))
class SmallLimitClosesTheConnection(AuthorizationServer):
    """RIGHT: the connection of a body beyond the limit is closed without an answer, as proxies do."""

    async def read_body(self, request: web.Request) -> bytes:
        """Hang up in place of 413."""
        try:
            return await super().read_body(request)
        except OAuthError:
            if request.transport is not None:
                request.transport.abort()
            raise


@right(
    limits(body_bytes=None),
    settings={"body_limit": 8_192},
    notes=("rfc9126-1-large-request-accepted",),
)
class VerySmallLimit(AuthorizationServer):
    """RIGHT: eight kilobytes are the limit; the document names no size that must be taken."""


@right(limits(body_bytes=None, largest_body=2_000_000), settings={"body_limit": 64_000_000})
class NoLimitWithinReach(AuthorizationServer):
    """RIGHT: the limit is larger than anything that the suite sends."""


@right()
class ExpiryIsNotRemembered(AuthorizationServer):
    """RIGHT: used and expired requests are deleted, so that they are unknown rather than dead."""

    def load_pushed(self, request_uri: str) -> PushedRequest | None:
        """Only what lives."""
        pushed = super().load_pushed(request_uri)
        return pushed if pushed is not None and self.now() < pushed.expires_at and not pushed.used else None


@right(notes=("rfc6749-5.2-invalid-client-when-missing",))
class MissingCredentialsAreAnInvalidRequest(AuthorizationServer):
    """RIGHT: credentials that are missing altogether are an invalid_request (RFC 6749 section 5.2 leaves it open)."""

    def check_registered_method(self, client: Any, presented: Any) -> None:
        """Tell nothing from something wrong."""
        if presented.way == "nothing" and client.confidential and not client.uses_tls:
            raise OAuthError("invalid_request", "client authentication is missing")
        super().check_registered_method(client, presented)


@right()
class UnknownClientIsUnauthorized(AuthorizationServer):
    """RIGHT: 401 for each invalid_client, and a header with a challenge, whatever the method."""

    def error_status(self, request: web.Request, error: OAuthError) -> int:
        """401 always."""
        return 401 if error.code == "invalid_client" else super().error_status(request, error)


@right(notes=("rfc9126-2.2-not-cacheable", "rfc9126-2.3-error-not-cacheable"))
class CachingLeftOpen(AuthorizationServer):
    """RIGHT: answers to a push say nothing of caches: a POST's answer is not cached anyway (RFC 9111 section 3)."""

    def finish_response(self, endpoint: str, request: web.Request, response: web.StreamResponse) -> None:
        """Take the directives away."""
        super().finish_response(endpoint, request, response)
        if endpoint == "pushed_authorization_request":
            response.headers.popall("Cache-Control", None)
            response.headers.popall("Pragma", None)


@right()
class AnswersAreCompressed(AuthorizationServer):
    """RIGHT: answers are compressed for all who do not ask for them as they are (RFC 9110 section 12.5.3)."""

    def finish_response(self, endpoint: str, request: web.Request, response: web.StreamResponse) -> None:
        """Without Accept-Encoding every coding will do."""
        super().finish_response(endpoint, request, response)
        wanted = "gzip" in request.headers.get("Accept-Encoding", "gzip")
        if wanted and isinstance(response, web.Response) and isinstance(response.body, bytes):
            response.body = gzip.compress(response.body)
            response.headers.update({"Content-Encoding": "gzip", "Vary": "Accept-Encoding"})


@right()
class WhoIsNobodyIsNotServed(AuthorizationServer):
    """RIGHT: requests without User-Agent are refused, for clients say what they are (RFC 9110 section 10.1.5)."""

    async def answer(self, endpoint: str, handler: Handler, request: web.Request) -> web.StreamResponse:
        """403, as firewalls do."""
        if not request.headers.get("User-Agent"):
            raise OAuthError("invalid_request", "User-Agent is missing", status=403)
        return await super().answer(endpoint, handler, request)
