"""Faults of a request on whose way a person logs in: what was pushed is lost there (RFC 9126 sections 2.2 and 4)."""

from __future__ import annotations

from dataclasses import replace

from aiohttp import web

from conformance.server.app import AuthorizationServer
from conformance.server.faults import fault
from conformance.server.records import Code, Interaction, PushedRequest, Session

#: Where it is noted that a code_challenge was lost.
LOST = " lost"


def without(interaction: Interaction, *names: str) -> None:
    """Take parameters out of the request of an interaction."""
    asked = interaction.request
    rest = {name: value for name, value in asked.parameters.items() if name not in names}
    interaction.request = replace(asked, parameters=rest)


@fault("rfc9126-2-response-mode-effective")
class ResponseModeIsLostAtTheLogin(AuthorizationServer):
    """BUG: after a login the response goes into the query, whatever response_mode was pushed (RFC 9126 section 2)."""

    async def login(self, request: web.Request) -> web.StreamResponse:
        """Start over with the usual mode."""
        without(self.find_interaction(request)[1], "response_mode")
        return await super().login(request)


@fault("rfc9126-2-nonce-effective")
class NonceIsLostAtTheLogin(AuthorizationServer):
    """BUG: the new session after a login does not have the nonce (RFC 9126 section 2)."""

    def renew_session(self, session: Session, interaction: Interaction) -> Session:
        """Without it."""
        without(interaction, "nonce")
        return super().renew_session(session, interaction)


@fault("rfc7636-4.6-wrong-verifier-refused", "rfc9700-2.1.1-challenge-enforced")
class ChallengeIsLostAtTheLogin(AuthorizationServer):
    """BUG: after a login the code_challenge is lost, and any code_verifier will do (RFC 7636 section 4.6)."""

    def renew_session(self, session: Session, interaction: Interaction) -> Session:
        """Without it, which is noted."""
        without(interaction, "code_challenge", "code_challenge_method")
        interaction.request.parameters[LOST] = True
        return super().renew_session(session, interaction)

    def verify_code_challenge(self, code: Code, verifier: str | None) -> None:
        """Where it was not lost."""
        if LOST not in code.grant.parameters:
            super().verify_code_challenge(code, verifier)


@fault("rfc9449-10.1-proof-binds-code")
class KeyIsLostAtTheLogin(AuthorizationServer):
    """BUG: the new session after a login does not have the key of the push (RFC 9449 section 10.1)."""

    def renew_session(self, session: Session, interaction: Interaction) -> Session:
        """Without it."""
        without(interaction, "dpop_jkt")
        return super().renew_session(session, interaction)


@fault("rfc9126-4-one-time-use", settings={"consent": "remember"})
class FailedSilenceRevivesIt(AuthorizationServer):
    """BUG: a request that failed under prompt=none is put back, and never used up (RFC 9126 section 4)."""

    async def without_pages(self, session: Session, interaction: Interaction) -> web.Response:
        """Put it back for a better moment."""
        pushed = interaction.request.pushed
        if pushed is not None and self.needs_login(session, interaction):
            self.__dict__.setdefault("put_back", set()).add(pushed.request_uri)
        return await super().without_pages(session, interaction)

    async def consume(self, pushed: PushedRequest) -> None:
        """Unless it was put back."""
        if pushed.request_uri not in self.__dict__.get("put_back", ()):
            await super().consume(pushed)
