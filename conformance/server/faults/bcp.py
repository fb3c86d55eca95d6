"""Faults of pages, redirects, origins and grants (RFC 9700, RFC 6749 section 10)."""

from __future__ import annotations

from base64 import b64encode
from typing import Any
from urllib.parse import unquote_plus, urlencode

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from conformance.server.app import AuthorizationServer
from conformance.server.client_auth import Presented
from conformance.server.clients import RegisteredClient
from conformance.server.errors import OAuthError
from conformance.server.faults import fault
from conformance.server.forms import Form
from conformance.server.records import AuthorizationRequest, Grant, Interaction, Session, Token


class _Headers(AuthorizationServer):
    """Pages with other headers; an empty value takes one away."""

    def changed_headers(self) -> dict[str, str]:
        """Which."""
        raise NotImplementedError

    def page_headers(self, redirect_uri: str = "") -> dict[str, str]:
        """Change them."""
        headers = super().page_headers(redirect_uri) | self.changed_headers()
        return {name: value for name, value in headers.items() if value}


@fault(
    "rfc9700-4.16-clickjacking-prevented",
    "rfc6749-10.13-frames-refused",
    "rfc9700-4.16-content-security-policy",
)
class PagesMayBeFramed(_Headers):
    """BUG: every site may frame the pages (RFC 9700 section 4.16)."""

    def changed_headers(self) -> dict[str, str]:
        """A policy that says nothing of frames."""
        return {"X-Frame-Options": "", "Content-Security-Policy": "default-src 'self'"}


@fault(
    "rfc9700-4.16-clickjacking-prevented",
    "rfc6749-10.13-frames-refused",
    "rfc9700-4.16-content-security-policy",
)
class ConsentMayBeFramed(AuthorizationServer):
    """BUG: the login page cannot be framed, and the consent page can (RFC 9700 section 4.16)."""

    def consent_page(self, session: Session, interaction: Interaction) -> web.Response:
        """Without the headers."""
        page = super().consent_page(session, interaction)
        del page.headers["X-Frame-Options"]
        del page.headers["Content-Security-Policy"]
        return page


@fault("rfc9700-4.16-content-security-policy")
class FramesByOldHeaderOnly(_Headers):
    """BUG: frames are refused by X-Frame-Options only (RFC 9700 section 4.16)."""

    def changed_headers(self) -> dict[str, str]:
        """No policy."""
        return {"Content-Security-Policy": ""}


@fault("rfc9700-4.2.4-referrer-suppressed")
class ReferrerIsSent(_Headers):
    """BUG: the pages send their whole URL to other sites (RFC 9700 section 4.2.4)."""

    def changed_headers(self) -> dict[str, str]:
        """The most open value."""
        return {"Referrer-Policy": "unsafe-url"}


@fault("rfc9700-4.2.4-no-third-party-resources")
class PagesUseOtherSites(AuthorizationServer):
    """BUG: pages load a picture from another site (RFC 9700 section 4.2.4)."""

    def page(self, html: str, *, status: int = 200, redirect_uri: str = "") -> web.Response:
        """Add it."""
        html = html.replace("</body>", '<img src="//cdn.example/logo.png" alt=""></body>')
        return super().page(html, status=status, redirect_uri=redirect_uri)


@fault(
    "rfc6749-10.11-pages-over-tls",
    "rfc7636-4.2-s256-supported",
    "rfc8705-2-certificate-accepted-on-push",
    "rfc9126-4-client-id-and-request-uri-suffice",
    "rfc9126-5-endpoint-usable",
    "rfc9126-5-usable-regardless-of-metadata",
    alone=True,
)
class LoginUnderHttp(AuthorizationServer):
    """BUG: the login page lies under plain http (RFC 6749 section 10.11)."""

    def interaction_url(self, interaction: Interaction, step: str = "") -> str:
        """Another scheme."""
        return super().interaction_url(interaction, step).replace("https:", "http:", 1)


class _LoginRedirects(AuthorizationServer):
    """Answers to the login form with another status."""

    status = 302

    async def login(self, request: web.Request) -> web.StreamResponse:
        """Change it."""
        response = await super().login(request)
        if response.status == 303:
            response.set_status(self.status)
        return response


@fault("rfc9700-4.12-see-other")
class LoginIsAnsweredWith302(_LoginRedirects):
    """BUG: the login form is answered with 302 (RFC 9700 section 4.12)."""


@fault("rfc9700-4.12-no-307")
class LoginIsAnsweredWith307(_LoginRedirects):
    """BUG: the login form is answered with 307 (RFC 9700 section 4.12)."""

    status = 307


