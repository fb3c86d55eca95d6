"""Faults of the authorization endpoint with a request_uri (RFC 9126 sections 2.2, 4 and 7.3)."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from html import escape
from typing import Any

from aiohttp import web

from conformance.server.app import AuthorizationServer
from conformance.server.clients import RegisteredClient
from conformance.server.errors import OAuthError
from conformance.server.faults import fault
from conformance.server.forms import Form
from conformance.server.records import AuthorizationRequest, Interaction, Parameters, PushedRequest, Session

BOUND = "rfc9126-2.2-bound-to-client"
ONCE = "rfc9126-4-one-time-use"
CAPTURED = "rfc9126-7.3-captured-request-uri-useless"
RACE = "rfc9126-2.2-single-use-in-race"
WINS = "rfc9126-4-outside-value-without-effect"
MERGED = "rfc9126-4-outside-parameter-not-merged"
UNKNOWN = "rfc9126-4-unknown-request-uri-refused"


class ByMethod(AuthorizationServer):
    """Knows, while it looks for a request, how it came."""

    posted = False

    async def authorize(self, request: web.Request) -> web.StreamResponse:
        """Remember the method: nothing is awaited between here and the rules but the form."""
        query = await self.read_query(request)
        self.check_duplicates(query)
        self.posted = request.method == "POST"
        found = await self.find_request(query)
        await self.use_up("visit", found.pushed)
        return await self.begin(request, found)


# The binding to a client


@fault(BOUND, "rfc9101-10.2-request-uri-bound-to-client")
class AnyClientMayUseIt(AuthorizationServer):
    """BUG: any client can open the request_uri of another (RFC 9126 section 2.2)."""

    def check_bound_to_client(self, pushed: PushedRequest, client: RegisteredClient) -> None:
        """Let it pass."""


@fault(BOUND)
class BindingIsForgottenByPost(ByMethod):
    """BUG: the binding is checked where the request comes by GET (RFC 9126 section 2.2)."""

    def check_bound_to_client(self, pushed: PushedRequest, client: RegisteredClient) -> None:
        """GET only."""
        if not self.posted:
            super().check_bound_to_client(pushed, client)


@fault(BOUND)
class PublicClientsMayUseAny(AuthorizationServer):
    """BUG: the binding is checked for clients with credentials only (RFC 9126 section 2.2)."""

    def check_bound_to_client(self, pushed: PushedRequest, client: RegisteredClient) -> None:
        """Confidential clients only."""
        if client.confidential:
            super().check_bound_to_client(pushed, client)


@fault(BOUND)
class BoundToTheKindOfClient(AuthorizationServer):
    """BUG: the binding is to the client's method of authentication, not to the client (section 2.2)."""

    def check_bound_to_client(self, pushed: PushedRequest, client: RegisteredClient) -> None:
        """Compare the methods."""
        if self.clients[pushed.client_id].auth != client.auth:
            super().check_bound_to_client(pushed, client)


@fault(BOUND, "rfc9101-10.2-request-uri-bound-to-client")
class BindingIsFoundOutAtTheCode(AuthorizationServer):
    """BUG: a foreign client_id takes the request over: the code is its own, at its own redirect URI (section 2.2)."""

    def pushed_request(self, client: RegisteredClient, query: Form, pushed: PushedRequest) -> AuthorizationRequest:
        """The other client's request, with everything else as pushed."""
        if pushed.client_id == client.client_id:
            return super().pushed_request(client, query, pushed)
        self.check_not_expired(pushed)
        self.check_not_used(pushed)
        parameters = {**pushed.parameters, "client_id": client.client_id, "redirect_uri": client.redirect_uris[0]}
        parameters.pop("scope", None)
        return AuthorizationRequest(client, parameters, client.redirect_uris[0], pushed)


