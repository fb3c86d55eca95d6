"""Faults at the authorization endpoint: objects by value, references, and what stands beside them (RFC 9101)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from conformance.server import jose
from conformance.server.app import AuthorizationServer
from conformance.server.clients import RegisteredClient
from conformance.server.errors import OAuthError
from conformance.server.faults import fault
from conformance.server.forms import Form
from conformance.server.records import AuthorizationRequest, Parameters, PushedRequest

OVERRIDDEN = ("rfc9101-5-object-by-value-parameters-not-overridden", "openid-core-6.1-object-supersedes-query")
EXTENDED = "rfc9101-5-object-by-value-parameters-not-extended"
UNSUPPORTED_URI = ("rfc9101-7-unsupported-request-uri-refused", "openid-core-6.2-unsupported-request-uri-answered")
UNREGISTERED = "rfc9101-10.4.1-unregistered-request-uri-refused"
HTTP = ("rfc9101-5.2-http-request-uri-refused", "openid-core-6.2-http-request-uri-refused")
SCHEMES = "rfc9101-5.2-other-schemes-refused"


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


# -- beside a pushed request


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


# -- servers without


@fault("rfc9101-7-unsupported-request-refused", "rfc9126-2-request-object-not-ignored", settings={"jar": False})
class UnsupportedObjectsAreIgnoredInPushes(AuthorizationServer):
    """BUG: a server without request objects ignores them in a push (RFC 9101 section 7)."""

    def pushed_parameters(self, client: RegisteredClient, form: Form) -> Parameters:
        """Use the form."""
        self.require_request_object(client)
        return {name: value for name, value in self.form_parameters(form).items() if name != "request"}


@fault(
    "rfc9101-7-unsupported-request-refused",
    "rfc9126-2-request-object-not-ignored",
    "rfc9126-2.3-malformed-answered",
    settings={"jar": False},
)
class UnsupportedObjectsLeavePushesOfLittle(UnsupportedObjectsAreIgnoredInPushes):
    """BUG: what a server is left with that ignores a pushed request object ends in a 500 (RFC 9126 section 2.3)."""

    def pushed_parameters(self, client: RegisteredClient, form: Form) -> Parameters:
        """Nobody thought of a push without response_type and redirect_uri."""
        if not form.get("response_type") and not form.get("redirect_uri"):
            raise OAuthError("server_error", "unexpected", status=500)
        return super().pushed_parameters(client, form)


@fault(
    "rfc9101-7-unsupported-request-refused",
    "openid-core-6.1-unsupported-request-answered",
    settings={"jar": False},
)
class UnsupportedObjectsAreIgnoredInLinks(AuthorizationServer):
    """BUG: a server without request objects ignores them in a link (RFC 9101 section 7)."""

    def request_by_value(self, client: RegisteredClient, query: Form, text: str) -> AuthorizationRequest:
        """Use the query."""
        return self.plain_request(client, query)


@fault("openid-core-6.1-unsupported-request-answered", settings={"jar": False})
class UnsupportedObjectsAreInvalidRequests(AuthorizationServer):
    """BUG: a server without request objects says invalid_request to the client (OpenID Connect Core section 6.1)."""

    def request_by_value(self, client: RegisteredClient, query: Form, text: str) -> AuthorizationRequest:
        """Use the other code."""
        about = self.plain_request(client, query)
        raise OAuthError("invalid_request", "there are parameters that nobody knows", about=about)


# -- references


@fault("rfc9101-5.2-request-uri-at-most-512-characters", "openid-core-6.2-request-uri-at-most-512-characters")
class ReferencesAreLong(AuthorizationServer):
    """BUG: a request_uri has more than 512 characters (RFC 9101 section 5.2)."""

    def new_reference(self) -> str:
        """Repeat it."""
        return "".join([AuthorizationServer.new_reference(self) for _ in range(12)])


@fault("rfc9101-5.2-issued-request-uri-is-urn")
class ReferencesAreNoUrns(AuthorizationServer):
    """BUG: a request_uri is of a scheme of the server's own (RFC 9101 section 5.2)."""

    def new_request_uri(self, client: RegisteredClient) -> str:
        """Another scheme."""
        return super().new_request_uri(client).replace("urn:ietf:params:oauth:request_uri:", "par:")


