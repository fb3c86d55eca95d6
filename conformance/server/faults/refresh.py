"""Faults of refresh tokens and of what a token request may widen (RFC 6749 sections 3.3 and 6, RFC 9396 section 6)."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from conformance.server.app import AuthorizationServer
from conformance.server.client_auth import Presented
from conformance.server.clients import RegisteredClient
from conformance.server.faults import fault
from conformance.server.forms import Form
from conformance.server.records import Code, Grant, Token


@fault("rfc6749-6-client-authenticated")
class RefreshTokenIsCredentialEnough(AuthorizationServer):
    """BUG: a client that refreshes needs no credentials (RFC 6749 section 6)."""

    def read_credentials(self, request: web.Request, form: Form) -> Presented:
        """The refresh token is believed to prove who has it."""
        presented = super().read_credentials(request, form)
        self.trusting = form.get("grant_type") == "refresh_token" and presented.way == "nothing"
        return presented

    trusting = False

    def check_registered_method(self, client: RegisteredClient, presented: Presented) -> None:
        """Any method, and none."""
        if not self.trusting:
            super().check_registered_method(client, presented)

    def verify_credentials(self, request: web.Request, client: RegisteredClient, presented: Presented) -> None:
        """Nothing to verify."""
        if not self.trusting:
            super().verify_credentials(request, client, presented)


@fault("rfc6749-6-client-authenticated")
class RefreshCredentialsAreNotVerified(AuthorizationServer):
    """BUG: the credentials of a refresh request have to be there, and are not verified (RFC 6749 section 6)."""

    def read_credentials(self, request: web.Request, form: Form) -> Presented:
        """Remember what they are for: nothing is awaited between here and the rules."""
        self.refreshing = form.get("grant_type") == "refresh_token"
        return super().read_credentials(request, form)

    refreshing = False

    def verify_credentials(self, request: web.Request, client: RegisteredClient, presented: Presented) -> None:
        """Only for codes."""
        if not self.refreshing:
            super().verify_credentials(request, client, presented)


@fault("rfc6749-6-refresh-token-bound-to-client")
class RefreshTokensAreAnybodys(AuthorizationServer):
    """BUG: a refresh token is good for every client (RFC 6749 section 6)."""

    def find_refresh_token(self, client: RegisteredClient, value: str) -> Token:
        """Look for it under the name of whoever has it."""
        token = self.tokens.get(value)
        return super().find_refresh_token(self.clients[token.grant.client_id] if token else client, value)


@fault("rfc6749-6-refresh-token-bound-to-client")
class PublicClientsRefreshEverything(AuthorizationServer):
    """BUG: a refresh token is bound to clients with credentials, and good for public ones (RFC 6749 section 6)."""

    def find_refresh_token(self, client: RegisteredClient, value: str) -> Token:
        """Look under another name where no credentials came."""
        token = self.tokens.get(value)
        owner = self.clients[token.grant.client_id] if token and not client.confidential else client
        return super().find_refresh_token(owner, value)


@fault("rfc6749-6-scope-not-widened")
class RefreshChoosesItsScope(AuthorizationServer):
    """BUG: a refresh request gets any scope that its client may have, granted or not (RFC 6749 section 6)."""

    def narrowed_scope(self, grant: Grant, form: Form) -> str:
        """Compare with the client's registration."""
        scope = form.get("scope")
        allowed = self.allowed_scopes(self.clients[grant.client_id])
        return scope if scope and allowed.issuperset(scope.split()) else super().narrowed_scope(grant, form)


@fault("rfc6749-3.3-scope-beside-code-adds-nothing")
class ScopeOfTheTokenRequestCounts(AuthorizationServer):
    """BUG: a scope in the token request for a code takes the place of the granted one (RFC 6749 section 3.3)."""

    def check_code(self, client: RegisteredClient, code: Code, form: Form, jkt: str | None) -> None:
        """Take it, if the client may have it."""
        super().check_code(client, code, form, jkt)
        scope = form.get("scope")
        if scope and self.allowed_scopes(client).issuperset(scope.split()):
            code.grant.scope = scope


@fault("rfc9396-6-more-than-granted-not-issued")
class RefreshChoosesDetails(AuthorizationServer):
    """BUG: a refresh request gets the details that it asks for, granted or not (RFC 9396 section 6)."""

    def narrowed_details(self, grant: Grant, form: Form) -> list[Any]:
        """What is asked for, once there is a refresh token."""
        text = form.get("authorization_details")
        if text is None or form.get("grant_type") != "refresh_token":
            return super().narrowed_details(grant, form)
        return self.read_authorization_details(text)


@fault("rfc6749-4.1.2-tokens-revoked-on-reuse")
class ReuseLeavesTheRefreshToken(AuthorizationServer):
    """BUG: a code that comes again costs its access token, but not its refresh token (RFC 6749 section 4.1.2)."""

    def find_refresh_token(self, client: RegisteredClient, value: str) -> Token:
        """Take it from a grant that was revoked too."""
        held = self.tokens.get(value)
        revoked = held is not None and held.kind == "refresh" and held.grant.revoked
        if held is not None and revoked and held.grant.client_id == client.client_id:
            return held
        return super().find_refresh_token(client, value)


@fault("rfc9700-2.2.2-public-refresh-token-bound-or-rotated")
class PublicClientsRefreshForEver(AuthorizationServer):
    """BUG: a public client gets a refresh token that no key binds and none follows (RFC 9700 section 2.2.2)."""

    def may_refresh(self, grant: Grant, jkt: str | None) -> bool:
        """Everybody."""
        return self.settings.refresh_tokens
