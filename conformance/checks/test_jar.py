"""What makes a pushed request object a good one, and how a bad one is answered (RFC 9101 sections 4, 5, 7, 9, 10)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from conformance import expect
from conformance.check import each, verifies
from conformance.checks import objects
from conformance.checks.objects import OTHER_ISSUER, object_refused, signer
from conformance.http.listener import listening
from conformance.profile.keyring import generate_key
from conformance.profile.model import Client, Feature
from conformance.protocol import jar, jws
from conformance.protocol.authorization import Authorization
from conformance.protocol.outcome import Outcome
from conformance.protocol.par import Par, PushAnswer, needs_accepted
from conformance.target import RegisteredClient, Target
from conformance.verdict import NotApplicable, NotExercised

#: Claims by name; a function of now (Unix seconds) where the value is a time, None where the claim is taken out.
Claims = Mapping[str, Any]


async def _refused(par: Par, authorization: Authorization, target: Target, claims: Claims) -> PushAnswer:
    return await object_refused(par, authorization, target, lambda _: jar.Fault(claims=claims))


# -- claims of the JWT ----------------------------------------------------------------------------------------------


@verifies(
    "rfc9101-4-issuer-audience-accepted", "fapi2-message-signing-5.3.1-issuer-audience-accepted", needs=Feature.JAR
)
async def test_object_for_the_issuer_is_accepted(par: Par, target: Target) -> None:
    """A request object whose aud is the issuer identifier is accepted."""
    client = signer(target)
    answer = await par.send(par.object(client, fault=jar.Fault(claims={"aud": target.issuer})))
    if answer.accepted:
        return
    others = [target.par_endpoint, target.token_endpoint, target.authorization_endpoint, None]
    for audience in others:
        fault = jar.Fault(claims={"aud": audience})
        if (await par.send(par.object(client, fault=fault), purpose="control")).accepted:
            expect.accepted(answer)
    raise NotExercised(f"no request object was accepted, whatever its audience: {answer.summary}")


@verifies("rfc9101-4-audience-array-accepted", "fapi2-message-signing-5.3.1-audience-array-accepted", needs=Feature.JAR)
@each(others={"alone": [], "first": [OTHER_ISSUER], "two-more": [OTHER_ISSUER, "https://third.example"]})
async def test_object_with_an_audience_array_is_accepted(par: Par, target: Target, others: list[str]) -> None:
    """A request object whose aud is an array that contains the issuer identifier is accepted."""
    client = signer(target)
    fault = jar.Fault(claims={"aud": [target.issuer, *others]})
    expect.accepted(await par.send(par.object(client, fault=fault), control=lambda: par.object(client)))


@verifies(
    "rfc9101-4-foreign-audience-refused", "fapi2-message-signing-5.3.1-foreign-audience-refused", needs=Feature.JAR
)
@each(kind=("string", "array", "longer", "prefix", "other-case"))
async def test_object_for_another_server_is_refused(
    par: Par, authorization: Authorization, target: Target, kind: str
) -> None:
    """A request object whose aud names another server only brings no code, be its name ever so similar."""
    audience: dict[str, str | list[str]] = {
        "string": OTHER_ISSUER,
        "array": [OTHER_ISSUER, "https://third.example"],
        "longer": f"{target.issuer}.attacker.example",
        "prefix": target.issuer[: target.issuer.index("://") + 4],
        "other-case": target.issuer.swapcase(),
    }
    await _refused(par, authorization, target, {"aud": audience[kind]})


@verifies("rfc9101-4-foreign-iss-refused", needs=Feature.JAR)
@each(issuer=("attacker", "other-client", "server"))
async def test_object_of_another_issuer_is_refused(
    par: Par, authorization: Authorization, target: Target, issuer: str
) -> None:
    """A request object whose iss is not the client brings no code."""
    own = signer(target)
    others = [entry.client_id for entry in target.profile.clients.values() if entry.client_id != own.client_id]
    if issuer == "other-client" and not others:
        raise NotApplicable("the profile has one client only")
    value = {"attacker": OTHER_ISSUER, "other-client": others[0] if others else "", "server": target.issuer}
    await _refused(par, authorization, target, {"iss": value[issuer]})


EXPIRED: dict[str, Claims] = {
    "minutes-ago": {
        "exp": lambda now: int(now) - 300,
        "nbf": lambda now: int(now) - 600,
        "iat": lambda now: int(now) - 600,
    },
    "in-1970": {"exp": 1, "nbf": None, "iat": None},
    "at-zero": {"exp": 0, "nbf": None, "iat": None},
}


@verifies("rfc9101-9.1-expired-object-refused", needs=Feature.JAR)
@each(claims=EXPIRED)
async def test_expired_object_is_refused(
    par: Par, authorization: Authorization, target: Target, claims: Claims
) -> None:
    """A request object whose exp has passed, be it by minutes or since 1970, brings no code."""
    await _refused(par, authorization, target, claims)


@verifies("rfc9101-9.1-object-not-yet-valid-refused", needs=Feature.JAR)
@each(exp={"exp-after-nbf": 600, "exp-as-usual": 0})
async def test_object_from_the_future_is_refused(
    par: Par, authorization: Authorization, target: Target, exp: int
) -> None:
    """A request object whose nbf is ten minutes ahead brings no code, wherever its exp lies.

    A server that bounds how far ahead exp may lie would refuse the one for its exp.
    """
    end = exp + jar.settings_of(signer(target)).lifetime
    await _refused(par, authorization, target, {"nbf": lambda now: int(now) + 600, "exp": lambda now: int(now) + end})


NO_NUMBERS: dict[str, Claims] = {
    "digits": {"exp": lambda now: str(int(now) + 200)},
    "words": {"exp": "tomorrow"},
    "object": {"exp": {"seconds": 4_000_000_000}},
    "array": {"exp": [4_000_000_000]},
}


@verifies("rfc9101-9.1-exp-that-is-no-number-refused", needs=Feature.JAR)
@each(claims=NO_NUMBERS)
async def test_object_whose_exp_is_no_number_is_refused(
    par: Par, authorization: Authorization, target: Target, claims: Claims
) -> None:
    """A request object whose exp is no JSON number brings no code."""
    await _refused(par, authorization, target, claims)


@verifies("rfc9101-6.3-missing-client-id-claim-refused", needs=Feature.JAR)
async def test_object_without_client_id_is_refused(par: Par, authorization: Authorization, target: Target) -> None:
    """A request object without a client_id claim brings no code."""
    await _refused(par, authorization, target, {"client_id": None})


# -- objects in the object ------------------------------------------------------------------------------------------


@verifies("rfc9101-4-nested-request-refused", "openid-core-6.1-nested-request-refused", needs=Feature.JAR)
async def test_object_inside_an_object_is_refused(par: Par, authorization: Authorization, target: Target) -> None:
    """A request object that carries another one as its claim request brings no code."""
    inner = dict(par.object(signer(target)).parameters)["request"]
    await _refused(par, authorization, target, {"request": inner})


@verifies("rfc9101-4-nested-request-uri-refused", "openid-core-6.1-nested-request-uri-refused", needs=Feature.JAR)
@each(reference=("issued", "https", "urn"))
async def test_reference_inside_an_object_is_refused(
    par: Par, authorization: Authorization, target: Target, reference: str
) -> None:
    """A request object with a claim request_uri brings no code, even if the server itself issued that reference."""
    values: dict[str, str | None] = {"https": "https://client.example/request.jwt", "urn": "urn:example:any"}
    if reference == "issued":
        values["issued"] = needs_accepted(await par.send(par.object(signer(target)))).request_uri
    await _refused(par, authorization, target, {"request_uri": values[reference]})


@verifies("rfc9101-4-nested-request-uri-not-fetched", needs=Feature.JAR)
async def test_reference_inside_an_object_is_not_fetched(
    par: Par, authorization: Authorization, target: Target
) -> None:
    """The server opens no connection to a URL in the request_uri claim of a request object."""
    objects.reaches_loopback(target)
    client = signer(target)
    async with listening() as listener:
        fault = jar.Fault(claims={"request_uri": f"{listener.url}/request.jwt"})
        answer = await par.send(par.object(client, fault=fault), control=lambda: par.object(client))
        if answer.accepted:
            await authorization.open(answer)
        else:
            expect.control_accepted(answer)
        hits = await listener.connections()
        expect.that(
            not hits,
            "fetched",
            "the server fetched the address in the request_uri claim of a request object",
            expected="no connection",
            received=f"{hits} connections",
        )


# -- what is no request object --------------------------------------------------------------------------------------

_UNSIGNED = jws.encode({"state": "unsigned"}, None, "none", {"alg": "none"})
NO_OBJECTS = {
    "word": "this-is-no-request-object",
    "dots": "..",
    "two-parts": _UNSIGNED.rpartition(".")[0],
    "claims-in-clear": json.dumps({"state": "in-clear"}),
    "no-json-inside": "bm8ganNvbg.bm8ganNvbg.bm8ganNvbg",
}


@verifies("rfc9101-5-request-that-is-no-jwt-refused", needs=Feature.JAR)
@each(text=NO_OBJECTS)
async def test_text_that_is_no_object_is_not_passed_over(
    par: Par, authorization: Authorization, target: Target, text: str
) -> None:
    """A push with a request parameter that is no JWT brings no code, though a complete request stands beside it."""
    client = signer(target)
    push = par.object(client)
    faulty = objects.carrying(push, text, objects.asked(push))
    await objects.brings_no_code(par, authorization, faulty, lambda: par.object(client))


@verifies("rfc9101-6.1-undecryptable-object-refused", needs=Feature.JAR)
@each(beside=("nothing", "complete-request"))
async def test_object_encrypted_to_a_foreign_key_is_refused(
    par: Par, authorization: Authorization, target: Target, beside: str
) -> None:
    """A request object encrypted to a key that the server does not have brings no code, alone or with a request."""
    client = signer(target)
    push = par.object(client)
    strange = {**generate_key("ES256", "strange").public_jwk(), "use": "enc"}
    strange.pop("alg")
    token = jar.encrypt(dict(push.parameters)["request"], strange, "ECDH-ES", "A128CBC-HS256")
    faulty = objects.carrying(push, token, objects.asked(push) if beside != "nothing" else ())
    await objects.brings_no_code(par, authorization, faulty, lambda: par.object(client))


# -- what is answered -------------------------------------------------------------------------------------------------

_TAMPERED = jar.Fault(spoil=jws.tampered)


@verifies("rfc9101-6.3-refusal-is-an-oauth-error", needs=Feature.JAR)
@each(
    fault={
        "malformed": jar.Fault(spoil=lambda _: NO_OBJECTS["word"]),
        "changed": _TAMPERED,
    }
)
async def test_refused_object_is_told_as_an_oauth_error(par: Par, target: Target, fault: jar.Fault) -> None:
    """A push whose request object fails is answered with a 4xx and a JSON object that has a member error."""
    client = signer(target)
    answer = await par.send(par.object(client, fault=fault), control=lambda: par.object(client))
    if answer.accepted:
        raise NotApplicable(f"the faulty object was accepted, so that there is no error to look at: {answer.summary}")
    expect.control_accepted(answer)
    expect.that(
        answer.error is not None and 400 <= (answer.status or 0) < 500,
        "no-oauth-error",
        f"the refusal is {answer.summary}",
        expected="HTTP 400 and a JSON object with error",
        received=answer.summary,
    )


@verifies("rfc9101-7-invalid-object-error-code", needs=Feature.JAR)
@each(
    fault={
        "malformed": jar.Fault(spoil=lambda _: NO_OBJECTS["word"]),
        "expired": jar.Fault(claims=EXPIRED["minutes-ago"]),
        "foreign-audience": jar.Fault(claims={"aud": OTHER_ISSUER}),
    }
)
async def test_invalid_object_is_told_invalid_request_object(par: Par, target: Target, fault: jar.Fault) -> None:
    """The error for a request object that is malformed, expired or for another server is invalid_request_object."""
    client = signer(target)
    answer = await par.send(par.object(client, fault=fault), control=lambda: par.object(client))
    expect.error_code(answer, "invalid_request_object")


# -- the reference for an object --------------------------------------------------------------------------------------


@verifies("rfc9101-10.2-request-uri-bound-to-client", needs=Feature.JAR)
async def test_request_uri_of_an_object_is_bound_to_its_client(
    par: Par, authorization: Authorization, target: Target
) -> None:
    """The request_uri of a pushed request object brings no code when another client opens it."""
    own = signer(target)
    role = next((role for role, entry in target.profile.clients.items() if entry.client_id != own.client_id), None)
    if role is None:
        raise NotApplicable("the profile has one client only")
    answer = needs_accepted(await par.send(par.object(own)))
    outcome = await authorization.open(answer, client=role)
    control = await authorization.open(needs_accepted(await par.send(par.object(own))))
    expect.no_code(outcome, control=control)


@verifies("rfc9101-10.2-request-uri-one-time", needs=Feature.JAR)
async def test_request_uri_of_an_object_works_once(par: Par, authorization: Authorization, target: Target) -> None:
    """The request_uri of a pushed request object that led to a code brings no second one."""
    answer = needs_accepted(await par.send(par.object(signer(target))))
    first = await authorization.code(answer)
    expect.no_code(await authorization.open(answer), control=first)


@verifies("rfc9101-10.2-request-uri-short-lived", needs=Feature.JAR)
async def test_request_uri_of_an_object_lives_shortly(par: Par, target: Target) -> None:
    """The request_uri of a pushed request object lives for less than an hour."""
    answer = needs_accepted(await par.send(par.object(signer(target))))
    if answer.expires_in is None:
        raise NotExercised("expires_in is missing or no number")
    expect.that(
        answer.expires_in < 3600,
        "long-lived",
        f"the request_uri lives for {answer.expires_in:g} seconds",
        expected="minutes at most",
        received=f"{answer.expires_in:g} s",
    )


# -- what is promised -------------------------------------------------------------------------------------------------


@verifies("rfc9101-10.5-metadata-value-is-boolean")
async def test_signed_object_policy_is_a_boolean(target: Target) -> None:
    """require_signed_request_object in the metadata, where it is there, is a boolean."""
    document = target.metadata.document
    if "require_signed_request_object" not in document:
        raise NotApplicable("the metadata does not have require_signed_request_object")
    value = document["require_signed_request_object"]
    expect.that(
        isinstance(value, bool),
        "no-boolean",
        f"the value is {value!r}",
        expected="true or false",
        received=repr(value),
    )


async def _served_unsigned(par: Par, authorization: Authorization, client: RegisteredClient) -> Outcome:
    return await authorization.visit(objects.plain(par.ordinary(client)).parameters)


def _must_sign(entry: Client) -> bool:
    return bool(entry.request_objects and entry.request_objects.required)


@verifies("rfc9101-10.5-plain-request-refused-where-required-for-client", needs=Feature.JAR)
async def test_client_that_must_sign_gets_no_code_for_a_plain_request(
    par: Par, authorization: Authorization, target: Target
) -> None:
    """A client that must use signed request objects gets no code for a plain query at the authorization endpoint."""
    client = signer(target, _must_sign)
    outcome = await _served_unsigned(par, authorization, client)
    expect.no_code(outcome, control=await authorization.open(needs_accepted(await par.send(par.object(client)))))
