"""Rich authorization requests (RFC 9396) and resource indicators (RFC 8707)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.server import jose
from conformance.server.clients import RegisteredClient
from conformance.server.dpop import Dpop
from conformance.server.errors import OAuthError
from conformance.server.records import Parameters


class Details(Dpop):
    """What exactly a client asks for, and for whom."""

    def check_authorization_details(self, client: RegisteredClient, parameters: Parameters) -> None:
        """Every entry conforms to its type (RFC 9396, section 5); the parsed array replaces the text."""
        if not self.settings.rar or "authorization_details" not in parameters:
            parameters.pop("authorization_details", None)
            return
        details = self.read_authorization_details(parameters["authorization_details"])
        for entry in details:
            self.check_detail(client, entry)
        parameters["authorization_details"] = details

    def read_authorization_details(self, value: object) -> list[Any]:
        """The entries: JSON text of a form, or the array of a request object."""
        try:
            entries = jose.parse_json(value) if isinstance(value, str) else value
        except ValueError:
            raise OAuthError("invalid_authorization_details", "authorization_details is no JSON") from None
        if not isinstance(entries, list) or not entries or not all(isinstance(one, dict) for one in entries):
            raise OAuthError("invalid_authorization_details", "authorization_details is no array of JSON objects")
        return entries

    def check_detail(self, client: RegisteredClient, entry: Mapping[str, Any]) -> None:
        """One entry: a type that the client may use, all of its members, no others, and the right JSON types."""
        sample = self.detail_schema(client, entry.get("type"))
        if entry.keys() != sample.keys():
            raise OAuthError("invalid_authorization_details", "members are missing or unknown")
        if not all(_alike(entry[name], sample[name]) for name in sample):
            raise OAuthError("invalid_authorization_details", "a member has the wrong JSON type")

    def detail_schema(self, client: RegisteredClient, name: object) -> Mapping[str, object]:
        """The sample entry of a type that the client is registered for."""
        for sample in client.authorization_details:
            if isinstance(name, str) and sample.get("type") == name:
                return sample
        raise OAuthError("invalid_authorization_details", "the type is unknown or not for this client")

    def detail_types(self) -> list[str]:
        """Every type of authorization details that some client may use."""
        found = {str(sample["type"]) for one in self.clients.values() for sample in one.authorization_details}
        return sorted(found)

    def check_resource(self, client: RegisteredClient, parameters: Parameters) -> None:
        """Every resource is one that the client may reach (RFC 8707, section 2)."""
        if not self.settings.resource_indicators:
            parameters.pop("resource", None)
            return
        for resource in self.resources_of(parameters):
            self.check_one_resource(client, resource)

    def check_one_resource(self, client: RegisteredClient, resource: object) -> None:
        """One resource indicator."""
        if not isinstance(resource, str) or resource not in client.resources:
            raise OAuthError("invalid_target", "the resource is unknown or not for this client")

    def resources_of(self, parameters: Parameters) -> list[Any]:
        """The resource indicators of a request: one text, or several."""
        value = parameters.get("resource", [])
        return value if isinstance(value, list) else [value]


def _alike(value: object, sample: object) -> bool:
    """Whether two JSON values have the same JSON type; arrays and objects also in what they hold."""
    if isinstance(sample, bool) or isinstance(value, bool):
        return isinstance(sample, bool) and isinstance(value, bool)
    if isinstance(sample, (int, float)):
        return isinstance(value, (int, float))
    if isinstance(sample, list):
        return isinstance(value, list) and all(_alike(one, sample[0]) for one in value if sample)
    if isinstance(sample, dict):
        return (
            isinstance(value, dict)
            and value.keys() == sample.keys()
            and all(_alike(value[name], sample[name]) for name in sample)
        )
    return type(value) is type(sample)