@fault("rfc9126-4-client-id-required", "rfc9101-5-client-id-required-beside-request-uri")
class ClientIdMayBeMissing(AuthorizationServer):
    """BUG: without client_id the client is the one that pushed (RFC 9126 section 4)."""

    def asking_client(self, query: Form) -> RegisteredClient:
        """Take the request's owner."""
        pushed = self.load_pushed(query.get("request_uri") or "")
        if pushed is not None and query.get("client_id") is None:
            return self.clients[pushed.client_id]
        return super().asking_client(query)


@fault("rfc9126-2.2-foreign-attempt-spoils-nothing")
class ForeignAttemptBurnsIt(AuthorizationServer):
    """BUG: the stored request is taken out before the client is compared (RFC 9126 section 2.2)."""

    def check_bound_to_client(self, pushed: PushedRequest, client: RegisteredClient) -> None:
        """Too late."""
        if pushed.client_id != client.client_id:
            self.pushed.drop(pushed.request_uri)
        super().check_bound_to_client(pushed, client)


# One-time use


@fault(ONCE, CAPTURED, RACE, "rfc9101-10.2-request-uri-one-time", "rfc9126-4-denied-request-used-up")
class NeverUsedUp(AuthorizationServer):
    """BUG: a request_uri can be used until it expires (RFC 9126 section 4)."""

    async def consume(self, pushed: PushedRequest) -> None:
        """Leave it."""


@fault("rfc9126-4-denied-request-used-up")
class DeniedRequestsLiveOn(AuthorizationServer):
    """BUG: a request_uri that a person has denied can be opened again, by anybody (RFC 9126 section 4)."""

    async def use_up_denied(self, pushed: PushedRequest | None) -> None:
        """Only a code uses it up."""


@fault(RACE)
class TwoAtOnceGetThrough(AuthorizationServer):
    """BUG: the request is looked up, and deleted a moment later: two at once get a code each (section 7.3)."""

    async def consume(self, pushed: PushedRequest) -> None:
        """Look, wait for the database, delete."""
        if pushed.used:
            raise OAuthError("invalid_request_uri", "the request_uri was used already")
        await asyncio.sleep(0.05)
        pushed.used = True


@fault(ONCE, "rfc9101-10.2-request-uri-one-time")
class SameBrowserMayRepeat(AuthorizationServer):
    """BUG: the browser that used a request_uri may use it again (RFC 9126 section 4)."""

    async def authorize(self, request: web.Request) -> web.StreamResponse:
        """Revive the request for its own browser."""
        pushed = self.load_pushed(request.query.get("request_uri", ""))
        session = self.session_of(request)
        finished: dict[str, str] = self.__dict__.setdefault("finished_by", {})
        if pushed is not None and session is not None and finished.get(pushed.request_uri) == session.id:
            pushed.used = False
        return await super().authorize(request)

    async def conclude(self, session: Session, interaction: Interaction, *, allowed: bool) -> web.Response:
        """Remember who finished it."""
        response = await super().conclude(session, interaction, allowed=allowed)
        if interaction.request.pushed is not None:
            finished = self.__dict__.setdefault("finished_by", {})
            finished[interaction.request.pushed.request_uri] = session.id
        return response


@fault(ONCE)
class FailedRepetitionRevivesIt(AuthorizationServer):
    """BUG: a request_uri that was refused as used lives again: the third attempt brings a code (section 4)."""

    def check_not_used(self, pushed: PushedRequest) -> None:
        """Refuse, and reset."""
        try:
            super().check_not_used(pushed)
        except OAuthError:
            pushed.used = False
            raise


@fault(CAPTURED)
class EachPersonMayUseItOnce(AuthorizationServer):
    """BUG: one-time use is kept for each person, not for each request_uri (RFC 9126 section 7.3)."""

    async def conclude(self, session: Session, interaction: Interaction, *, allowed: bool) -> web.Response:
        """Another person starts anew."""
        pushed = interaction.request.pushed
        if pushed is not None and session.user is not None:
            users: set[tuple[str, str]] = self.__dict__.setdefault("users_of_requests", set())
            key = (pushed.request_uri, session.user.subject)
            pushed.used = key in users
            users.add(key)
        return await super().conclude(session, interaction, allowed=allowed)

    def check_not_used(self, pushed: PushedRequest) -> None:
        """Found out at the end."""


