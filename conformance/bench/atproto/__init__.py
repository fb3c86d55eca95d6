"""@atproto/oauth-provider: the server of a social network that knows no authorization requests but pushed ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from conformance.bench.install import copy, npm
from conformance.bench.material import local, make_keys, make_secret, registrations, write_private
from conformance.bench.process import tool
from conformance.bench.recipe import Launch, Place, Recipe

_HERE = Path(__file__).parent
_PACKAGE = "@atproto/oauth-provider"
_VERSION = json.loads((_HERE / "package.json").read_text(encoding="utf-8"))["dependencies"][_PACKAGE]


def install(folder: Path) -> str:
    """Install the pinned version and put our scripts beside it."""
    npm(_HERE, folder, node=20)
    copy(_HERE, folder, ("server.mjs", "stores.mjs"))
    return str(_VERSION)


def _client(metadata: dict[str, Any]) -> dict[str, Any]:
    """A registration without what this server refuses to read: it knows no request objects by registration."""
    unknown = ("request_object_signing_alg", "require_signed_request_object")
    return {name: value for name, value in metadata.items() if name not in unknown}


def _signing_keys(path: Path) -> dict[str, Any]:
    """The server's keys in the form that it asks for: private keys say key_ops, not use."""
    keys = json.loads(path.read_text(encoding="utf-8"))["keys"]
    return {
        "keys": [{name: value for name, value in key.items() if name != "use"} | {"key_ops": ["sign"]} for key in keys]
    }


def launch(place: Place) -> Launch:
    """Write the settings and start Node.js with them."""
    keys = place.folder / "server.jwks"
    make_keys(keys, ("ES256",), "server")
    users = [
        {
            "handle": user.username,
            "password": make_secret(local(user.password.file, place.folder)),
        }
        for user in place.profiles[0].users.values()
    ]
    settings = {
        "issuer": place.url,
        "port": place.port,
        "jwks": _signing_keys(keys),
        "clients": [_client(client) for client in registrations(place.profiles, place.folder)],
        "users": users,
        "dpop_seed": make_secret(place.folder / "dpop.secret"),
    }
    written = place.folder / "settings.json"
    write_private(written, json.dumps(settings, indent=2))
    return Launch((tool("node"), str(place.folder / "server.mjs"), str(written)), {"NODE_ENV": "production"})


RECIPES = (
    Recipe(
        name="atproto",
        summary=f"{_PACKAGE} {_VERSION} (npm): every request is pushed and bound by DPoP",
        port=3170,
        variable="ATPROTO_URL",
        profiles=("atproto.yaml",),
        install=install,
        launch=launch,
        ready="/.well-known/oauth-authorization-server",
    ),
)
