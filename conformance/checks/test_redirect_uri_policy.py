"""Redirect URIs that come with a push (RFC 9126 sections 2.4 and 7.2)."""

from __future__ import annotations

import secrets

from conformance import expect
from conformance.check import each, verifies
from conformance.checks import flows
from conformance.checks.test_pushed_request import ATTACKER
from conformance.profile.model import Feature, Profile
from conformance.protocol.authorization import Authorization
from conformance.protocol.par import Par
from conformance.target import Target


def new_uri(target: Target) -> str:
    """A redirect URI that nobody registered, near the registered one."""
    return f"{target.client('first').redirect_uri}/par-conformance-{secrets.token_hex(4)}"


@verifies("rfc9126-2.4-unregistered-redirect-uri-accepted", needs=Feature.UNREGISTERED_REDIRECT_URIS)
async def test_authenticated_client_may_bring_a_redirect_uri(par: Par, target: Target) -> None:
    """A client that authenticates may push a redirect_uri that is not registered, as the profile says."""
    expect.accepted(await par.push(redirect_uri=new_uri(target)))


@verifies("rfc9126-2.4-unregistered-redirect-uri-effective", needs=Feature.UNREGISTERED_REDIRECT_URIS)
async def test_code_goes_to_the_redirect_uri_that_was_brought(
    par: Par, authorization: Authorization, target: Target
) -> None:
    """The code goes to the redirect_uri that was brought with the push."""
    redirect_uri = new_uri(target)
    outcome = await authorization.code(await par.accepted(redirect_uri=redirect_uri))
    went_to = (outcome.location or "").split("?")[0]
    expect.that(
        went_to == redirect_uri,
        "other-redirect-uri",
        f"the code went to {went_to}",
        expected=redirect_uri,
        received=went_to,
    )


@verifies("rfc9126-2.1-redirect-uri-per-request", needs=Feature.UNREGISTERED_REDIRECT_URIS)
async def test_redirect_uri_that_was_brought_is_for_that_push_only(
    par: Par, authorization: Authorization, target: Target
) -> None:
    """A redirect_uri that came with a push is not valid for a request that was not pushed."""
    redirect_uri = new_uri(target)
    control = await authorization.open(await par.accepted(redirect_uri=redirect_uri))
    push = par.ordinary(redirect_uri=redirect_uri)
    expect.no_code(await authorization.visit(push.parameters, ends=[redirect_uri]), control=control)


def public_near_misses(profile: Profile) -> dict[str, str]:
    """Redirect URIs that are almost the registered one of the public client."""
    if "public" not in profile.clients:
        return {}
    registered = profile.clients["public"].redirect_uris[0]
    return {
        "longer-path": registered + "/more",
        "query-added": registered + "?added=1",
        "upper-case-path": registered.rsplit("/", 1)[0] + "/" + registered.rsplit("/", 1)[-1].swapcase(),
    }


@verifies("rfc9126-2.4-exact-match-for-public-clients", needs=Feature.PUBLIC_CLIENTS)
@each(redirect_uri=public_near_misses)
async def test_near_miss_of_a_public_client_brings_no_code(
    par: Par, authorization: Authorization, redirect_uri: str
) -> None:
    """A public client's redirect_uri that nearly matches a registered one never receives a code."""
    _, outcome = await flows.ends_without_code(par, authorization, await par.push("public", redirect_uri=redirect_uri))
    expect.that(
        not (outcome and outcome.granted),
        "code-issued",
        "a code was issued",
        expected="a refusal",
        received="a code",
    )


@verifies("rfc9126-7.2-new-redirect-uri-of-public-client-refused", needs=Feature.PUBLIC_CLIENTS)
async def test_public_client_cannot_bring_a_redirect_uri(par: Par, authorization: Authorization) -> None:
    """A client that does not authenticate cannot bring a new redirect_uri with a push."""
    _, outcome = await flows.ends_without_code(par, authorization, await par.push("public", redirect_uri=ATTACKER))
    expect.that(
        not (outcome and outcome.granted),
        "code-issued",
        "a code was issued",
        expected="a refusal",
        received="a code",
    )
