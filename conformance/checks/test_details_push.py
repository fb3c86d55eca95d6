"""Rich authorization requests that are pushed: details that are accepted, and refused (RFC 9396)."""

from __future__ import annotations

from collections.abc import Callable

from conformance import expect
from conformance.check import each, verifies
from conformance.checks.details import (
    UNKNOWN,
    Sample,
    asked,
    client_of,
    push_of,
    samples,
    text,
)
from conformance.profile.model import Feature, Profile
from conformance.protocol.authorization import Authorization
from conformance.protocol.outcome import Ending
from conformance.protocol.par import Par, needs_accepted
from conformance.target import Target
from conformance.verdict import NotApplicable


async def refused(par: Par, authorization: Authorization, target: Target, value: str) -> None:
    """Details with a fault lead to no code."""
    answer = await push_of(par, target, value)
    if answer.accepted:
        # The attempt at the authorization endpoint needs a control of its own: the same with valid details.
        outcome = await authorization.open(answer)
        control = await authorization.open(await asked(par, target, samples(target)))
        expect.no_code(outcome, control=control)
        return
    expect.refused(answer)


@verifies("rfc9396-3-accepted-in-push", needs=Feature.RAR)
async def test_details_are_accepted_in_a_push(par: Par, authorization: Authorization, target: Target) -> None:
    """A push with valid authorization_details as JSON text in the form is accepted and leads to a code."""
    client = client_of(target)
    push = par.ordinary(client, authorization_details=text(samples(target)))
    answer = expect.accepted(await par.send(push, control=lambda: par.ordinary(client)))
    expect.code(await authorization.open(answer), control=await authorization.open(await par.accepted(client)))


def signing_client(profile: Profile) -> dict[str, str]:
    """A client that signs its requests and asks for details."""
    for role, client in profile.clients.items():
        if client.authorization_details and client.request_objects:
            return {role: role}
    return {}


@verifies("rfc9396-3-accepted-in-request-object", needs=(Feature.RAR, Feature.JAR))
@each(client=signing_client)
async def test_details_are_accepted_in_a_request_object(par: Par, authorization: Authorization, client: str) -> None:
    """A pushed request object with valid authorization_details as a JSON array is accepted and leads to a code."""
    details = text(par.client(client).entry.authorization_details)
    answer = await par.send(par.object(client, authorization_details=details), control=lambda: par.object(client))
    control = await authorization.open(needs_accepted(await par.send(par.object(client))))
    expect.code(await authorization.open(expect.accepted(answer)), control=control)


@verifies("rfc9396-2-details-that-are-no-json-refused", needs=Feature.RAR)
@each(value={"text": "par-conformance", "cut": '[{"type": "pay', "single-quotes": "[{'type': 'payment'}]"})
async def test_details_that_are_no_json_are_refused(
    par: Par, authorization: Authorization, target: Target, value: str
) -> None:
    """An authorization_details that is no JSON is refused."""
    await refused(par, authorization, target, value)


def _object(entries: list[Sample]) -> object:
    return entries[0]


def _strings(entries: list[Sample]) -> object:
    return [entries[0]["type"]]


def _nested(entries: list[Sample]) -> object:
    return [entries]


@verifies("rfc9396-2-details-that-are-no-array-refused", needs=Feature.RAR)
@each(shape={"object": _object, "array-of-strings": _strings, "nested-array": _nested})
async def test_details_that_are_no_array_of_objects_are_refused(
    par: Par, authorization: Authorization, target: Target, shape: Callable[[list[Sample]], object]
) -> None:
    """An authorization_details that is valid JSON but no array of objects is refused."""
    await refused(par, authorization, target, text(shape(samples(target))))


@verifies("rfc9396-2-missing-type-refused", needs=Feature.RAR)
@each(place=("only", "second"))
async def test_entry_without_a_type_is_refused(
    par: Par, authorization: Authorization, target: Target, place: str
) -> None:
    """An entry of authorization_details without type is refused, also behind a good one."""
    sample = samples(target)[0]
    faulty = {name: value for name, value in sample.items() if name != "type"}
    await refused(par, authorization, target, text([faulty] if place == "only" else [sample, faulty]))


