"""The servers that there is a recipe for, in the order in which they are told."""

from __future__ import annotations

from conformance.bench import atproto, glewlwyd, idpyoidc, lemonldap_ng, oidc_provider, oidc_provider_7
from conformance.bench.recipe import Recipe

SERVERS: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        *oidc_provider.RECIPES,
        *oidc_provider_7.RECIPES,
        *glewlwyd.RECIPES,
        *idpyoidc.RECIPES,
        *atproto.RECIPES,
        *lemonldap_ng.RECIPES,
    )
}
