"""Request objects in the name of clients that the target knows no key of (RFC 9101 section 6.2)."""

from __future__ import annotations

import secrets
from dataclasses import replace

from conformance import expect
from conformance.check import each, verifies
from conformance.checks import objects
from conformance.checks.objects import by_value, takes_objects_by_value
from conformance.profile.keyring import SigningKey, generate_key
from conformance.profile.model import RequestObjects
from conformance.protocol import jar
from conformance.protocol.authorization import Authorization
from conformance.protocol.outcome import Outcome
from conformance.protocol.par import Par, Push, needs_accepted
from conformance.target import RegisteredClient, Target
from conformance.verdict import NotApplicable

#: What the person who forges signs with: a key made on the spot, or a guessed secret.
ALGORITHMS = ("ES256", "RS256", "HS256")


def keyless(target: Target) -> RegisteredClient:
    """A client that does not sign its requests: the first one, or another. NotApplicable where all of them do."""
    for role in sorted(target.profile.clients, key=lambda role: role != "first"):
        if target.profile.clients[role].request_objects is None:
            return target.client(role)
    raise NotApplicable("every client of the profile signs request objects")


def forged(par: Par, client: RegisteredClient, alg: str) -> Push:
    """The client's ordinary request as an object that somebody else signed."""
    key: SigningKey | bytes = secrets.token_bytes(32) if alg == "HS256" else generate_key(alg, "forged")
    entry = client.entry.model_copy(update={"request_objects": RequestObjects(alg=alg)})
    return par.object(replace(client, entry=entry), fault=jar.Fault(key=key))


@verifies("rfc9101-6.2-object-of-client-without-key-not-used")
@each(alg=ALGORITHMS)
async def test_pushed_object_of_a_client_without_key_brings_no_code(
    par: Par, authorization: Authorization, target: Target, alg: str
) -> None:
    """A pushed request object brings no code for a client of which no key is registered."""
    client = keyless(target)
    # To a server that leaves objects aside it is a push of little: how that is answered is a requirement of its own.
    push, refused = forged(par, client, alg), expect.not_accepted
    await objects.brings_no_code(par, authorization, push, lambda: par.ordinary(client), refused)


@verifies("rfc9101-6.2-object-of-client-without-key-not-used")
async def test_pushed_object_beside_the_request_is_not_used_without_a_key(
    par: Par, authorization: Authorization, target: Target
) -> None:
    """A forged request object beside a whole request is refused or ignored: nothing in it is carried out."""
    client = keyless(target)
    push, ordinary = forged(par, client, "ES256"), par.ordinary(client)
    beside = replace(ordinary, parameters=(*ordinary.parameters, ("request", dict(push.parameters)["request"])))
    answer = await par.send(beside, control=lambda: par.ordinary(client))
    if answer.accepted:
        await _not_carried_out(par, authorization, client, push, await authorization.open(answer))
    else:
        expect.refused(answer)


@verifies("rfc9101-6.2-object-of-client-without-key-not-used")
@each(beside=("nothing", "the-request"))
async def test_object_by_value_of_a_client_without_key_is_not_used(
    par: Par, authorization: Authorization, target: Target, beside: str
) -> None:
    """A forged request object in the query brings no code alone, and changes nothing beside a whole request."""
    client = keyless(target)
    takes_objects_by_value(target, client)
    push = forged(par, client, "ES256")
    everything = tuple(name for name, _ in objects.asked(push) if name != "state")
    if beside == "nothing":
        outcome = await by_value(authorization, push)
        expect.no_code(outcome, control=await _ordinary(par, authorization, client))
    else:
        outcome = await by_value(authorization, push, everything, {"state": "from-the-query"})
        await _not_carried_out(par, authorization, client, push, outcome)


async def _ordinary(par: Par, authorization: Authorization, client: RegisteredClient) -> Outcome:
    return await authorization.open(needs_accepted(await par.send(par.ordinary(client))))


async def _not_carried_out(
    par: Par, authorization: Authorization, client: RegisteredClient, push: Push, outcome: Outcome
) -> None:
    expect.that(  # an error may tell the state of an object that was refused
        not outcome.granted or outcome.parameters.get("state") != push.value("state"),
        "object-used",
        "the state of a request object that nobody could verify came back",
        expected="a refusal, or the state beside the object",
        received=outcome.summary,
    )
    if not outcome.granted:
        expect.no_code(outcome, control=await _ordinary(par, authorization, client))
