"""idpyoidc: an OAuth 2.0 server library in Python from PyPI, behind a small HTTP front of ours."""

from __future__ import annotations

import json
from pathlib import Path

from conformance.bench.install import copy, pip
from conformance.bench.material import (
    local,
    make_keys,
    make_secret,
    registrations,
    scopes,
    write_private,
)
from conformance.bench.recipe import Launch, Place, Recipe

_HERE = Path(__file__).parent
_VERSION = next(
    line.partition("==")[2].strip()
    for line in (_HERE / "requirements.txt").read_text(encoding="utf-8").splitlines()
    if line.startswith("idpyoidc==")
)

#: Seconds that a pushed request is said to live.
LIFETIME = 60


def install(folder: Path) -> str:
    """Install the pinned versions into an environment of their own and put the front beside it."""
    pip(_HERE, folder)
    copy(_HERE, folder, ("front.py",))
    return _VERSION


def launch(place: Place) -> Launch:
    """Write settings and users, and start the front with its own Python."""
    profile = place.profiles[0]
    keys = place.folder / "server.jwks"
    make_keys(keys, ("RS256", "ES256"), "server")
    users = {user.username: make_secret(local(user.password.file, place.folder)) for user in profile.users.values()}
    write_private(place.folder / "users.json", json.dumps(users))
    values = {value for client in profile.clients.values() for value in scopes(client)}
    forbidden = {client.forbidden_scope for client in profile.clients.values() if client.forbidden_scope}
    settings = {
        "issuer": place.url,
        "port": place.port,
        "folder": str(place.folder),
        "lifetime": LIFETIME,
        "scopes": sorted(values | forbidden),
        "users": sorted(users),
        "jwks": json.loads(keys.read_text(encoding="utf-8")),
        "clients": registrations(place.profiles, place.folder),
    }
    written = place.folder / "settings.json"
    write_private(written, json.dumps(settings, indent=2))
    return Launch((str(place.folder / "venv/bin/python"), str(place.folder / "front.py"), str(written)))


RECIPES = (
    Recipe(
        name="idpyoidc",
        summary=f"idpyoidc {_VERSION} (PyPI)",
        port=3150,
        variable="IDPYOIDC_URL",
        profiles=("idpyoidc.yaml",),
        install=install,
        launch=launch,
        ready="/.well-known/oauth-authorization-server",
    ),
)
