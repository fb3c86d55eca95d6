"""Request objects at the pushed authorization request endpoint (RFC 9126 section 3)."""

from __future__ import annotations

import secrets
from dataclasses import replace

from conformance import expect
from conformance.check import each, verifies
from conformance.checks import objects
from conformance.profile.keyring import generate_key, key_pem
from conformance.profile.model import Feature
from conformance.protocol import jar, jws
from conformance.protocol.authorization import Authorization
from conformance.protocol.outcome import Ending
from conformance.protocol.par import Par, Push, needs_accepted
from conformance.target import Target
from conformance.verdict import NotApplicable


@verifies(
    "rfc9126-3-request-object-accepted",
    "rfc9101-5-object-suffices",
    "fapi2-message-signing-5.3.1-signed-push-accepted",
    needs=Feature.JAR,
)
@each(client=objects.by_algorithm)
async def test_signed_request_object_is_accepted(par: Par, client: str) -> None:
    """A signed request object beside nothing but client authentication is accepted, in each registered algorithm."""
    expect.accepted(await par.send(par.object(client), control=lambda: par.ordinary(client), alone=True))


@verifies("rfc9126-3-request-object-effective", "rfc9101-6.3-parameters-extracted", needs=Feature.JAR)
async def test_request_object_is_carried_out(par: Par, authorization: Authorization) -> None:
    """The parameters in a pushed request object are the ones that are carried out."""
    answer = needs_accepted(await par.send(par.object("signed")))
    outcome = expect.code(
        await authorization.open(answer), control=await authorization.open(await par.accepted("signed"))
    )
    expect.that(
        outcome.parameters.get("state") == answer.push.value("state"),
        "state-changed",
        "the state of the request object did not come back",
        expected=answer.push.value("state"),
        received=outcome.parameters.get("state"),
    )


def beside(push: Push, **outside: str) -> Push:
    """The same push with parameters beside its request object."""
    return replace(push, parameters=(*push.parameters, *outside.items()))


@verifies(
    "rfc9126-3-outer-value-without-effect",
    "rfc9101-6.3-outer-parameters-do-not-override",
    "fapi2-message-signing-5.3.1-parameters-outside-object-not-used",
    needs=Feature.JAR,
)
async def test_parameter_beside_the_request_object_does_not_win(par: Par, authorization: Authorization) -> None:
    """A parameter in the form does not replace the one in the request object."""
    push = beside(par.object("signed"), state="from-the-form")
    answer = await par.send(push, control=lambda: par.object("signed"))
    if not answer.accepted:
        expect.refused(answer)
        return
    outcome = await authorization.open(answer)
    expect.that(
        outcome.ending is not Ending.CODE or outcome.parameters.get("state") != "from-the-form",
        "form-used",
        "the state beside the request object came back",
        expected="the state of the request object",
        received="from-the-form",
    )
    if outcome.ending is not Ending.CODE:
        await authorization.code(needs_accepted(await par.send(par.object("signed"))))


@verifies(
    "rfc9126-3-outer-parameter-not-merged",
    "rfc9101-6.3-outer-parameters-not-merged",
    "fapi2-message-signing-5.3.1-parameters-outside-object-not-used",
    needs=Feature.JAR,
)
async def test_parameter_beside_the_request_object_is_not_added(par: Par, authorization: Authorization) -> None:
    """A parameter that only the form has is not taken into the request."""
    push = beside(par.object("signed", state=None), state="from-the-form")
    answer = await par.send(push, control=lambda: par.object("signed", state=None))
    if not answer.accepted:
        if answer.control is not None and answer.control.refused:
            raise NotApplicable(f"this server wants a state: {answer.control.summary}")
        expect.refused(answer)
        return
    outcome = await authorization.open(answer)
    expect.that(
        outcome.ending is not Ending.CODE or outcome.parameters.get("state") != "from-the-form",
        "form-used",
        "the state beside the request object came back although the object has none",
        expected="no state",
        received="from-the-form",
    )
    if outcome.ending is not Ending.CODE:
        await authorization.code(needs_accepted(await par.send(par.object("signed"))))


def _unknown_key(par: Par) -> jar.Fault:
    own = jar.signing_key(par.client("signed"))
    return jar.Fault(key=generate_key(own.alg, own.kid))


