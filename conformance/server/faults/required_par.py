"""Faults of PAR as the only way in (RFC 9126 sections 4, 5 and 6)."""

from __future__ import annotations

from typing import Any

from conformance.server.app import AuthorizationServer
from conformance.server.clients import RegisteredClient
from conformance.server.errors import OAuthError
from conformance.server.faults import fault
from conformance.server.faults.request_uri_ways_in import ByMethod
from conformance.server.forms import Form
from conformance.server.records import AuthorizationRequest

FLAG = "require_pushed_authorization_requests"
PLAIN = "rfc9126-4-par-required-plain-refused"
OBJECT = "rfc9126-4-par-required-request-object-refused"
ENFORCED = "rfc9126-5-require-par-enforced"
OF_CLIENT = "rfc9126-4-par-required-of-client"
REQUIRED = {"require_par": True}


@fault(PLAIN, OBJECT, ENFORCED)
class RequirementIsOnlyPublished(AuthorizationServer):
    """BUG: the metadata says that PAR is required, and nothing is done about it (RFC 9126 section 5)."""

    def endpoint_metadata(self) -> dict[str, Any]:
        """Say so."""
        return super().endpoint_metadata() | {FLAG: True}


@fault(PLAIN, "rfc9126-4-par-required-of-client", settings=REQUIRED)
class PlainRequestsByPostAreServed(ByMethod):
    """BUG: where PAR is required, plain requests by POST are served all the same (RFC 9126 section 4)."""

    def require_pushed(self, client: RegisteredClient) -> None:
        """GET only."""
        if not self.posted:
            super().require_pushed(client)


@fault(PLAIN, ENFORCED, "rfc9126-4-par-required-of-client", settings=REQUIRED)
class RequirementIsForPublicClients(AuthorizationServer):
    """BUG: PAR is required of public clients only, though it is said to be of everyone (RFC 9126 section 4)."""

    def require_par_applies(self, client: RegisteredClient) -> bool:
        """Not of clients that authenticate with a secret."""
        return client.secret is None and super().require_par_applies(client)


@fault(
    PLAIN,
    ENFORCED,
    "rfc9101-10.5-plain-request-refused-where-required-for-client",
    "rfc9126-4-par-required-of-client",
    settings=REQUIRED,
)
class RequirementIsForRequestsWithoutRedirectUri(AuthorizationServer):
    """BUG: a plain request with a registered redirect_uri passes where PAR is required (RFC 9126 section 4)."""

    def plain_request(self, client: RegisteredClient, query: Form) -> AuthorizationRequest:
        """Refuse only what has none."""
        if query.get("redirect_uri") in client.redirect_uris:
            return self.check_authorization_request(client, self.form_parameters(query))
        return super().plain_request(client, query)


@fault(OBJECT, settings=REQUIRED)
class SignedRequestsNeedNotBePushed(AuthorizationServer):
    """BUG: a request object by value passes where PAR is required: it is signed (RFC 9126 section 4)."""

    def request_by_value(self, client: RegisteredClient, query: Form, text: str) -> AuthorizationRequest:
        """Without the rule."""
        return self.check_authorization_request(client, self.read_request_object(client, text))


@fault(
    "rfc9126-4-par-required-foreign-request-uri-refused",
    "openid-core-6.2-http-request-uri-refused",
    "rfc9101-10.4.1-unregistered-request-uri-not-fetched",
    "rfc9101-5.2-http-request-uri-refused",
    settings=REQUIRED,
)
class AnyRequestUriCountsAsPushed(AuthorizationServer):
    """BUG: any request_uri passes where PAR is required, and is fetched (RFC 9126 section 4)."""

    async def referenced_request(self, client: RegisteredClient, query: Form, request_uri: str) -> AuthorizationRequest:
        """Without the rule."""
        text = await self.fetch_request_object(request_uri)
        return self.check_authorization_request(client, self.read_request_object(client, text))


@fault(
    "rfc9126-4-par-required-error",
    "rfc9700-4.11.2-no-redirect-before-login",
    settings={**REQUIRED, "errors_before_login": "redirect"},
)
class MissingPushIsAccessDenied(AuthorizationServer):
    """BUG: where PAR is required, a plain request is told access_denied (RFC 9126 section 4)."""

    def require_pushed(self, client: RegisteredClient) -> None:
        """Another code."""
        try:
            super().require_pushed(client)
        except OAuthError:
            raise OAuthError("access_denied", "a pushed authorization request is required") from None


@fault("rfc9126-4-policy-signalled", "rfc9126-5-require-par-default", settings=REQUIRED, features={"require_par": True})
class PolicyIsNotPublished(AuthorizationServer):
    """BUG: PAR is required of everyone, and the metadata does not say so (RFC 9126 section 4)."""

    def endpoint_metadata(self) -> dict[str, Any]:
        """Say nothing."""
        members = super().endpoint_metadata()
        members.pop(FLAG)
        return members


