"""Ways in which the reference server can be wrong: what the checks are tried on.

A fault is a server class that overrides as little as it can and whose docstring opens with `BUG:` and names the rule.
It lists the requirements that must turn, exactly those, when the suite meets it. One module a theme.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from conformance.server.app import AuthorizationServer

#: The profiles of the reference server that conforms to FAPI 2.0, and to the OAuth profile of the AT protocol.
FAPI = "reference-fapi2"
AT = "reference-atproto"

Broken = TypeVar("Broken", bound=type[AuthorizationServer])


@dataclass(frozen=True)
class Fault:
    """One way to be wrong: its server, what must turn, and the settings and plans under which it shows."""

    name: str
    bug: str
    server: type[AuthorizationServer]
    turns: frozenset[str]
    settings: Mapping[str, Any] = field(default_factory=dict)
    plans: tuple[str, ...] = ()
    profile: str = "reference"
    examples: int = 6
    browser: bool = False
    """Only checks in a browser find it."""
    features: Mapping[str, bool] = field(default_factory=dict)
    alone: bool = False
    """It hides other faults, so that it is tried by itself."""


_FAULTS: dict[str, Fault] = {}


def fault(
    *turns: str,
    settings: Mapping[str, Any] | None = None,
    plans: tuple[str, ...] = (),
    profile: str = "reference",
    examples: int = 6,
    browser: bool = False,
    features: Mapping[str, bool] | None = None,
    alone: bool = False,
) -> Callable[[Broken], Broken]:
    """Register a server class as a fault that turns these requirements and nothing else.

    `settings` are set over the profile's; `plans` stand in place of the matrix's own; `profile` is one of targets/;
    `examples` are drawn of each payload, more where only drawn ones can find it; with `browser` checks run there, too.
    `features` are told in the profile; with `alone` it is tried by itself, for it hides others.
    ValueError for a fault that does not say what is wrong, or a name that is taken.
    """

    def register(server: Broken) -> Broken:
        bug = " ".join((server.__doc__ or "").split())
        name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", server.__name__).lower()
        if not bug.startswith("BUG: "):
            raise ValueError(f"{server.__name__}: the docstring of a fault opens with 'BUG: ' and the rule it breaks")
        if name in _FAULTS:
            raise ValueError(f"there are two faults {name}")
        _FAULTS[name] = Fault(
            name,
            bug.removeprefix("BUG: "),
            server,
            frozenset(turns),
            settings or {},
            plans,
            profile,
            examples,
            browser,
            features or {},
            alone,
        )
        return server

    return register


def load_faults() -> dict[str, Fault]:
    """Every fault by name, from all modules of this package."""
    for info in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{info.name}")
    return dict(sorted(_FAULTS.items()))
