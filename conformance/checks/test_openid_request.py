"""Authentication requests that are served, refused, or borne with parameters nobody needs (OpenID Connect Core)."""

from __future__ import annotations

import secrets

from conformance.check import each, verifies
from conformance.checks import flows
from conformance.checks.test_authorization_response import served_by_get
from conformance.checks.test_openid_claims import IMPOSSIBLE_ACR
from conformance.profile.model import Feature
from conformance.protocol.authorization import Authorization
from conformance.protocol.par import Change, Par
from conformance.target import Target
from conformance.verdict import NotApplicable

# -- the authorization endpoint ---------------------------------------------------------------------------------------


@verifies("openid-core-3.1.2.1-get-accepted-at-authorization-endpoint", needs=Feature.OPENID)
async def test_authentication_request_by_get_is_served(par: Par, authorization: Authorization, target: Target) -> None:
    """The authorization endpoint takes an authentication request by GET."""
    await served_by_get(par, authorization, flows.openid_client(target))


@verifies("openid-core-3.1.2.1-post-accepted-at-authorization-endpoint", needs=Feature.OPENID)
async def test_authentication_request_by_post_is_served(par: Par, authorization: Authorization, target: Target) -> None:
    """The authorization endpoint takes an authentication request by POST."""
    await flows.served_by_post(par, authorization, target, flows.openid_client(target))


@verifies("openid-core-3.1.2.1-unknown-scope-ignored", needs=Feature.OPENID)
async def test_unknown_scope_is_ignored(par: Par, authorization: Authorization, target: Target) -> None:
    """A scope value that the server does not know is ignored beside openid."""
    client = flows.openid_client(target)
    scope = f"{client.entry.scope} par-conformance-{secrets.token_hex(4)}"
    await flows.tolerated(par, authorization, await par.push(client, scope=scope))


@verifies("openid-core-3.1.2.2-missing-response-type-refused", needs=Feature.OPENID)
async def test_authentication_request_without_response_type_is_refused(
    par: Par, authorization: Authorization, target: Target
) -> None:
    """An authentication request without response_type brings no code."""
    await flows.no_code(par, authorization, await par.push(flows.openid_client(target), response_type=None))


@verifies("openid-core-3.1.2.2-missing-redirect-uri-refused", needs=Feature.OPENID)
async def test_authentication_request_without_redirect_uri_is_refused(
    par: Par, authorization: Authorization, target: Target
) -> None:
    """An authentication request without redirect_uri brings no code where the client has registered several."""
    fitting = [
        role
        for role, client in target.profile.clients.items()
        if "openid" in (client.scope or "").split() and len(client.redirect_uris) > 1
    ]
    if not fitting:  # RFC 6749 section 3.1.2.3 lets the sole registered one be meant
        raise NotApplicable("no client of the profile has several redirect URIs")
    client = target.client(fitting[0])
    await flows.no_code(par, authorization, await par.push(client, redirect_uri=None))


@verifies("openid-core-3.1.2.2-unknown-parameters-ignored", needs=Feature.OPENID)
async def test_unknown_parameters_are_ignored(par: Par, authorization: Authorization, target: Target) -> None:
    """An authentication request with parameters that nobody knows is accepted and leads to a code."""
    answer = await par.push(flows.openid_client(target), x_par_conformance="any", par_conformance="other")
    await flows.tolerated(par, authorization, answer)


@verifies("openid-core-3.1.2.6-unsupported-response-mode-refused", needs=Feature.OPENID)
@each(mode=("par-conformance", "Query"))
async def test_unknown_response_mode_is_refused(
    par: Par, authorization: Authorization, target: Target, mode: str
) -> None:
    """A response_mode that the server does not know is refused, not replaced by another one."""
    await flows.no_code(par, authorization, await par.push(flows.openid_client(target), response_mode=mode))


# -- what every server has to bear ------------------------------------------------------------------------------------


async def _borne(par: Par, authorization: Authorization, target: Target, **changes: Change) -> None:
    await flows.tolerated(par, authorization, await par.push(flows.openid_client(target), **changes))


@verifies("openid-core-3.1.2.1-unsupported-locales-tolerated", needs=Feature.OPENID)
@each(locales=("tlh", "xx-YY zz", "art-x-par-conformance"))
async def test_unsupported_language_is_no_error(
    par: Par, authorization: Authorization, target: Target, locales: str
) -> None:
    """A ui_locales that names no supported language is no error."""
    await _borne(par, authorization, target, ui_locales=locales)


@verifies("openid-core-15.1-display-tolerated", needs=Feature.OPENID)
@each(display=("page", "popup", "touch", "wap"))
async def test_display_is_no_error(par: Par, authorization: Authorization, target: Target, display: str) -> None:
    """A push with a display value is accepted and leads to a code."""
    await _borne(par, authorization, target, display=display)


@verifies("openid-core-15.1-ui-locales-tolerated", needs=Feature.OPENID)
async def test_ui_locales_are_no_error(par: Par, authorization: Authorization, target: Target) -> None:
    """A push with ui_locales is accepted and leads to a code."""
    await _borne(par, authorization, target, ui_locales="en fr-CA")


@verifies("openid-core-15.1-claims-locales-tolerated", needs=Feature.OPENID)
async def test_claims_locales_are_no_error(par: Par, authorization: Authorization, target: Target) -> None:
    """A push with claims_locales is accepted and leads to a code."""
    await _borne(par, authorization, target, claims_locales="en fr-CA")


@verifies("openid-core-15.1-acr-values-tolerated", needs=Feature.OPENID)
async def test_acr_values_are_no_error(par: Par, authorization: Authorization, target: Target) -> None:
    """A push with acr_values, which are a wish, is accepted and leads to a code."""
    await _borne(par, authorization, target, acr_values=IMPOSSIBLE_ACR)