@fault("rfc9126-4-reload-tolerated", settings={"consume_at": "visit"})
class ReloadIsAnError(AuthorizationServer):
    """BUG: a second visit before the login ends the attempt (RFC 9126 section 4)."""

    def check_not_used(self, pushed: PushedRequest) -> None:
        """As before, and the open interactions are over."""
        if pushed.used:
            for interaction in self.interactions:
                if interaction.request.pushed is pushed:
                    interaction.finished = True
        super().check_not_used(pushed)


# What stands beside request_uri


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


@fault("rfc9126-4-post-accepted", "openid-core-3.1.2.1-post-accepted-at-authorization-endpoint")
class PostIsNotServed(AuthorizationServer):
    """BUG: the authorization endpoint answers POST with 405 (RFC 9126 section 4)."""

    def allowed_methods(self, endpoint: str) -> list[str]:
        """GET and HEAD."""
        return ["GET", "HEAD"] if endpoint == "authorization" else super().allowed_methods(endpoint)


# Which request_uri


@fault(UNKNOWN)
class UnknownReferenceFallsBackToTheQuery(AuthorizationServer):
    """BUG: where nothing is stored under a request_uri, the request is read from the query (section 4)."""

    async def find_request(self, query: Form) -> AuthorizationRequest:
        """Leave the unknown reference out."""
        if query.get("request_uri") and self.load_pushed(query.get("request_uri") or "") is None:
            query = Form(tuple(pair for pair in query.pairs if pair[0] != "request_uri"))
        return await super().find_request(query)


@fault(UNKNOWN)
class ReferencesAreFoundByTheirBeginning(AuthorizationServer):
    """BUG: a request_uri is looked up by its first forty signs after the prefix (RFC 9126 section 4)."""

    def load_pushed(self, request_uri: str) -> PushedRequest | None:
        """The first that begins alike."""
        found = [one for one in self.pushed if one.request_uri[:70] == request_uri[:70]]
        return found[0] if found else None


@fault(UNKNOWN)
class CaseOfReferencesIsIgnored(AuthorizationServer):
    """BUG: the database compares references without regard to case (RFC 9126 section 4)."""

    def load_pushed(self, request_uri: str) -> PushedRequest | None:
        """The first that is spelled alike."""
        return next((one for one in self.pushed if one.request_uri.lower() == request_uri.lower()), None)


@fault(UNKNOWN)
class ReferencesAreLookedUpAsPatterns(AuthorizationServer):
    """BUG: the database takes a request_uri for a pattern, in which a sign stands for any others
    (RFC 9126 section 4)."""

    def load_pushed(self, request_uri: str) -> PushedRequest | None:
        """The first that fits."""
        pattern = re.compile(re.escape(request_uri).replace("%", ".*").replace(r"\*", ".*"))
        return next((one for one in self.pushed if pattern.fullmatch(one.request_uri)), None)


@fault(UNKNOWN)
class UnknownReferenceMeansTheNewestPush(AuthorizationServer):
    """BUG: an unknown request_uri of a client stands for its newest push (RFC 9126 section 4)."""

    async def referenced_request(self, client: RegisteredClient, query: Form, request_uri: str) -> AuthorizationRequest:
        """The newest of this client."""
        mine = [one for one in self.pushed if one.client_id == client.client_id and not one.used]
        if mine:
            return self.pushed_request(client, query, mine[-1])
        return await super().referenced_request(client, query, request_uri)


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


# One way in is forgotten


def _owner(server: AuthorizationServer, pushed: PushedRequest) -> str:
    return server.clients[pushed.client_id].auth


@fault(ONCE)
class UsedUpForConfidentialClientsOnly(AuthorizationServer):
    """BUG: what a public client has pushed is never used up (RFC 9126 section 4)."""

    async def consume(self, pushed: PushedRequest) -> None:
        """Only where there are credentials."""
        if _owner(self, pushed) != "none":
            await super().consume(pushed)


