"""Faults of OAuth itself: parameters, redirect URIs, the authorization response (RFC 6749 sections 3 and 4.1)."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

from aiohttp import web

from conformance.server.app import AuthorizationServer
from conformance.server.clients import RegisteredClient
from conformance.server.errors import OAuthError
from conformance.server.faults import fault
from conformance.server.forms import Form
from conformance.server.records import AuthorizationRequest, Interaction, Parameters, Session

_KNOWN = frozenset(
    {
        "acr_values",
        "authorization_details",
        "claims",
        "claims_locales",
        "client_assertion",
        "client_assertion_type",
        "client_id",
        "client_secret",
        "code_challenge",
        "code_challenge_method",
        "display",
        "dpop_jkt",
        "id_token_hint",
        "login_hint",
        "max_age",
        "nonce",
        "prompt",
        "redirect_uri",
        "request",
        "request_uri",
        "resource",
        "response_mode",
        "response_type",
        "scope",
        "state",
        "ui_locales",
    }
)


@fault("rfc6749-3.1-empty-parameter-omitted")
class EmptyParametersAreValues(AuthorizationServer):
    """BUG: a parameter without a value is a parameter with an empty value (RFC 6749 section 3.1)."""

    def form_parameters(self, form: Form) -> Parameters:
        """Keep what is empty."""
        empty = {name: value for name, value in form.pairs if not value}
        return empty | super().form_parameters(form)


@fault("rfc6749-3.1-empty-parameter-omitted")
class EmptyStateComesBack(AuthorizationServer):
    """BUG: an empty state comes back as an empty state (RFC 6749 section 3.1)."""

    def form_parameters(self, form: Form) -> Parameters:
        """Keep an empty state."""
        return {name: value for name, value in form.pairs if name == "state"} | super().form_parameters(form)


@fault("rfc6749-3.1-empty-parameter-omitted")
class EmptyResponseTypeIsCode(AuthorizationServer):
    """BUG: a response_type without a value is taken for code (RFC 6749 section 3.1)."""

    def form_parameters(self, form: Form) -> Parameters:
        """Fill in the usual value."""
        default = {"response_type": "code"} if ("response_type", "") in form.pairs else {}
        return default | super().form_parameters(form)


@fault(
    "rfc6749-3.1-unknown-parameter-ignored",
    "openid-core-3.1.2.2-unknown-parameters-ignored",
    "rfc9126-1-large-request-accepted",
    "rfc9126-2.3-status-413",
)
class UnknownParametersAreRefused(AuthorizationServer):
    """BUG: a push with a parameter that nobody knows is refused (RFC 6749 section 3.1)."""

    def form_parameters(self, form: Form) -> Parameters:
        """Refuse names that begin like an extension's."""
        if any(name.startswith(("x_par_", "par_")) for name in form.names() - _KNOWN):
            raise OAuthError("invalid_request", "a parameter is unknown")
        return super().form_parameters(form)


@fault("rfc6749-3.1-unknown-parameter-ignored")
class UnknownParametersComeBack(AuthorizationServer):
    """BUG: parameters that nobody knows are added to the response (RFC 6749 section 3.1)."""

    def response_parameters(self, request: AuthorizationRequest, answer: dict[str, str]) -> dict[str, str]:
        """Echo them."""
        unknown = {name: str(value) for name, value in request.parameters.items() if name not in _KNOWN}
        return super().response_parameters(request, answer) | unknown


@fault(
    "rfc6749-3.1-repeated-parameter-refused",
    "rfc6749-3.2-repeated-parameter-refused",
    "rfc7523-2.2-two-assertions-refused",
    alone=True,
)
class FirstOfTwoValuesCounts(AuthorizationServer):
    """BUG: of a repeated parameter the first value counts (RFC 6749 section 3.1)."""

    def check_duplicates(self, form: Form) -> None:
        """Look at the authorization endpoint only."""
        if form.get("request_uri") is not None:
            super().check_duplicates(form)


