"""An authorization server that forwards to Authlete's API and does what the API's actions say.

It decides nothing by itself: parameters, credentials, certificates and proofs are passed on as they came, and each
action becomes the HTTP answer that Authlete documents for it. People log in here.
"""

from __future__ import annotations

import base64
import hmac
import io
import json
import secrets
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from conformance.profile.keyring import Person
from conformance.server import pages
from conformance.server.forms import decode, parse_form

#: Action of /pushed_auth_req to HTTP status.
PUSH = {
    "CREATED": 201,
    "BAD_REQUEST": 400,
    "UNAUTHORIZED": 401,
    "FORBIDDEN": 403,
    "PAYLOAD_TOO_LARGE": 413,
    "INTERNAL_SERVER_ERROR": 500,
}
#: Action of /auth/token to HTTP status.
TOKEN = {"OK": 200, "BAD_REQUEST": 400, "INVALID_CLIENT": 401, "INTERNAL_SERVER_ERROR": 500}
#: Where the endpoints lie: as those of Authlete's own reference server.
PATHS = {
    "par": "/api/par",
    "authorization": "/api/authorization",
    "decision": "/api/authorization/decision",
    "token": "/api/token",
    "jwks": "/api/jwks",
    "metadata": "/.well-known/openid-configuration",
}
COOKIE = "bridge-session"
#: The largest body that is forwarded at all (bytes); what is too large for a push is for the API to say.
LARGEST_BODY = 2 * 1024 * 1024
#: How long a call of the API may take (seconds).
PATIENCE = 20
_SECRET_HEADERS = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_PAGE_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


@dataclass(frozen=True)
class Api:
    """Where the API of a service is: `url` with everything before /pushed_auth_req, and its Authorization header."""

    url: str
    authorization: str = field(repr=False)
    ca_file: str | None = None


@dataclass
class Visit:
    """One browser: who is logged in, and the requests that wait for a decision, by their ticket."""

    person: Person | None = None
    since: float = 0
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    waiting: dict[str, dict[str, Any]] = field(default_factory=dict)


