"""Faults of resource indicators (RFC 8707), and of what access tokens are for and bound to (RFC 9700)."""

from __future__ import annotations

from typing import Any

from conformance.server.app import AuthorizationServer
from conformance.server.clients import RegisteredClient
from conformance.server.errors import OAuthError
from conformance.server.faults import fault
from conformance.server.forms import Form
from conformance.server.records import Grant, Parameters, Token


@fault("rfc8707-2-relative-resource-refused")
class RelativeResourceIsAccepted(AuthorizationServer):
    """BUG: a resource need not be an absolute URI (RFC 8707 section 2)."""

    def check_one_resource(self, client: RegisteredClient, resource: object) -> None:
        """Take what the own one ends with."""
        if not any(own.endswith(str(resource)) for own in client.resources):
            super().check_one_resource(client, resource)


@fault("rfc8707-2-resource-fragment-refused")
class FragmentOfResourceIsIgnored(AuthorizationServer):
    """BUG: the fragment of a resource is not looked at (RFC 8707 section 2)."""

    def check_one_resource(self, client: RegisteredClient, resource: object) -> None:
        """Cut it."""
        super().check_one_resource(client, str(resource).partition("#")[0])


@fault("rfc8707-2-several-resources-accepted", "rfc9126-2-resource-effective")
class ResourceStandsOnce(AuthorizationServer):
    """BUG: a push with several resources is refused (RFC 8707 section 2)."""

    def repeatable(self) -> set[str]:
        """Nothing."""
        return set()


@fault(
    "rfc8707-2-audience-restricted", "rfc8707-2.2-subset-at-token-endpoint", "rfc9126-4-outside-value-without-effect"
)
class TokenIsForAllResources(AuthorizationServer):
    """BUG: an access token is for everything that its client may ever reach (RFC 8707 section 2)."""

    def narrowed_resources(self, grant: Grant, form: Form) -> list[str]:
        """All of them."""
        super().narrowed_resources(grant, form)
        return sorted(self.clients[grant.client_id].resources) if grant.resources else []


@fault("rfc8707-2.1-resource-in-request-object")
class OnlyFirstResourceOfAnObject(AuthorizationServer):
    """BUG: of several resources in a request object the first one counts (RFC 8707 section 2.1)."""

    def object_parameters(self, claims: dict[str, Any]) -> Parameters:
        """Cut the array."""
        parameters = super().object_parameters(claims)
        if isinstance(parameters.get("resource"), list):
            parameters["resource"] = parameters["resource"][:1]
        return parameters


@fault("rfc8707-2.1-resource-in-request-object")
class ResourceOfAnObjectIsAnArray(AuthorizationServer):
    """BUG: a resource that is a string in a request object gets lost (RFC 8707 section 2.1)."""

    def object_parameters(self, claims: dict[str, Any]) -> Parameters:
        """Keep arrays only."""
        parameters = super().object_parameters(claims)
        if isinstance(parameters.get("resource"), str):
            del parameters["resource"]
        return parameters


@fault("rfc8707-2.1-unacceptable-resource-refused")
class UnknownResourceIsLeftOut(AuthorizationServer):
    """BUG: a resource that the client may not reach is accepted beside one that it may (RFC 8707 section 2.1)."""

    def check_resource(self, client: RegisteredClient, parameters: Parameters) -> None:
        """Keep what is known, if anything is."""
        known = [one for one in self.resources_of(parameters) if one in client.resources]
        if known:
            parameters["resource"] = known
        super().check_resource(client, parameters)


@fault("rfc8707-2.1-unacceptable-resource-refused")
class ResourceIsComparedByItsBeginning(AuthorizationServer):
    """BUG: a resource below one of the client's is accepted (RFC 8707 section 2.1)."""

    def check_one_resource(self, client: RegisteredClient, resource: object) -> None:
        """Compare the beginning."""
        if not any(str(resource).startswith(own + "/") for own in client.resources):
            super().check_one_resource(client, resource)


@fault("rfc8707-2.1-invalid-target")
class WrongResourceIsInvalidRequest(AuthorizationServer):
    """BUG: a resource that is refused is told as invalid_request (RFC 8707 section 2.1)."""

    def check_one_resource(self, client: RegisteredClient, resource: object) -> None:
        """Another code."""
        try:
            super().check_one_resource(client, resource)
        except OAuthError as error:
            raise OAuthError("invalid_request", error.description) from None


@fault("rfc8707-2.2-subset-at-token-endpoint")
class ChoiceOfResourceIsIgnored(AuthorizationServer):
    """BUG: the resource of a token request makes no difference (RFC 8707 section 2.2)."""

    def narrowed_resources(self, grant: Grant, form: Form) -> list[str]:
        """All that were pushed."""
        super().narrowed_resources(grant, form)
        return grant.resources


@fault("rfc8707-2.2-other-resource-refused")
class TokenRequestMayWiden(AuthorizationServer):
    """BUG: a token request may name any resource of the client (RFC 8707 section 2.2)."""

    def narrowed_resources(self, grant: Grant, form: Form) -> list[str]:
        """Those of the client."""
        asked = form.all("resource")
        return asked if asked and self.clients[grant.client_id].resources.issuperset(asked) else grant.resources


@fault("rfc9700-2.3-audience-restricted")
class TokenIsForNobody(AuthorizationServer):
    """BUG: nothing says for whom an access token is, unless a resource was pushed (RFC 9700 section 2.3)."""

    def token_members(self, token: Token) -> dict[str, Any]:
        """Leave aud out."""
        members = super().token_members(token)
        if not token.grant.resources:
            del members["aud"]
        return members
