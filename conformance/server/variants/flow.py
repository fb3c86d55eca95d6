"""Right ways through the authorization endpoint, login and consent."""

from __future__ import annotations

import secrets
from html import escape
from typing import Any

from aiohttp import web

from conformance.server import pages
from conformance.server.app import AuthorizationServer
from conformance.server.clients import RegisteredClient
from conformance.server.errors import OAuthError
from conformance.server.forms import Form
from conformance.server.records import AuthorizationRequest, Interaction, Parameters, PushedRequest, Session
from conformance.server.variants import clients, features, limits, right, variant

DUPLICATES = "rfc9126-4-duplicates-tolerated"

variant("errors-at-the-redirect-uri", "a dead request_uri is told to its client (RFC 6749 section 4.1.2.1)",
        settings={"authorize_errors": "redirect"})  # fmt: skip
variant("error-pages-with-200", "error pages have the status 200: no document says which one",
        settings={"error_pages_status": 200})  # fmt: skip
variant("error-pages-with-403", "error pages have the status 403", settings={"error_pages_status": 403})
variant("outer-parameters-refused", "parameters beside request_uri or a request object are refused, not ignored",
        settings={"outer_parameters": "refuse"},
        notes=(DUPLICATES, "rfc9101-5-duplicated-parameters-tolerated"))  # fmt: skip
variant("login-over-two-pages", "user name and password are asked for one after the other", settings={"login_pages": 2})
variant("consent-remembered", "nobody is asked twice for the same", settings={"consent": "remember"})
variant("no-consent-asked", "first-party clients: nobody is asked", settings={"consent": "none"})
variant("no-consent-and-used-at-the-visit", "nobody is asked, and a request_uri is used up when it is opened",
        settings={"consent": "none", "consume_at": "visit"}, notes=("rfc9126-4-reload-tolerated",))  # fmt: skip
variant(
    "answers-by-form-post", "the server's own default is form_post", settings={"default_response_mode": "form_post"}
)
variant(
    "answers-in-the-fragment", "the server's own default is fragment", settings={"default_response_mode": "fragment"}
)
variant("par-required", "PAR is required of everyone, and the metadata says so", settings={"require_par": True})
variant("new-redirect-uris-trusted", "clients that authenticate may bring redirect URIs (RFC 9126 section 2.4)",
        features(unregistered_redirect_uris=True), settings={"unregistered_redirect_uris": True},
        plans=("rfc9126",))  # fmt: skip


@right(
    features(require_par=True),
    settings={"require_par": True},
    notes=("rfc9126-4-policy-signalled", "rfc9126-5-require-par-default"),
)
class ParRequiredSilently(AuthorizationServer):
    """RIGHT: PAR is required of everyone, which the metadata may leave unsaid (RFC 9126 section 4)."""

    def endpoint_metadata(self) -> dict[str, Any]:
        """Say nothing."""
        members = super().endpoint_metadata()
        members.pop("require_pushed_authorization_requests")
        return members


@right()
class ForeignClientIsToldAtItsOwnAddress(AuthorizationServer):
    """RIGHT: a client with a foreign request_uri is told so at its own registered redirect URI, without state."""

    def check_bound_to_client(self, pushed: PushedRequest, client: RegisteredClient) -> None:
        """Redirect to the registered address of the client that asks."""
        if pushed.client_id != client.client_id:
            about = AuthorizationRequest(client, {}, client.redirect_uris[0])
            raise OAuthError("invalid_request_uri", "the request_uri is unknown", about=about)


@right()
class EveryErrorAtARegisteredAddress(AuthorizationServer):
    """RIGHT: errors of a known client with one redirect URI go there, for it is registered."""

    def authorization_error(self, request: web.Request, error: OAuthError) -> web.Response:
        """Find the client in the query."""
        client = self.clients.get(request.query.get("client_id", ""))
        if error.about is None and client is not None and len(client.redirect_uris) == 1:
            error.about = AuthorizationRequest(client, {}, client.redirect_uris[0])
        return super().authorization_error(request, error)