@fault(ONCE)
class UsedIsForgottenByPost(ByMethod):
    """BUG: whether a request_uri was used is looked at where it comes by GET (RFC 9126 section 4)."""

    def check_not_used(self, pushed: PushedRequest) -> None:
        """By POST it is as good as new."""
        if self.posted:
            pushed.used = False
        super().check_not_used(pushed)


@fault(ONCE)
class ForeignAttemptRevives(AuthorizationServer):
    """BUG: an attempt in another client's name puts a used request back (RFC 9126 section 4)."""

    def check_bound_to_client(self, pushed: PushedRequest, client: RegisteredClient) -> None:
        """The clean-up of a failed attempt is too thorough."""
        if pushed.client_id != client.client_id:
            pushed.used = False
        super().check_bound_to_client(pushed, client)


@fault("rfc9126-4-expired-refused")
class ExpiryIsForConfidentialClientsOnly(AuthorizationServer):
    """BUG: what a public client has pushed lives for ever (RFC 9126 section 4)."""

    def check_not_expired(self, pushed: PushedRequest) -> None:
        """Only where there are credentials."""
        if _owner(self, pushed) != "none":
            super().check_not_expired(pushed)


@fault("rfc9126-4-expired-refused")
class ExpiryIsForgottenByPost(ByMethod):
    """BUG: the lifetime is looked at where the request comes by GET (RFC 9126 section 4)."""

    def check_not_expired(self, pushed: PushedRequest) -> None:
        """GET only."""
        if not self.posted:
            super().check_not_expired(pushed)


@fault(BOUND)
class PublicClientsRequestsAreAnybodys(AuthorizationServer):
    """BUG: what a public client has pushed can be opened in any client's name (RFC 9126 section 2.2)."""

    def check_bound_to_client(self, pushed: PushedRequest, client: RegisteredClient) -> None:
        """Only where there were credentials."""
        if _owner(self, pushed) != "none":
            super().check_bound_to_client(pushed, client)


@fault("rfc9126-4-client-id-required", "rfc9101-5-client-id-required-beside-request-uri")
class ClientIdIsReadFromThePushByPost(ByMethod):
    """BUG: by POST a request_uri without client_id is served in the name of whoever pushed it (section 4)."""

    def asking_client(self, query: Form) -> RegisteredClient:
        """GET only."""
        pushed = self.load_pushed(query.get("request_uri") or "")
        if self.posted and query.get("client_id") is None and pushed is not None:
            return self.clients[pushed.client_id]
        return super().asking_client(query)


class _Trusting(AuthorizationServer):
    """Knows, while it looks for a request, whether somebody is logged in."""

    known = False

    async def authorize(self, request: web.Request) -> web.StreamResponse:
        """Look at the session: nothing is awaited between here and the rules."""
        query = await self.read_query(request)
        self.check_duplicates(query)
        session = self.session_of(request)
        self.known = session is not None and session.user is not None
        found = await self.find_request(query)
        await self.use_up("visit", found.pushed)
        return await self.begin(request, found)


@fault("rfc9126-4-expired-refused")
class SessionOutlivesTheRequest(_Trusting):
    """BUG: whoever is logged in may open what has expired (RFC 9126 section 4)."""

    def check_not_expired(self, pushed: PushedRequest) -> None:
        """Only for strangers."""
        if not self.known:
            super().check_not_expired(pushed)


@fault(BOUND, "rfc9101-10.2-request-uri-bound-to-client")
class SessionStandsForTheClient(_Trusting):
    """BUG: the binding is not looked at where somebody is logged in (RFC 9126 section 2.2)."""

    def check_bound_to_client(self, pushed: PushedRequest, client: RegisteredClient) -> None:
        """Only for strangers."""
        if not self.known:
            super().check_bound_to_client(pushed, client)
