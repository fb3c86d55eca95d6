"""Right ways of the token endpoint, of tokens and of the places where they are used."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from conformance.server import jose
from conformance.server.app import AuthorizationServer
from conformance.server.clients import RegisteredClient
from conformance.server.errors import OAuthError
from conformance.server.forms import Form
from conformance.server.records import Grant, Token
from conformance.server.variants import right


@right()
class WishesOfTokenRequestsAreIgnored(AuthorizationServer):
    """RIGHT: a refresh request gets what was granted, whatever more it asks for (RFC 6749 section 6)."""

    def narrowed_scope(self, grant: Grant, form: Form) -> str:
        """What was granted."""
        return grant.scope


@right()
class ClientIdBesideBasicIsTooMuch(AuthorizationServer):
    """RIGHT: a token request by HTTP Basic needs no client_id, and one beside it is too much (RFC 6749 section 2.3)."""

    def authenticate_client(self, request: web.Request, form: Form) -> RegisteredClient:
        """Look for it first."""
        if request.path.endswith("/token") and "Authorization" in request.headers and form.get("client_id"):
            raise OAuthError("invalid_request", "there is more than one method of client authentication")
        return super().authenticate_client(request, form)


@right()
class RefreshTokensRotate(AuthorizationServer):
    """RIGHT: each refresh brings a new refresh token, and the old one is dead (RFC 9700 section 4.14.2).

    So public clients may have them too (section 2.2.2).
    """

    def may_refresh(self, grant: Grant, jkt: str | None) -> bool:
        """Everybody."""
        return self.settings.refresh_tokens

    async def grant_refresh(
        self, request: web.Request, client: RegisteredClient, form: Form, jkt: str | None
    ) -> dict[str, Any]:
        """Put the new one in place of the old."""
        members = await super().grant_refresh(request, client, form, jkt)
        old = self.tokens.get(form.get("refresh_token") or "")
        if old is not None:
            self.tokens.drop(old.value)
            old.value = members["refresh_token"] = self.random()
            self.tokens.put(old.value, old)
        return members


@right()
class ResourceServersAreToldMore(AuthorizationServer):
    """RIGHT: for the resource server the granted details have further fields (RFC 9396 sections 9.1 and 9.2)."""

    def token_members(self, token: Token) -> dict[str, Any]:
        """Add some."""
        members = super().token_members(token)
        for name in {"authorization_details"} & members.keys():
            members[name] = [{**entry, "debtor_account": {"bic": "PARCXX00"}} for entry in members[name]]
        return members


@right()
class UserinfoIsUnawareOfDpop(AuthorizationServer):
    """RIGHT: the UserInfo endpoint knows bearer tokens only, and takes every token as one (RFC 9449 section 7.2)."""

    def check_token_binding(self, request: web.Request, token: Token, scheme: str) -> None:
        """One scheme."""
        if scheme.lower() != "bearer":
            raise self.refused_token("the scheme is not known", scheme="Bearer")


@dataclass(frozen=True)
class LastCounts(jose.Jws):
    """A JWS of whose claims the last of one name counts."""

    def claims(self) -> dict[str, Any]:
        """Take out what stands twice, and read the rest as usual."""
        try:
            claims = json.loads(self.payload)
        except RecursionError:
            raise ValueError("the JSON is too deep") from None
        return jose.Jws(self.header, json.dumps(claims).encode(), self.signed, self.signature).claims()


def last_counts(jws: jose.Jws) -> jose.Jws:
    """The same JWS, read otherwise where its claims cannot be read as usual."""
    try:
        jws.claims()
    except ValueError:
        return LastCounts(jws.header, jws.payload, jws.signed, jws.signature)
    return jws


@right()
class LastOfTwoClaimsCounts(AuthorizationServer):
    """RIGHT: of a claim that stands twice in a JWT the last counts (RFC 7519 section 4)."""

    def parse_assertion(self, assertion: str) -> jose.Jws:
        """Read it otherwise."""
        return last_counts(super().parse_assertion(assertion))

    def parse_object(self, text: str) -> jose.Jws:
        """Read it otherwise."""
        return last_counts(super().parse_object(text))