class _Passes(AuthorizationServer):
    """Passes some references over where a complete request stands beside them."""

    passed: tuple[str, ...] = ()

    async def referenced_request(self, client: RegisteredClient, query: Form, request_uri: str) -> AuthorizationRequest:
        """Use the query."""
        if not request_uri.startswith(self.passed) or query.get("response_type") is None:
            return await super().referenced_request(client, query, request_uri)
        self.require_pushed(client)
        parameters = {name: value for name, value in self.form_parameters(query).items() if name != "request_uri"}
        return self.check_authorization_request(client, parameters)


@fault(*UNSUPPORTED_URI)
class HttpsReferencesAreIgnored(_Passes):
    """BUG: an https request_uri is passed over in favour of the query (RFC 9101 section 7)."""

    passed = ("https:",)


@fault(*UNSUPPORTED_URI)
class HttpReferencesAreIgnored(_Passes):
    """BUG: an http request_uri is passed over in favour of the query (RFC 9101 section 5.2)."""

    passed = ("http:",)


@fault(
    *UNSUPPORTED_URI,
)
class OtherReferencesAreIgnored(_Passes):
    """BUG: a request_uri of another scheme is passed over in favour of the query (RFC 9101 section 5.2)."""

    passed = ("ftp:", "javascript:")


class _Fetches(AuthorizationServer):
    """Fetches references that nobody registered."""

    def may_fetch(self, request_uri: str) -> bool:
        """Fetch these."""
        return False

    async def fetch_request_object(self, request_uri: str) -> str:
        """Over plain http too."""
        async with aiohttp.ClientSession() as session, session.get(request_uri) as answer:
            return (await answer.text()).strip()


@fault(*HTTP)
class ObjectsAreFetchedInClear(_Fetches):
    """BUG: request objects are fetched over plain http (RFC 9101 section 5.2)."""

    def may_fetch(self, request_uri: str) -> bool:
        """Fetch plain http."""
        return request_uri.startswith("http://127.0.0.1")


@fault(SCHEMES)
class ObjectsAreReadFromDataUrls(_Fetches):
    """BUG: a data URL is read as a request object (RFC 9101 section 5.2)."""

    def may_fetch(self, request_uri: str) -> bool:
        """Read data URLs."""
        return request_uri.startswith("data:")

    async def fetch_request_object(self, request_uri: str) -> str:
        """What stands behind the comma."""
        return request_uri.partition(",")[2]


class _Connects(AuthorizationServer):
    """Tries unregistered https references before it refuses them."""

    def connects(self, query: Form) -> bool:
        """Whether it does so for this request."""
        return True

    async def referenced_request(self, client: RegisteredClient, query: Form, request_uri: str) -> AuthorizationRequest:
        """Connect, and refuse."""
        if request_uri.startswith("https://127.0.0.1") and self.connects(query):
            with suppress(aiohttp.ClientError):  # what comes back is of no account: that it was asked for is the fault
                async with aiohttp.ClientSession() as session, session.get(request_uri) as answer:
                    await answer.read()
        return await super().referenced_request(client, query, request_uri)


@fault("rfc9101-10.4.1-unregistered-request-uri-not-fetched")
class UnregisteredReferencesAreFetched(_Connects):
    """BUG: a request_uri that nobody registered is fetched (RFC 9101 section 10.4.1)."""


@fault("rfc9101-10.4.1-unregistered-request-uri-not-fetched")
class UnregisteredReferencesOfWholeRequestsAreFetched(_Connects):
    """BUG: an unregistered request_uri is fetched where the whole request is repeated beside it (section 10.4.1)."""

    def connects(self, query: Form) -> bool:
        """Only for a request of OpenID Connect, which has a response_type."""
        return query.get("response_type") is not None


class _Takes(AuthorizationServer):
    """Carries out the request beside a reference that is not registered, under a state of its own."""

    async def referenced_request(self, client: RegisteredClient, query: Form, request_uri: str) -> AuthorizationRequest:
        """Without the reference and without the state."""
        if urlsplit(request_uri).hostname != "unregistered.example" or query.get("response_type") is None:
            return await super().referenced_request(client, query, request_uri)
        parameters = {**self.form_parameters(query), "state": "of-the-reference"}
        del parameters["request_uri"]
        return self.check_authorization_request(client, parameters)


