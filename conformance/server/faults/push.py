"""Faults of the pushed authorization request endpoint."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_plus

import aiohttp
from aiohttp import web

from conformance.server.app import AuthorizationServer
from conformance.server.clients import RegisteredClient
from conformance.server.faults import fault
from conformance.server.forms import Form
from conformance.server.records import AuthorizationRequest, Parameters, PushedRequest

#: What other documents say of references that can be guessed.
UNGUESSABLE = ("rfc9101-10.2-request-uri-unguessable", "openid-core-6.2.1-request-uri-unguessable")


@fault("rfc9126-2.1-request-uri-refused")
class PushTakesRequestUri(AuthorizationServer):
    """BUG: a pushed request may itself carry request_uri (RFC 9126 section 2.1 step 2)."""

    def refuse_request_uri_in_push(self, form: Form) -> None:
        """Let it pass."""


@fault("rfc9126-2.1-request-uri-refused")
class PublicClientMayPushRequestUri(AuthorizationServer):
    """BUG: request_uri in a push is refused, except from public clients (RFC 9126 section 2.1 step 2)."""

    def refuse_request_uri_in_push(self, form: Form) -> None:
        """Look only at clients with credentials."""
        if form.get("client_id") != "public-client":
            super().refuse_request_uri_in_push(form)


@fault("rfc9126-2.2-request-uri-unpredictable", *UNGUESSABLE)
class ReferencesAreCounted(AuthorizationServer):
    """BUG: references are the hashes of a counter (RFC 9126 section 2.2)."""

    count = 0

    def new_reference(self) -> str:
        """The next number, hashed."""
        self.count += 1
        return hashlib.sha256(str(self.count).encode()).hexdigest()


@fault("rfc9126-2.2-status-201")
class SuccessIs200(AuthorizationServer):
    """BUG: a successful push is answered with 200 (RFC 9126 section 2.2)."""

    def json_response(
        self, data: Mapping[str, Any], *, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> web.Response:
        """200 in place of 201."""
        return super().json_response(data, status=200 if status == 201 else status, headers=headers)


@fault("rfc9126-2.2-expires-in-integer", alone=True)
class ExpiresInIsText(AuthorizationServer):
    """BUG: expires_in is a string (RFC 9126 section 2.2)."""

    def push_members(self, pushed: Any) -> dict[str, Any]:
        """The number between quotes."""
        members = super().push_members(pushed)
        return {**members, "expires_in": str(members["expires_in"])}


@fault("rfc9126-2.1-request-uri-refused")
class IssuedRequestUriMayBePushed(AuthorizationServer):
    """BUG: request_uri in a push is refused unless it is one that this client was issued (section 2.1 step 2)."""

    def refuse_request_uri_in_push(self, form: Form) -> None:
        """Look it up."""
        known = self.pushed.get(form.get("request_uri") or "")
        if known is None or known.client_id != form.get("client_id"):
            super().refuse_request_uri_in_push(form)


@fault("rfc9126-2.1-request-uri-refused")
class ForeignUrnMayBePushed(AuthorizationServer):
    """BUG: only request_uris that look like its own are refused in a push (RFC 9126 section 2.1 step 2)."""

    def refuse_request_uri_in_push(self, form: Form) -> None:
        """Look at the prefix."""
        if not (form.get("request_uri") or "").startswith("urn:example:"):
            super().refuse_request_uri_in_push(form)


@fault("rfc9126-2.1-request-uri-not-fetched")
class PushedRequestUriIsFetched(AuthorizationServer):
    """BUG: a request_uri in a push is fetched before it is refused (RFC 9126 section 2.1 step 2)."""

    async def push(self, request: web.Request) -> web.StreamResponse:
        """Fetch first."""
        form = await self.read_form(request)
        url = form.get("request_uri") or ""
        if url.startswith("http"):
            async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2), trust_env=False) as session:
                with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                    async with session.get(url):
                        pass
        return await super().push(request)


# What is pushed and lost


class _Stored(AuthorizationServer):
    """Stores something else than what was pushed."""

    def stored(self, client: RegisteredClient, parameters: Parameters) -> Parameters:
        """What is stored in place of the right parameters."""
        return parameters

    async def store(self, client: RegisteredClient, parameters: Parameters) -> PushedRequest:
        """Store the other parameters."""
        return await super().store(client, self.stored(client, dict(parameters)))


@fault("rfc9126-2-state-effective", "rfc6749-4.1.2-state-exact")
class StateIsCut(_Stored):
    """BUG: the column of state has 32 signs (RFC 9126 section 2)."""

    def stored(self, client: RegisteredClient, parameters: Parameters) -> Parameters:
        """Cut."""
        if "state" in parameters:
            parameters["state"] = parameters["state"][:32]
        return parameters


@fault("rfc9126-2-state-effective", "rfc6749-4.1.2.1-state-with-error", "rfc6749-4.1.2-state-exact")
class StateIsDecodedTwice(_Stored):
    """BUG: state is percent-decoded a second time (RFC 9126 section 2)."""

    def stored(self, client: RegisteredClient, parameters: Parameters) -> Parameters:
        """Decode again."""
        if "state" in parameters:
            parameters["state"] = unquote_plus(parameters["state"])
        return parameters


@fault("rfc9126-2-state-effective", "rfc6749-3.1-empty-parameter-omitted")
class StateIsMadeUp(_Stored):
    """BUG: a state is made up where none was pushed (RFC 9126 section 2)."""

    def stored(self, client: RegisteredClient, parameters: Parameters) -> Parameters:
        """Make one up."""
        parameters.setdefault("state", self.random())
        return parameters


@fault(
    "rfc9126-2-redirect-uri-effective",
    "rfc6749-3.1.2-redirect-uri-query-kept",
    "rfc9101-6.3-parameters-extracted",
    "rfc9126-3-request-object-effective",
)
class FirstRedirectUriCounts(_Stored):
    """BUG: the answer goes to the client's first redirect URI, whichever one was pushed (RFC 9126 section 2)."""

    def stored(self, client: RegisteredClient, parameters: Parameters) -> Parameters:
        """The first one."""
        if parameters.get("redirect_uri") in client.redirect_uris[1:]:
            parameters["redirect_uri"] = client.redirect_uris[0]
        return parameters


