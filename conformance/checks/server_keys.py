"""The JWK set that a server publishes (RFC 8414 section 2)."""

from __future__ import annotations

from typing import Any

from conformance.http.message import Request
from conformance.http.wire import Wire
from conformance.target import Target
from conformance.verdict import NotApplicable, NotExercised


async def published(target: Target, wire: Wire) -> list[dict[str, Any]]:
    """The keys that the server publishes. NotApplicable without a jwks_uri, NotExercised where they cannot be read."""
    if target.metadata.jwks_uri is None:
        raise NotApplicable("the server publishes no JWK set")
    response = await wire.send(Request("GET", target.metadata.jwks_uri, repeatable=True), purpose="JWK set")
    found = (response.json_object() or {}).get("keys")
    if not isinstance(found, list):
        raise NotExercised(f"there is no JWK set at jwks_uri: HTTP {response.status}")
    return [key for key in found if isinstance(key, dict)]