@fault("rfc9700-2.1-credentials-not-forwarded", "rfc9700-4.12-no-307", settings={"consent": "none"})
class LoginIsSentOnToTheClient(AuthorizationServer):
    """BUG: where nobody is asked for consent, the login form is sent on to the client (RFC 9700 section 2.1)."""

    async def login(self, request: web.Request) -> web.StreamResponse:
        """Conclude at once, by 307."""
        _, interaction = self.find_interaction(request)
        response = await super().login(request)
        session = self.sessions.get(interaction.session_id)
        if session is None or not interaction.logged_in:
            return response
        answer = await self.conclude(session, interaction, allowed=True)
        answer.set_status(307)
        self.set_cookie(answer, session)
        return answer


@fault("rfc6749-10.12-consent-not-forgeable")
class ConsentIsForgeable(AuthorizationServer):
    """BUG: consent has a constant address, no secret value, and a cookie for every site (RFC 6749 section 10.12)."""

    def interaction_url(self, interaction: Interaction, step: str = "") -> str:
        """The same for everyone, for consent."""
        url = super().interaction_url(interaction, step)
        return url.replace(interaction.id, "current") if step == "/consent" else url

    def find_interaction(self, request: web.Request) -> tuple[Session, Interaction]:
        """The latest one of the session."""
        session = self.session_of(request)
        if request.match_info["interaction"] != "current" or session is None:
            return super().find_interaction(request)
        own = [one for one in self.interactions if one.session_id == session.id and not one.finished]
        if not own:
            raise OAuthError("invalid_request", "there is no such page")
        return session, own[-1]

    def check_csrf(self, request: web.Request, form: Form, interaction: Interaction) -> None:
        """Let it pass."""

    def set_cookie(self, response: web.StreamResponse, session: Session) -> None:
        """Without SameSite."""
        response.set_cookie(self.cookie_name, session.id, path="/", httponly=True, secure=self.settings.tls)


@fault("rfc6749-10.14-input-escaped")
class LoginHintIsNotEscaped(AuthorizationServer):
    """BUG: the login page shows login_hint as it is (RFC 6749 section 10.14)."""

    def login_page(self, interaction: Interaction, *, failed: bool = False) -> web.Response:
        """Add it."""
        response = super().login_page(interaction, failed=failed)
        hint = interaction.request.text("login_hint") or ""
        response.text = (response.text or "").replace("</h1>", f"</h1><p>{hint}</p>", 1)
        return response


@fault("rfc6749-10.14-input-escaped")
class StateIsNotEscaped(AuthorizationServer):
    """BUG: the consent page carries state on without escaping it (RFC 6749 section 10.14)."""

    def consent_page(self, session: Session, interaction: Interaction) -> web.Response:
        """Add it."""
        response = super().consent_page(session, interaction)
        field = f'<input type="hidden" name="state" value="{interaction.request.text("state") or ""}">'
        response.text = (response.text or "").replace("</form>", f"{field}</form>", 1)
        return response


@fault(
    "rfc9700-2.6-http-redirect-uri-refused",
    "rfc9126-2.1-redirect-uri-validated",
)
class HttpIsAsGoodAsHttps(AuthorizationServer):
    """BUG: a registered https address may be pushed as http (RFC 9700 section 2.6)."""

    def is_registered(self, client: RegisteredClient, redirect_uri: str) -> bool:
        """Compare as https."""
        https = f"https:{redirect_uri.removeprefix('http:')}" if redirect_uri.startswith("http:") else redirect_uri
        return super().is_registered(client, redirect_uri) or super().is_registered(client, https)


@fault("rfc9700-4.1.3-loopback-port-varies")
class LoopbackPortIsFixed(AuthorizationServer):
    """BUG: a loopback address is compared with its port (RFC 9700 section 4.1.3)."""

    def is_registered(self, client: RegisteredClient, redirect_uri: str) -> bool:
        """The very same string."""
        return redirect_uri in client.redirect_uris


@fault("rfc9700-2.6-no-cors-at-authorization-endpoint")
class AuthorizationEndpointHasCors(AuthorizationServer):
    """BUG: scripts of other sites may read the authorization endpoint (RFC 9700 section 2.6)."""

    def has_cors(self, endpoint: str) -> bool:
        """Everywhere."""
        return endpoint == "authorization" or super().has_cors(endpoint)


@fault("rfc9700-2.4-password-grant-refused")
class PasswordGrantIsServed(AuthorizationServer):
    """BUG: clients that authenticate get tokens for a person's password (RFC 9700 section 2.4)."""

    async def token(self, request: web.Request) -> web.StreamResponse:
        """Serve it."""
        form = await self.read_form(request)
        user = self.users.get(form.get("username") or "")
        if form.get("grant_type") != "password" or user is None or user.password != form.get("password"):
            return await super().token(request)
        client = self.authenticate_client(request, form)
        if not client.confidential:
            raise OAuthError("unauthorized_client", "this client may not use the grant type")
        grant = Grant(self.random(), client.client_id, user, "", self.now(), {})
        return self.json_response(self.issue_tokens(grant, "", [], None, None, [], first=True))