@fault(
    "rfc9126-2-scope-effective",
    "openid-core-6.1-object-supersedes-query",
    "rfc9101-5-object-by-value-parameters-not-overridden",
    "rfc9101-6.3-outer-parameters-do-not-override",
    "rfc9126-2.1-scope-validated",
    "rfc9126-3-outer-value-without-effect",
    "rfc9126-4-outside-value-without-effect",
)
class DefaultScopeIsGranted(AuthorizationServer):
    """BUG: the grant has the client's registered scope, whatever was pushed (RFC 9126 section 2)."""

    def granted_scope(self, asked: AuthorizationRequest) -> str:
        """Everything that the client may have."""
        return " ".join(sorted(self.allowed_scopes(asked.client)))


@fault(
    "rfc9126-2-scope-effective",
    "rfc9101-6.3-parameters-extracted",
    "rfc9126-3-request-object-effective",
    "rfc9396-3.1-scope-and-details-both-processed",
)
class OneScopeIsLost(_Stored):
    """BUG: of several scopes the last one is lost on the way (RFC 9126 section 2)."""

    def stored(self, client: RegisteredClient, parameters: Parameters) -> Parameters:
        """All but the last."""
        scope = str(parameters.get("scope", "")).split()
        if len(scope) > 2:
            parameters["scope"] = " ".join(scope[:-1])
        return parameters


@fault("rfc9126-2-response-mode-effective")
class ResponseModeIsLost(_Stored):
    """BUG: a pushed response_mode is accepted and the response goes into the query all the same (section 2)."""

    def stored(self, client: RegisteredClient, parameters: Parameters) -> Parameters:
        """Without it."""
        parameters.pop("response_mode", None)
        return parameters


