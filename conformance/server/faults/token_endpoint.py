"""Faults of the token endpoint beside the code itself (RFC 6749 sections 3.2, 4.1.3, 5 and 6)."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from conformance.server.app import AuthorizationServer, Handler
from conformance.server.client_auth import Presented
from conformance.server.clients import RegisteredClient
from conformance.server.errors import OAuthError
from conformance.server.faults import fault
from conformance.server.faults.token_request import at_token_endpoint
from conformance.server.forms import Form
from conformance.server.records import Code, Grant, Token

KIND = "rfc6749-6-refresh-token-of-its-kind"
GRANT_TYPE = "rfc6749-4.1.3-grant-type-required"


@fault("rfc6749-3.2-repeated-parameter-refused")
class TokenParametersMayRepeat(AuthorizationServer):
    """BUG: of a parameter that stands twice in a token request the first value counts (RFC 6749 section 3.2)."""

    def check_duplicates(self, form: Form) -> None:
        """Only where it is no token request."""
        if form.get("grant_type") is None:
            super().check_duplicates(form)


@fault(GRANT_TYPE)
class GrantTypeMayBeMissing(AuthorizationServer):
    """BUG: a token request with a code is for a code, grant_type or not (RFC 6749 section 4.1.3)."""

    async def read_form(self, request: web.Request) -> Form:
        """With the grant type that goes with a code."""
        form = await super().read_form(request)
        guessed = form.get("code") is not None and form.get("grant_type") is None
        return Form((*form.pairs, ("grant_type", "authorization_code"))) if guessed else form


@fault(GRANT_TYPE)
class GrantTypesInAnyCase(AuthorizationServer):
    """BUG: grant_type is compared in lower case (RFC 6749 section 1.9)."""

    async def read_form(self, request: web.Request) -> Form:
        """In lower case."""
        form = await super().read_form(request)
        return Form(tuple((name, value.lower() if name == "grant_type" else value) for name, value in form.pairs))


@fault("rfc6749-5.2-token-error-status")
class WorthlessCodesAre200(AuthorizationServer):
    """BUG: invalid_grant has the status 200, as only its body matters (RFC 6749 section 5.2)."""

    async def answer(self, endpoint: str, handler: Handler, request: web.Request) -> web.StreamResponse:
        """The error with another status."""
        try:
            return await super().answer(endpoint, handler, request)
        except OAuthError as error:
            if error.code == "invalid_grant":
                error.status = 200
            raise


@fault("rfc6749-5.1-expires-in-number")
class ExpiresInOfTokensIsText(AuthorizationServer):
    """BUG: expires_in of a token answer is a text (RFC 6749 section 5.1)."""

    def issue_tokens(self, *arguments: Any, first: bool) -> dict[str, Any]:
        """In quotation marks."""
        members = super().issue_tokens(*arguments, first=first)
        return {**members, "expires_in": str(members["expires_in"])}


@fault(KIND)
class AccessTokensRefresh(AuthorizationServer):
    """BUG: a token is looked up whatever its kind, and an access token refreshes (RFC 6749 section 1.5)."""

    def find_refresh_token(self, client: RegisteredClient, value: str) -> Token:
        """Of any kind."""
        token = self.tokens.get(value)
        if token is not None and token.grant.client_id == client.client_id and self.is_active(token):
            return token
        return super().find_refresh_token(client, value)


@fault(KIND)
class RefreshTokensOpenResources(AuthorizationServer):
    """BUG: the UserInfo endpoint looks a token up whatever its kind (RFC 6749 section 1.5)."""

    async def userinfo(self, request: web.Request) -> web.StreamResponse:
        """Of any kind."""
        token = self.tokens.get(request.headers.get("Authorization", "").partition(" ")[2])
        if token is not None and token.kind == "refresh" and self.is_active(token):
            return self.json_response(self.userinfo_members(token), headers=self.credential_headers())
        return await super().userinfo(request)


@fault("rfc8707-2-audience-restricted")
class RefreshedTokensAreForAllResources(AuthorizationServer):
    """BUG: a refreshed token is for everything that its client may reach (RFC 8707 section 2.2)."""

    async def grant_refresh(
        self, request: web.Request, client: RegisteredClient, form: Form, jkt: str | None
    ) -> dict[str, Any]:
        """Widen the grant, which nothing else looks at afterwards."""
        token = self.find_refresh_token(client, form.get("refresh_token") or "")
        if token.grant.resources:
            token.grant.resources = sorted(client.resources)
        return await super().grant_refresh(request, client, form, jkt)


@fault("rfc9396-7-granted-details-returned")
class TokensHaveAllDetails(AuthorizationServer):
    """BUG: where less was asked for, the answer says so, and the token has all details (RFC 9396 section 6)."""

    def new_token(
        self,
        kind: str,
        grant: Grant,
        scope: str,
        resources: list[str],
        jkt: str | None,
        x5t: str | None,
        details: list[Any],
    ) -> Token:
        """With everything that was granted."""
        return super().new_token(kind, grant, scope, resources, jkt, x5t, grant.authorization_details)


@fault("rfc6749-4.1.3-redirect-uri-identical")
class PublicClientsNameAnyRedirectUri(AuthorizationServer):
    """BUG: the redirect_uri of a public client's token request is not compared (RFC 6749 section 4.1.3)."""

    def check_code_redirect_uri(self, code: Code, redirect_uri: str | None) -> None:
        """PKCE will do."""
        if self.clients[code.grant.client_id].confidential:
            super().check_code_redirect_uri(code, redirect_uri)


@fault("rfc6749-4.1.3-code-bound-to-client")
class CodesAreBoundOnce(AuthorizationServer):
    """BUG: another client that tries again redeems the code (RFC 6749 section 4.1.3)."""

    def check_code_client(self, client: RegisteredClient, code: Code) -> None:
        """Only the first attempt is noticed."""
        tried = self.__dict__.setdefault("tried", set())
        if code.value not in tried:
            if code.grant.client_id != client.client_id:
                tried.add(code.value)
            super().check_code_client(client, code)


@fault("rfc6749-2.3.1-credentials-in-url-refused")
class SecretInUrlRedeemsCodes(AuthorizationServer):
    """BUG: the token endpoint takes a client_secret from the URL, too (RFC 6749 section 2.3.1)."""

    def read_credentials(self, request: web.Request, form: Form) -> Presented:
        """Look into the query."""
        secret = request.query.get("client_secret")
        client = self.clients.get(form.get("client_id") or "")
        if at_token_endpoint(request) and secret and client is not None and client.secret:
            return Presented("post", client.client_id, secret)
        return super().read_credentials(request, form)


@fault("rfc6749-4.1.3-parameters-in-the-body")
class CodesMayStandInUrls(AuthorizationServer):
    """BUG: the token endpoint looks a code up in the query where the body has none (RFC 6749 section 4.1.3)."""

    async def read_form(self, request: web.Request) -> Form:
        """Add it."""
        form = await super().read_form(request)
        code = request.query.get("code")
        if at_token_endpoint(request) and request.method == "POST" and code and form.get("code") is None:
            return Form((*form.pairs, ("code", code)))
        return form