@fault("rfc9700-4.11.2-no-redirect-before-login")
class ErrorsGoToTheClientAtOnce(AuthorizationServer):
    """BUG: a faulty request redirects a person who has not logged in (RFC 9700 section 4.11.2)."""

    def authorization_error(self, request: web.Request, error: OAuthError) -> web.Response:
        """Tell the client."""
        if error.about is not None:
            return self.error_redirect(error.about, error)
        return super().authorization_error(request, error)


@fault("rfc9700-4.13-certificate-header-not-trusted", "rfc8705-2-certificate-in-header-refused")
class CertificateHeaderIsTrusted(AuthorizationServer):
    """BUG: a certificate in X-SSL-Client-Cert is as good as one of the connection (RFC 9700 section 4.13)."""

    def shown_certificate(self, request: web.Request) -> x509.Certificate | None:
        """Read the header."""
        text = unquote_plus(request.headers.get("X-SSL-Client-Cert", ""))
        if not text:
            return super().shown_certificate(request)
        for client in self.clients.values():
            own = client.certificate
            if own is not None and text in _forms(own):
                return own
        return None


def _forms(certificate: x509.Certificate) -> set[str]:
    """How a proxy would write a certificate."""
    pem = certificate.public_bytes(Encoding.PEM).decode()
    return {pem, b64encode(certificate.public_bytes(Encoding.DER)).decode()}


@fault("rfc9700-4.17.2-no-wildcard-origin")
class MessageGoesToEveryone(AuthorizationServer):
    """BUG: the response mode web_message posts the code to every origin (RFC 9700 section 4.17.2)."""

    def response_modes(self) -> list[str]:
        """One more."""
        return [*super().response_modes(), "web_message"]

    def deliver(self, redirect_uri: str, mode: str, parameters: dict[str, str]) -> web.Response:
        """A page that posts it."""
        if mode != "web_message":
            return super().deliver(redirect_uri, mode, parameters)
        return self.page(f"<script>window.opener.postMessage('{urlencode(parameters)}', '*');</script>")


@fault("rfc9700-2.2.1-tokens-sender-constrained", "rfc9449-5-token-type-dpop")
class BoundTokensAreBearerTokens(AuthorizationServer):
    """BUG: the tokens of a client with a key are bound to nothing (RFC 9700 section 2.2.1)."""

    def new_token(self, kind: str, grant: Grant, *given: Any) -> Token:
        """Forget the key."""
        token = super().new_token(kind, grant, *given)
        token.jkt = None
        return token

    def issue_tokens(self, *given: Any, **named: Any) -> dict[str, Any]:
        """Say so."""
        members = super().issue_tokens(*given, **named)
        return members | {"token_type": "Bearer"}


@fault("rfc6749-3.1.2.4-error-told-to-person")
class UnknownClientSeesNothing(AuthorizationServer):
    """BUG: who arrives with an unknown client_id sees an empty page (RFC 6749 section 3.1.2.4)."""

    def asking_client(self, query: Form) -> RegisteredClient:
        """Mark the error."""
        try:
            return super().asking_client(query)
        except OAuthError as error:
            raise OAuthError(error.code, "") from None

    def error_page(self, error: OAuthError) -> web.Response:
        """Say nothing."""
        if error.description:
            return super().error_page(error)
        return web.Response(status=400, content_type="text/html", text="<!doctype html><html><body></body></html>")


@fault("rfc6749-6-client-authenticated", "rfc6749-2.2-client-id-alone-refused")
class PostClientsNeedNoSecret(AuthorizationServer):
    """BUG: the token endpoint believes clients with client_secret_post without it (RFC 6749 section 2.2)."""

    def read_credentials(self, request: web.Request, form: Form) -> Presented:
        """Fill the secret in."""
        client = self.clients.get(form.get("client_id") or "")
        bare = "Authorization" not in request.headers and not form.get("client_secret")
        if request.path.endswith("/token") and bare and client is not None and client.auth == "client_secret_post":
            return Presented("post", client.client_id, client.secret or "")
        return super().read_credentials(request, form)


@fault(
    "rfc6749-4.1.2.1-invalid-client-not-redirected",
    "rfc9700-4.11.2-no-redirect-before-login",
    settings={"errors_before_login": "redirect"},
)
class UnknownClientIsRedirectedUnderPromptNone(AuthorizationServer):
    """BUG: under prompt=none the error for an unknown client goes to its redirect_uri (RFC 6749 section 4.1.2.1)."""

    async def find_request(self, query: Form) -> AuthorizationRequest:
        """Trust the query."""
        try:
            return await super().find_request(query)
        except OAuthError as error:
            redirect_uri = query.get("redirect_uri")
            if query.get("prompt") == "none" and query.get("client_id") not in self.clients and redirect_uri:
                error.about = AuthorizationRequest(next(iter(self.clients.values())), {}, redirect_uri)
            raise
