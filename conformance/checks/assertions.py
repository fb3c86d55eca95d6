"""What the checks of client assertions (RFC 7523) share: a push that is authenticated by a wrong one."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from conformance import expect
from conformance.profile.keyring import SigningKey
from conformance.profile.model import Profile
from conformance.protocol import client_auth, jws
from conformance.protocol.client_auth import Authentication, Occasion, Proof
from conformance.protocol.par import Par, PushAnswer
from conformance.target import RegisteredClient, Target
from conformance.verdict import NotApplicable

#: Changes to claims: a function of now (Unix seconds) where the value is a time, None where the claim is taken out.
Claims = Mapping[str, Any]

#: An issuer that is nobody's.
OTHER_ISSUER = "https://other-server.example"


def with_key(profile: Profile) -> dict[str, str]:
    """The client that signs its assertions with a private key, if the profile has one."""
    role = next((role for role, client in profile.clients.items() if client.auth == "private_key_jwt"), None)
    return {role: role} if role else {}


def with_mac(profile: Profile) -> dict[str, str]:
    """The client that makes its assertions with its secret, if the profile has one."""
    role = next((role for role, client in profile.clients.items() if client.auth == "client_secret_jwt"), None)
    return {role: role} if role else {}


def with_registered_algorithm(profile: Profile) -> dict[str, str]:
    """Clients whose algorithm for assertions is registered, as the profile says: algorithm to role."""
    found: dict[str, str] = {}
    for role, client in profile.clients.items():
        if client.assertion_alg and client.auth in {"private_key_jwt", "client_secret_jwt"}:
            found.setdefault(client.assertion_alg, role)
    return found


async def refused(par: Par, client: str | RegisteredClient, wrong: Authentication) -> PushAnswer:
    """A push that is authenticated wrongly is refused, while the right one is accepted."""
    push = replace(par.ordinary(client), authentication=wrong)
    return expect.refused(await par.send(push, control=lambda: par.ordinary(client)))


async def accepted(par: Par, client: str | RegisteredClient, unusual: Authentication) -> PushAnswer:
    """A push that is authenticated in an unusual way is accepted."""
    push = replace(par.ordinary(client), authentication=unusual)
    return expect.accepted(await par.send(push, control=lambda: par.ordinary(client)))


async def claims_refused(par: Par, client: str, claims: Claims) -> PushAnswer:
    """An assertion with these changes to its claims does not authenticate the client."""
    return await refused(par, client, client_auth.assertion(claims))


def signed(payload: bytes, header: Mapping[str, Any] | None = None) -> Authentication:
    """An assertion with any payload, signed with the client's own key."""

    def prove(occasion: Occasion) -> Proof:
        alg, key = client_auth.signing(occasion.client)
        base: dict[str, Any] = {"alg": alg, "typ": "JWT"}
        if isinstance(key, SigningKey):
            base["kid"] = key.kid
        return sent(jws.encode(payload, key, alg, jws.changed(base, header or {})))

    return prove


def sent(*texts: str) -> Proof:
    """These texts as client assertions."""
    pairs = tuple(("client_assertion", text) for text in texts)
    return Proof(form=(("client_assertion_type", client_auth.ASSERTION_TYPE), *pairs))


def made(par: Par, client: RegisteredClient, make: Authentication = client_auth.registered) -> Proof:
    """One proof for the PAR endpoint, to be used as often as wanted."""
    return make(Occasion(client, par.target, par.target.par_endpoint, par.wire.clock.now()))


def text_of(proof: Proof) -> str:
    """The assertion in a proof."""
    return dict(proof.form)["client_assertion"]


def usual_audience(target: Target, client: RegisteredClient) -> str:
    """The audience of the client's ordinary assertions at the PAR endpoint."""
    return client_auth.audience(Occasion(client, target, target.par_endpoint, 0))


def another_id(target: Target, client: RegisteredClient) -> str:
    """The client_id of another client. NotApplicable where the profile has none."""
    for entry in target.profile.clients.values():
        if entry.client_id != client.client_id:
            return entry.client_id
    raise NotApplicable("the profile has one client only")


def other_case(text: str) -> str:
    """The text with its letters in the other case. NotApplicable where it has no letters."""
    if text.swapcase() == text:
        raise NotApplicable("there is no letter whose case could be changed")
    return text.swapcase()


def made_of(token: Callable[[str], str]) -> Authentication:
    """An ordinary assertion, changed after it was finished."""
    return client_auth.assertion(spoil=token)


def doubled(name: str, last: object) -> Authentication:
    """A right assertion in which a claim stands once more, at the end and with another value."""

    def prove(occasion: Occasion) -> Proof:
        alg, key = client_auth.signing(occasion.client)

        def add(token: str) -> str:
            header, payload, _ = token.split(".")
            claims = jws.from_base64url(payload).decode().rstrip().removesuffix("}")
            twice = f"{claims}, {json.dumps(name)}: {json.dumps(last)}}}"
            message = f"{header}.{jws.base64url(twice.encode())}"
            return f"{message}.{jws.base64url(jws.signature(alg, key, message.encode()))}"

        return client_auth.assertion(spoil=add)(occasion)

    return prove
