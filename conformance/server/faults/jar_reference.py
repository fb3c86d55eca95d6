"""Faults of references to request objects: their form, fetching, registration (RFC 9101 sections 5.2 and 10.4.1)."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from conformance.server.app import AuthorizationServer
from conformance.server.clients import RegisteredClient
from conformance.server.errors import OAuthError
from conformance.server.faults import fault
from conformance.server.forms import Form
from conformance.server.records import AuthorizationRequest

UNSUPPORTED_URI = ("rfc9101-7-unsupported-request-uri-refused", "openid-core-6.2-unsupported-request-uri-answered")
UNREGISTERED = "rfc9101-10.4.1-unregistered-request-uri-refused"
HTTP = ("rfc9101-5.2-http-request-uri-refused", "openid-core-6.2-http-request-uri-refused")
SCHEMES = "rfc9101-5.2-other-schemes-refused"
_REGISTRATION: dict[str, Any] = {"jar_by_reference": "https://objects.example/"}
_TOLD: dict[str, Any] = {"errors_before_login": "redirect"}


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
