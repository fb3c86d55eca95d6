"""Dialects: the reference server as the documentation of a vendor describes that vendor's server.

A dialect is a server class, the settings that the vendor documents (with what nobody has documented as a setting, too),
and the profile of `targets/` that speaks of it. It is correct but for what the vendor's own pages say. One module a
vendor.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from conformance.server.app import AuthorizationServer
from conformance.server.settings import Settings


@dataclass(frozen=True, kw_only=True)
class DialectSettings(Settings):
    """Settings of a dialect: those of the reference server under the vendor's defaults, and the vendor's own."""

    unknown_scopes: Literal["refuse", "ignore"] = "ignore"
    interaction_lifetime: float = 1800
    """Longer than the longest request_uri lives: who opened one in time may log in slowly."""

    def profile(self) -> str:
        """Name of the profile in `targets/` that describes a server with these settings."""
        raise NotImplementedError

    def variables(self) -> Mapping[str, str]:
        """Environment variables by which that profile follows these settings; those of the address aside."""
        return {}


@dataclass(frozen=True)
class Dialect:
    """One vendor's way: its server and settings, and the variables of the profile that an address goes into."""

    name: str
    about: str
    server: type[AuthorizationServer]
    settings: type[DialectSettings]
    #: The variable of the profile that takes the origin of the server, and the one for the CA's file.
    origin_variable: str
    ca_variable: str
    #: Further variables of the profile that an emulator answers itself, with their values.
    variables: Mapping[str, str] = field(default_factory=dict)
    #: What has to run beside it before its profile can be used: a command.
    beside: str | None = None


_DIALECTS: dict[str, Dialect] = {}


def dialect(
    name: str,
    about: str,
    *,
    server: type[AuthorizationServer],
    settings: type[DialectSettings],
    origin_variable: str,
    ca_variable: str,
    variables: Mapping[str, str] | None = None,
    beside: str | None = None,
) -> None:
    """Register a dialect. ValueError for a name that is taken."""
    if name in _DIALECTS:
        raise ValueError(f"there are two dialects {name}")
    _DIALECTS[name] = Dialect(name, about, server, settings, origin_variable, ca_variable, variables or {}, beside)


def load_dialects() -> dict[str, Dialect]:
    """Every dialect by name, from all modules of this package."""
    for info in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{info.name}")
    return dict(sorted(_DIALECTS.items()))
