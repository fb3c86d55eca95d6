"""Resource indicators in a pushed request (RFC 8707)."""

from __future__ import annotations

from conformance import expect
from conformance.check import each, verifies
from conformance.checks import flows
from conformance.profile.model import Client, Feature, Profile
from conformance.protocol import jar
from conformance.protocol.authorization import Authorization
from conformance.protocol.outcome import Ending
from conformance.protocol.par import Change, Par, PushAnswer
from conformance.protocol.token import Token, TokenAnswer
from conformance.target import RegisteredClient, Target
from conformance.verdict import NotApplicable, NotExercised

UNKNOWN = "https://par-conformance.example/unknown"


def a_client(target: Target, *, several: bool = False, objects: bool = False) -> tuple[RegisteredClient, list[str]]:
    """A client that may name resources, and which. NotApplicable where the profile has none such."""

    def fits(client: Client) -> bool:
        enough = len(client.resource or []) > (1 if several else 0)
        return enough and (client.request_objects is not None or not objects)

    role = next((role for role, client in target.profile.clients.items() if fits(client)), None)
    if role is None:
        raise NotApplicable("the profile has no client with `resource` that this can be tried with")
    return target.client(role), list(target.client(role).entry.resource or [])


def one_at_a_time(answer: PushAnswer) -> bool:
    """Whether several resources were refused as a target and not as a repetition (RFC 8707 section 2).

    How many of them a server serves at once is its own to say.
    """
    return answer.refused and answer.error == "invalid_target"


def needs_several(answer: PushAnswer) -> PushAnswer:
    """A push with several resources. NotApplicable where the server serves one at a time."""
    if one_at_a_time(answer):
        expect.control_accepted(answer)
        raise NotApplicable(f"the server serves one resource at a time: {answer.summary}")
    return answer


async def audience(token: Token, tokens: TokenAnswer, client: RegisteredClient) -> set[str]:
    """For whom an access token is. NotApplicable where nothing shows it."""
    found = await token.audience(tokens, client)
    if found is None:
        raise NotApplicable("neither the access token nor introspection shows for whom the token is")
    return found


def spoilt(profile: Profile) -> dict[str, str]:
    """A client's own resource as no absolute URI, or with a fragment: kind to value."""
    resource = next((client.resource[0] for client in profile.clients.values() if client.resource), None)
    if resource is None:
        return {}
    return {"relative": resource.split("//", 1)[-1], "path": "/accounts", "name": "accounts"}


@verifies("rfc8707-2-relative-resource-refused", needs=Feature.RESOURCE_INDICATORS)
@each(resource=spoilt)
async def test_relative_resource_is_refused(
    par: Par, authorization: Authorization, target: Target, resource: str
) -> None:
    """A resource that is no absolute URI is refused."""
    client, _ = a_client(target)
    push = par.ordinary(client, resource=resource)
    answer = await par.send(push, control=lambda: par.ordinary(client, resource=(client.entry.resource or [])[:1]))
    await flows.no_code(par, authorization, answer)


@verifies("rfc8707-2-resource-fragment-refused", needs=Feature.RESOURCE_INDICATORS)
async def test_resource_with_a_fragment_is_refused(par: Par, authorization: Authorization, target: Target) -> None:
    """A resource with a fragment is refused, even where the rest of it is the client's."""
    client, resources = a_client(target)
    push = par.ordinary(client, resource=resources[0] + "#par-conformance")
    answer = await par.send(push, control=lambda: par.ordinary(client, resource=resources[0]))
    await flows.no_code(par, authorization, answer)


@verifies("rfc8707-2-several-resources-accepted", needs=Feature.RESOURCE_INDICATORS)
async def test_several_resources_are_accepted(par: Par, authorization: Authorization, target: Target) -> None:
    """A push with resource given several times is accepted, not refused as a repetition."""
    client, resources = a_client(target, several=True)
    push = par.ordinary(client, resource=resources)
    answer = await par.send(push, control=lambda: par.ordinary(client, resource=resources[0]))
    await flows.tolerated(par, authorization, needs_several(answer))


