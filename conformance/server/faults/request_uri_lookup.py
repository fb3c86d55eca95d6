"""Faults of which stored request a request_uri leads to (RFC 9126 section 4)."""

from __future__ import annotations

import re

from conformance.server.app import AuthorizationServer
from conformance.server.clients import RegisteredClient
from conformance.server.faults import fault
from conformance.server.forms import Form
from conformance.server.records import AuthorizationRequest, PushedRequest

UNKNOWN = "rfc9126-4-unknown-request-uri-refused"


@fault(UNKNOWN)
class UnknownReferenceFallsBackToTheQuery(AuthorizationServer):
    """BUG: where nothing is stored under a request_uri, the request is read from the query (section 4)."""

    async def find_request(self, query: Form) -> AuthorizationRequest:
        """Leave the unknown reference out."""
        if query.get("request_uri") and self.load_pushed(query.get("request_uri") or "") is None:
            query = Form(tuple(pair for pair in query.pairs if pair[0] != "request_uri"))
        return await super().find_request(query)


@fault(UNKNOWN)
class ReferencesAreFoundByTheirBeginning(AuthorizationServer):
    """BUG: a request_uri is looked up by its first forty signs after the prefix (RFC 9126 section 4)."""

    def load_pushed(self, request_uri: str) -> PushedRequest | None:
        """The first that begins alike."""
        found = [one for one in self.pushed if one.request_uri[:70] == request_uri[:70]]
        return found[0] if found else None


@fault(UNKNOWN)
class CaseOfReferencesIsIgnored(AuthorizationServer):
    """BUG: the database compares references without regard to case (RFC 9126 section 4)."""

    def load_pushed(self, request_uri: str) -> PushedRequest | None:
        """The first that is spelled alike."""
        return next((one for one in self.pushed if one.request_uri.lower() == request_uri.lower()), None)


@fault(UNKNOWN)
class ReferencesAreLookedUpAsPatterns(AuthorizationServer):
    """BUG: the database takes a request_uri for a pattern, in which a sign stands for any others
    (RFC 9126 section 4)."""

    def load_pushed(self, request_uri: str) -> PushedRequest | None:
        """The first that fits."""
        pattern = re.compile(re.escape(request_uri).replace("%", ".*").replace(r"\*", ".*"))
        return next((one for one in self.pushed if pattern.fullmatch(one.request_uri)), None)


@fault(UNKNOWN)
class UnknownReferenceMeansTheNewestPush(AuthorizationServer):
    """BUG: an unknown request_uri of a client stands for its newest push (RFC 9126 section 4)."""

    async def referenced_request(self, client: RegisteredClient, query: Form, request_uri: str) -> AuthorizationRequest:
        """The newest of this client."""
        mine = [one for one in self.pushed if one.client_id == client.client_id and not one.used]
        if mine:
            return self.pushed_request(client, query, mine[-1])
        return await super().referenced_request(client, query, request_uri)
