"""Faults of tokens and accounts in the OAuth profile of the AT protocol."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from conformance.server.app import AuthorizationServer
from conformance.server.clients import User
from conformance.server.faults import AT, fault
from conformance.server.records import Grant, Interaction, Session


@fault("atproto-oauth-identity-authentication-account-did-returned", profile=AT)
class AccountIsAHandle(AuthorizationServer):
    """BUG: sub is the name of the account, and not its DID (identity-authentication)."""

    def named_by_did(self, user: User) -> User:
        """As it is."""
        return user


@fault("atproto-oauth-authorization-scopes-granted-scope-returned", profile=AT)
class RefreshSaysNoScope(AuthorizationServer):
    """BUG: the answer to a refresh request has no scope (authorization-scopes)."""

    def issue_tokens(self, grant: Grant, *rest: Any, first: bool) -> dict[str, Any]:
        """Leave it out."""
        members = super().issue_tokens(grant, *rest, first=first)
        return members if first else {name: value for name, value in members.items() if name != "scope"}


@fault("atproto-oauth-tokens-and-session-lifetime-access-token-lives-30-minutes-at-most", profile=AT)
class AccessTokensLiveAnHour(AuthorizationServer):
    """BUG: access tokens live an hour (tokens-and-session-lifetime)."""

    def issue_tokens(self, grant: Grant, *rest: Any, first: bool) -> dict[str, Any]:
        """Say so."""
        return {**super().issue_tokens(grant, *rest, first=first), "expires_in": 3600}


@fault("atproto-oauth-authorization-interface-client-id-shown", profile=AT)
class ConsentShowsTheHostOnly(AuthorizationServer):
    """BUG: the consent page shows the host of the client, and not its client_id (authorization-interface)."""

    def consent_page(self, session: Session, interaction: Interaction) -> web.Response:
        """Shorten it."""
        page = super().consent_page(session, interaction)
        client_id = interaction.request.client.client_id
        page.text = (page.text or "").replace(client_id, urlsplit(client_id).hostname or "")
        return page


@fault("atproto-oauth-authorization-interface-login-hint-restricts-account", profile=AT)
class AnyAccountMayGoOn(AuthorizationServer):
    """BUG: login_hint restricts nothing (authorization-interface)."""

    def is_meant(self, session: Session, interaction: Interaction) -> bool:
        """Whoever it is."""
        return True