@verifies("rfc8707-2-audience-restricted", needs=Feature.RESOURCE_INDICATORS)
async def test_token_is_for_the_pushed_resource_only(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """The access token is for the pushed resource and for no other, the server's own endpoints aside."""
    client, resources = _able(target)
    tokens = await flows.tokens(par, authorization, token, client, resource=resources[0])
    _is_for(await audience(token, tokens, client), {resources[0]}, target)


@verifies("rfc8707-2-audience-restricted", needs=(Feature.RESOURCE_INDICATORS, Feature.REFRESH_TOKENS))
async def test_refreshed_token_is_for_the_pushed_resource_only(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """A refreshed access token is for the resource that was pushed and for no other."""
    client, resources = a_client(target, several=True)
    answer = await par.accepted(client, resource=resources[0])
    tokens = flows.granted(await token.redeem(await authorization.code(answer), answer.push))
    again = await token.refresh(tokens, client, dpop_key=answer.push.dpop)
    if not again.accepted:
        raise NotExercised(f"the refresh token brought nothing: {again.summary}")
    _is_for(await audience(token, again, client), {resources[0]}, target)


def _able(target: Target) -> tuple[RegisteredClient, list[str]]:
    """A client with several resources if there is one: it shows more."""
    try:
        return a_client(target, several=True)
    except NotApplicable:
        return a_client(target)


def _is_for(found: set[str], wanted: set[str], target: Target) -> None:
    own = {url for url in (target.metadata.issuer, target.metadata.userinfo_endpoint) if url}
    expect.that(
        wanted <= found <= wanted | own,
        "other-audience",
        f"the access token is for {', '.join(sorted(found))}",
        expected=" ".join(sorted(wanted)),
        received=" ".join(sorted(found)),
    )


@verifies("rfc8707-2.1-resource-in-request-object", needs=(Feature.RESOURCE_INDICATORS, Feature.JAR))
@each(form=("string", "array-of-one", "array-of-several"))
async def test_resource_in_a_request_object_takes_effect(
    par: Par, authorization: Authorization, token: Token, target: Target, form: str
) -> None:
    """In a request object one resource is a string, several are an array of strings, and all take effect."""
    several = form == "array-of-several"
    client, resources = a_client(target, several=several, objects=True)
    wanted = resources if several else resources[:1]
    fault = jar.Fault(claims={"resource": wanted if form.startswith("array") else wanted[0]})
    answer = await par.send(par.object(client, fault=fault), control=lambda: par.object(client))
    expect.accepted(needs_several(answer) if several else answer)
    outcome = await authorization.open(answer)
    if outcome.ending is not Ending.CODE:
        raise NotExercised(f"the request brought no code: {outcome.summary}")
    tokens = flows.granted(await token.redeem(outcome, answer.push))
    found = await audience(token, tokens, client)
    expect.that(
        set(wanted) <= found,
        "audience-missing",
        "a resource of the request object got lost",
        expected=" ".join(wanted),
        received=" ".join(sorted(found)),
    )


def _unknown(target: Target) -> tuple[RegisteredClient, dict[str, list[str]]]:
    client, resources = a_client(target)
    others = {uri for entry in target.profile.clients.values() for uri in entry.resource or []} - set(resources)
    values = {"unknown": [UNKNOWN], "unknown-beside-own": [resources[0], UNKNOWN], "longer": [resources[0] + "/more"]}
    return client, values | ({"other-clients": [min(others)]} if others else {})


@verifies("rfc8707-2.1-unacceptable-resource-refused", needs=Feature.RESOURCE_INDICATORS)
@each(which=("unknown", "unknown-beside-own", "longer", "other-clients"))
async def test_unknown_resource_is_refused(par: Par, authorization: Authorization, target: Target, which: str) -> None:
    """A resource that the server does not know, alone or beside a known one, is refused."""
    client, values = _unknown(target)
    if which not in values:
        raise NotApplicable("no other client of the profile has a resource of its own")
    push = par.ordinary(client, resource=values[which])
    answer = await par.send(push, control=lambda: par.ordinary(client, resource=(client.entry.resource or [])[:1]))
    await flows.no_code(par, authorization, answer)


@verifies("rfc8707-2.1-invalid-target", needs=Feature.RESOURCE_INDICATORS)
async def test_unknown_resource_is_told_invalid_target(par: Par, authorization: Authorization, target: Target) -> None:
    """The error for a resource that is refused is invalid_target."""
    client, _ = a_client(target)
    push = par.ordinary(client, resource=UNKNOWN)
    answer = await par.send(push, control=lambda: par.ordinary(client, resource=(client.entry.resource or [])[:1]))
    if answer.accepted:
        outcome = await authorization.open(answer)
        if outcome.ending is not Ending.ERROR_REDIRECT:
            raise NotApplicable(f"no error is told to the client: {outcome.summary}")
        error = outcome.error
    else:
        error = expect.an_error(answer).error
    expect.that(
        error == "invalid_target",
        "other-code",
        f"the error code is {error}",
        expected="invalid_target",
        received=error,
    )


async def _redeemed(
    par: Par, authorization: Authorization, token: Token, client: RegisteredClient, pushed: list[str], named: Change
) -> TokenAnswer:
    answer = await par.accepted(client, resource=pushed)
    return await token.redeem(await authorization.code(answer), answer.push, resource=named)


@verifies("rfc8707-2.2-subset-at-token-endpoint", needs=Feature.RESOURCE_INDICATORS)
async def test_token_request_may_choose_one_resource(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """A token request that names one of several pushed resources gets a token for that one only."""
    client, resources = a_client(target, several=True)
    needs_several(await par.push(client, resource=resources))
    tokens = await _redeemed(par, authorization, token, client, resources, resources[-1])
    control = await _redeemed(par, authorization, token, client, resources, None)
    expect.redeemed(tokens, control=control)
    _is_for(await audience(token, tokens, client), {resources[-1]}, target)


@verifies("rfc8707-2.2-other-resource-refused", needs=Feature.RESOURCE_INDICATORS)
@each(which=("own", "unknown"))
async def test_token_request_cannot_name_another_resource(
    par: Par, authorization: Authorization, token: Token, target: Target, which: str
) -> None:
    """A token request for a resource that was not pushed is refused, or its token is not for that one."""
    client, resources = a_client(target, several=which == "own")
    other = resources[-1] if which == "own" else UNKNOWN
    tokens = await _redeemed(par, authorization, token, client, resources[:1], other)
    if tokens.accepted:
        found = await audience(token, tokens, client)
        expect.that(
            other not in found,
            "audience-widened",
            f"the access token is for {other}, which was not pushed",
            expected=resources[0],
            received=" ".join(sorted(found)),
        )
        return
    expect.not_redeemed(tokens, control=await _redeemed(par, authorization, token, client, resources[:1], None))
