"""Faults of codes, access tokens and refresh tokens (FAPI 2.0 Security Profile section 5.3.2.1)."""

from __future__ import annotations

import secrets
from typing import Any

from aiohttp import web

from conformance.server.app import AuthorizationServer
from conformance.server.clients import RegisteredClient
from conformance.server.faults import FAPI, fault
from conformance.server.forms import Form
from conformance.server.records import Grant, Token


@fault(
    "fapi2-security-profile-5.3.2.1-only-sender-constrained-tokens",
    "rfc9449-5.2-token-request-without-proof-refused",
    profile=FAPI,
)
class BearerTokensAreIssued(AuthorizationServer):
    """BUG: a code that is bound to no key is redeemed for a bearer token (FAPI 2.0 section 5.3.2.1)."""

    def require_proof(self, client: RegisteredClient, jkt: str | None) -> None:
        """Not needed."""

    def require_binding(self, jkt: str | None, x5t: str | None) -> None:
        """Nor is a certificate."""


@fault(
    "fapi2-security-profile-5.3.2.1-bound-by-mutual-tls-or-dpop",
    "rfc8705-3.2-thumbprint-in-introspection",
    profile=FAPI,
)
class BindingToCertificatesIsSecret(AuthorizationServer):
    """BUG: nothing tells that a token is bound to a certificate (FAPI 2.0 section 5.3.2.1)."""

    def confirmation(self, token: Token) -> dict[str, str]:
        """Only keys are told."""
        return {name: value for name, value in super().confirmation(token).items() if name == "jkt"}


@fault("fapi2-security-profile-5.3.2.1-refresh-tokens-not-rotated", profile=FAPI)
class RefreshTokensAreRotated(AuthorizationServer):
    """BUG: a refresh token works once, and a new one comes with the answer (FAPI 2.0 section 5.3.2.1)."""

    async def grant_refresh(
        self, request: web.Request, client: RegisteredClient, form: Form, jkt: str | None
    ) -> dict[str, Any]:
        """Put it under another name."""
        members = await super().grant_refresh(request, client, form, jkt)
        token = self.find_refresh_token(client, form.get("refresh_token") or "")
        self.tokens.drop(token.value)
        token.value = self.random()
        self.tokens.put(token.value, token)
        return {**members, "refresh_token": token.value}


@fault("fapi2-security-profile-5.3.2.1-code-lives-60-seconds-at-most", "rfc6749-4.1.2-code-lifetime", profile=FAPI)
class CodesLiveTwoMinutes(AuthorizationServer):
    """BUG: a code lives two minutes (FAPI 2.0 section 5.3.2.1)."""

    def check_code_lifetime(self, code: Any) -> None:
        """Give it more."""
        code.expires_at += 120
        super().check_code_lifetime(code)


@fault("fapi2-security-profile-5.4.1-opaque-tokens-unguessable", profile=FAPI)
class RefreshTokensAreShort(AuthorizationServer):
    """BUG: refresh tokens have 40 random bits (FAPI 2.0 section 5.4.1)."""

    def new_token(self, kind: str, grant: Grant, *rest: Any) -> Token:
        """Give it a shorter name."""
        token = super().new_token(kind, grant, *rest)
        if kind == "refresh":
            self.tokens.drop(token.value)
            token.value = f"refresh-{secrets.token_hex(5)}"
            self.tokens.put(token.value, token)
        return token
