"""What a refresh token is bound to, and what it cannot widen (RFC 6749 section 6, RFC 9396 section 6)."""

from __future__ import annotations

import json
from collections.abc import Callable

from conformance import expect
from conformance.check import each, verifies
from conformance.checks import flows, near, roles
from conformance.checks.details import client_of, granted, needs_granted, samples, text, types_of
from conformance.profile.model import Feature
from conformance.protocol import client_auth
from conformance.protocol.authorization import Authorization
from conformance.protocol.par import Change, Par
from conformance.protocol.token import Token, TokenAnswer
from conformance.target import RegisteredClient, Target
from conformance.verdict import NotApplicable, NotExercised


async def refreshed(
    par: Par,
    authorization: Authorization,
    token: Token,
    client: RegisteredClient,
    *,
    by: RegisteredClient | None = None,
    authentication: client_auth.Authentication = client_auth.registered,
    pushed: dict[str, Change] | None = None,
    **changes: Change,
) -> tuple[TokenAnswer, TokenAnswer]:
    """The tokens of a flow of its own, and the answer to a refresh with them; `changes` are to the refresh request.

    Each flow has its own refresh token: one that is used may be worth nothing afterwards.
    """
    answer = await par.accepted(client, **(pushed or {}))
    outcome = await authorization.code(answer)
    first = flows.granted(await token.redeem(outcome, answer.push))
    again = await token.refresh(
        first, by or client, authentication=authentication, dpop_key=answer.push.dpop, **changes
    )
    return first, again


@verifies("rfc6749-6-client-authenticated", needs=Feature.REFRESH_TOKENS)
@each(client=roles.with_secret_or_key, credentials={"none": client_auth.nothing, "wrong": client_auth.wrong})
async def test_refresh_needs_the_clients_credentials(
    par: Par,
    authorization: Authorization,
    token: Token,
    target: Target,
    client: str,
    credentials: client_auth.Authentication,
) -> None:
    """A client with credentials gets nothing for its refresh token without them, or with wrong ones."""
    own = target.client(client)
    _, control = await refreshed(par, authorization, token, own)
    _, answer = await refreshed(par, authorization, token, own, authentication=credentials)
    expect.not_redeemed(answer, control=control)


@verifies("rfc6749-6-made-up-refresh-token-refused", needs=Feature.REFRESH_TOKENS)
@each(change={"last-sign-changed": near.changed, "other-case": near.other_case})
async def test_nearly_issued_refresh_token_brings_nothing(
    par: Par, authorization: Authorization, token: Token, target: Target, change: Callable[[str], str | None]
) -> None:
    """A refresh token that was never issued, and is near an issued one, brings nothing."""
    own = target.client("first")
    _, control = await refreshed(par, authorization, token, own)
    push, outcome = await flows.code(par, authorization, own)
    issued = flows.granted(await token.redeem(outcome, push.push))
    value = change(str(issued.json.get("refresh_token")))
    if value is None:
        raise NotApplicable("the refresh tokens of this server have letters of one case")
    answer = await token.refresh(issued, own, dpop_key=push.push.dpop, refresh_token=value)
    expect.not_redeemed(answer, control=control)


