"""How a rule says no."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conformance.server.records import AuthorizationRequest


class OAuthError(Exception):
    """A request is refused with an OAuth error code (RFC 6749, sections 4.1.2.1 and 5.2).

    `description` is a fixed text that never repeats input. `about` is the client's own, trusted authorization
    request that the error belongs to, where there is one: only then may an error be sent to its redirect URI.
    """

    def __init__(
        self,
        code: str,
        description: str,
        *,
        status: int = 400,
        headers: Mapping[str, str] | None = None,
        about: AuthorizationRequest | None = None,
    ) -> None:
        super().__init__(f"{code}: {description}")
        self.code = code
        self.description = description
        self.status = status
        self.headers = dict(headers or {})
        self.about = about


def invalid_client() -> OAuthError:
    """The one answer to every failed client authentication: it does not say what was wrong."""
    return OAuthError("invalid_client", "client authentication failed", status=401)