@fault("rfc6749-3.1-repeated-parameter-refused", "rfc6749-3.2-repeated-parameter-refused")
class LastRedirectUriCounts(AuthorizationServer):
    """BUG: of a repeated redirect_uri the last value counts (RFC 6749 section 3.1)."""

    def check_duplicates(self, form: Form) -> None:
        """Look at the other parameters."""
        super().check_duplicates(Form(tuple(pair for pair in form.pairs if pair[0] != "redirect_uri")))

    def form_parameters(self, form: Form) -> Parameters:
        """The last of them."""
        last = dict(form.pairs)
        pairs = tuple((name, last[name] if name == "redirect_uri" else value) for name, value in form.pairs)
        return super().form_parameters(Form(pairs))


@fault("rfc6749-3.1-repeated-parameter-refused", "rfc6749-3.2-repeated-parameter-refused")
class SameValueTwiceIsTolerated(AuthorizationServer):
    """BUG: a parameter may stand twice with the same value (RFC 6749 section 3.1)."""

    def check_duplicates(self, form: Form) -> None:
        """Look at the different pairs only."""
        if form.get("request_uri") is None:
            form = Form(tuple(dict.fromkeys(form.pairs)))
        super().check_duplicates(form)


@fault("rfc6749-3.1-repeated-request-uri-refused")
class RequestUriMayStandTwice(AuthorizationServer):
    """BUG: at the authorization endpoint the first request_uri and client_id count (RFC 6749 section 3.1)."""

    def check_duplicates(self, form: Form) -> None:
        """Look at the push only."""
        if form.get("request_uri") is None:
            super().check_duplicates(form)


@fault("rfc6749-3.1-response-parameters-once")
class StateComesBackTwice(AuthorizationServer):
    """BUG: errors at the client carry state twice (RFC 6749 section 3.1)."""

    def see_other(self, location: str) -> web.Response:
        """Add it once more."""
        query = dict(parse_qsl(urlsplit(location).query))
        twice = "error" in query and "state" in query
        return super().see_other(f"{location}&state=again" if twice else location)


@fault("rfc6749-3.1-response-parameters-once")
class IssComesTwice(AuthorizationServer):
    """BUG: a response with a code carries iss twice (RFC 6749 section 3.1)."""

    def see_other(self, location: str) -> web.Response:
        """Add it once more."""
        return super().see_other(f"{location}&iss=again" if "code=" in location else location)


@fault("rfc6749-3.1.1-response-type-required")
class MissingResponseTypeIsCode(AuthorizationServer):
    """BUG: without response_type, code is meant, unless it is OpenID Connect (RFC 6749 section 3.1.1)."""

    def check_response_type(self, parameters: Parameters) -> None:
        """Fill in the usual value."""
        if self.is_openid(parameters) or "response_type" in parameters:
            super().check_response_type(parameters)


@fault("rfc6749-3.1.2-redirect-uri-absolute")
class RelativeRedirectUriIsResolved(AuthorizationServer):
    """BUG: a path is resolved against the registered redirect URI (RFC 6749 section 3.1.2)."""

    def check_redirect_uri(self, client: RegisteredClient, parameters: Parameters, *, authenticated: bool) -> str:
        """Resolve, then compare."""
        value = parameters.get("redirect_uri")
        if isinstance(value, str) and value.startswith("/"):
            parameters = parameters | {"redirect_uri": urljoin(client.redirect_uris[0], value)}
        return super().check_redirect_uri(client, parameters, authenticated=authenticated)


@fault("rfc6749-3.1.2-redirect-uri-fragment-refused", "rfc9126-2.1-redirect-uri-validated")
class FragmentIsNotCompared(AuthorizationServer):
    """BUG: the fragment of a redirect_uri is left out of the comparison (RFC 6749 section 3.1.2)."""

    def is_registered(self, client: RegisteredClient, redirect_uri: str) -> bool:
        """Compare without the fragment."""
        return super().is_registered(client, redirect_uri.partition("#")[0])


@fault("rfc6749-3.1.2-redirect-uri-fragment-refused")
class FragmentOfPublicClientIsNotCompared(AuthorizationServer):
    """BUG: the fragment of a public client's redirect_uri is left out of the comparison (RFC 6749 section 3.1.2)."""

    def is_registered(self, client: RegisteredClient, redirect_uri: str) -> bool:
        """Compare without the fragment."""
        return super().is_registered(client, redirect_uri if client.confidential else redirect_uri.partition("#")[0])