@verifies("rfc6749-6-refresh-token-of-its-kind", needs=Feature.REFRESH_TOKENS)
async def test_access_token_refreshes_nothing(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """An access token in the place of a refresh token brings nothing."""
    own = target.client("first")
    first, control = await refreshed(par, authorization, token, own)
    _, answer = await refreshed(par, authorization, token, own, refresh_token=str(first.json["access_token"]))
    expect.not_redeemed(answer, control=control)


@verifies("rfc6749-6-refresh-token-of-its-kind", needs=(Feature.REFRESH_TOKENS, Feature.OPENID))
async def test_refresh_token_opens_no_resource(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """A refresh token in the place of an access token does not open the UserInfo endpoint."""
    first = await flows.tokens(par, authorization, token, flows.openid_client(target))
    value = first.json.get("refresh_token")
    if not isinstance(value, str):
        raise NotApplicable("the client was given no refresh token")
    if str(first.json.get("token_type")).lower() != "bearer":
        raise NotApplicable("the access tokens of this client are bound: another kind fails for want of a proof")
    if (await token.userinfo(first)).status != 200:
        raise NotExercised("the access token does not open the UserInfo endpoint either")
    instead = await token.userinfo(first, value=value)
    expect.that(
        instead.status >= 400,
        "refresh-token-accepted",
        "the UserInfo endpoint took a refresh token for an access token",
        expected="HTTP 401",
        received=f"HTTP {instead.status}",
    )


@verifies("rfc6749-6-refresh-token-bound-to-client", needs=Feature.REFRESH_TOKENS)
@each(thief=("second", "public"))
async def test_another_client_refreshes_nothing(
    par: Par, authorization: Authorization, token: Token, target: Target, thief: str
) -> None:
    """A refresh token brings nothing to another client, however well that one authenticates."""
    own, other = target.client("first"), target.client(thief)
    _, control = await refreshed(par, authorization, token, own)
    _, answer = await refreshed(par, authorization, token, own, by=other)
    expect.not_redeemed(answer, control=control)


async def scope_of(token: Token, tokens: TokenAnswer, client: RegisteredClient) -> set[str] | None:
    """Every scope that an answer, its access token or introspection says; None where none of them says any."""
    introspected = None if client.public else await token.introspect(str(tokens.json["access_token"]), client)
    told = [members.get("scope") for members in (tokens.json, flows.claims_of_token(tokens), introspected or {})]
    values = [value.split() if isinstance(value, str) else value for value in told if isinstance(value, str | list)]
    return {str(one) for value in values for one in value} if values else None


def wider(client: RegisteredClient) -> tuple[str, str]:
    """The scope of a client's ordinary request, and that with a value that it may have and did not ask for."""
    own, further = client.entry.scope, client.entry.further_scope
    if own is None or further is None:
        raise NotApplicable("the profile's first client has no `scope`, or no `further_scope` beside it")
    return own, f"{own} {further}"


async def judge_scope(
    token: Token, client: RegisteredClient, first: TokenAnswer, answer: TokenAnswer, control: TokenAnswer
) -> None:
    """Asking for more brought no token that has more: it was refused, or the wish was passed over."""
    if not answer.accepted:
        expect.not_redeemed(answer, control=control)
        return
    own, wanted = (set(scope.split()) for scope in wider(client))
    before = await scope_of(token, first, client) or own
    if wanted <= before:
        raise NotApplicable("the server grants the further scope without being asked for it")
    after = await scope_of(token, answer, client)
    if after is None:
        raise NotApplicable("nothing shows which scope the token has")
    expect.that(
        not (wanted - before) & after,
        "scope-widened",
        f"the token has the scope {' '.join(sorted((wanted - before) & after))}, which was not pushed",
        expected=" ".join(sorted(before)),
        received=" ".join(sorted(after)),
    )


@verifies("rfc6749-4.1.2-tokens-revoked-on-reuse", needs=Feature.REFRESH_TOKENS)
async def test_reuse_of_a_code_revokes_its_refresh_token(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """When a code comes a second time, the refresh token that it gave is worth nothing any more."""
    own = target.client("first")
    _, control = await refreshed(par, authorization, token, own)
    answer, outcome = await flows.code(par, authorization, own)
    first = flows.granted(await token.redeem(outcome, answer.push))
    await token.redeem(outcome, answer.push)
    expect.not_redeemed(await token.refresh(first, own, dpop_key=answer.push.dpop), control=control)


@verifies("rfc9700-2.2.2-public-refresh-token-bound-or-rotated", needs=Feature.REFRESH_TOKENS)
async def test_refresh_token_of_a_public_client_is_rotated_where_nothing_binds_it(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """A public client's refresh token that no key binds is not good for one refresh after the other.

    A server may let the old one live on for a moment beside the new one: a lost answer is asked for again.
    """
    bare = [role for role, client in target.profile.clients.items() if client.auth == "none" and not client.dpop]
    if not bare:
        raise NotApplicable("the profile has no public client without DPoP")
    first, again = await refreshed(par, authorization, token, target.client(bare[0]))
    if not again.accepted:
        raise NotExercised(f"the refresh token brought nothing: {again.summary}")
    if again.json.get("refresh_token") not in {None, first.json.get("refresh_token")}:
        return
    third = await token.refresh(first, target.client(bare[0]))
    expect.that(
        not third.accepted,
        "not-rotated",
        "the refresh token of a public client, bound to no key, was used twice and no other came in its place",
        expected="a new refresh token, or a refusal of the used one",
        received=third.summary,
    )


@verifies("rfc6749-6-scope-not-widened", needs=Feature.REFRESH_TOKENS)
async def test_refresh_does_not_widen_the_scope(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """A refresh request for a scope that was not granted brings no token with that scope."""
    client = target.client("first")
    own, wanted = wider(client)
    _, control = await refreshed(par, authorization, token, client, scope=own)
    first, answer = await refreshed(par, authorization, token, client, scope=wanted)
    await judge_scope(token, client, first, answer, control)


@verifies("rfc6749-3.3-scope-beside-code-adds-nothing")
async def test_scope_beside_a_code_adds_nothing(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """A scope in the token request for a code adds nothing to what was pushed and granted."""
    client = target.client("first")
    _, wanted = wider(client)
    control = await flows.redeemed(par, authorization, token)
    answer = await flows.redeemed(par, authorization, token, scope=wanted)
    await judge_scope(token, client, control, answer, control)


@verifies("rfc9396-6-more-than-granted-not-issued", needs=(Feature.RAR, Feature.REFRESH_TOKENS))
async def test_refresh_gets_no_more_details_than_granted(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """A refresh request for authorization_details of a type that was not granted does not get them."""
    client, entries = client_of(target), samples(target)
    other = next((entry for entry in entries if entry["type"] != entries[0]["type"]), None)
    if other is None:
        raise NotApplicable("the client may ask for one type of details only")
    pushed: dict[str, Change] = {"authorization_details": text(entries[:1])}
    first, answer = await refreshed(
        par, authorization, token, client, pushed=pushed, authorization_details=text([entries[0], other])
    )
    await needs_granted(token, first, client)
    if not answer.accepted:
        _, control = await refreshed(par, authorization, token, client, pushed=pushed)
        expect.not_redeemed(answer, control=control)
        return
    details = await granted(token, answer, client)
    expect.that(
        other["type"] not in types_of(details),
        "details-granted",
        f"the refresh brought details of the type {other['type']!r}, which the person never saw",
        expected="a refusal, or the granted details",
        received=json.dumps(details),
    )
