"""Authorization details (RFC 9396): those that the profile calls valid, changes to them, and what became of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from conformance.checks.flows import claims_of_token
from conformance.profile.model import Profile
from conformance.protocol.authorization import Authorization
from conformance.protocol.par import Par, PushAnswer
from conformance.protocol.token import Token, TokenAnswer
from conformance.target import RegisteredClient, Target
from conformance.verdict import NotApplicable, NotExercised

PARAMETER = "authorization_details"
#: A type of details that no server knows.
UNKNOWN = "https://par-conformance.example/unknown"
Entry = Mapping[str, Any]
Sample = dict[str, Any]


def with_details(profile: Profile) -> str | None:
    """The role of the client with the most authorization details."""
    roles = [(len(client.authorization_details or ()), role) for role, client in profile.clients.items()]
    most = max((count for count, _ in roles), default=0)
    return next((role for count, role in roles if count == most), None) if most else None


def client_of(target: Target) -> RegisteredClient:
    """The client that asks for details. NotApplicable where the profile has none."""
    role = with_details(target.profile)
    if role is None:
        raise NotApplicable("no client of the profile has `authorization_details`")
    return target.client(role)


def samples(target: Target) -> list[Sample]:
    """Its valid entries."""
    return [dict(entry) for entry in client_of(target).entry.authorization_details or ()]


def text(entries: object) -> str:
    """Entries as the form carries them."""
    return json.dumps(entries)


def texts_of(value: object) -> Iterator[str]:
    """Every string in a JSON value, the type aside."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            if name != "type":
                yield from texts_of(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts_of(item)


def replaced(value: Any, old: str, new: str) -> Any:
    """A JSON value in which one string is another."""
    if isinstance(value, str):
        return new if value == old else value
    if isinstance(value, Mapping):
        return {name: item if name == "type" else replaced(item, old, new) for name, item in value.items()}
    return [replaced(item, old, new) for item in value] if isinstance(value, list) else value


def wordiest(entries: list[Sample]) -> str:
    """The string in the entries that looks most like free text. NotApplicable where there is none."""
    found = max(texts_of(entries), key=lambda value: (" " in value, len(value)), default="")
    if len(found) < 4:
        raise NotApplicable("the valid authorization_details hold no text that could be followed")
    return found


async def asked(par: Par, target: Target, entries: object) -> PushAnswer:
    """The ordinary request with these details, which has to be accepted for the check to go on."""
    return await par.accepted(client_of(target), authorization_details=text(entries))


async def tokens_for(
    par: Par, authorization: Authorization, token: Token, target: Target, entries: object
) -> TokenAnswer:
    """The tokens for these details. NotExercised where none come."""
    answer = await asked(par, target, entries)
    outcome = await authorization.code(answer)
    tokens = await token.redeem(outcome, answer.push)
    if not tokens.accepted:
        raise NotExercised(f"the code of a request with details was not redeemed: {tokens.summary}")
    return tokens


async def granted(token: Token, tokens: TokenAnswer, client: RegisteredClient) -> list[Any] | None:
    """The details that came with tokens: in the answer, in a JWT, by introspection; None where nothing shows any."""
    introspected = await token.introspect(str(tokens.json.get("access_token")), client) or {}
    for members in (tokens.json, claims_of_token(tokens), introspected):
        if isinstance(members.get(PARAMETER), list):
            return list(members[PARAMETER])
    return None


async def needs_granted(token: Token, tokens: TokenAnswer, client: RegisteredClient) -> list[Any]:
    """The details that came with tokens. NotApplicable without any, which is a finding of its own."""
    found = await granted(token, tokens, client)
    if found is None:
        raise NotApplicable("no details came with the token, which is a finding of its own")
    return found


def types_of(details: list[Any] | None) -> set[object]:
    """The types among details."""
    return {entry.get("type") for entry in details or () if isinstance(entry, Mapping)}


async def push_of(par: Par, target: Target, value: str) -> PushAnswer:
    """A push with this value of authorization_details; its control has the valid ones."""
    client = client_of(target)
    valid = text(samples(target))
    return await par.send(
        par.ordinary(client, authorization_details=value),
        control=lambda: par.ordinary(client, authorization_details=valid),
    )
