"""Faults of how often a request_uri can be used (RFC 9126 sections 4 and 7.3)."""

from __future__ import annotations

import asyncio

from aiohttp import web

from conformance.server.app import AuthorizationServer
from conformance.server.clients import RegisteredClient
from conformance.server.errors import OAuthError
from conformance.server.faults import fault
from conformance.server.records import Interaction, PushedRequest, Session

ONCE = "rfc9126-4-one-time-use"
CAPTURED = "rfc9126-7.3-captured-request-uri-useless"
RACE = "rfc9126-2.2-single-use-in-race"


@fault(ONCE, CAPTURED, RACE, "rfc9101-10.2-request-uri-one-time", "rfc9126-4-denied-request-used-up")
class NeverUsedUp(AuthorizationServer):
    """BUG: a request_uri can be used until it expires (RFC 9126 section 4)."""

    async def consume(self, pushed: PushedRequest) -> None:
        """Leave it."""


@fault("rfc9126-4-denied-request-used-up")
class DeniedRequestsLiveOn(AuthorizationServer):
    """BUG: a request_uri that a person has denied can be opened again, by anybody (RFC 9126 section 4)."""

    async def use_up_denied(self, pushed: PushedRequest | None) -> None:
        """Only a code uses it up."""


@fault(RACE)
class TwoAtOnceGetThrough(AuthorizationServer):
    """BUG: the request is looked up, and deleted a moment later: two at once get a code each (section 7.3)."""

    async def consume(self, pushed: PushedRequest) -> None:
        """Look, wait for the database, delete."""
        if pushed.used:
            raise OAuthError("invalid_request_uri", "the request_uri was used already")
        await asyncio.sleep(0.05)
        pushed.used = True


@fault(ONCE, "rfc9101-10.2-request-uri-one-time")
class SameBrowserMayRepeat(AuthorizationServer):
    """BUG: the browser that used a request_uri may use it again (RFC 9126 section 4)."""

    async def authorize(self, request: web.Request) -> web.StreamResponse:
        """Revive the request for its own browser."""
        pushed = self.load_pushed(request.query.get("request_uri", ""))
        session = self.session_of(request)
        finished: dict[str, str] = self.__dict__.setdefault("finished_by", {})
        if pushed is not None and session is not None and finished.get(pushed.request_uri) == session.id:
            pushed.used = False
        return await super().authorize(request)

    async def conclude(self, session: Session, interaction: Interaction, *, allowed: bool) -> web.Response:
        """Remember who finished it."""
        response = await super().conclude(session, interaction, allowed=allowed)
        if interaction.request.pushed is not None:
            finished = self.__dict__.setdefault("finished_by", {})
            finished[interaction.request.pushed.request_uri] = session.id
        return response


@fault(ONCE)
class FailedRepetitionRevivesIt(AuthorizationServer):
    """BUG: a request_uri that was refused as used lives again: the third attempt brings a code (section 4)."""

    def check_not_used(self, pushed: PushedRequest) -> None:
        """Refuse, and reset."""
        try:
            super().check_not_used(pushed)
        except OAuthError:
            pushed.used = False
            raise


@fault(CAPTURED)
class EachPersonMayUseItOnce(AuthorizationServer):
    """BUG: one-time use is kept for each person, not for each request_uri (RFC 9126 section 7.3)."""

    async def conclude(self, session: Session, interaction: Interaction, *, allowed: bool) -> web.Response:
        """Another person starts anew."""
        pushed = interaction.request.pushed
        if pushed is not None and session.user is not None:
            users: set[tuple[str, str]] = self.__dict__.setdefault("users_of_requests", set())
            key = (pushed.request_uri, session.user.subject)
            pushed.used = key in users
            users.add(key)
        return await super().conclude(session, interaction, allowed=allowed)

    def check_not_used(self, pushed: PushedRequest) -> None:
        """Found out at the end."""


@fault("rfc9126-4-reload-tolerated", settings={"consume_at": "visit"})
class ReloadIsAnError(AuthorizationServer):
    """BUG: a second visit before the login ends the attempt (RFC 9126 section 4)."""

    def check_not_used(self, pushed: PushedRequest) -> None:
        """As before, and the open interactions are over."""
        if pushed.used:
            for interaction in self.interactions:
                if interaction.request.pushed is pushed:
                    interaction.finished = True
        super().check_not_used(pushed)


@fault(ONCE)
class ForeignAttemptRevives(AuthorizationServer):
    """BUG: an attempt in another client's name puts a used request back (RFC 9126 section 4)."""

    def check_bound_to_client(self, pushed: PushedRequest, client: RegisteredClient) -> None:
        """The clean-up of a failed attempt is too thorough."""
        if pushed.client_id != client.client_id:
            pushed.used = False
        super().check_bound_to_client(pushed, client)


@fault("rfc9126-4-one-time-use")
class RevivesAtTheThirdUse(AuthorizationServer):
    """BUG: a used request_uri is refused twice, and then forgotten to have been used (RFC 9126 section 4)."""

    def check_not_used(self, pushed: PushedRequest) -> None:
        """Count."""
        if pushed.used:
            tries = self.__dict__.setdefault("tries", {})
            tries[pushed.request_uri] = tries.get(pushed.request_uri, 0) + 1
            pushed.used = tries[pushed.request_uri] % 3 != 0
        super().check_not_used(pushed)


@fault("rfc9126-4-one-time-use")
class UseIsForgottenAfterAWhile(AuthorizationServer):
    """BUG: that a request_uri was used is remembered for half of its life (RFC 9126 section 4)."""

    def check_not_used(self, pushed: PushedRequest) -> None:
        """A memory of its own, with an end of its own."""
        if self.now() > pushed.expires_at - self.settings.lifetime / 2:
            pushed.used = False
        super().check_not_used(pushed)
