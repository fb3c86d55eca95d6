"""Faults of parameters beside a request_uri: taken, wanted again, not borne (RFC 9126 section 4)."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from typing import Any

from aiohttp import web

from conformance.server.app import AuthorizationServer
from conformance.server.clients import RegisteredClient
from conformance.server.errors import OAuthError
from conformance.server.faults import fault
from conformance.server.forms import Form
from conformance.server.records import AuthorizationRequest, Interaction, Parameters, PushedRequest

WINS = "rfc9126-4-outside-value-without-effect"
MERGED = "rfc9126-4-outside-parameter-not-merged"


class _Beside(AuthorizationServer):
    """Uses parameters that stand beside a request_uri."""

    def taken(self, query: dict[str, Any], pushed: Parameters) -> Parameters:
        """What is taken from the query."""
        return {}

    def effective_parameters(self, query: Form, pushed: PushedRequest) -> Parameters:
        """The pushed parameters with what is taken."""
        beside = {name: query.get(name) for name in query.names() - {"client_id", "request_uri", "request"}}
        return {**pushed.parameters, **self.taken(beside, pushed.parameters)}


@fault(
    WINS,
    MERGED,
    "rfc9101-5-pushed-parameters-not-extended-by-query",
    "rfc9101-5-pushed-parameters-not-overridden-by-query",
    "rfc9396-12-query-cannot-change-pushed-details",
    "rfc9449-10.1-query-dpop-jkt-has-no-effect",
)
class QueryWins(_Beside):
    """BUG: parameters beside request_uri replace the pushed ones (RFC 9126 section 4)."""

    def taken(self, query: dict[str, Any], pushed: Parameters) -> Parameters:
        """All of them."""
        return query


@fault(
    MERGED,
    "rfc9101-5-pushed-parameters-not-extended-by-query",
    "rfc9396-12-query-cannot-change-pushed-details",
    "rfc9449-10.1-query-dpop-jkt-has-no-effect",
)
class QueryFillsGaps(_Beside):
    """BUG: parameters that were not pushed are taken from the query (RFC 9126 section 4)."""

    def taken(self, query: dict[str, Any], pushed: Parameters) -> Parameters:
        """What was not pushed."""
        return {name: value for name, value in query.items() if name not in pushed}


@fault(WINS)
class CompleteQueryWins(_Beside):
    """BUG: where a complete request stands beside request_uri, it is carried out in place of the pushed one."""

    def taken(self, query: dict[str, Any], pushed: Parameters) -> Parameters:
        """All or nothing."""
        return query if {"response_type", "redirect_uri", "state"} <= query.keys() else {}


@fault(WINS, "rfc9101-5-pushed-parameters-not-overridden-by-query")
class StateOfTheQueryWins(_Beside):
    """BUG: the state is taken from the query, for the answer belongs to that browser (RFC 9126 section 4)."""

    def taken(self, query: dict[str, Any], pushed: Parameters) -> Parameters:
        """State alone."""
        return {name: query[name] for name in ("state",) if name in query and name in pushed}


@fault(WINS, "rfc9101-5-pushed-parameters-not-overridden-by-query")
class RedirectUriOfTheQueryWins(_Beside):
    """BUG: a registered redirect_uri of the query replaces the pushed one (RFC 9126 section 4)."""

    def taken(self, query: dict[str, Any], pushed: Parameters) -> Parameters:
        """The redirect URI alone, where it is registered."""
        client = self.clients[str(pushed.get("client_id"))]
        value = query.get("redirect_uri")
        return {"redirect_uri": value} if value in client.redirect_uris else {}


@fault(WINS, "rfc9101-5-pushed-parameters-not-overridden-by-query")
class ScopeOfTheQueryWins(_Beside):
    """BUG: the scope of the query replaces the pushed one (RFC 9126 section 4)."""

    def taken(self, query: dict[str, Any], pushed: Parameters) -> Parameters:
        """Scope alone."""
        return {name: query[name] for name in ("scope",) if name in query and name in pushed}


@fault(WINS)
class ChallengeOfTheQueryWins(_Beside):
    """BUG: the code_challenge of the query replaces the pushed one: a PKCE downgrade (RFC 9126 section 4)."""

    def taken(self, query: dict[str, Any], pushed: Parameters) -> Parameters:
        """The challenge alone."""
        names = ("code_challenge", "code_challenge_method")
        return {name: query[name] for name in names if name in query and name in pushed}


@fault(WINS)
class NonceOfTheQueryWins(_Beside):
    """BUG: the nonce of the query replaces the pushed one (RFC 9126 section 4)."""

    def taken(self, query: dict[str, Any], pushed: Parameters) -> Parameters:
        """Nonce alone."""
        return {name: query[name] for name in ("nonce",) if name in query and name in pushed}


@fault(MERGED)
class ChallengeOfTheQueryIsAdded(_Beside):
    """BUG: a code_challenge of the query is used where none was pushed (RFC 9126 section 4)."""

    def taken(self, query: dict[str, Any], pushed: Parameters) -> Parameters:
        """The challenge alone."""
        names = ("code_challenge", "code_challenge_method")
        return {} if "code_challenge" in pushed else {name: query[name] for name in names if name in query}


@fault(MERGED)
class NonceOfTheQueryIsAdded(_Beside):
    """BUG: a nonce of the query is used where none was pushed (RFC 9126 section 4)."""

    def taken(self, query: dict[str, Any], pushed: Parameters) -> Parameters:
        """Nonce alone."""
        return {name: query[name] for name in ("nonce",) if name in query and name not in pushed}


@fault(MERGED)
class ResponseModeOfTheQueryIsAdded(_Beside):
    """BUG: a response_mode of the query decides where none was pushed (RFC 9126 section 4)."""

    def taken(self, query: dict[str, Any], pushed: Parameters) -> Parameters:
        """The mode alone."""
        return {name: query[name] for name in ("response_mode",) if name in query and name not in pushed}


@fault(MERGED)
class PromptOfTheQueryIsAdded(_Beside):
    """BUG: prompt=none of the query is obeyed (RFC 9126 section 4)."""

    def taken(self, query: dict[str, Any], pushed: Parameters) -> Parameters:
        """The prompt alone."""
        return {name: query[name] for name in ("prompt",) if name in query and name not in pushed}


@fault(MERGED)
class RedirectUriOfTheQueryIsAdded(AuthorizationServer):
    """BUG: where no redirect_uri was pushed, the code goes to that of the query, unchecked (RFC 9126 section 4)."""

    def pushed_request(self, client: RegisteredClient, query: Form, pushed: PushedRequest) -> AuthorizationRequest:
        """Another address."""
        asked = super().pushed_request(client, query, pushed)
        address = query.get("redirect_uri")
        return replace(asked, redirect_uri=address) if address and "redirect_uri" not in pushed.parameters else asked


@fault(MERGED)
class LoginHintOfTheQueryIsAdded(AuthorizationServer):
    """BUG: a login_hint of the query fills the login form where none was pushed (RFC 9126 section 4)."""

    async def begin(self, request: web.Request, asked: AuthorizationRequest) -> web.StreamResponse:
        """Take it along."""
        hint = request.query.get("login_hint")
        if asked.pushed is not None and hint and "login_hint" not in asked.parameters:
            asked = replace(asked, parameters={**asked.parameters, "login_hint": hint})
        return await super().begin(request, asked)

    def login_page(self, interaction: Interaction, *, failed: bool = False) -> web.Response:
        """Fill it in."""
        response, hint = super().login_page(interaction, failed=failed), interaction.request.text("login_hint")
        if hint:
            filled = f'name="username" value="{escape(hint)}"'
            response.text = (response.text or "").replace('name="username"', filled)
        return response


@fault(WINS, "rfc9700-4.11.2-no-redirect-before-login", settings={"errors_before_login": "redirect"})
class ErrorsGoToTheQuerysAddress(AuthorizationServer):
    """BUG: contradicting parameters are refused by a redirect to the redirect_uri of the query (section 4)."""

    def effective_parameters(self, query: Form, pushed: PushedRequest) -> Parameters:
        """An error to an address that nobody registered."""
        address = query.get("redirect_uri")
        if address and address != pushed.parameters.get("redirect_uri"):
            about = AuthorizationRequest(self.clients[pushed.client_id], {}, address)
            raise OAuthError("invalid_request", "redirect_uri is not the pushed one", about=about)
        return super().effective_parameters(query, pushed)


@fault(WINS)
class ResponseTypeOfTheQueryGivesTokens(AuthorizationServer):
    """BUG: response_type=token beside request_uri turns the code into a token (RFC 9126 section 4)."""

    def effective_parameters(self, query: Form, pushed: PushedRequest) -> Parameters:
        """Remember the wish."""
        return {**pushed.parameters, "wished": query.get("response_type")}

    def response_parameters(self, request: AuthorizationRequest, answer: dict[str, str]) -> dict[str, str]:
        """A token in place of the code."""
        parameters = super().response_parameters(request, answer)
        if "token" in str(request.parameters.get("wished")) and "code" in parameters:
            parameters["access_token"] = parameters.pop("code")
        return parameters


@fault("rfc9126-4-duplicates-tolerated")
class RepeatedParametersAreRefused(AuthorizationServer):
    """BUG: the same parameters beside request_uri, unchanged, are refused (RFC 9126 section 4)."""

    def effective_parameters(self, query: Form, pushed: PushedRequest) -> Parameters:
        """Refuse copies."""
        if {"response_type", "redirect_uri"} <= query.names():
            raise OAuthError("invalid_request", "only client_id and request_uri are expected")
        return super().effective_parameters(query, pushed)


@fault(
    "rfc9126-4-client-id-and-request-uri-suffice",
    "rfc9126-5-endpoint-usable",
    "rfc9126-5-usable-regardless-of-metadata",
    "rfc8705-2-certificate-accepted-on-push",
    "openid-core-3.1.2.3-prompt-none-answers-with-error",
    "openid-core-3.1.2.1-prompt-none-shows-no-page",
    "rfc7636-4.2-s256-supported",
)
class ResponseTypeIsWantedAgain(AuthorizationServer):
    """BUG: the authorization endpoint wants response_type beside request_uri (RFC 9126 section 4)."""

    def effective_parameters(self, query: Form, pushed: PushedRequest) -> Parameters:
        """As for a plain request."""
        if query.get("response_type") is None:
            raise OAuthError("invalid_request", "response_type is missing")
        return super().effective_parameters(query, pushed)


@fault("rfc9126-4-client-id-and-request-uri-suffice")
class PublicClientsMustRepeatTheirRedirectUri(AuthorizationServer):
    """BUG: a public client has to repeat redirect_uri beside request_uri (RFC 9126 section 4)."""

    def effective_parameters(self, query: Form, pushed: PushedRequest) -> Parameters:
        """As for a plain request."""
        if not self.clients[pushed.client_id].confidential and query.get("redirect_uri") is None:
            raise OAuthError("invalid_request", "redirect_uri is missing")
        return super().effective_parameters(query, pushed)
