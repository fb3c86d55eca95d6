"""Faults of requests that are open in one browser at the same time (RFC 9126 section 2.2)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from aiohttp import web

from conformance.server.app import AuthorizationServer
from conformance.server.faults import fault
from conformance.server.records import AuthorizationRequest, Interaction, Session

STANDS_FOR = "rfc9126-2.2-request-uri-stands-for-request"


class _RemembersWhatWasBegun(AuthorizationServer):
    """Knows what was asked in each browser."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.begun: list[Interaction] = []

    def new_interaction(self, session: Session, asked: AuthorizationRequest) -> Interaction:
        """Remember what was asked last."""
        self.begun.append(super().new_interaction(session, asked))
        return self.begun[-1]

    def asked_in(self, session: Session) -> list[AuthorizationRequest]:
        """What was asked in this browser, the newest last."""
        return [other.request for other in self.begun if other.session_id == session.id]


@fault(STANDS_FOR, browser=True)
class LastTabWins(_RemembersWhatWasBegun):
    """BUG: a browser has one request at a time, and every tab answers the last one (RFC 9126 section 2.2)."""

    async def conclude(self, session: Session, interaction: Interaction, *, allowed: bool) -> web.Response:
        """Answer what this browser asked last."""
        last = self.asked_in(session)[-1:]
        if last and last[0].client.client_id != interaction.request.client.client_id:
            interaction.request = replace(last[0], pushed=None)
        return await super().conclude(session, interaction, allowed=allowed)


class _KeptInTheSession(_RemembersWhatWasBegun):
    """Keeps one parameter in the browser's session, where the next request of the same client overwrites it."""

    kept = ""

    async def conclude(self, session: Session, interaction: Interaction, *, allowed: bool) -> web.Response:
        """Answer with what this browser's session has."""
        asked = interaction.request
        last = [other for other in self.asked_in(session) if other.client is asked.client][-1]
        interaction.request = self.mixed(asked, last)
        return await super().conclude(session, interaction, allowed=allowed)

    def mixed(self, asked: AuthorizationRequest, last: AuthorizationRequest) -> AuthorizationRequest:
        """The request with the parameter of the last one."""
        if self.kept not in last.parameters:
            return asked
        return replace(asked, parameters={**asked.parameters, self.kept: last.parameters[self.kept]})


@fault(STANDS_FOR)
class ChallengeIsKeptInTheSession(_KeptInTheSession):
    """BUG: the code_challenge is kept in the session and not with the request (RFC 9126 section 2.2)."""

    kept = "code_challenge"


@fault(STANDS_FOR)
class StateIsKeptInTheSession(_KeptInTheSession):
    """BUG: the state is kept in the session and not with the request (RFC 9126 section 2.2)."""

    kept = "state"


@fault(STANDS_FOR)
class NonceIsKeptInTheSession(_KeptInTheSession):
    """BUG: the nonce is kept in the session and not with the request (RFC 9126 section 2.2)."""

    kept = "nonce"


@fault(STANDS_FOR)
class RedirectUriIsKeptInTheSession(_KeptInTheSession):
    """BUG: the redirect_uri is kept in the session and not with the request (RFC 9126 section 2.2)."""

    def mixed(self, asked: AuthorizationRequest, last: AuthorizationRequest) -> AuthorizationRequest:
        """Where the last one goes."""
        return replace(asked, redirect_uri=last.redirect_uri)
