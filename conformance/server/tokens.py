"""The token endpoint (RFC 6749, section 3.2)."""

from __future__ import annotations

import re
from typing import Any

from aiohttp import web

from conformance.server import keys
from conformance.server.authorize import Authorize
from conformance.server.clients import RegisteredClient
from conformance.server.errors import OAuthError
from conformance.server.forms import Form
from conformance.server.openid import ACR
from conformance.server.records import Grant, Token

_SPACES = re.compile(r" +")


class Tokens(Authorize):
    """Gives tokens for codes and for refresh tokens."""

    async def token(self, request: web.Request) -> web.StreamResponse:
        """POST to the token endpoint."""
        form = await self.read_form(request)
        self.check_duplicates(form)
        jkt = self.read_proof(request, "token")
        client = self.authenticate_client(request, form)
        self.check_client_id_matches(client, form, required=False)
        match form.get("grant_type"):
            case "authorization_code":
                members = await self.grant_code(request, client, form, jkt)
            case "refresh_token" if self.settings.refresh_tokens:
                members = await self.grant_refresh(request, client, form, jkt)
            case None:
                raise OAuthError("invalid_request", "grant_type is missing")
            case _:
                raise OAuthError("unsupported_grant_type", "the grant type is not supported")
        return self.json_response(members, headers=self.credential_headers() | self.nonce_headers(request))

    def grant_types(self) -> list[str]:
        """Supported grant types."""
        return ["authorization_code", *(["refresh_token"] if self.settings.refresh_tokens else [])]

    async def grant_code(
        self, request: web.Request, client: RegisteredClient, form: Form, jkt: str | None
    ) -> dict[str, Any]:
        """Tokens for a code."""
        value = form.get("code")
        if value is None:
            raise OAuthError("invalid_request", "code is missing")
        self.require_proof(client, jkt)
        code = self.find_code(value)
        self.check_code(client, code, form, jkt)
        resources = self.narrowed_resources(code.grant, form)
        details = self.narrowed_details(code.grant, form)
        x5t = self.bound_certificate(request)
        self.require_binding(jkt, x5t)
        await self.use_code(code)
        return self.issue_tokens(code.grant, code.grant.scope, resources, jkt, x5t, details, first=True)

    async def grant_refresh(
        self, request: web.Request, client: RegisteredClient, form: Form, jkt: str | None
    ) -> dict[str, Any]:
        """A new access token for a refresh token, which stays the same."""
        value = form.get("refresh_token")
        if value is None:
            raise OAuthError("invalid_request", "refresh_token is missing")
        self.require_proof(client, jkt)
        token = self.find_refresh_token(client, value)
        if token.jkt is not None and token.jkt != jkt:
            raise OAuthError("invalid_grant", "the refresh token is bound to another key")
        scope = self.narrowed_scope(token.grant, form)
        resources = self.narrowed_resources(token.grant, form)
        details = self.narrowed_details(token.grant, form)
        x5t = self.bound_certificate(request)
        self.require_binding(jkt, x5t)
        return self.issue_tokens(token.grant, scope, resources, jkt, x5t, details, first=False)

    def find_refresh_token(self, client: RegisteredClient, value: str) -> Token:
        """The client's living refresh token."""
        token = self.tokens.get(value)
        if token is None or token.kind != "refresh" or token.grant.client_id != client.client_id:
            raise OAuthError("invalid_grant", "the refresh token is unknown")
        if token.grant.revoked or self.now() >= token.expires_at:
            raise OAuthError("invalid_grant", "the refresh token is dead")
        return token

    def narrowed_scope(self, grant: Grant, form: Form) -> str:
        """The granted scope, or the part of it that is asked for (RFC 6749, section 6)."""
        scope = form.get("scope")
        if scope is None:
            return grant.scope
        if not set(grant.scope.split()).issuperset(_SPACES.split(scope)):
            raise OAuthError("invalid_scope", "the scope exceeds what was granted")
        return scope

    def narrowed_resources(self, grant: Grant, form: Form) -> list[str]:
        """The granted resources, or those of them that are asked for (RFC 8707, section 2.2)."""
        asked = form.all("resource") if self.settings.resource_indicators else []
        if not set(grant.resources).issuperset(asked):
            raise OAuthError("invalid_target", "the resource exceeds what was granted")
        return asked or grant.resources

    def narrowed_details(self, grant: Grant, form: Form) -> list[Any]:
        """The granted details, or those of them that are asked for (RFC 9396, section 6)."""
        text = form.get("authorization_details") if self.settings.rar else None
        if text is None:
            return grant.authorization_details
        asked = self.read_authorization_details(text)
        if not all(entry in grant.authorization_details for entry in asked):
            raise OAuthError("invalid_authorization_details", "the details exceed what was granted")
        return asked

    def bound_certificate(self, request: web.Request) -> str | None:
        """Thumbprint of the certificate that a token is bound to, where tokens are (RFC 8705, section 3)."""
        return self.certificate_thumbprint(request) if self.settings.mtls_bound_tokens else None

    def require_binding(self, jkt: str | None, x5t: str | None) -> None:
        """Where bearer tokens are not given, there is a key or a certificate (FAPI 2.0, section 5.3.2.1)."""
        if self.settings.bound_tokens_only and jkt is None and x5t is None:
            raise OAuthError("invalid_request", "a DPoP proof or a client certificate is required")

    # Tokens

    def issue_tokens(
        self,
        grant: Grant,
        scope: str,
        resources: list[str],
        jkt: str | None,
        x5t: str | None,
        details: list[Any],
        *,
        first: bool,
    ) -> dict[str, Any]:
        """The members of a token answer (RFC 6749, section 5.1); `first` is the one for a code."""
        access = self.new_token("access", grant, scope, resources, jkt, x5t, details)
        members: dict[str, Any] = {
            "access_token": access.value,
            "token_type": "DPoP" if jkt else "Bearer",
            "expires_in": int(self.settings.token_lifetime),
        }
        if scope:
            members["scope"] = scope
        if first and self.may_refresh(grant, jkt):
            bound_to = None if self.clients[grant.client_id].confidential else jkt
            refresh = self.new_token("refresh", grant, scope, resources, bound_to, None, details)
            members["refresh_token"] = refresh.value
        if details:
            members["authorization_details"] = details
        if first and "openid" in scope.split() and self.settings.openid:
            members["id_token"] = self.id_token(grant)
        return members

    def may_refresh(self, grant: Grant, jkt: str | None) -> bool:
        """A refresh token is bound to a client that authenticates, or to a key (RFC 9700, section 2.2.2)."""
        bound = self.clients[grant.client_id].confidential or jkt is not None
        return self.settings.refresh_tokens and bound

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
        """A token: an access token may be a JWT, everything else is opaque."""
        lifetime = self.settings.token_lifetime if kind == "access" else self.settings.refresh_lifetime
        token = Token(
            value=self.random(),
            kind=kind,
            grant=grant,
            issued_at=self.now(),
            expires_at=self.now() + lifetime,
            scope=scope,
            audience=resources or [self.issuer],
            jkt=jkt,
            x5t=x5t,
            authorization_details=details,
        )
        if kind == "access" and self.settings.access_tokens == "jwt":
            token.value = self.sign_access_token(token)
        self.tokens.put(token.value, token)
        return token

    def sign_access_token(self, token: Token) -> str:
        """An access token as a JWT (RFC 9068, section 2)."""
        claims = self.token_members(token) | {"jti": token.value}
        claims.pop("token_type")
        return keys.signing_key(self.settings.own_alg).sign(claims, {"typ": "at+jwt"})

    def token_members(self, token: Token) -> dict[str, Any]:
        """What a resource server is told about an access token, inside it or by introspection."""
        members: dict[str, Any] = {
            "client_id": token.grant.client_id,
            "sub": token.grant.user.subject,
            "iss": self.issuer,
            "aud": token.audience,
            "iat": int(token.issued_at),
            "exp": int(token.expires_at),
            "token_type": "DPoP" if token.jkt else "Bearer",
        }
        if token.scope:
            members["scope"] = token.scope
        if token.authorization_details:
            members["authorization_details"] = token.authorization_details
        confirmation = self.confirmation(token)
        if confirmation:
            members["cnf"] = confirmation
        return members

    def confirmation(self, token: Token) -> dict[str, str]:
        """What the token is bound to (RFC 9449, section 6; RFC 8705, section 3)."""
        return {name: value for name, value in (("jkt", token.jkt), ("x5t#S256", token.x5t)) if value}

    def id_token(self, grant: Grant) -> str:
        """The ID token (OpenID Connect Core, section 2)."""
        return keys.signing_key(self.settings.own_alg).sign(self.id_token_claims(grant))

    def id_token_claims(self, grant: Grant) -> dict[str, Any]:
        """Its claims; the nonce is the one of the authorization request, unchanged."""
        now = int(self.now())
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "sub": grant.user.subject,
            "aud": grant.client_id,
            "iat": now,
            "exp": now + int(self.settings.token_lifetime),
            "acr": ACR,
        }
        asked = self.asked_of_id_token(grant.parameters)
        if self.settings.auth_time == "always" or "max_age" in grant.parameters or "auth_time" in asked:
            claims["auth_time"] = int(grant.auth_time)
        if "nonce" in grant.parameters:
            claims["nonce"] = grant.parameters["nonce"]
        return claims