@verifies("rfc9396-2-type-that-is-no-string-refused", needs=Feature.RAR)
@each(shape=("array", "number", "null"))
async def test_type_that_is_no_string_is_refused(
    par: Par, authorization: Authorization, target: Target, shape: str
) -> None:
    """An entry of authorization_details whose type is no JSON string is refused."""
    sample = samples(target)[0]
    value = {"array": [sample["type"]], "number": 1, "null": None}[shape]
    await refused(par, authorization, target, text([{**sample, "type": value}]))


@verifies("rfc9396-2-several-entries-of-one-type-accepted", needs=Feature.RAR)
async def test_two_entries_of_one_type_are_accepted(par: Par, authorization: Authorization, target: Target) -> None:
    """An authorization_details with two entries of one type is accepted and leads to a code."""
    sample = samples(target)[0]
    answer = expect.accepted(await push_of(par, target, text([sample, sample])))
    control = await authorization.open(await asked(par, target, [sample]))
    expect.code(await authorization.open(answer), control=control)


@verifies("rfc9396-5-unknown-type-refused", needs=Feature.RAR)
@each(place=("only", "second"))
async def test_unknown_type_is_refused(par: Par, authorization: Authorization, target: Target, place: str) -> None:
    """An authorization_details with a type that the server does not know is refused, also behind a known one."""
    unknown = {"type": UNKNOWN}
    await refused(par, authorization, target, text([unknown] if place == "only" else [samples(target)[0], unknown]))


@verifies("rfc9396-12-type-compared-exactly", needs=Feature.RAR)
async def test_type_in_other_case_is_unknown(par: Par, authorization: Authorization, target: Target) -> None:
    """A type that matches a known one only after changing case is refused as unknown."""
    sample = samples(target)[0]
    other = str(sample["type"]).swapcase()
    if other == sample["type"] or other in (target.metadata.strings("authorization_details_types_supported") or []):
        raise NotApplicable("the type has no other spelling")
    await refused(par, authorization, target, text([{**sample, "type": other}]))


@verifies("rfc9396-5-unknown-field-refused", needs=Feature.RAR)
async def test_unknown_field_is_refused(par: Par, authorization: Authorization, target: Target) -> None:
    """An entry of a known type with a field that the type does not define is refused."""
    await refused(par, authorization, target, text([{**samples(target)[0], "par_conformance": "unknown"}]))


@verifies("rfc9396-5-field-of-wrong-type-refused", needs=Feature.RAR)
@each(shape={"object": {"par": "conformance"}, "number": 7})
async def test_field_of_another_json_type_is_refused(
    par: Par, authorization: Authorization, target: Target, shape: object
) -> None:
    """An entry in which a field has another JSON type than its definition says is refused."""
    sample = samples(target)[0]
    name = next((name for name, value in sample.items() if name != "type" and isinstance(value, str)), None)
    if name is None:
        raise NotApplicable("the valid entry has no field that is a text")
    await refused(par, authorization, target, text([{**sample, name: shape}]))


@verifies("rfc9396-5-error-code", needs=Feature.RAR)
async def test_error_of_faulty_details(par: Par, authorization: Authorization, target: Target) -> None:
    """The error for authorization_details of an unknown type is invalid_authorization_details."""
    answer = await push_of(par, target, text([{"type": UNKNOWN}]))
    if answer.accepted:
        outcome = await authorization.open(answer)
        if outcome.granted:
            raise NotApplicable("the faulty details were accepted, which is a finding of its own")
        if outcome.ending is not Ending.ERROR_REDIRECT:
            raise NotApplicable(f"the error is not told to the client: {outcome.summary}")
        error = outcome.error
    else:
        error = expect.an_error(answer).error
    expect.that(
        error == "invalid_authorization_details",
        "other-code",
        f"the error code is {error}",
        expected="invalid_authorization_details",
        received=error,
    )