@fault("rfc6749-3.1.2-redirect-uri-query-kept")
class QueryOfRedirectUriIsReplaced(AuthorizationServer):
    """BUG: the response takes the place of the redirect URI's own query (RFC 6749 section 3.1.2)."""

    def deliver(self, redirect_uri: str, mode: str, parameters: dict[str, str]) -> web.Response:
        """Forget the query."""
        return super().deliver(redirect_uri.partition("?")[0], mode, parameters)


@fault("rfc6749-3.1.2.3-redirect-uri-required")
class FirstRedirectUriIsDefault(AuthorizationServer):
    """BUG: without redirect_uri the first registered one is used, however many there are (RFC 6749 section 3.1.2.3)."""

    def check_redirect_uri(self, client: RegisteredClient, parameters: Parameters, *, authenticated: bool) -> str:
        """Take the first one."""
        if "redirect_uri" not in parameters and not self.is_openid(parameters):
            return client.redirect_uris[0]
        return super().check_redirect_uri(client, parameters, authenticated=authenticated)


@fault("rfc6749-3.1.2.3-simple-string-comparison", "rfc9700-2.1-redirect-uri-exact")
class RedirectUriInAnyCase(AuthorizationServer):
    """BUG: redirect URIs of confidential clients are compared without regard to case (RFC 6749 section 3.1.2.3)."""

    def is_registered(self, client: RegisteredClient, redirect_uri: str) -> bool:
        """Compare in lower case."""
        same = client.confidential and redirect_uri.lower() in {uri.lower() for uri in client.redirect_uris}
        return same or super().is_registered(client, redirect_uri)


@fault("rfc6749-3.1.2.3-simple-string-comparison", "rfc9700-2.1-redirect-uri-exact")
class RedirectUriWithDefaultPort(AuthorizationServer):
    """BUG: a redirect URI is normalized before it is compared (RFC 6749 section 3.1.2.3)."""

    def is_registered(self, client: RegisteredClient, redirect_uri: str) -> bool:
        """Leave the default port and an empty query out."""
        plain = redirect_uri.removesuffix("?").replace(":443/", "/", 1)
        return super().is_registered(client, redirect_uri) or super().is_registered(client, plain)


@fault("rfc6749-3.3-scope-order-irrelevant", alone=True)
class OpenidHasToComeFirst(AuthorizationServer):
    """BUG: a scope whose first value is not openid is refused, if openid is in it (RFC 6749 section 3.3)."""

    def check_scope(self, client: RegisteredClient, parameters: Parameters) -> None:
        """Look at the order."""
        super().check_scope(client, parameters)
        values = str(parameters.get("scope", "")).split()
        if "openid" in values[1:]:
            raise OAuthError("invalid_scope", "openid has to come first")


@fault("rfc9126-2.1-scope-validated")
class PublicClientsHaveEveryScope(AuthorizationServer):
    """BUG: the registered scopes of a public client are not looked at (RFC 9126 section 2.1 step 3)."""

    def allowed_scopes(self, client: RegisteredClient) -> frozenset[str]:
        """One that nobody knows stands for all."""
        allowed = super().allowed_scopes(client)
        return allowed if client.auth != "none" else allowed | {"par-conformance-unknown"}


@fault(
    "rfc6749-3.3-scope-difference-told",
    "rfc9126-2.1-scope-validated",
    "rfc9101-6.3-scope-in-object-validated",
    "openid-core-6.3.3-object-validated-like-any-request",
)
class ScopeIsNotTold(AuthorizationServer):
    """BUG: the token response never has scope, whatever was left out (RFC 6749 section 3.3)."""

    def issue_tokens(self, *given: Any, **named: Any) -> dict[str, Any]:
        """Leave it out."""
        members = super().issue_tokens(*given, **named)
        members.pop("scope", None)
        return members


@fault("rfc6749-3.3-missing-scope-handled")
class MissingScopeIsMisnamed(AuthorizationServer):
    """BUG: a request without scope is refused with unauthorized_client (RFC 6749 section 3.3)."""

    def check_scope(self, client: RegisteredClient, parameters: Parameters) -> None:
        """Demand one."""
        if "scope" not in parameters:
            raise OAuthError("unauthorized_client", "scope is missing")
        super().check_scope(client, parameters)


