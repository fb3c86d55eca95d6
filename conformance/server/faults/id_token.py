"""Faults of the ID token and of what stands beside it (OpenID Connect Core sections 2, 3.1.3.6 and 5.3.2)."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from conformance.server.app import AuthorizationServer
from conformance.server.faults import fault
from conformance.server.records import AuthorizationRequest, Code, Grant, Interaction, Session, Token


@fault("openid-core-3.1.3.6-at-hash-right")
class HashOfTheAccessTokenIsOfAnother(AuthorizationServer):
    """BUG: at_hash is there, and of another token than the one beside it (OpenID Connect Core section 3.1.3.6)."""

    def id_token_claims(self, grant: Grant) -> dict[str, Any]:
        """Of no token at all."""
        return {**super().id_token_claims(grant), "at_hash": "bm90LXRoZS1oYXNoLW5vdA"}


@fault("openid-core-5.3.2-sub-identical")
class UserinfoHasAnotherSub(AuthorizationServer):
    """BUG: sub of the UserInfo answer is the name of the account (OpenID Connect Core section 5.3.2)."""

    def userinfo_members(self, token: Token) -> dict[str, Any]:
        """With the name."""
        return {**super().userinfo_members(token), "sub": token.grant.user.username}


@fault("openid-core-2-auth-time-of-the-login")
class AuthTimeIsNow(AuthorizationServer):
    """BUG: auth_time is the time at which the ID token is made (OpenID Connect Core section 2)."""

    def id_token_claims(self, grant: Grant) -> dict[str, Any]:
        """Now."""
        claims = super().id_token_claims(grant)
        return {**claims, "auth_time": int(self.now())} if "auth_time" in claims else claims


@fault("rfc8414-2-no-secret-keys")
class PrivateKeysArePublished(AuthorizationServer):
    """BUG: the published keys have a private member (RFC 8414 section 2)."""

    async def jwks(self, request: web.Request) -> web.StreamResponse:
        """A member more, beside the right ones."""
        response = await super().jwks(request)
        assert isinstance(response, web.Response)
        keys = json.loads(response.body or b"{}")["keys"]  # type: ignore[arg-type]
        return self.json_response({"keys": [{**key, "q": "AQAB"} for key in keys]})


@fault("openid-core-2-auth-time-of-the-login")
class AuthTimeIsOfTheFirstLogin(AuthorizationServer):
    """BUG: a second login does not move auth_time (OpenID Connect Core section 2)."""

    def renew_session(self, session: Session, interaction: Interaction) -> Session:
        """Remember when this browser was first logged in."""
        renewed = super().renew_session(session, interaction)
        if session.user is not None:
            first = self.__dict__.setdefault("first_logins", {})
            first[renewed.id] = first.get(session.id, session.auth_time)
        return renewed

    def issue_code(self, session: Session, asked: AuthorizationRequest) -> Code:
        """Tell that time."""
        code = super().issue_code(session, asked)
        code.grant.auth_time = self.__dict__.get("first_logins", {}).get(session.id, session.auth_time)
        return code
