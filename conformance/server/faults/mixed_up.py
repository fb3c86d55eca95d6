"""Faults of what is kept with a client, or for everyone, and not with the request (RFC 9126 section 2.2)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from aiohttp import web

from conformance.server.app import AuthorizationServer
from conformance.server.clients import RegisteredClient
from conformance.server.faults import fault
from conformance.server.records import AuthorizationRequest, Code, Interaction, Parameters, PushedRequest, Session


@fault("rfc9126-2.2-request-uri-stands-for-request")
class DetailsAreKeptWithTheClient(AuthorizationServer):
    """BUG: the authorization_details that a client pushed last are those of all its requests (RFC 9126 section 2.2)."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.last: dict[str, Any] = {}

    async def store(self, client: RegisteredClient, parameters: Parameters) -> PushedRequest:
        """Keep them under the client's name."""
        if "authorization_details" in parameters:
            self.last[client.client_id] = parameters["authorization_details"]
        return await super().store(client, parameters)

    def issue_code(self, session: Session, asked: AuthorizationRequest) -> Code:
        """Grant what is kept, where it is of the same types."""
        code = super().issue_code(session, asked)
        own, last = code.grant.authorization_details, self.last.get(code.grant.client_id, [])
        if [entry["type"] for entry in own] == [entry["type"] for entry in last]:
            code.grant.authorization_details = list(last)
        return code


@fault("rfc6749-3.1-resource-owner-authenticated")
class CodesAreOfWhoLoggedInLast(AuthorizationServer):
    """BUG: a code is issued for the person who logged in last, in whatever browser (RFC 6749 section 3.1)."""

    def issue_code(self, session: Session, asked: AuthorizationRequest) -> Code:
        """Take the newest session."""
        last = max((other for other in self.sessions if other.user), key=lambda other: other.auth_time)
        return super().issue_code(replace(session, user=last.user), asked)


@fault("rfc9126-2.2-request-uri-stands-for-request")
class ConsentGoesToTheLastRequest(AuthorizationServer):
    """BUG: a consent is given to the request that the browser opened last, whatever its page said (RFC 9126 2.2)."""

    async def conclude(self, session: Session, interaction: Interaction, *, allowed: bool) -> web.Response:
        """Take the newest of the session."""
        waiting = [other for other in self.interactions if other.session_id == session.id]
        return await super().conclude(session, waiting[-1] if waiting else interaction, allowed=allowed)


@fault("rfc9126-2.2-request-uri-stands-for-request")
class RequestsAreKeptByTheirState(AuthorizationServer):
    """BUG: what a client pushes with a state that it used before replaces the earlier request (section 2.2)."""

    async def store(self, client: RegisteredClient, parameters: Parameters) -> PushedRequest:
        """Both request_uris stand for the later one."""
        new = await super().store(client, parameters)
        for old in self.pushed:
            if old.client_id == new.client_id and old.parameters.get("state") == parameters.get("state"):
                old.parameters = parameters
        return new


@fault("rfc9126-2.2-request-uri-stands-for-request")
class OneRequestForEachState(AuthorizationServer):
    """BUG: a state that comes again makes the earlier request_uri worthless, whoever pushed it (section 2.2)."""

    async def store(self, client: RegisteredClient, parameters: Parameters) -> PushedRequest:
        """The last one wins."""
        for old in self.pushed:
            old.used |= old.parameters.get("state") == parameters.get("state")
        return await super().store(client, parameters)
