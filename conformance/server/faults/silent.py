"""Faults of requests that ask nobody: with prompt=none other rules hold (OpenID Connect Core section 3.1.2.1)."""

from __future__ import annotations

from conformance.server.app import AuthorizationServer
from conformance.server.clients import RegisteredClient
from conformance.server.faults import fault
from conformance.server.forms import Form
from conformance.server.records import AuthorizationRequest, Parameters, PushedRequest

#: Nobody need be asked twice: else there is nothing without a page.
REMEMBERED = {"consent": "remember"}


def is_silent(parameters: Parameters) -> bool:
    """Whether a request asks nobody."""
    return parameters.get("prompt") == "none"


@fault("rfc9126-4-one-time-use", settings=REMEMBERED)
class UsedUpByPagesOnly(AuthorizationServer):
    """BUG: what asks nobody uses nothing up (RFC 9126 section 4)."""

    async def consume(self, pushed: PushedRequest) -> None:
        """A page does it."""
        if not is_silent(pushed.parameters):
            await super().consume(pushed)


@fault("rfc9126-4-expired-refused", settings=REMEMBERED)
class ExpiryIsForPagesOnly(AuthorizationServer):
    """BUG: a request_uri that asks nobody does not expire (RFC 9126 section 4)."""

    def check_not_expired(self, pushed: PushedRequest) -> None:
        """Nobody is kept waiting."""
        if not is_silent(pushed.parameters):
            super().check_not_expired(pushed)


@fault("rfc9126-2.2-bound-to-client", settings=REMEMBERED)
class BindingIsForPagesOnly(AuthorizationServer):
    """BUG: a request_uri that asks nobody is any client's (RFC 9126 section 2.2)."""

    def check_bound_to_client(self, pushed: PushedRequest, client: RegisteredClient) -> None:
        """Only where somebody sees the client's name."""
        if not is_silent(pushed.parameters):
            super().check_bound_to_client(pushed, client)


@fault("rfc9126-4-par-required-of-client", settings=REMEMBERED)
class SilentRequestsNeedNotBePushed(AuthorizationServer):
    """BUG: a client that must push is served otherwise if nobody is asked (RFC 9126 section 4)."""

    silent = False

    def plain_request(self, client: RegisteredClient, query: Form) -> AuthorizationRequest:
        """Remember what was asked: nothing is awaited between here and the rule."""
        self.silent = query.get("prompt") == "none"
        try:
            return super().plain_request(client, query)
        finally:
            self.silent = False

    def require_pushed(self, client: RegisteredClient) -> None:
        """Only for the client's own flag."""
        if not (self.silent and client.require_par and not self.settings.require_par):
            super().require_pushed(client)


class _AnyoneInSilence(AuthorizationServer):
    """Does not compare a person with the one that a parameter of a silent request names."""

    ignored: str

    def check_wanted_person(self, parameters: Parameters, subject: str) -> None:
        """The one who is logged in."""
        if is_silent(parameters):
            parameters = {name: value for name, value in parameters.items() if name != self.ignored}
        super().check_wanted_person(parameters, subject)


@fault("openid-core-3.1.2.1-id-token-hint-of-other-user-refused", settings=REMEMBERED)
class HintIsNotComparedInSilence(_AnyoneInSilence):
    """BUG: under prompt=none whoever is logged in will do, whom id_token_hint names or not (section 3.1.2.1)."""

    ignored = "id_token_hint"


@fault("openid-core-3.1.2.2-other-user-than-claimed-refused", settings=REMEMBERED)
class ClaimedSubIsNotComparedInSilence(_AnyoneInSilence):
    """BUG: under prompt=none whoever is logged in will do, whom claims asks for or not (section 3.1.2.2)."""

    ignored = "claims"