@fault("rfc6749-4.1.2-state-exact")
class LongStateIsCut(AuthorizationServer):
    """BUG: a state is cut after 1000 characters (RFC 6749 section 4.1.2)."""

    def response_parameters(self, request: AuthorizationRequest, answer: dict[str, str]) -> dict[str, str]:
        """Cut it."""
        found = super().response_parameters(request, answer)
        return found | ({"state": found["state"][:1000]} if "state" in found else {})


@fault("rfc6749-4.1.2.1-denial-told")
class DenialIsToldAsServerError(AuthorizationServer):
    """BUG: a person's refusal is told as server_error (RFC 6749 section 4.1.2.1)."""

    def error_redirect(self, request: AuthorizationRequest, error: OAuthError) -> web.Response:
        """Another code."""
        if error.code == "access_denied":
            error = OAuthError("server_error", "something went wrong")
        return super().error_redirect(request, error)


@fault("rfc6749-4.1.2.1-denial-told")
class DenialIsAllowance(AuthorizationServer):
    """BUG: the answer to the consent page is not looked at (RFC 6749 section 4.1.2.1)."""

    async def conclude(self, session: Session, interaction: Interaction, *, allowed: bool) -> web.Response:
        """Allow."""
        return await super().conclude(session, interaction, allowed=True)


@fault("rfc6749-4.1.2.1-denial-told")
class DenialEndsOnAPage(AuthorizationServer):
    """BUG: the client hears nothing of a person's refusal (RFC 6749 section 4.1.2.1)."""

    def error_redirect(self, request: AuthorizationRequest, error: OAuthError) -> web.Response:
        """Show a page."""
        if error.code == "access_denied":
            return self.error_page(error)
        return super().error_redirect(request, error)


@fault("rfc6749-4.1.2.1-state-with-error")
class ErrorsHaveNoState(AuthorizationServer):
    """BUG: errors at the client carry no state (RFC 6749 section 4.1.2.1)."""

    def response_parameters(self, request: AuthorizationRequest, answer: dict[str, str]) -> dict[str, str]:
        """Leave it out."""
        found = super().response_parameters(request, answer)
        if "error" in answer:
            found.pop("state", None)
        return found


@fault("rfc6749-4.1.2.1-error-characters")
class QuotesInErrorDescription(AuthorizationServer):
    """BUG: error_description of a redirect has quotation marks (RFC 6749 section 4.1.2.1)."""

    def error_redirect(self, request: AuthorizationRequest, error: OAuthError) -> web.Response:
        """Put the text between quotation marks."""
        quoted = OAuthError(error.code, f'the reason is "{error.description}"')
        return super().error_redirect(request, quoted)


@fault("rfc6749-4.1.2.1-error-characters")
class ScopeIsEchoedAtTheClient(AuthorizationServer):
    """BUG: error_description of a redirect repeats the scope (RFC 6749 section 4.1.2.1)."""

    def error_redirect(self, request: AuthorizationRequest, error: OAuthError) -> web.Response:
        """Repeat what was asked for."""
        if error.code == "invalid_scope":
            error = OAuthError(error.code, f"{request.text('scope')} is too much")
        return super().error_redirect(request, error)


@fault("rfc6749-4.1.2.1-invalid-client-not-redirected", settings={"errors_before_login": "redirect"})
class UnknownClientIsRedirected(AuthorizationServer):
    """BUG: the error for an unknown client goes to the redirect_uri that it brings (RFC 6749 section 4.1.2.1)."""

    async def find_request(self, query: Form) -> AuthorizationRequest:
        """Trust the query."""
        try:
            return await super().find_request(query)
        except OAuthError as error:
            redirect_uri = query.get("redirect_uri")
            if query.get("client_id") not in self.clients and redirect_uri:
                anybody = next(iter(self.clients.values()))
                error.about = AuthorizationRequest(anybody, {}, redirect_uri)
            raise


@fault(
    "rfc6749-3.1.2.4-no-redirect-to-invalid",
    "rfc9700-4.11.2-invalid-redirect-uri-not-followed",
    "rfc9700-4.11.2-no-redirect-before-login",
    settings={"errors_before_login": "redirect"},
)
class InvalidRedirectUriHearsOfIt(AuthorizationServer):
    """BUG: that a redirect_uri is invalid is told to that redirect_uri (RFC 6749 section 3.1.2.4)."""

    def check_redirect_uri(self, client: RegisteredClient, parameters: Parameters, *, authenticated: bool) -> str:
        """Redirect with the error."""
        try:
            return super().check_redirect_uri(client, parameters, authenticated=authenticated)
        except OAuthError as error:
            error.about = AuthorizationRequest(client, parameters, parameters.get("redirect_uri", "about:blank"))
            raise


