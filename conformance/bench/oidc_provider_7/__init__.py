"""oidc-provider 7: the major version of 2021, still deployed, which treats pushed requests differently."""

from __future__ import annotations

import json
from pathlib import Path

from conformance.bench.install import copy, npm
from conformance.bench.oidc_provider import MEMORY, launch
from conformance.bench.recipe import Recipe

_HERE = Path(__file__).parent
_VERSION = json.loads((_HERE / "package.json").read_text(encoding="utf-8"))["dependencies"]["oidc-provider"]


def install(folder: Path) -> str:
    """Install the pinned version and put our scripts beside it; its storage is that of the current version."""
    npm(_HERE, folder, node=12)
    copy(_HERE, folder, ("server.mjs",))
    copy(MEMORY.parent, folder, (MEMORY.name,))
    return str(_VERSION)


RECIPES = (
    Recipe(
        name="oidc-provider-7",
        summary=f"oidc-provider {_VERSION} (npm)",
        port=3107,
        variable="OIDC_PROVIDER_7_URL",
        profiles=("oidc-provider-7.yaml",),
        install=install,
        launch=launch,
    ),
)
