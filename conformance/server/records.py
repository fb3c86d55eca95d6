"""What the server remembers: pushed requests, sessions, interactions, codes, tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from conformance.server.clients import RegisteredClient, User

#: Parameters of an authorization request: texts, and the numbers and structures that a request object can carry.
Parameters = dict[str, Any]

#: Seconds that something dead is still known, so that a late use can be told from a guess.
GRACE = 60.0


class Mortal(Protocol):
    """Something with an end."""

    expires_at: float


@dataclass
class PushedRequest:
    """An authorization request that a client has pushed (RFC 9126, section 2.2)."""

    request_uri: str
    client_id: str
    parameters: Parameters
    expires_at: float
    used: bool = False


@dataclass(frozen=True)
class AuthorizationRequest:
    """An authorization request that passed its checks. `pushed` is where it came from, if it was pushed."""

    client: RegisteredClient
    parameters: Parameters
    redirect_uri: str
    pushed: PushedRequest | None = None

    def text(self, name: str) -> str | None:
        """A parameter that is a text; None where it is absent."""
        value = self.parameters.get(name)
        return value if isinstance(value, str) else None


@dataclass
class Session:
    """One browser. `user` is who logged in there."""

    id: str
    expires_at: float
    user: User | None = None
    auth_time: float = 0


@dataclass
class Interaction:
    """One person's way through login and consent, bound to the browser session that opened it."""

    id: str
    session_id: str
    csrf: str
    request: AuthorizationRequest
    expires_at: float
    username: str = ""
    logged_in: bool = False
    """The person logged in within this interaction."""
    past_login: bool = False
    """It is known who is there."""
    finished: bool = False


@dataclass
class Grant:
    """What a person allowed a client; all tokens that hang on it die with it."""

    id: str
    client_id: str
    user: User
    scope: str
    auth_time: float
    parameters: Parameters
    authorization_details: list[dict[str, Any]] = field(default_factory=list)
    resources: list[str] = field(default_factory=list)
    revoked: bool = False


@dataclass
class Code:
    """An authorization code. `redirect_uri` is the one that the request carried; None if it carried none."""

    value: str
    grant: Grant
    redirect_uri: str | None
    expires_at: float
    used: bool = False


@dataclass
class Token:
    """An access or a refresh token."""

    value: str
    kind: str
    grant: Grant
    expires_at: float
    scope: str
    issued_at: float
    audience: list[str] = field(default_factory=list)
    jkt: str | None = None
    """Thumbprint of the key that the token is bound to (RFC 9449, section 6)."""
    x5t: str | None = None
    """Thumbprint of the certificate that the token is bound to (RFC 8705, section 3)."""
    authorization_details: list[Any] = field(default_factory=list)


T = TypeVar("T", bound=Mortal)


class Shelf(Generic[T]):
    """Things by their key, swept when they are long dead, so that nobody fills the memory with them."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._things: dict[str, T] = {}
        self._swept = now()

    def put(self, key: str, thing: T) -> None:
        """Keep a thing."""
        now = self._now()
        if now - self._swept > 1:
            self._swept = now
            for old in [name for name, other in self._things.items() if other.expires_at + GRACE < now]:
                del self._things[old]
        self._things[key] = thing

    def get(self, key: str) -> T | None:
        """The thing, dead or alive; None if it is unknown."""
        return self._things.get(key)

    def drop(self, key: str) -> None:
        """Forget a thing."""
        self._things.pop(key, None)

    def __len__(self) -> int:
        """How many things are kept."""
        return len(self._things)

    def __iter__(self) -> Iterator[T]:
        """All things."""
        return iter(list(self._things.values()))


@dataclass
class Seen:
    """A name that must not come twice before `expires_at`."""

    expires_at: float
