"""oidc-provider: a certified OpenID provider for Node.js, current major version."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from conformance.bench.install import copy, npm
from conformance.bench.material import make_keys, make_secret, registrations, write_private
from conformance.bench.process import tool
from conformance.bench.recipe import Launch, Place, Recipe

_HERE = Path(__file__).parent

#: The storage that both servers made of this library use.
MEMORY = _HERE / "memory.mjs"

_VERSION = json.loads((_HERE / "package.json").read_text(encoding="utf-8"))["dependencies"]["oidc-provider"]


def install(folder: Path) -> str:
    """Install the pinned version and put our scripts beside it."""
    npm(_HERE, folder, node=20)
    copy(_HERE, folder, ("server.mjs", MEMORY.name))
    return str(_VERSION)


def settings(place: Place) -> dict[str, Any]:
    """What server.mjs reads: keys and cookie secrets of its own, and the clients of the profiles."""
    keys = place.folder / "server.jwks"
    make_keys(keys, ("RS256", "PS256", "ES256"), "server")
    resources = [one for client in place.profiles[0].clients.values() for one in client.resource or []]
    return {
        "issuer": place.url,
        "port": place.port,
        "cookie_keys": [make_secret(place.folder / "cookies.secret")],
        "nonce_seed": make_secret(place.folder / "nonce.secret"),
        "jwks": json.loads(keys.read_text(encoding="utf-8")),
        "resource": resources[0],
        "clients": registrations(place.profiles, place.folder),
    }


def launch(place: Place) -> Launch:
    """Write the settings and start Node.js with them."""
    written = place.folder / "settings.json"
    write_private(written, json.dumps(settings(place), indent=2))
    return Launch((tool("node"), str(place.folder / "server.mjs"), str(written)))


RECIPES = (
    Recipe(
        name="oidc-provider",
        summary=f"oidc-provider {_VERSION} (npm)",
        port=3100,
        variable="OIDC_PROVIDER_URL",
        profiles=("oidc-provider.yaml",),
        install=install,
        launch=launch,
    ),
)
