"""Faults of the lifetime of a request_uri (RFC 9126 sections 2.2 and 4)."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from conformance.server.app import AuthorizationServer
from conformance.server.clients import RegisteredClient
from conformance.server.faults import fault
from conformance.server.records import AuthorizationRequest, Parameters, PushedRequest

EXPIRED = "rfc9126-4-expired-refused"
USABLE = "rfc9126-2.2-usable-for-lifetime"


@fault(EXPIRED)
class LivesATenthTooLong(AuthorizationServer):
    """BUG: a request_uri lives a tenth longer than it is announced (RFC 9126 section 4)."""

    def check_not_expired(self, pushed: PushedRequest) -> None:
        """Grant six seconds more of a minute."""
        if self.now() > pushed.expires_at + self.settings.lifetime / 10:
            super().check_not_expired(pushed)


@fault(EXPIRED)
class NeverExpires(AuthorizationServer):
    """BUG: expires_in is announced and never looked at (RFC 9126 section 4)."""

    def check_not_expired(self, pushed: PushedRequest) -> None:
        """Let it pass."""


@fault(EXPIRED, browser=True, alone=True)
class NeverExpiresForPersons(NeverExpires):
    """BUG: expires_in is never looked at, so that who opens an old request is asked to log in (RFC 9126 section 4)."""


@fault(EXPIRED)
class VisitProlongsTheLife(AuthorizationServer):
    """BUG: each visit of the login page starts the lifetime anew (RFC 9126 section 4)."""

    async def begin(self, request: web.Request, asked: AuthorizationRequest) -> web.StreamResponse:
        """Once more from the beginning."""
        if asked.pushed is not None:
            asked.pushed.expires_at = self.now() + self.settings.lifetime
        return await super().begin(request, asked)


@fault(EXPIRED)
class SweptNowAndThen(AuthorizationServer):
    """BUG: expired requests are removed by a job that runs each minute, and nobody looks at their time (section 4)."""

    def check_not_expired(self, pushed: PushedRequest) -> None:
        """Only after the job has run."""
        if self.now() >= pushed.expires_at + 60 - pushed.expires_at % 60 + 1:
            super().check_not_expired(pushed)


@fault(USABLE)
class DiesATenthAndMoreTooEarly(AuthorizationServer):
    """BUG: a request_uri is dead at four fifths of its announced lifetime (RFC 9126 section 2.2)."""

    def check_not_expired(self, pushed: PushedRequest) -> None:
        """Too early."""
        before = PushedRequest("", "", {}, pushed.expires_at - self.settings.lifetime / 5)
        super().check_not_expired(before)


@fault(USABLE)
class AnnouncesMoreThanItKeeps(AuthorizationServer):
    """BUG: the announced lifetime is a constant, the true one a setting of the store (RFC 9126 section 2.2)."""

    def expires_in(self, pushed: PushedRequest) -> int:
        """Ninety seconds for sixty."""
        return 90


@fault(
    "rfc9126-2.2-lifetime-not-set-by-client",
    "rfc9101-9.1-exp-that-is-no-number-refused",
    "rfc9101-9.1-expired-object-refused",
)
class ObjectSetsTheLife(AuthorizationServer):
    """BUG: a request_uri lives as long as the request object says (RFC 9126 section 2.2)."""

    def check_object_times(self, claims: dict[str, Any]) -> None:
        """However far ahead."""
        super().check_object_times({**claims, "exp": self.now() + 60} if "exp" in claims else claims)

    def object_parameters(self, claims: dict[str, Any]) -> Parameters:
        """Keep exp for later."""
        return {**super().object_parameters(claims), "object_expires": claims.get("exp")}

    def lifetime_of(self, client: RegisteredClient, parameters: Parameters) -> float:
        """The later of the two."""
        expires = parameters.pop("object_expires", None)
        usual = super().lifetime_of(client, parameters)
        return usual if expires is None else max(usual, float(expires) - self.now())


@fault("rfc9126-2.2-expires-in-range", "rfc9101-10.2-request-uri-short-lived", settings={"lifetime": 7_200})
class LivesTwoHours(AuthorizationServer):
    """BUG: a request_uri lives for hours by default (RFC 9126 section 2.2)."""

    def expires_in(self, pushed: PushedRequest) -> int:
        """What is true."""
        return super().expires_in(pushed)


@fault("rfc9126-2.2-expires-in-range")
class LivesThreeSeconds(AuthorizationServer):
    """BUG: a request_uri lives for three seconds, less than a redirect takes (RFC 9126 section 2.2)."""

    def lifetime_of(self, client: RegisteredClient, parameters: Parameters) -> float:
        """Very short."""
        return 3
