"""Request objects by reference: fetched from registered places only (RFC 9101, sections 5.2 and 10.4)."""

from __future__ import annotations

import asyncio
import ssl

import aiohttp

from conformance.server.errors import OAuthError
from conformance.server.interaction import Interactions

#: A fetched request object is not larger (bytes), and not slower (seconds).
LARGEST_OBJECT = 65_536
FETCH_SECONDS = 2.0


class References(Interactions):
    """Fetches request objects."""

    def may_fetch(self, request_uri: str) -> bool:
        """Only https URLs below the registered prefix: everything else could lead anywhere."""
        prefix = self.settings.jar_by_reference
        return bool(prefix) and request_uri.startswith(prefix) and len(request_uri) <= 512

    async def fetch_request_object(self, request_uri: str) -> str:
        """The text behind a URL. OAuthError invalid_request_uri for a redirect, an error, too much, too late."""
        try:
            timeout = aiohttp.ClientTimeout(total=FETCH_SECONDS)
            trust = ssl.create_default_context(cafile=self.settings.jar_by_reference_ca or None)
            async with (
                aiohttp.ClientSession(timeout=timeout, trust_env=False) as session,
                session.get(request_uri, allow_redirects=False, ssl=trust) as answer,
            ):
                raw = await self.read_at_most(answer, LARGEST_OBJECT)
                text = raw.decode("ascii").strip()
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError):
            raise OAuthError("invalid_request_uri", "the request object cannot be fetched") from None
        typed = answer.content_type in {"application/oauth-authz-req+jwt", "application/jwt"}
        if answer.status != 200 or not typed or len(raw) > LARGEST_OBJECT:
            raise OAuthError("invalid_request_uri", "the request object cannot be used")
        return text

    async def read_at_most(self, answer: aiohttp.ClientResponse, limit: int) -> bytes:
        """The body, or one byte more than `limit` of it."""
        try:
            return await answer.content.readexactly(limit + 1)
        except asyncio.IncompleteReadError as end:
            return end.partial