@fault(
    "rfc6749-3.1.2.4-no-redirect-to-invalid",
    "rfc9700-4.11.2-invalid-redirect-uri-not-followed",
    "rfc9700-4.11.2-no-redirect-before-login",
    settings={"errors_before_login": "redirect"},
)
class ResponseTypeIsCheckedFirst(AuthorizationServer):
    """BUG: a wrong response_type is told to a redirect_uri that nobody has checked yet (RFC 6749 section 3.1.2.4)."""

    def check_redirect_uri(self, client: RegisteredClient, parameters: Parameters, *, authenticated: bool) -> str:
        """Look at the response type before."""
        try:
            self.check_response_type(parameters)
        except OAuthError as error:
            error.about = AuthorizationRequest(client, parameters, parameters.get("redirect_uri", "about:blank"))
            raise
        return super().check_redirect_uri(client, parameters, authenticated=authenticated)


@fault("rfc9700-2.1-no-open-redirector")
class UnknownRequestUriIsToldAnywhere(AuthorizationServer):
    """BUG: that a request_uri is unknown is told to the redirect_uri beside it (RFC 9700 section 2.1)."""

    async def find_request(self, query: Form) -> AuthorizationRequest:
        """Trust the query."""
        try:
            return await super().find_request(query)
        except OAuthError as error:
            redirect_uri = query.get("redirect_uri")
            if error.code == "invalid_request_uri" and redirect_uri:
                error.about = AuthorizationRequest(self.asking_client(query), {}, redirect_uri)
            raise


@fault("rfc6749-3.1.2.4-error-told-to-person")
class ErrorPagesAreEmpty(AuthorizationServer):
    """BUG: error pages are empty (RFC 6749 section 3.1.2.4)."""

    def error_page(self, error: OAuthError) -> web.Response:
        """Say nothing."""
        return web.Response(status=400, content_type="text/html", headers=self.page_headers())


@fault("rfc6749-3.1-resource-owner-authenticated")
class PostNeedsNoLogin(AuthorizationServer):
    """BUG: who posts the authorization request is logged in (RFC 6749 section 3.1)."""

    async def begin(self, request: web.Request, asked: AuthorizationRequest) -> web.StreamResponse:
        """Take the first person."""
        session = self.session_of(request)
        if request.method != "POST" or (session is not None and session.user is not None):
            return await super().begin(request, asked)
        session = self.new_session()
        session.user, session.auth_time = next(iter(self.users.values())), self.now()
        return await self.conclude(session, self.new_interaction(session, asked), allowed=True)


@fault(
    "rfc6749-3.1-get-supported",
    "openid-core-3.1.2.1-get-accepted-at-authorization-endpoint",
    "openid-core-3.1.2.1-prompt-none-shows-no-page",
    "openid-core-3.1.2.3-prompt-none-answers-with-error",
    "rfc7636-4.2-s256-supported",
    "rfc8705-2-certificate-accepted-on-push",
    "rfc9126-4-client-id-and-request-uri-suffice",
    "rfc9126-5-endpoint-usable",
    "rfc9126-5-usable-regardless-of-metadata",
    alone=True,
)
class AuthorizationByPostOnly(AuthorizationServer):
    """BUG: the authorization endpoint takes POST only (RFC 6749 section 3.1)."""

    def allowed_methods(self, endpoint: str) -> list[str]:
        """POST."""
        return ["POST"] if endpoint == "authorization" else super().allowed_methods(endpoint)


@fault("openid-core-3.1.2.1-post-accepted-at-authorization-endpoint", "rfc9126-4-post-accepted")
class AuthorizationByGetOnly(AuthorizationServer):
    """BUG: the authorization endpoint takes GET only (OpenID Connect Core section 3.1.2.1)."""

    def allowed_methods(self, endpoint: str) -> list[str]:
        """GET."""
        return ["GET", "HEAD"] if endpoint == "authorization" else super().allowed_methods(endpoint)
