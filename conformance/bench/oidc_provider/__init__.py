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
    make_keys(keys, ("PS256", "RS256", "ES256"), "server")
    resources = [one for client in place.profiles[0].clients.values() for one in client.resource or []]
    return {
        "issuer": place.url,
        "port": place.port,
        "cookie_keys": [make_secret(place.folder / "cookies.secret")],
        "nonce_seed": make_secret(place.folder / "nonce.secret"),
        "jwks": json.loads(keys.read_text(encoding="utf-8")),
        "resource": next(iter(resources), None),
        "clients": registrations(place.profiles, place.folder),
    }


def launch(place: Place, *switches: str) -> Launch:
    """Write the settings and start Node.js with them. `switches` are those that server.mjs names."""
    written = place.folder / "settings.json"
    write_private(written, json.dumps(settings(place), indent=2))
    command = (tool("node"), str(place.folder / "server.mjs"), str(written))
    return Launch(command, dict.fromkeys(switches, "1"))


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
    Recipe(
        name="oidc-provider-fapi2",
        summary=f"oidc-provider {_VERSION} (npm), FAPI 2.0 with DPoP nonces",
        port=3101,
        variable="OIDC_PROVIDER_FAPI2_URL",
        profiles=("oidc-provider-fapi2.yaml",),
        install=install,
        launch=lambda place: launch(place, "FAPI", "REQUIRE_NONCE"),
    ),
    Recipe(
        name="oidc-provider-signed",
        summary=f"oidc-provider {_VERSION} (npm), FAPI 2.0 with signed requests and responses",
        port=3102,
        variable="OIDC_PROVIDER_SIGNED_URL",
        profiles=("oidc-provider-signed.yaml",),
        install=install,
        launch=lambda place: launch(place, "FAPI", "REQUIRE_JAR"),
    ),
)