@right()
class ErrorsAsJson(AuthorizationServer):
    """RIGHT: what goes wrong at the authorization endpoint is told as JSON: no document asks for HTML."""

    def error_page(self, error: OAuthError) -> web.Response:
        """JSON."""
        return self.json_response({"error": error.code}, status=error.status)


@right()
class ErrorsOnAPageOfTheirOwn(AuthorizationServer):
    """RIGHT: the browser is sent to an error page, below the interaction pages."""

    def error_page(self, error: OAuthError) -> web.Response:
        """A redirect within the server."""
        if error.code == "server_error" or error.description == "there is no such page, or no longer":
            return super().error_page(error)
        return self.see_other(f"{self.url('interaction')}/error-{error.code}")


@right()
class RedirectsBy302(AuthorizationServer):
    """RIGHT: redirects have the status 302, but not those that answer credentials (RFC 9700 section 4.12)."""

    def finish_response(self, endpoint: str, request: web.Request, response: web.StreamResponse) -> None:
        """302 in place of 303."""
        super().finish_response(endpoint, request, response)
        if response.status == 303 and request.method == "GET":
            response.set_status(302)


@right()
class RelativeRedirects(AuthorizationServer):
    """RIGHT: redirects within the server are relative references (RFC 9110 section 10.2.2)."""

    def see_other(self, location: str) -> web.Response:
        """Leave the origin out."""
        return super().see_other(location.removeprefix(self.origin) if location.startswith(self.origin) else location)


@right()
class AnswersByMetaRefresh(AuthorizationServer):
    """RIGHT: the way back to the client is a page that goes there by itself, the code in the query."""

    def deliver(self, redirect_uri: str, mode: str, parameters: dict[str, str]) -> web.Response:
        """A page with a refresh."""
        response = super().deliver(redirect_uri, mode, parameters)
        if "Location" not in response.headers or mode == "fragment":
            return response
        target = escape(response.headers["Location"])
        return self.page(f'<!doctype html><meta http-equiv="refresh" content="0; url={target}"><p>Going back</p>')


@right()
class LoginEachTime(AuthorizationServer):
    """RIGHT: nobody stays logged in."""

    def needs_login(self, session: Session, interaction: Interaction) -> bool:
        """Once for each request."""
        return not interaction.logged_in


@right(limits(concurrency=1))
class OneLoginAPerson(AuthorizationServer):
    """RIGHT: a person is logged in in one browser at a time: a login ends the one before."""

    async def login(self, request: web.Request) -> web.StreamResponse:
        """Log out everywhere else."""
        response = await super().login(request)
        cookie = response.cookies.get(self.cookie_name)
        session = self.sessions.get(cookie.value) if cookie is not None else None
        for other in self.sessions:
            if session is not None and session.user is not None and other is not session and other.user is session.user:
                other.user = None
        return response


@right()
class CookieForScripts(LoginEachTime):
    """RIGHT: nobody stays logged in, and a cookie beside the session's is meant for the scripts of the pages."""

    def set_cookie(self, response: web.StreamResponse, session: Session) -> None:
        """Give the browser a second cookie, which a form or a call may have to repeat."""
        super().set_cookie(response, session)
        response.set_cookie("form-token", secrets.token_hex(12), path="/", secure=self.settings.tls, samesite="Lax")


@right()
class FormsWithSecretAddresses(AuthorizationServer):
    """RIGHT: no form needs a token of its own, for the address that it is sent to is one that nobody can guess."""

    def check_csrf(self, request: web.Request, form: Form, interaction: Interaction) -> None:
        """The address was right, or there would be no interaction."""


@right()
class OneRequestABrowser(AuthorizationServer):
    """RIGHT: a browser session holds one request; a new one ends the one before."""

    def new_interaction(self, session: Session, asked: AuthorizationRequest) -> Interaction:
        """End the session's other interactions."""
        for other in self.interactions:
            if other.session_id == session.id:
                other.finished = True
        return super().new_interaction(session, asked)