def _hmac(par: Par) -> jar.Fault:
    own = jar.signing_key(par.client("signed"))
    return jar.Fault(key=key_pem(own).encode(), alg="HS256", header={"kid": own.kid})


def _embedded(par: Par) -> jar.Fault:
    key = generate_key(jar.signing_key(par.client("signed")).alg, "embedded")
    return jar.Fault(key=key, header={"jwk": key.public_jwk()})


def _rewritten(_: Par) -> jar.Fault:
    def spoil(token: str) -> str:
        head, _, signature = token.split(".")
        claims = {**jws.claims_of(token), "state": "changed-" + secrets.token_hex(4)}
        return ".".join((head, jws.encode(claims, None, "none", {}).split(".")[1], signature))

    return jar.Fault(spoil=spoil)


FORGERIES = {
    "tampered-signature": lambda _: jar.Fault(spoil=jws.tampered),
    "claims-changed-after-signing": _rewritten,
    "unknown-key": _unknown_key,
    "alg-none": lambda _: jar.Fault(alg="none", header={"alg": "none", "kid": None}),
    "public-key-as-hmac-secret": _hmac,
    "key-in-the-header": _embedded,
    "empty-signature": lambda _: jar.Fault(spoil=lambda token: token.rpartition(".")[0] + "."),
}


@verifies("rfc9126-3-signature-validated", "fapi2-message-signing-5.3.1-signature-verified", needs=Feature.JAR)
@each(forgery=FORGERIES)
async def test_request_object_with_a_wrong_signature_is_refused(par: Par, forgery: object) -> None:
    """A request object that is not signed with the client's own key is refused."""
    assert callable(forgery)
    push = par.object("signed", fault=forgery(par))
    expect.refused(await par.send(push, control=lambda: par.object("signed")))


@verifies("rfc9126-3-client-id-claim-matches", "rfc9101-6.3-client-id-claim-mismatch-refused", needs=Feature.JAR)
@each(iss=("own", "its"))
async def test_request_object_for_another_client_is_refused(par: Par, target: Target, iss: str) -> None:
    """A request object whose client_id claim is another client is refused, though the client signed it itself."""
    own = objects.signer(target)
    other = next((id for entry in target.profile.clients.values() if (id := entry.client_id) != own.client_id), None)
    if other is None:
        raise NotApplicable("the profile has one client only")
    fault = jar.Fault(claims={"client_id": other, "iss": own.client_id if iss == "own" else other})
    expect.refused(await par.send(par.object(own, fault=fault), control=lambda: par.object(own)))


@verifies("rfc9126-3-client-id-claim-matches", "rfc9101-6.3-object-of-another-client-refused", needs=Feature.JAR)
async def test_request_object_of_another_client_is_refused(par: Par, target: Target) -> None:
    """A request object that another client made and signed is refused when this client pushes it."""
    own = objects.signer(target)
    other = objects.signer(target, lambda entry: entry.client_id != own.client_id)
    foreign = par.object(other)
    push = objects.carrying(par.object(own), dict(foreign.parameters)["request"])
    expect.refused(await par.send(push, control=lambda: par.object(own)))


@verifies("rfc9126-2.1-request-uri-refused", needs=Feature.JAR)
@each(value={"urn": "urn:ietf:params:oauth:request_uri:par-conformance-any", "https": "https://client.example/r.jwt"})
async def test_request_uri_beside_a_request_object_is_refused(par: Par, value: str) -> None:
    """A pushed request object with request_uri beside it is refused."""
    push = par.object("signed").changed(request_uri=value)
    expect.refused(await par.send(push, control=lambda: par.object("signed")))


@verifies("rfc9126-2.1-client-id-mismatch-refused", needs=Feature.JAR)
async def test_client_id_of_another_client_beside_a_request_object_is_refused(par: Par, target: Target) -> None:
    """A request object of the client that authenticates is refused with another client's client_id beside it."""
    own, other = target.client("signed"), target.client("second")
    if own.entry.auth in {"client_secret_post", "none"}:
        raise NotApplicable("the client_id of the body is part of how this client authenticates")
    push = par.object("signed").changed(client_id=other.client_id)
    expect.refused(await par.send(push, control=lambda: par.object("signed")))
