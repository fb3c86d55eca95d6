"""Faults of authorization requests in the OAuth profile of the AT protocol."""

from __future__ import annotations

from typing import Any

from conformance.server.app import AuthorizationServer
from conformance.server.clients import RegisteredClient
from conformance.server.faults import AT, fault
from conformance.server.records import Parameters, PushedRequest


@fault(
    "atproto-oauth-pushed-authorization-requests-par-par-required-in-metadata", "rfc9126-4-policy-signalled", profile=AT
)
class MetadataDemandNoPushes(AuthorizationServer):
    """BUG: the metadata leave require_pushed_authorization_requests out (pushed-authorization-requests-par)."""

    def endpoint_metadata(self) -> dict[str, Any]:
        """Without it."""
        members = super().endpoint_metadata()
        members.pop("require_pushed_authorization_requests")
        return members


@fault("atproto-oauth-pushed-authorization-requests-par-pushes-supported", profile=AT)
class PublicClientsGetNowhere(AuthorizationServer):
    """BUG: the request_uri of a public client leads nowhere (pushed-authorization-requests-par)."""

    async def store(self, client: RegisteredClient, parameters: Parameters) -> PushedRequest:
        """Forget it."""
        pushed = await super().store(client, parameters)
        if not client.confidential:
            self.pushed.drop(pushed.request_uri)
        return pushed


@fault("atproto-oauth-request-fields-missing-state-refused", profile=AT)
class StateIsOptional(AuthorizationServer):
    """BUG: a push needs no state (request-fields)."""

    def check_state(self, client: RegisteredClient, parameters: Parameters) -> None:
        """Only where there is one."""
        if parameters.get("state"):
            super().check_state(client, parameters)


@fault("atproto-oauth-request-fields-duplicate-state-refused", profile=AT)
class StateMayComeAgain(AuthorizationServer):
    """BUG: a state is not remembered (request-fields)."""

    def check_state(self, client: RegisteredClient, parameters: Parameters) -> None:
        """Forget what was seen."""
        self.seen.drop(f"state {client.client_id} {parameters.get('state')}")
        super().check_state(client, parameters)


@fault("atproto-oauth-request-fields-scope-without-atproto-refused", profile=AT)
class ScopeNeedsNoAtproto(AuthorizationServer):
    """BUG: the scope need not have atproto (request-fields)."""

    def check_scope(self, client: RegisteredClient, parameters: Parameters) -> None:
        """Add it while looking."""
        own = parameters.get("scope")
        super().check_scope(client, {**parameters, "scope": f"{own} atproto" if own else "atproto"})


@fault("atproto-oauth-proof-key-for-code-exchange-pkce-reused-code-challenge-refused", profile=AT)
class ChallengesMayComeAgain(AuthorizationServer):
    """BUG: a code_challenge may be used for ever (proof-key-for-code-exchange-pkce)."""

    def refuse_constant_challenge(self, client: RegisteredClient, challenge: str) -> None:
        """Let it pass."""