@fault("rfc9126-2-response-mode-effective")
class FormPostBecomesAFragment(_Stored):
    """BUG: response_mode=form_post is accepted and answered in the fragment (RFC 9126 section 2)."""

    def stored(self, client: RegisteredClient, parameters: Parameters) -> Parameters:
        """Another mode."""
        if parameters.get("response_mode") == "form_post":
            parameters["response_mode"] = "fragment"
        return parameters


@fault(
    "rfc9126-2-pkce-effective",
    "rfc6749-2.3.1-basic-supported",
    "rfc7523-2.2-assertion-accepted",
    "rfc7636-4.2-s256-supported",
    "rfc7636-4.5-missing-verifier-refused",
    "rfc9449-10-code-verifier-enforced-beside-dpop-jkt",
    "rfc9449-10.1-dpop-header-supported",
    "rfc9449-10.1-dpop-jkt-supported",
    "rfc9449-5-token-type-dpop",
    "rfc9449-6.1-thumbprint-in-jwt-access-token",
    "rfc9449-6.2-introspection-token-type",
    "rfc9449-6.2-thumbprint-in-introspection",
    "rfc9700-2.1.1-pkce-supported",
    alone=True,
)
class ChallengeIsLost(_Stored):
    """BUG: a pushed code_challenge is lost, so that its verifier is one too many (RFC 9126 section 2)."""

    def stored(self, client: RegisteredClient, parameters: Parameters) -> Parameters:
        """Without it."""
        if client.confidential:
            parameters.pop("code_challenge", None)
            parameters.pop("code_challenge_method", None)
        return parameters


@fault(
    "rfc9126-2-pkce-effective",
    "rfc6749-2.3.1-basic-supported",
    "rfc7523-2.2-assertion-accepted",
    "rfc7636-4.2-s256-supported",
    "rfc7636-4.5-bound-method-used",
    "rfc7636-7.2-plain-refused",
    "rfc9449-10.1-dpop-header-supported",
    "rfc9449-10.1-dpop-jkt-supported",
    "rfc9449-5-public-clients-refresh-token-bound",
    "rfc9449-5-token-type-dpop",
    "rfc9449-6.1-thumbprint-in-jwt-access-token",
    "rfc9449-6.2-introspection-token-type",
    "rfc9449-6.2-thumbprint-in-introspection",
    "rfc9700-2.1.1-pkce-supported",
    settings={"plain_pkce": True},
    alone=True,
)
class ChallengeMethodIsLost(_Stored):
    """BUG: code_challenge is stored without its method and compared as plain (RFC 9126 section 2)."""

    def stored(self, client: RegisteredClient, parameters: Parameters) -> Parameters:
        """Without the method."""
        parameters.pop("code_challenge_method", None)
        return parameters


@fault(
    "rfc9126-2-nonce-effective",
    "openid-core-2-pushed-nonce-in-id-token",
    "rfc9101-6.3-parameters-extracted",
    "rfc9126-4-outside-value-without-effect",
)
class NonceIsLost(_Stored):
    """BUG: a pushed nonce does not reach the ID token (RFC 9126 section 2)."""

    def stored(self, client: RegisteredClient, parameters: Parameters) -> Parameters:
        """Without it."""
        parameters.pop("nonce", None)
        return parameters


@fault("rfc9126-2-nonce-effective", "openid-core-2-pushed-nonce-in-id-token", "rfc9101-6.3-parameters-extracted")
class NonceIsLowerCase(_Stored):
    """BUG: nonce is brought into lower case (RFC 9126 section 2)."""

    def stored(self, client: RegisteredClient, parameters: Parameters) -> Parameters:
        """In lower case."""
        if "nonce" in parameters:
            parameters["nonce"] = parameters["nonce"].lower()
        return parameters