@fault(UNREGISTERED)
class UnregisteredReferencesAreMadeUp(_Takes):
    """BUG: where an unregistered reference cannot be fetched, the request beside it is (section 10.4.1)."""


_REGISTRATION: dict[str, Any] = {"jar_by_reference": "https://objects.example/"}


@fault(
    "rfc9101-10.4.1-unregistered-request-uri-not-fetched",
    "openid-core-6.2-registration-enforced",
    settings=_REGISTRATION,
)
class AnnouncedRegistrationComesTooLate(_Connects):
    """BUG: registration is announced, and looked at after the fetch (OpenID Connect Core section 6.2)."""


@fault(UNREGISTERED, "openid-core-6.2-registration-enforced", settings=_REGISTRATION)
class AnnouncedRegistrationIsNotEnforced(_Takes):
    """BUG: registration is announced, and something is carried out for an unregistered reference (Core section 6.2)."""


@fault(
    "openid-core-6.2-issued-request-uri-exempt-from-registration",
    "rfc9126-4-client-id-and-request-uri-suffice",
    settings=_REGISTRATION,
)
class IssuedReferencesNeedRegistration(AuthorizationServer):
    """BUG: for one client the server's own references have to be registered too (OpenID Connect Core section 6.2)."""

    def check_bound_to_client(self, pushed: Any, client: RegisteredClient) -> None:
        """Know registered ones only."""
        super().check_bound_to_client(pushed, client)
        if client.auth == "client_secret_jwt" and not self.may_fetch(pushed.request_uri):
            raise OAuthError("invalid_request_uri", "the request_uri is not registered")


_TOLD: dict[str, Any] = {"errors_before_login": "redirect"}


class _Tells(AuthorizationServer):
    """Tells the client of unusable references, by a code of its own."""

    code = "access_denied"
    of: tuple[str, ...] = ()

    async def referenced_request(self, client: RegisteredClient, query: Form, request_uri: str) -> AuthorizationRequest:
        """Redirect."""
        try:
            return await super().referenced_request(client, query, request_uri)
        except OAuthError as error:
            if request_uri.startswith(self.of):
                about = AuthorizationRequest(client, {"response_type": "code"}, client.redirect_uris[0])
                raise OAuthError(self.code, error.description, about=about) from None
            raise


@fault(*UNSUPPORTED_URI)
class ForeignReferencesAreDenied(_Tells):
    """BUG: a foreign request_uri is told as access_denied (RFC 9101 section 7)."""

    of = ("https:",)


@fault(
    "rfc9101-7-unknown-request-uri-error-code",
    "rfc9700-4.11.2-no-redirect-before-login",
    settings={"errors_before_login": "redirect"},
)
class UnknownReferencesAreDenied(_Tells):
    """BUG: an unknown request_uri is told as access_denied (RFC 9101 section 7)."""

    of = ("urn:",)


@fault("rfc9101-8-authorization-endpoint-uses-https", "rfc6749-3.1-authorization-endpoint-tls", alone=True)
class AuthorizationEndpointIsHttp(AuthorizationServer):
    """BUG: the authorization endpoint is published as http, from where it redirects to https (RFC 9101 section 8)."""

    plain = ""

    def application(self) -> web.Application:
        """Listen in clear as well."""
        app = super().application()
        app.cleanup_ctx.append(self.in_clear)
        return app

    async def in_clear(self, _: web.Application) -> AsyncIterator[None]:
        """Redirect whoever comes in clear."""

        async def redirect(request: web.BaseRequest) -> web.StreamResponse:
            form = await request.text()
            raise web.HTTPSeeOther(self.origin + request.raw_path + (f"?{form}" if form else ""))

        runner = web.ServerRunner(web.Server(redirect))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.plain = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield
        await runner.cleanup()

    def endpoint_metadata(self) -> dict[str, Any]:
        """Without the s."""
        members = super().endpoint_metadata()
        return {**members, "authorization_endpoint": self.plain + self.settings.issuer_path + "/authorize"}
