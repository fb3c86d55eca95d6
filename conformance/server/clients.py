"""The registered clients and users, as the profile and its keyring give them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from conformance.profile.keyring import Credentials, Keyring, Person
from conformance.profile.model import Client, ClientAuth, Profile
from conformance.server import jose


@dataclass(frozen=True)
class PublicKey:
    """A registered public key: it verifies with its one algorithm only."""

    kid: str
    alg: str
    key: Any


@dataclass(frozen=True)
class RegisteredClient:
    """What the server knows about one client."""

    role: str
    client_id: str
    auth: ClientAuth
    redirect_uris: tuple[str, ...]
    secret: str | None = field(default=None, repr=False)
    keys: tuple[PublicKey, ...] = ()
    certificate: x509.Certificate | None = None
    trust_anchor: str | None = None
    """PEM text that mutual TLS trusts for this client: its issuer, or the certificate itself."""
    assertion_algs: tuple[str, ...] = ()
    scopes: frozenset[str] = frozenset()
    forbidden_scopes: frozenset[str] = frozenset()
    require_par: bool = False
    request_object_alg: str | None = None
    """The registered request_object_signing_alg; None: the client is not registered for request objects."""
    require_signed_request_object: bool = False
    dpop_bound: bool = False
    authorization_details: tuple[Mapping[str, object], ...] = ()
    """One sample of every type that the client may ask for: its members and their JSON types are the schema."""
    resources: frozenset[str] = frozenset()

    @property
    def confidential(self) -> bool:
        """Whether the client can prove who it is."""
        return self.auth != "none"

    @property
    def uses_tls(self) -> bool:
        """Whether the client proves itself with a certificate."""
        return self.auth in {"tls_client_auth", "self_signed_tls_client_auth"}


@dataclass(frozen=True)
class User:
    """A person who can log in."""

    subject: str
    username: str
    password: str = field(repr=False)


def register(profile: Profile, keyring: Keyring) -> dict[str, RegisteredClient]:
    """The clients of a profile by client_id. ValueError if two roles share one."""
    clients: dict[str, RegisteredClient] = {}
    for role, client in profile.clients.items():
        if client.client_id in clients:
            raise ValueError(f"clients: {role} and {clients[client.client_id].role} have the same client_id")
        clients[client.client_id] = _registered(role, client, keyring.clients[role])
    return clients


def users(keyring: Keyring) -> dict[str, User]:
    """The users of a keyring by user name."""
    return {person.username: _user(name, person) for name, person in keyring.users.items()}


def _user(name: str, person: Person) -> User:
    return User(subject=f"subject-{name}", username=person.username, password=person.password)


def _registered(role: str, client: Client, credentials: Credentials) -> RegisteredClient:
    keys = tuple(PublicKey(key.kid, key.alg, key.private.public_key()) for key in credentials.keys)
    objects = client.request_objects
    held = credentials.certificate
    certificate = x509.load_pem_x509_certificate(held.certificate.encode("ascii")) if held else None
    anchor = None
    if held and certificate:
        anchor = held.issuer or certificate.public_bytes(Encoding.PEM).decode("ascii")
    return RegisteredClient(
        role=role,
        client_id=client.client_id,
        auth=client.auth,
        redirect_uris=tuple(client.redirect_uris),
        secret=credentials.secret,
        keys=keys,
        certificate=certificate,
        trust_anchor=anchor,
        assertion_algs=_assertion_algs(client, keys),
        scopes=frozenset(f"{client.scope or ''} {client.further_scope or ''}".split()),
        forbidden_scopes=frozenset((client.forbidden_scope or "").split()),
        require_par=client.require_par,
        request_object_alg=objects.alg if objects else None,
        require_signed_request_object=bool(objects and objects.required),
        dpop_bound=client.dpop,
        authorization_details=tuple(client.authorization_details or ()),
        resources=frozenset(client.resource or ()),
    )


def _assertion_algs(client: Client, keys: tuple[PublicKey, ...]) -> tuple[str, ...]:
    """The algorithms that a client's assertions may have: the registered one, or what its credential allows."""
    if client.assertion_alg:
        return (client.assertion_alg,)
    if client.auth == "client_secret_jwt":
        return jose.SYMMETRIC
    if client.auth == "private_key_jwt":
        return tuple(key.alg for key in keys)
    return ()
