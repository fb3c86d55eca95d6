"""Request objects by reference: fetched from registered places only (RFC 9101, sections 5.2 and 10.4)."""

from __future__ import annotations

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
            async with (
                aiohttp.ClientSession(timeout=timeout, trust_env=False) as session,
                session.get(request_uri, allow_redirects=False) as answer,
            ):
                raw = await answer.content.read(LARGEST_OBJECT + 1)
                text = raw.decode("ascii").strip()
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError):
            raise OAuthError("invalid_request_uri", "the request object cannot be fetched") from None
        if answer.status != 200 or len(raw) > LARGEST_OBJECT:
            raise OAuthError("invalid_request_uri", "the request object cannot be used")
        return text
