"""Authorization server metadata (RFC 8414, OpenID Connect Discovery 1.0)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlunsplit

from conformance.http.client import Transport
from conformance.http.evidence import Evidence
from conformance.http.message import Died, Request, Response, split
from conformance.profile.model import Profile


@dataclass(frozen=True)
class Metadata:
    """What a server says of itself, with the profile's own endpoints on top."""

    issuer: str | None
    document: Mapping[str, Any]
    authorization_endpoint: str | None
    token_endpoint: str | None
    pushed_authorization_request_endpoint: str | None
    introspection_endpoint: str | None
    userinfo_endpoint: str | None
    jwks_uri: str | None
    responses: Mapping[str, Response] = field(default_factory=dict, repr=False)

    def strings(self, member: str) -> list[str] | None:
        """A member that is a list of strings; None where it is missing or something else."""
        value = self.document.get(member)
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return value
        return None

    def flag(self, member: str, default: bool = False) -> bool:
        """A boolean member; its default where it is missing or no boolean."""
        value = self.document.get(member, default)
        return value if isinstance(value, bool) else default

    def url(self, member: str) -> str | None:
        """A member that is an absolute http(s) URL; None otherwise."""
        return _url(self.document.get(member))

    def mtls_alias(self, member: str) -> str | None:
        """The alias of an endpoint for mutual TLS (RFC 8705 section 5); the endpoint itself where there is none."""
        aliases = self.document.get("mtls_endpoint_aliases")
        alias = _url(aliases.get(member)) if isinstance(aliases, dict) else None
        return alias or getattr(self, member)


def well_known(issuer: str) -> list[str]:
    """Where the metadata of an issuer may be (RFC 8414 sections 3 and 5, OpenID Connect Discovery section 4)."""
    parts = split(issuer)
    path = parts.path.rstrip("/")

    def at(where: str) -> str:
        return urlunsplit((parts.scheme, parts.netloc, where, "", ""))

    urls = [
        at(f"/.well-known/oauth-authorization-server{path}"),
        at(f"{path}/.well-known/openid-configuration"),
    ]
    if path:
        urls += [
            at(f"/.well-known/openid-configuration{path}"),
            at(f"{path}/.well-known/oauth-authorization-server"),
        ]
    return urls


async def discover(profile: Profile, transport: Transport, evidence: Evidence) -> Metadata:
    """Fetch every metadata document that the server has and merge them, RFC 8414's first. Died if nothing answers."""
    responses: dict[str, Response] = {}
    document: dict[str, Any] = {}
    urls = [profile.metadata_url] if profile.metadata_url else well_known(profile.issuer) if profile.issuer else []
    died: Died | None = None
    # All at once: a server that does not answer must not be waited for at each address.
    for url, response in await asyncio.gather(*(_fetched(url, transport, evidence) for url in urls)):
        if isinstance(response, Died):
            died = response
            continue
        responses[url] = response
        members = response.json_object() if response.status == 200 else None
        if members and {"issuer", "token_endpoint"} & members.keys():
            document = {**members, **document}
    if died is not None and not responses and profile.endpoints.pushed_authorization_request is None:
        raise died
    told = profile.endpoints
    issuer = document.get("issuer")
    return Metadata(
        issuer=profile.issuer or (issuer if isinstance(issuer, str) else None),
        document=document,
        authorization_endpoint=told.authorization or _url(document.get("authorization_endpoint")),
        token_endpoint=told.token or _url(document.get("token_endpoint")),
        pushed_authorization_request_endpoint=told.pushed_authorization_request
        or _url(document.get("pushed_authorization_request_endpoint")),
        introspection_endpoint=told.introspection or _url(document.get("introspection_endpoint")),
        userinfo_endpoint=told.userinfo or _url(document.get("userinfo_endpoint")),
        jwks_uri=told.jwks or _url(document.get("jwks_uri")),
        responses=responses,
    )


async def _fetched(url: str, transport: Transport, evidence: Evidence) -> tuple[str, Response | Died]:
    request = Request("GET", url, repeatable=True)
    try:
        return url, await transport.send(request, evidence, purpose="authorization server metadata")
    except Died as died:
        return url, died


def _url(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    try:
        parts = split(value)
    except ValueError:
        return None
    return value if parts.scheme in {"http", "https"} and parts.hostname else None