@right()
class RefusalComesFirst(AuthorizationServer):
    """RIGHT: refusing comes before allowing on the consent page, and buttons are inputs."""

    def consent_page(self, session: Session, interaction: Interaction) -> web.Response:
        """Another page."""
        action = self.interaction_url(interaction, "/consent")
        fields = (
            '<input type="checkbox" name="remember" value="1"> <input type="text" name="device" value="">'
            '<button name="decision" value="deny">Cancel</button>'
            '<button name="decision" value="allow">Continue</button>'
        )
        html = pages.page("Access", pages.form(action, interaction.csrf, fields))
        return self.page(html, redirect_uri=interaction.request.redirect_uri)


@right(notes=("rfc9126-2.1-faults-refused-early", "rfc9449-10-malformed-dpop-jkt-refused"))
class ChecksAreDeferred(AuthorizationServer):
    """RIGHT: the push authenticates the client; the request is judged at the authorization endpoint
    (RFC 9126 section 2.1, step 3)."""

    async def push(self, request: web.Request) -> web.StreamResponse:
        """Store whatever comes."""
        form = await self.read_form(request)
        self.check_duplicates(form)
        jkt = self.proof_at_push(request)
        client = self.authenticate_client(request, form)
        self.check_client_id_matches(client, form, required=form.get("request") is None)
        self.refuse_request_uri_in_push(form)
        parameters = self.pushed_parameters(client, form)
        self.bind_key(client, parameters, jkt)
        return self.push_response(request, await self.store(client, parameters))


@right()
class RefusesUnknownScopeByLeavingItOut(AuthorizationServer):
    """RIGHT: a scope that the client may not have is left out of the grant, and the answer says which one is granted
    (RFC 6749 section 3.3)."""

    def check_scope(self, client: RegisteredClient, parameters: Parameters) -> None:
        """Narrow."""
        scope = parameters.get("scope")
        if isinstance(scope, str):
            parameters["scope"] = " ".join(one for one in scope.split() if one in self.allowed_scopes(client))


@right(clients(response_mode="fragment"))
class ResponseModeOfTheProfile(AuthorizationServer):
    """RIGHT: the clients of this profile ask for the fragment in every request."""


@right(clients(response_mode="query.jwt"))
class SignedAnswers(AuthorizationServer):
    """RIGHT: the clients of this profile ask for signed answers (JARM) in every request."""


@right(
    notes=("rfc9101-5-request-beside-request-uri-refused", "openid-core-6-request-beside-request-uri-refused"),
)
class ObjectBesideReferenceIsPassedOver(AuthorizationServer):
    """RIGHT: beside a pushed request_uri nothing counts, a request object as little as any other parameter."""

    async def find_request(self, query: Form) -> AuthorizationRequest:
        """Look at the reference alone."""
        if self.load_pushed(query.get("request_uri") or "") is not None and query.get("request") is not None:
            query = Form(tuple(pair for pair in query.pairs if pair[0] != "request"))
        return await super().find_request(query)


@right(
    settings={"outer_parameters": "refuse"},
    notes=(DUPLICATES, "rfc9101-5-duplicated-parameters-tolerated"),
)
class ErrorsStandOnTheLoginPage(AuthorizationServer):
    """RIGHT: parameters beside request_uri are refused, and the page that says so has the login form on it."""

    leads_to = "nowhere"

    def authorization_error(self, request: web.Request, error: OAuthError) -> web.Response:
        """The error above a form that leads to no request."""
        if error.about is not None:
            return super().authorization_error(request, error)
        fields = '<input type="text" name="username"><input type="password" name="password"><button>Log in</button>'
        return self.page(pages.page("Log in", pages.form(f"{self.issuer}/{self.leads_to}", "", fields)))


@right(
    settings={"outer_parameters": "refuse", "consume_at": "visit"},
    notes=(DUPLICATES, "rfc9101-5-duplicated-parameters-tolerated", "rfc9126-4-reload-tolerated"),
)
class RefusesByALoginWithoutEnd(ErrorsStandOnTheLoginPage):
    """RIGHT: the page that refuses has a login form which brings up that page again; one visit uses a request up."""

    leads_to = "authorize"
