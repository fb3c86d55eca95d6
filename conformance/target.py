"""The target as the checks see it: profile, secrets, metadata, and which features are on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from conformance.profile.keyring import Credentials, Keyring
from conformance.profile.model import Client, Feature, Profile
from conformance.protocol.metadata import Metadata
from conformance.verdict import NotApplicable, NotExercised


@dataclass(frozen=True)
class RegisteredClient:
    """A client of the profile with what it proves itself with."""

    role: str
    entry: Client
    credentials: Credentials = field(repr=False)

    @property
    def client_id(self) -> str:
        """The client identifier."""
        return self.entry.client_id

    @property
    def redirect_uri(self) -> str:
        """The registered redirect URI that ordinary requests use."""
        return self.entry.redirect_uris[0]

    @property
    def public(self) -> bool:
        """Whether the client has no credentials (RFC 6749 section 2.1)."""
        return self.entry.auth == "none"

    @property
    def uses_assertion(self) -> bool:
        """Whether it authenticates with a JWT (RFC 7523)."""
        return self.entry.auth in {"private_key_jwt", "client_secret_jwt"}


@dataclass(frozen=True)
class Target:
    """One authorization server under test."""

    profile: Profile
    keyring: Keyring = field(repr=False)
    metadata: Metadata
    features: Mapping[Feature, bool]
    plans: tuple[str, ...] = ()

    def client(self, role: str) -> RegisteredClient:
        """The client of a role. NotApplicable, naming the role, where the profile has none."""
        if role not in self.profile.clients:
            raise NotApplicable(f"the profile has no client of the role {role!r}")
        return RegisteredClient(role, self.profile.clients[role], self.keyring.clients[role])

    def has(self, feature: Feature) -> bool:
        """Whether a feature is on at this target."""
        return self.features.get(feature, False)

    def require(self, feature: Feature) -> None:
        """NotApplicable unless a feature is on."""
        if not self.has(feature):
            raise NotApplicable(f"{feature} is off at this target")

    @property
    def par_endpoint(self) -> str:
        """URL of the pushed authorization request endpoint. NotExercised if nobody says where it is."""
        return self._known(self.metadata.pushed_authorization_request_endpoint, "pushed_authorization_request")

    @property
    def authorization_endpoint(self) -> str:
        """URL of the authorization endpoint."""
        return self._known(self.metadata.authorization_endpoint, "authorization")

    @property
    def token_endpoint(self) -> str:
        """URL of the token endpoint."""
        return self._known(self.metadata.token_endpoint, "token")

    @property
    def issuer(self) -> str:
        """The issuer identifier."""
        return self._known(self.metadata.issuer, "issuer")

    @staticmethod
    def _known(url: str | None, name: str) -> str:
        if url is None:
            raise NotExercised(f"no {name} endpoint: neither the metadata nor the profile's `endpoints` says it")
        return url


def detect(profile: Profile, metadata: Metadata) -> dict[Feature, bool]:
    """Which features are on: what the profile says, else what the metadata and the profile's clients show."""
    clients = profile.clients.values()
    document = metadata.document
    request_objects = any(client.request_objects for client in clients)
    # RFC 9101 section 10.5 and RFC 8414 section 2 leave a server free to say nothing: then the profile's word counts.
    speaks_jar = bool(
        metadata.strings("request_object_signing_alg_values_supported")
        or metadata.flag("request_parameter_supported")
        or metadata.flag("require_signed_request_object")
        or "request_parameter_supported" not in document
    )
    found = {
        Feature.PUBLIC_CLIENTS: any(client.auth == "none" for client in clients),
        Feature.REQUIRE_PAR: metadata.flag("require_pushed_authorization_requests"),
        Feature.UNREGISTERED_REDIRECT_URIS: False,
        Feature.OPENID: "id_token_signing_alg_values_supported" in document
        and "openid" in (profile.clients["first"].scope or "").split(),
        Feature.PKCE: "S256" in (metadata.strings("code_challenge_methods_supported") or []),
        Feature.REQUIRE_PKCE: profile.embedded and bool(profile.settings.get("pkce_required")),
        Feature.ISS: metadata.flag("authorization_response_iss_parameter_supported"),
        Feature.JAR: request_objects and speaks_jar,
        Feature.JAR_BY_VALUE: request_objects and metadata.flag("request_parameter_supported"),
        Feature.JAR_BY_REFERENCE: request_objects and metadata.flag("request_uri_parameter_supported"),
        Feature.ENCRYPTED_REQUEST_OBJECTS: request_objects
        and bool(metadata.strings("request_object_encryption_alg_values_supported")),
        Feature.REQUIRE_SIGNED_REQUEST_OBJECT: metadata.flag("require_signed_request_object"),
        Feature.JARM: "jwt" in (metadata.strings("response_modes_supported") or []),
        Feature.DPOP: bool(metadata.strings("dpop_signing_alg_values_supported")),
        Feature.RAR: any(client.authorization_details for client in clients),
        Feature.RESOURCE_INDICATORS: any(client.resource for client in clients),
        Feature.MTLS: any(client.auth.endswith("tls_client_auth") for client in clients),
        Feature.INTROSPECTION: metadata.introspection_endpoint is not None,
        Feature.REFRESH_TOKENS: "refresh_token" in (metadata.strings("grant_types_supported") or []),
        Feature.CORS: False,
        Feature.RAW_HTTP: False,
    }
    told = {feature: answer for feature, answer in profile.features.items() if isinstance(answer, bool)}
    return {**found, **told}
