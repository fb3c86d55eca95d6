"""Where tokens are used and looked at: userinfo (OpenID Connect Core, 5.3), introspection (RFC 7662)."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from conformance.server.clients import RegisteredClient
from conformance.server.errors import OAuthError
from conformance.server.records import Token
from conformance.server.tokens import Tokens


class Resources(Tokens):
    """Protected resources of the server itself."""

    async def userinfo(self, request: web.Request) -> web.StreamResponse:
        """GET or POST with an access token that has the scope openid."""
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        if not value:
            raise self.refused_token("the access token is missing", code="invalid_request", scheme="Bearer")
        token = self.tokens.get(value.strip())
        if token is None or not self.is_active(token) or token.kind != "access":
            raise self.refused_token("the access token is dead", scheme=scheme)
        self.check_token_binding(request, token, scheme)
        if "openid" not in token.scope.split():
            raise OAuthError("insufficient_scope", "the scope openid is missing", status=403)
        return self.json_response(self.userinfo_members(token), headers=self.credential_headers())

    def refused_token(self, description: str, *, code: str = "invalid_token", scheme: str) -> OAuthError:
        """401 with a challenge (RFC 6750, section 3; RFC 9449, section 7.1)."""
        scheme = "DPoP" if scheme.lower() == "dpop" else "Bearer"
        return OAuthError(code, description, status=401, headers={"WWW-Authenticate": f'{scheme} error="{code}"'})

    def check_token_binding(self, request: web.Request, token: Token, scheme: str) -> None:
        """A bound token comes with a proof of its key, or over TLS with its certificate."""
        if token.jkt is not None:
            jkt = self.proof_at_resource(request, token)
            if scheme.lower() != "dpop" or jkt != token.jkt:
                raise self.refused_token("the access token is bound to a key", scheme="DPoP")
        elif scheme.lower() != "bearer":
            raise self.refused_token("the access token is not bound to a key", scheme="Bearer")
        if token.x5t is not None and token.x5t != self.certificate_thumbprint(request):
            raise self.refused_token("the access token is bound to a certificate", scheme="Bearer")

    def proof_at_resource(self, request: web.Request, token: Token) -> str | None:
        """Thumbprint of the proof's key; a bad proof is answered with a challenge (RFC 9449, section 7.1)."""
        try:
            return self.read_proof(request, "userinfo", token.value)
        except OAuthError as error:
            refused = self.refused_token(error.description, code=error.code, scheme="DPoP")
            refused.headers |= error.headers
            raise refused from None

    def userinfo_members(self, token: Token) -> dict[str, Any]:
        """Claims about the person, by scope."""
        user, scopes = token.grant.user, token.scope.split()
        members = {"sub": user.subject}
        if "profile" in scopes:
            members["preferred_username"] = user.username
        if "email" in scopes:
            members["email"] = f"{user.username}@example.com"
        return members

    def is_active(self, token: Token) -> bool:
        """Whether a token lives."""
        return not token.grant.revoked and self.now() < token.expires_at

    async def introspection(self, request: web.Request) -> web.StreamResponse:
        """POST with a token, by the client that it was issued to."""
        form = await self.read_form(request)
        self.check_duplicates(form)
        client = self.authenticate_client(request, form)
        self.check_client_id_matches(client, form, required=False)
        if not client.confidential:
            raise OAuthError("invalid_client", "client authentication failed", status=401)
        value = form.get("token")
        if value is None:
            raise OAuthError("invalid_request", "token is missing")
        token = self.tokens.get(value)
        return self.json_response(self.introspection_members(client, token), headers=self.credential_headers())

    def introspection_members(self, client: RegisteredClient, token: Token | None) -> dict[str, Any]:
        """What is told about a token; of others' tokens only that they are not active."""
        if token is None or token.grant.client_id != client.client_id or not self.is_active(token):
            return {"active": False}
        return {"active": True, "username": token.grant.user.username} | self.token_members(token)
