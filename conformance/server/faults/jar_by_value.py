"""Faults of request objects that come by value to the authorization endpoint (RFC 9101 sections 5.1 and 6.2)."""

from __future__ import annotations

from typing import Any

from conformance.server import jose
from conformance.server.app import AuthorizationServer
from conformance.server.clients import RegisteredClient
from conformance.server.errors import OAuthError
from conformance.server.faults import fault
from conformance.server.forms import Form
from conformance.server.records import AuthorizationRequest, Parameters

OVERRIDDEN = ("rfc9101-5-object-by-value-parameters-not-overridden", "openid-core-6.1-object-supersedes-query")
EXTENDED = "rfc9101-5-object-by-value-parameters-not-extended"


@fault("rfc9101-5.1-object-by-value-accepted")
class ObjectsByValueFail(AuthorizationServer):
    """BUG: request objects by value are advertised and refused (RFC 9101 section 5.1)."""

    def request_by_value(self, client: RegisteredClient, query: Form, text: str) -> AuthorizationRequest:
        """Refuse them."""
        raise OAuthError("request_not_supported", "request objects are not supported here")


class _TrustingByValue(AuthorizationServer):
    """Does not verify request objects by value as it does those that are pushed."""

    by_value = False

    def request_by_value(self, client: RegisteredClient, query: Form, text: str) -> AuthorizationRequest:
        """Look less closely. Nothing is awaited in it, so that no push gets between."""
        self.by_value = True
        try:
            return super().request_by_value(client, query, text)
        finally:
            self.by_value = False


@fault("rfc9101-6.2-signature-validated", "rfc9101-6.2-unknown-key-refused", "rfc9101-6.2-empty-signature-refused")
class SignaturesAreVerifiedAtPushesOnly(_TrustingByValue):
    """BUG: the signature of a request object is verified when it is pushed, and not by value (RFC 9101 section 6.2)."""

    def verify_object_signature(self, client: RegisteredClient, jws: jose.Jws) -> None:
        """By value anything will do."""
        if not self.by_value:
            super().verify_object_signature(client, jws)


@fault("rfc9101-10.5-alg-none-refused")
class UnsignedObjectsPassByValue(_TrustingByValue):
    """BUG: by value the algorithm none is taken at its word (RFC 9101 section 6.2)."""

    def check_object_algorithm(self, client: RegisteredClient, jws: jose.Jws) -> None:
        """None will do."""
        if not (self.by_value and jws.alg == "none"):
            super().check_object_algorithm(client, jws)

    def verify_object_signature(self, client: RegisteredClient, jws: jose.Jws) -> None:
        """Of none there is none."""
        if not (self.by_value and jws.alg == "none"):
            super().verify_object_signature(client, jws)


@fault("rfc9101-5-client-id-required-beside-request")
class ClientIdIsReadFromTheObject(AuthorizationServer):
    """BUG: without client_id the claim of the unverified object names the client (RFC 9101 section 5)."""

    def asking_client(self, query: Form) -> RegisteredClient:
        """Read it from the object."""
        if query.get("client_id") is None and query.get("request"):
            claims = jose.parse_jws(query.get("request") or "").claims()
            return self.clients[str(claims.get("client_id"))]
        return super().asking_client(query)


@fault("rfc9126-4-client-id-required", "rfc9101-5-client-id-required-beside-request-uri")
class ClientIdIsReadFromThePush(AuthorizationServer):
    """BUG: without client_id the pushed request names the client (RFC 9101 section 5)."""

    def asking_client(self, query: Form) -> RegisteredClient:
        """Read it from the push."""
        pushed = self.load_pushed(query.get("request_uri") or "")
        if query.get("client_id") is None and pushed is not None:
            return self.clients[pushed.client_id]
        return super().asking_client(query)


@fault("rfc9101-6.3-query-client-id-mismatch-refused", "openid-core-6.1-client-id-mismatch-refused")
class ClientOfTheObjectIsServed(AuthorizationServer):
    """BUG: by value the client_id of the object counts, not the query's (RFC 9101 section 6.3)."""

    def request_by_value(self, client: RegisteredClient, query: Form, text: str) -> AuthorizationRequest:
        """Go on as the client that the object names."""
        try:
            named = self.clients.get(str(jose.parse_jws(text).claims().get("client_id")), client)
        except ValueError:
            named = client
        return super().request_by_value(named, query, text)


class _Merges(AuthorizationServer):
    """Mixes the query with a request object by value."""

    def merged(self, signed: Parameters, query: Parameters) -> Parameters:
        """What counts."""
        return signed

    def request_by_value(self, client: RegisteredClient, query: Form, text: str) -> AuthorizationRequest:
        """Mix, and judge the mixture."""
        self.require_pushed(client)
        outside = {name: value for name, value in self.form_parameters(query).items() if name != "request"}
        parameters = self.merged(self.read_request_object(client, text), outside)
        return self.check_authorization_request(client, parameters)


@fault(*OVERRIDDEN, EXTENDED, "openid-core-6.1-response-type-mismatch-refused")
class QueryWinsOverObject(_Merges):
    """BUG: the query wins over a request object by value (RFC 9101 section 5)."""

    def merged(self, signed: Parameters, query: Parameters) -> Parameters:
        """Put the query on top."""
        return {**signed, **query}

    def check_response_type(self, parameters: Parameters) -> None:
        """Serve token as well."""
        if "token" not in str(parameters.get("response_type")):
            super().check_response_type(parameters)

    def authorization_response(self, request: AuthorizationRequest, code: str) -> Any:
        """Answer a response_type with token with one."""
        response = super().authorization_response(request, code)
        if "token" in str(request.parameters.get("response_type")) and "Location" in response.headers:
            response.headers["Location"] = response.headers["Location"].replace("code=", "access_token=")
        return response


@fault(*OVERRIDDEN)
class ScopeOfTheQueryIsAdded(_Merges):
    """BUG: the scope of the query widens the one of a request object by value (RFC 9101 section 5)."""

    def merged(self, signed: Parameters, query: Parameters) -> Parameters:
        """Unite both."""
        scopes = dict.fromkeys(f"{signed.get('scope', '')} {query.get('scope', '')}".split())
        return {**signed, "scope": " ".join(scopes)} if scopes else signed


@fault(EXTENDED)
class QueryFillsTheObject(_Merges):
    """BUG: what a request object by value lacks is taken from the query (RFC 9101 section 5)."""

    def merged(self, signed: Parameters, query: Parameters) -> Parameters:
        """Put the query below."""
        return {**query, **signed}