@fault("rfc9126-2-resource-effective")
class LastResourceCounts(_Stored):
    """BUG: of several resources the last one is kept (RFC 9126 section 2)."""

    def stored(self, client: RegisteredClient, parameters: Parameters) -> Parameters:
        """The last one."""
        if isinstance(parameters.get("resource"), list):
            parameters["resource"] = parameters["resource"][-1:]
        return parameters


# What is not checked


@fault("rfc9126-2.1-response-type-validated")
class UnknownResponseTypesMeanCode(AuthorizationServer):
    """BUG: whatever response_type says, a code is what the client gets (RFC 9126 section 2.1 step 3)."""

    def check_response_type(self, parameters: Parameters) -> None:
        """Only that it is there."""
        if not parameters.get("response_type"):
            super().check_response_type(parameters)


@fault(
    "rfc9126-2.1-response-type-validated",
    "openid-core-6.3.3-object-validated-like-any-request",
    "rfc9101-6.3-response-type-in-object-validated",
    "rfc6749-3.1-empty-parameter-omitted",
    "rfc6749-3.1.1-response-type-required",
    "openid-core-3.1.2.2-missing-response-type-refused",
)
class ResponseTypeMayBeMissing(AuthorizationServer):
    """BUG: a push without response_type means code (RFC 9126 section 2.1 step 3)."""

    def check_response_type(self, parameters: Parameters) -> None:
        """Only what is there."""
        if parameters.get("response_type"):
            super().check_response_type(parameters)


@fault("rfc9126-2.1-response-type-validated")
class ResponseTypeIsSearchedForCode(AuthorizationServer):
    """BUG: a response_type that has code among others is taken for code (RFC 9126 section 2.1 step 3)."""

    def check_response_type(self, parameters: Parameters) -> None:
        """A part is enough."""
        if "code" not in str(parameters.get("response_type")).split():
            super().check_response_type(parameters)


@fault("rfc9126-2.1-scope-validated")
class ForbiddenScopeIsGranted(AuthorizationServer):
    """BUG: a scope is looked for among all scopes of the server, not of the client (section 2.1 step 3)."""

    def allowed_scopes(self, client: RegisteredClient) -> frozenset[str]:
        """What is forbidden to a client as well."""
        return super().allowed_scopes(client) | client.forbidden_scopes


@fault(
    "rfc9126-2.1-scope-validated",
    "openid-core-6.3.3-object-validated-like-any-request",
    "rfc9101-6.3-scope-in-object-validated",
)
class ScopesAreNotLookedAt(AuthorizationServer):
    """BUG: any scope is granted, known or not (RFC 9126 section 2.1 step 3)."""

    def check_scope(self, client: RegisteredClient, parameters: Parameters) -> None:
        """Let everything pass."""

    def granted_scope(self, asked: AuthorizationRequest) -> str:
        """Grant what was asked for."""
        return asked.text("scope") or ""


@fault(
    "openid-core-3.1.2.6-unsupported-response-mode-refused",
)
class PushedResponseModeIsNotLookedAt(AuthorizationServer):
    """BUG: a pushed response_mode is not looked at: an unknown one falls back to the query (section 4)."""

    def check_response_mode(self, parameters: Parameters) -> None:
        """Let everything pass."""


@fault("rfc9126-2.1-faults-refused-early")
class ResponseTypeIsJudgedLater(AuthorizationServer):
    """BUG: a faulty response_type is found at the authorization endpoint only (RFC 9126 section 2.1)."""

    def check_authorization_request(
        self, client: RegisteredClient, parameters: Parameters, *rest: Any, authenticated: bool = False
    ) -> AuthorizationRequest:
        """At the push with a right response_type in its place."""
        if not rest and authenticated:
            super().check_authorization_request(client, {**parameters, "response_type": "code"}, authenticated=True)
            return AuthorizationRequest(client, parameters, str(parameters.get("redirect_uri")))
        return super().check_authorization_request(client, parameters, *rest, authenticated=authenticated)