class Bridge:
    """The authorization server."""

    def __init__(
        self,
        api: Api,
        people: Mapping[str, Person],
        issuer: str,
        *,
        authorities: Sequence[x509.Certificate] = (),
        now: Callable[[], float] = time.time,
    ) -> None:
        """`people` log in here, by user name; `authorities` are what the path of a client's certificate is made of."""
        self.api = api
        self.people = {person.username: person for person in people.values()}
        self.issuer = issuer
        self.authorities = tuple(authorities)
        self.now = now
        self.visits: dict[str, Visit] = {}
        self.calls = 0
        self._session: aiohttp.ClientSession | None = None

    def application(self) -> web.Application:
        """The web application."""
        app = web.Application(client_max_size=LARGEST_BODY)
        handlers = {
            "par": self.par,
            "authorization": self.authorization,
            "decision": self.decision,
            "token": self.token,
            "jwks": self.jwks,
            "metadata": self.metadata,
        }
        prefix = urlsplit(self.issuer).path
        for name, handler in handlers.items():
            app.router.add_route("*", prefix + PATHS[name], _only(_METHODS[name], handler))
        app.on_cleanup.append(self._close)
        return app

    async def _close(self, _: web.Application) -> None:
        if self._session is not None:
            await self._session.close()

    # -- the API -----------------------------------------------------------------------------------------------------

    async def ask(self, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Make a call; without a body, fetch a document. HTTPInternalServerError where the API does not answer."""
        if self._session is None:
            trust = ssl.create_default_context(cafile=self.api.ca_file)
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=trust),
                timeout=aiohttp.ClientTimeout(total=PATIENCE),
                headers={"Authorization": self.api.authorization},
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        self.calls += 1
        # As a stream: what a client pushed may be large.
        content = None if body is None else io.BytesIO(json.dumps(body).encode())
        method, headers = ("GET", None) if content is None else ("POST", {"Content-Type": "application/json"})
        url = self.api.url.rstrip("/") + path
        try:
            async with self._session.request(method, url, data=content, headers=headers) as answer:
                members = await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError) as failure:
            return _broken(f"the API does not answer: {type(failure).__name__}")
        if answer.status != 200 or not isinstance(members, dict):
            return _broken(f"the API answers {path} with HTTP {answer.status}")
        return members

    def forwarded(self, request: web.Request, content: bytes, endpoint: str) -> dict[str, Any]:
        """What is forwarded of a client's request: its form, Basic credentials, certificate and proof."""
        asked: dict[str, Any] = {"parameters": content.decode("utf-8", "surrogateescape")}
        basic = basic_credentials(request.headers.get("Authorization", ""))
        if basic is not None:
            asked["clientId"], asked["clientSecret"] = basic
        certificate = shown_certificate(request)
        if certificate is not None:
            asked["clientCertificate"] = _pem(certificate)
            asked["clientCertificatePath"] = [_pem(one) for one in path_of(certificate, self.authorities)]
        if "DPoP" in request.headers:
            asked |= {"dpop": request.headers["DPoP"], "htm": request.method, "htu": self.issuer + PATHS[endpoint]}
        return asked

    async def direct(
        self, request: web.Request, path: str, endpoint: str, statuses: Mapping[str, int]
    ) -> web.StreamResponse:
        """A client's own request: forwarded, and answered as the action says."""
        if request.content_type != "application/x-www-form-urlencoded":
            return _json('{"error":"invalid_request","error_description":"the body must be a form"}', 400)
        try:
            content = await request.read()
            content.decode("utf-8")
        except web.HTTPRequestEntityTooLarge:
            return _json('{"error":"invalid_request","error_description":"the request is too large"}', 413)
        except UnicodeDecodeError:
            return _json('{"error":"invalid_request","error_description":"the body is not UTF-8"}', 400)
        if len(request.headers.getall("Authorization", [])) > 1:
            return _json('{"error":"invalid_request","error_description":"there are two credentials"}', 400)
        if len(request.headers.getall("DPoP", [])) > 1:
            return _json('{"error":"invalid_dpop_proof","error_description":"there is more than one proof"}', 400)
        if "Authorization" in request.headers and basic_credentials(request.headers["Authorization"]) is None:
            return self._challenge(_json('{"error":"invalid_client"}', 401))
        told = await self.ask(path, self.forwarded(request, content, endpoint))
        response = _json(str(told.get("responseContent") or "{}"), statuses.get(str(told.get("action")), 500))
        if told.get("dpopNonce"):
            response.headers["DPoP-Nonce"] = str(told["dpopNonce"])
        if response.status == 401 and "Authorization" in request.headers:
            return self._challenge(response)
        return response

    def _challenge(self, response: web.Response) -> web.Response:
        response.headers["WWW-Authenticate"] = f'Basic realm="{self.issuer}"'
        return response

    async def par(self, request: web.Request) -> web.StreamResponse:
        """The pushed authorization request endpoint."""
        return await self.direct(request, "/pushed_auth_req", "par", PUSH)

    async def token(self, request: web.Request) -> web.StreamResponse:
        """The token endpoint."""
        return await self.direct(request, "/auth/token", "token", TOKEN)

    async def metadata(self, _: web.Request) -> web.StreamResponse:
        """The metadata, as the service is configured."""
        return web.json_response(await self.ask("/service/configuration"))

    async def jwks(self, _: web.Request) -> web.StreamResponse:
        """The public keys of the service."""
        return web.json_response(await self.ask("/service/jwks/get"))

    # -- the front channel -------------------------------------------------------------------------------------------

    async def authorization(self, request: web.Request) -> web.StreamResponse:
        """The authorization endpoint: the API says whether to ask the person, or what to answer."""
        if request.method == "POST":
            try:
                parameters = (await request.read()).decode("utf-8")
            except (UnicodeDecodeError, web.HTTPRequestEntityTooLarge):
                return _page("The request was refused", "<p>It is no form in UTF-8.</p>", 400)
        else:
            parameters = request.raw_path.partition("?")[2].partition("#")[0]
        told = await self.ask("/auth/authorization", {"parameters": parameters})
        name, visit = self._visit(request)
        action, ticket = told.get("action"), str(told.get("ticket") or "")
        if action == "NO_INTERACTION":
            response = await self._without_pages(visit, told, ticket)
        elif action == "INTERACTION":
            visit.waiting[ticket] = told
            response = self._decision_page(visit, told, ticket)
        else:
            response = _answer(told)
        self._keep(response, name)
        return response

    async def _without_pages(self, visit: Visit, told: Mapping[str, Any], ticket: str) -> web.Response:
        """prompt=none: who is logged in has agreed, or has not."""
        if visit.person is None or self._too_old(visit, told):
            return _answer(await self.ask("/auth/authorization/fail", {"ticket": ticket, "reason": "NOT_LOGGED_IN"}))
        return _answer(await self.ask("/auth/authorization/fail", {"ticket": ticket, "reason": "CONSENT_REQUIRED"}))

    def _visit(self, request: web.Request) -> tuple[str, Visit]:
        name = request.cookies.get(COOKIE, "")
        if name not in self.visits:
            name = secrets.token_urlsafe(24)
            self.visits[name] = Visit()
        return name, self.visits[name]

    def _keep(self, response: web.StreamResponse, name: str) -> None:
        secure = self.issuer.startswith("https:")
        response.set_cookie(COOKIE, name, path="/", httponly=True, secure=secure, samesite="Lax")

    def _too_old(self, visit: Visit, told: Mapping[str, Any]) -> bool:
        return "maxAge" in told and self.now() - visit.since >= int(told["maxAge"])

    def _needs_login(self, visit: Visit, told: Mapping[str, Any]) -> bool:
        again = {"LOGIN", "SELECT_ACCOUNT"} & set(told.get("prompts") or ())
        return visit.person is None or bool(again) or self._too_old(visit, told)

    def _decision_page(self, visit: Visit, told: Mapping[str, Any], ticket: str) -> web.Response:
        """Who asks for what, name and password where nobody is logged in, and two buttons."""
        client = escape(str((told.get("client") or {}).get("clientName") or "a client"))
        scopes = "".join(f"<li>{escape(str(scope.get('name')))}</li>" for scope in told.get("scopes") or ())
        fields = f'<input type="hidden" name="ticket" value="{escape(ticket)}">\n'
        if self._needs_login(visit, told):
            fields += (
                '<p><input type="text" name="loginId" placeholder="Login ID" required></p>\n'
                '<p><input type="password" name="password" placeholder="Password" required></p>\n'
            )
        fields += (
            '<input type="submit" name="authorized" value="Authorize">\n'
            '<input type="submit" name="denied" value="Deny" formnovalidate>'
        )
        action = urlsplit(self.issuer).path + PATHS["decision"]
        return _page(
            "Authorization",
            f"<p>Client <strong>{client}</strong></p>\n<ul>{scopes}</ul>\n" + pages.form(action, visit.csrf, fields),
        )

    async def decision(self, request: web.Request) -> web.StreamResponse:
        """The decision: the person proves who it is, and the API is told what was decided."""
        name, visit = self._visit(request)
        try:
            form = parse_form(await request.read())
        except ValueError:
            return _page("The request was refused", "<p>It is no form in UTF-8.</p>", 400)
        ticket = form.get("ticket") or ""
        told = visit.waiting.get(ticket)
        if told is None or not hmac.compare_digest((form.get("csrf") or "").encode(), visit.csrf.encode()):
            return _page("The request was refused", "<p>There is no such page, or no longer.</p>", 400)
        if form.get("denied") is None and self._needs_login(visit, told):
            person = self.people.get(form.get("loginId") or "")
            password = form.get("password") or ""
            if person is None or not hmac.compare_digest(person.password.encode(), password.encode()):
                return self._decision_page(visit, told, ticket)
            del self.visits[name]  # a name from before the login must not live on
            name = secrets.token_urlsafe(24)
            visit.person, visit.since = person, self.now()
            self.visits[name] = visit
        del visit.waiting[ticket]
        if form.get("denied") is not None or visit.person is None:
            answer = await self.ask("/auth/authorization/fail", {"ticket": ticket, "reason": "DENIED"})
        else:
            issue = {"ticket": ticket, "subject": visit.person.username, "authTime": int(visit.since)}
            answer = await self.ask("/auth/authorization/issue", issue)
        response = _answer(answer)
        self._keep(response, name)
        return response


_METHODS = {
    "par": ("POST",),
    "token": ("POST",),
    "authorization": ("GET", "POST"),
    "decision": ("POST",),
    "jwks": ("GET",),
    "metadata": ("GET",),
}


def _only(methods: Sequence[str], handler: Callable[[web.Request], Any]) -> Callable[[web.Request], Any]:
    """The handler for these methods; 405 for every other."""

    async def handle(request: web.Request) -> web.StreamResponse:
        if request.method not in methods:
            response = _json('{"error":"invalid_request","error_description":"the method is not allowed"}', 405)
            response.headers["Allow"] = ", ".join(methods)
            return response
        answer: web.StreamResponse = await handler(request)
        return answer

    return handle


def _broken(reason: str) -> dict[str, Any]:
    content = f'{{"error":"server_error","error_description":"{reason}"}}'
    return {"action": "INTERNAL_SERVER_ERROR", "responseContent": content}


def _json(text: str, status: int) -> web.Response:
    return web.Response(text=text, status=status, content_type="application/json", headers=_SECRET_HEADERS)


def _page(title: str, body: str, status: int = 200) -> web.Response:
    html = pages.page(title, body)
    return web.Response(text=html, status=status, content_type="text/html", headers=_PAGE_HEADERS)


def _answer(told: Mapping[str, Any]) -> web.Response:
    """What the browser gets for an action of the front channel."""
    content = str(told.get("responseContent") or "{}")
    match told.get("action"):
        case "LOCATION":
            return web.Response(status=302, headers={"Location": content, "Cache-Control": "no-store"})
        case "FORM":
            return web.Response(text=content, content_type="text/html", headers={"Cache-Control": "no-store"})
        case "BAD_REQUEST":
            return _json(content, 400)
        case _:
            return _json(content, 500)


def basic_credentials(header: str) -> tuple[str, str] | None:
    """User and password of a Basic header, both form-decoded (RFC 6749 section 2.3.1); None for anything else."""
    scheme, _, value = header.partition(" ")
    try:
        user, colon, password = base64.b64decode(value.strip(), validate=True).partition(b":")
        pair = decode(user), decode(password)
    except ValueError:
        return None
    return pair if scheme.lower() == "basic" and colon else None


def shown_certificate(request: web.Request) -> x509.Certificate | None:
    """The certificate that a client showed in the handshake."""
    tls = request.transport.get_extra_info("ssl_object") if request.transport else None
    der = tls.getpeercert(binary_form=True) if tls is not None else None
    return x509.load_der_x509_certificate(der) if der else None


def path_of(certificate: x509.Certificate, authorities: Sequence[x509.Certificate]) -> list[x509.Certificate]:
    """The certificates between a client's own and a root, as far as the authorities are known."""
    path: list[x509.Certificate] = []
    current = certificate
    while current.issuer != current.subject:
        issuer = next((one for one in authorities if one.subject == current.issuer and one not in path), None)
        if issuer is None:
            break
        path.append(issuer)
        current = issuer
    return path


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode("ascii")
