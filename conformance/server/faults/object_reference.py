"""Faults in what a request_uri is worth that stands for a request object (RFC 9126 sections 3 and 4)."""

from __future__ import annotations

from typing import Any

from conformance.server.app import AuthorizationServer
from conformance.server.clients import RegisteredClient
from conformance.server.faults import fault
from conformance.server.forms import Form
from conformance.server.records import Parameters, PushedRequest


@fault("rfc9126-4-expired-refused")
class ObjectsOutliveTheirRequestUri(AuthorizationServer):
    """BUG: a request_uri that stands for a request object does not expire before that one (RFC 9126 section 4)."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.objects: set[str] = set()

    pushing_object = False

    def pushed_parameters(self, client: RegisteredClient, form: Form) -> Parameters:
        """Remember how they came: nothing is awaited between here and the store."""
        self.pushing_object = form.get("request") is not None
        return super().pushed_parameters(client, form)

    async def store(self, client: RegisteredClient, parameters: Parameters) -> PushedRequest:
        """Remember the request_uri of an object."""
        from_object = self.pushing_object
        pushed = await super().store(client, parameters)
        if from_object:
            self.objects.add(pushed.request_uri)
        return pushed

    def check_not_expired(self, pushed: PushedRequest) -> None:
        """The object's own exp is believed to be enough."""
        if pushed.request_uri not in self.objects:
            super().check_not_expired(pushed)
