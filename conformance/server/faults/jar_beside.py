"""Faults of links and objects beside a pushed request (RFC 9101 section 5)."""

from __future__ import annotations

from conformance.server.app import AuthorizationServer
from conformance.server.errors import OAuthError
from conformance.server.faults import fault
from conformance.server.forms import Form
from conformance.server.records import AuthorizationRequest, Parameters, PushedRequest


@fault("rfc9101-5-request-beside-request-uri-refused", "openid-core-6-request-beside-request-uri-refused")
class ObjectBesideReferenceIsIgnored(AuthorizationServer):
    """BUG: a request object beside a request_uri is ignored (RFC 9101 section 5)."""

    async def find_request(self, query: Form) -> AuthorizationRequest:
        """Look at the reference first."""
        pushed = self.load_pushed(query.get("request_uri") or "")
        if pushed is not None and query.get("request") is not None:
            return self.pushed_request(self.asking_client(query), query, pushed)
        return await super().find_request(query)


@fault(
    "rfc9101-5-request-beside-request-uri-refused",
    "openid-core-6-request-beside-request-uri-refused",
    "rfc9101-5-pushed-parameters-not-overridden-by-query",
    "rfc9126-4-outside-value-without-effect",
)
class ObjectBesideReferenceWins(AuthorizationServer):
    """BUG: a request object beside a request_uri is carried out in its place (RFC 9126 section 4)."""

    async def find_request(self, query: Form) -> AuthorizationRequest:
        """Look at the object first."""
        if query.get("request_uri") is not None and query.get("request") is not None:
            query = Form(tuple(pair for pair in query.pairs if pair[0] != "request_uri"))
        return await super().find_request(query)


@fault(
    "rfc9101-5-pushed-parameters-not-overridden-by-query",
    "rfc9126-4-outside-value-without-effect",
    "rfc9396-12-query-cannot-change-pushed-details",
    "rfc9449-10.1-query-dpop-jkt-has-no-effect",
)
class LinkWinsOverThePushedRequest(AuthorizationServer):
    """BUG: a parameter of the query wins over the pushed one (RFC 9101 section 5)."""

    def effective_parameters(self, query: Form, pushed: PushedRequest) -> Parameters:
        """Put the query on top."""
        outside = {name: value for name, value in self.form_parameters(query).items() if name in pushed.parameters}
        return {**pushed.parameters, **outside, "client_id": pushed.client_id}


@fault(
    "rfc9101-5-pushed-parameters-not-extended-by-query",
    "rfc9126-4-outside-parameter-not-merged",
    "rfc9449-10.1-query-dpop-jkt-has-no-effect",
)
class LinkFillsThePushedRequest(AuthorizationServer):
    """BUG: what was not pushed is taken from the query (RFC 9101 section 5)."""

    def effective_parameters(self, query: Form, pushed: PushedRequest) -> Parameters:
        """Put the query below."""
        outside = {name: value for name, value in self.form_parameters(query).items() if name != "request_uri"}
        return {**outside, **pushed.parameters}


@fault("rfc9101-5-duplicated-parameters-tolerated", "rfc9126-4-duplicates-tolerated")
class LinkMustNotRepeatThePushedRequest(AuthorizationServer):
    """BUG: a request that repeats what was pushed beside request_uri is refused (RFC 9101 section 5)."""

    def effective_parameters(self, query: Form, pushed: PushedRequest) -> Parameters:
        """Refuse the basic parameters."""
        if {"response_type", "redirect_uri"} <= query.names():
            raise OAuthError("invalid_request", "the request was pushed")
        return super().effective_parameters(query, pushed)