@fault("rfc9126-5-require-par-default", "rfc9126-6-client-flag-default", settings=REQUIRED)
class PolicyIsDenied(AuthorizationServer):
    """BUG: PAR is required of everyone, and the metadata says that it is not (RFC 9126 section 5)."""

    def endpoint_metadata(self) -> dict[str, Any]:
        """Say the contrary."""
        return super().endpoint_metadata() | {FLAG: False}


@fault("rfc9126-6-client-flag-default")
class FlagOfOneClientIsForAll(AuthorizationServer):
    """BUG: clients that send their secret in the body have to push, though nobody registered that (section 6)."""

    def require_par_applies(self, client: RegisteredClient) -> bool:
        """A wrong default."""
        return client.auth == "client_secret_post" or super().require_par_applies(client)


@fault(OF_CLIENT)
class FlagOfTheClientIsForgotten(AuthorizationServer):
    """BUG: require_pushed_authorization_requests of a client is stored and not looked at (RFC 9126 section 6)."""

    def require_par_applies(self, client: RegisteredClient) -> bool:
        """The server's policy alone."""
        return self.settings.require_par


@fault(OF_CLIENT)
class FlagOfTheClientIsForgottenByPost(ByMethod):
    """BUG: a client's flag holds for requests by GET (RFC 9126 section 6)."""

    def require_pushed(self, client: RegisteredClient) -> None:
        """GET only."""
        if not self.posted:
            super().require_pushed(client)


class _Reading(AuthorizationServer):
    """Knows, while it looks for a request, what stands in it."""

    query = Form(())

    async def find_request(self, query: Form) -> AuthorizationRequest:
        """Remember it: nothing is awaited between here and the rules."""
        self.query = query
        return await super().find_request(query)


@fault(OF_CLIENT)
class FlagHoldsForOpenidOnly(_Reading):
    """BUG: a client's flag is looked at in the code for OpenID Connect alone (RFC 9126 section 6)."""

    def require_pushed(self, client: RegisteredClient) -> None:
        """Only with the scope openid."""
        if "openid" in (self.query.get("scope") or "").split():
            super().require_pushed(client)


@fault(OF_CLIENT)
class FlagHoldsForTheFirstLoginOnly(_Reading):
    """BUG: a request for a new login takes a way on which a client's flag is not looked at (RFC 9126 section 6)."""

    def require_pushed(self, client: RegisteredClient) -> None:
        """Only without a prompt."""
        if self.query.get("prompt") is None:
            super().require_pushed(client)


@fault(OF_CLIENT)
class EmptyReferenceSatisfiesTheFlag(_Reading):
    """BUG: a request_uri without a value satisfies the flag of a client that has to push (RFC 9126 section 6)."""

    def require_pushed(self, client: RegisteredClient) -> None:
        """Look at the name alone."""
        if "request_uri" not in {name for name, _ in self.query.pairs}:
            super().require_pushed(client)


@fault(OF_CLIENT)
class AnyReferenceSatisfiesTheFlag(AuthorizationServer):
    """BUG: any request_uri will do, and where nothing is stored under it the query is carried out (section 6)."""

    async def find_request(self, query: Form) -> AuthorizationRequest:
        """Of a client that must push."""
        client, reference = self.asking_client(query), query.get("request_uri")
        if client.require_par and reference and self.load_pushed(reference) is None and query.get("response_type"):
            parameters = self.form_parameters(query)
            parameters.pop("request_uri", None)
            return self.check_authorization_request(client, parameters)
        return await super().find_request(query)


@fault(
    OF_CLIENT,
)
class FlagHoldsForThePageNotForTheCode(AuthorizationServer):
    """BUG: a client that must push is warned on the login page, and served (RFC 9126 section 6)."""

    def require_pushed(self, client: RegisteredClient) -> None:
        """Only warn."""
        self.__dict__.setdefault("warned", []).append(client.client_id)


@fault("rfc9126-4-par-required-of-client")
class ChosenModesNeedNotBePushed(AuthorizationServer):
    """BUG: a client that must push is served otherwise if it names a response_mode (RFC 9126 section 4)."""

    chosen = False

    def plain_request(self, client: RegisteredClient, query: Form) -> AuthorizationRequest:
        """Remember what was asked: nothing is awaited between here and the rule."""
        self.chosen = query.get("response_mode") is not None
        try:
            return super().plain_request(client, query)
        finally:
            self.chosen = False

    def require_pushed(self, client: RegisteredClient) -> None:
        """Only for the client's own flag."""
        if not (self.chosen and client.require_par and not self.settings.require_par):
            super().require_pushed(client)
