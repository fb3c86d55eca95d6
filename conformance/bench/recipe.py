"""What the bench needs to know of a server, and what it tells about one that runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from conformance.profile.model import Profile

#: Where the profiles lie that belong to the recipes.
TARGETS = Path(__file__).resolve().parents[2] / "targets"


class BenchError(Exception):
    """A server could not be installed, started or stopped. One sentence says what happened, and the way out."""


@dataclass(frozen=True)
class Place:
    """Where one server is to run.

    `folder` holds what is installed, generated and logged; only the owner can read its secrets. `url` is the
    origin that the server answers at, without a slash at the end; `profiles` are those that speak of it, parsed,
    with their variables left as they stand.
    """

    folder: Path
    port: int
    profiles: tuple[Profile, ...]

    @property
    def url(self) -> str:
        """The origin of the server: loopback only."""
        return f"http://127.0.0.1:{self.port}"


@dataclass(frozen=True)
class Launch:
    """The command that starts a server, and its environment (PATH and HOME are given to every server)."""

    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Recipe:
    """How one server is installed, started and made ready.

    `install` puts it into a folder and returns its version; it does nothing if it has been done. `launch` writes
    settings and says what to start. `settle` does what can be done only on a running server (an administration
    API), before anybody else uses it. All three raise BenchError. `ready` is the path that answers 200 with JSON
    once the server runs. `variable` is the environment variable by which the profiles find it elsewhere than at
    `port`.
    """

    name: str
    summary: str
    port: int
    variable: str
    profiles: tuple[str, ...]
    install: Callable[[Path], str]
    launch: Callable[[Place], Launch]
    settle: Callable[[Place], None] | None = None
    ready: str = "/.well-known/openid-configuration"

    @property
    def default_url(self) -> str:
        """The origin that the profiles name where the variable is not set."""
        return f"http://127.0.0.1:{self.port}"


@dataclass(frozen=True)
class Started:
    """A server that runs: what stands in its server.json.

    `started` is Unix seconds. `profiles` are the files to run against it, the first one being the plain one;
    `environment` is what must be set for them: empty where the server is at the place that they expect.
    `identity` tells the process from a later one with the same number.
    """

    name: str
    pid: int
    identity: str
    url: str
    started: float
    version: str
    profiles: tuple[Path, ...]
    environment: Mapping[str, str]
    log: Path

    @property
    def profile(self) -> Path:
        """The plain profile."""
        return self.profiles[0]
