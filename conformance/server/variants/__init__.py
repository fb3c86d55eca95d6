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
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from conformance.profile.load import LoadedProfile
from conformance.profile.model import Client, Feature, Limits
from conformance.server.app import AuthorizationServer

Server = TypeVar("Server", bound=type[AuthorizationServer])
Change = Callable[[LoadedProfile], LoadedProfile]


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

    def profile(self, loaded: LoadedProfile) -> LoadedProfile:
        """The profile that an operator of this server would write."""
        for change in self.changes:
            loaded = change(loaded)
        return loaded


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


def _updated(loaded: LoadedProfile, **update: Any) -> LoadedProfile:
    return replace(loaded, profile=loaded.profile.model_copy(update=update))


def features(**answers: bool) -> Change:
    """Say outright which features are on or off."""
    told = {Feature(name): answer for name, answer in answers.items()}
    return lambda loaded: _updated(loaded, features={**loaded.profile.features, **told})


def only(*roles: str) -> Change:
    """Keep these clients and no others."""

    def change(loaded: LoadedProfile) -> LoadedProfile:
        kept = {role: client for role, client in loaded.profile.clients.items() if role in roles}
        return _updated(loaded, clients=kept)

    return change


def without(*roles: str) -> Change:
    """Leave clients out."""
    return lambda loaded: only(*(set(loaded.profile.clients) - set(roles)))(loaded)


def first_is(role: str) -> Change:
    """Let the client of another role be the first one; the first takes its place."""

    def change(loaded: LoadedProfile) -> LoadedProfile:
        there = {"first": role, role: "first"}
        swapped = {one: loaded.profile.clients[there.get(one, one)] for one in loaded.profile.clients}
        keys = {one: loaded.keyring.clients[there.get(one, one)] for one in loaded.keyring.clients}
        return replace(_updated(loaded, clients=swapped), keyring=replace(loaded.keyring, clients=keys))

    return change


def clients(*roles: str, **update: Any) -> Change:
    """Change clients, all of them or those of some roles; a value may be a function of the client."""

    def changed(client: Client) -> Client:
        values = {name: value(client) if callable(value) else value for name, value in update.items()}
        return client.model_copy(update=values)

    def change(loaded: LoadedProfile) -> LoadedProfile:
        before = loaded.profile.clients
        return _updated(
            loaded, clients={role: changed(one) if not roles or role in roles else one for role, one in before.items()}
        )

    return change


def one_user(loaded: LoadedProfile) -> LoadedProfile:
    """There is one person only."""
    return _updated(loaded, users={"first": loaded.profile.users["first"]})


def limits(**update: Any) -> Change:
    """Say other limits."""
    return lambda loaded: _updated(loaded, limits=Limits(**{**loaded.profile.limits.model_dump(), **update}))
