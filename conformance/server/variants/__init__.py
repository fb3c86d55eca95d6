"""Ways in which a server can differ and still be right: what the checks must not complain of.

A variant is the reference server under other settings, or a server class that overrides what the specifications leave
open; its docstring opens with `RIGHT:` and says why it is. Notes are allowed where they are listed, nothing else is.
One module a theme.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from conformance.profile.model import Client, Feature, Limits, Profile
from conformance.server.app import AuthorizationServer

Server = TypeVar("Server", bound=type[AuthorizationServer])
Change = Callable[[Profile], Profile]


@dataclass(frozen=True)
class Variant:
    """One right way: its server and settings, what the profile says of it, and which notes it may get."""

    name: str
    about: str
    server: type[AuthorizationServer]
    settings: Mapping[str, Any] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    notes: frozenset[str] = frozenset()
    plans: tuple[str, ...] = ()

    def profile(self, profile: Profile) -> Profile:
        """The profile that an operator of this server would write."""
        for change in self.changes:
            profile = change(profile)
        return profile


_VARIANTS: dict[str, Variant] = {}


def variant(
    name: str,
    about: str,
    *changes: Change,
    settings: Mapping[str, Any] | None = None,
    notes: tuple[str, ...] = (),
    plans: tuple[str, ...] = (),
    server: type[AuthorizationServer] = AuthorizationServer,
) -> None:
    """Register a variant. `changes` are made to the profile; `plans` stand in place of the matrix's own.

    ValueError for a name that is taken.
    """
    if name in _VARIANTS:
        raise ValueError(f"there are two variants {name}")
    _VARIANTS[name] = Variant(name, about, server, settings or {}, changes, frozenset(notes), plans)


def right(
    *changes: Change,
    settings: Mapping[str, Any] | None = None,
    notes: tuple[str, ...] = (),
    plans: tuple[str, ...] = (),
) -> Callable[[Server], Server]:
    """Register a server class as a variant; its docstring opens with `RIGHT:`."""

    def register(server: Server) -> Server:
        about = " ".join((server.__doc__ or "").split())
        name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", server.__name__).lower()
        if not about.startswith("RIGHT: "):
            raise ValueError(f"{server.__name__}: the docstring of a variant opens with 'RIGHT: ' and says why")
        variant(
            name,
            about.removeprefix("RIGHT: "),
            *changes,
            settings=settings,
            notes=notes,
            plans=plans,
            server=server,
        )
        return server

    return register


def load_variants() -> dict[str, Variant]:
    """Every variant by name, from all modules of this package."""
    for info in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{info.name}")
    return dict(sorted(_VARIANTS.items()))


# Changes to a profile


def features(**answers: bool) -> Change:
    """Say outright which features are on or off."""
    told = {Feature(name): answer for name, answer in answers.items()}
    return lambda profile: profile.model_copy(update={"features": {**profile.features, **told}})


def without(*roles: str) -> Change:
    """Leave clients out."""

    def change(profile: Profile) -> Profile:
        kept = {role: client for role, client in profile.clients.items() if role not in roles}
        return profile.model_copy(update={"clients": kept})

    return change


def clients(*roles: str, **update: Any) -> Change:
    """Change clients, all of them or those of some roles; a value may be a function of the client."""

    def changed(client: Client) -> Client:
        values = {name: value(client) if callable(value) else value for name, value in update.items()}
        return client.model_copy(update=values)

    def change(profile: Profile) -> Profile:
        found = {role: changed(one) if not roles or role in roles else one for role, one in profile.clients.items()}
        return profile.model_copy(update={"clients": found})

    return change


def limits(**update: Any) -> Change:
    """Say other limits."""
    return lambda profile: profile.model_copy(update={"limits": Limits(**{**profile.limits.model_dump(), **update})})
