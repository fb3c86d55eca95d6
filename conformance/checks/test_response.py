"""The successful response to a pushed authorization request (RFC 9126 section 2.2)."""

from __future__ import annotations

import asyncio
import base64
import re
import secrets

from conformance import expect
from conformance.check import each, verifies
from conformance.checks import roles
from conformance.protocol.authorization import Authorization
from conformance.protocol.par import Par, PushAnswer, without_control
from conformance.randomness import Estimate, estimate
from conformance.report.record import Fact
from conformance.target import Target
from conformance.verdict import NotApplicable, NotExercised

#: RFC 6749 section 10.10: 128 bits. An estimate from samples falls a little short of the truth, and a random UUID has
#: 122 bits, which nobody guesses either.
ENOUGH_BITS = 118
#: What each statement about the length asks for: bits, one less than it says, for an estimate rounds.
BITS = {
    "rfc9126-7.1-request-uri-entropy": ENOUGH_BITS,
    "rfc6749-10.10-request-uri-128-bits": 127,
    "rfc6749-10.10-request-uri-160-bits": 159,
}
#: Below this a value is not merely short: it can be predicted.
PREDICTABLE_BITS = 64
_URI = re.compile(r"^[A-Za-z][A-Za-z0-9+.\-]*:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+$")


async def answered(par: Par, client: str = "first") -> PushAnswer:
    """The answer to an ordinary push. NotExercised unless it was a success of some form."""
    answer = await par.push(client)
    if answer.status is None or not 200 <= answer.status < 300:
        raise without_control(answer, f"an ordinary pushed request was not successful: {answer.summary}")
    return answer


@verifies("rfc9126-2.2-status-201")
@each(client=roles.by_method)
async def test_success_is_201(par: Par, client: str) -> None:
    """A successful push is answered with 201 (Created)."""
    answer = await answered(par, client)
    expect.that(
        answer.status == 201,
        f"status-{answer.status}",
        f"a successful push was answered with {answer.summary}",
        expected="HTTP 201",
        received=answer.summary,
    )


@verifies("rfc9126-2.2-media-type-json")
async def test_success_is_application_json(par: Par) -> None:
    """The answer to a successful push has the media type application/json."""
    answer = await answered(par)
    media_type = answer.response.media_type if answer.response else ""
    expect.that(
        media_type == "application/json",
        "other-media-type",
        f"the answer is {media_type or 'without a media type'}",
        expected="application/json",
        received=media_type or "none",
    )


@verifies("rfc9126-2.2-top-level-members")
async def test_success_is_a_json_object(par: Par) -> None:
    """The answer is one JSON object with request_uri and expires_in at its top level."""
    answer = await answered(par)
    members = answer.json
    expect.that(
        members is not None and ("request_uri" in members or "expires_in" in members),
        "no-top-level-members",
        "the members do not stand at the top level of one JSON object",
        expected="request_uri and expires_in",
        received=", ".join(members) if members is not None else "no JSON object",
    )


@verifies("rfc9126-2.2-request-uri-issued")
@each(client=roles.by_method)
async def test_success_has_a_request_uri(par: Par, client: str) -> None:
    """The answer to a successful push has a request_uri, a string that is not empty."""
    answer = await answered(par, client)
    expect.that(
        answer.request_uri is not None,
        "no-request-uri",
        "the answer has no request_uri",
        expected="a string",
        received=repr((answer.json or {}).get("request_uri")),
    )


@verifies("rfc9126-2.2-request-uri-absolute")
async def test_request_uri_is_an_absolute_uri(par: Par) -> None:
    """The request_uri is an absolute URI (RFC 3986), fit to be a parameter of a URL."""
    value = (await par.accepted()).request_uri or ""
    expect.that(
        bool(_URI.match(value)),
        "no-uri",
        f"the request_uri is {value!r}",
        expected="scheme:something, of the signs that RFC 3986 allows",
        received=repr(value),
    )


@verifies("rfc9126-2.2-expires-in-present")
async def test_success_has_expires_in(par: Par) -> None:
    """The answer to a successful push has expires_in."""
    answer = await answered(par)
    expect.that(
        "expires_in" in (answer.json or {}),
        "no-expires-in",
        "the answer has no expires_in",
        expected="expires_in",
        received=", ".join(answer.json or {}),
    )


def _expires_in(answer: PushAnswer) -> object:
    members = answer.json or {}
    if "expires_in" not in members:
        raise NotExercised("the answer has no expires_in")
    return members["expires_in"]


@verifies("rfc9126-2.2-expires-in-integer")
async def test_expires_in_is_a_json_integer(par: Par) -> None:
    """expires_in is a JSON number without a fraction, no string."""
    value = _expires_in(await answered(par))
    expect.that(
        isinstance(value, int) and not isinstance(value, bool),
        f"type-{type(value).__name__}",
        f"expires_in is {value!r}",
        expected="an integer",
        received=repr(value),
    )


@verifies("rfc9126-2.2-expires-in-positive")
async def test_expires_in_is_positive(par: Par) -> None:
    """expires_in is greater than zero."""
    answer = await answered(par)
    _expires_in(answer)
    value = answer.expires_in
    if value is None:
        raise NotExercised("expires_in is no number")
    expect.that(value > 0, "not-positive", f"expires_in is {value:g}", expected="more than 0", received=f"{value:g}")


@verifies("rfc9126-2.2-expires-in-range")
async def test_expires_in_is_in_the_usual_range(par: Par, target: Target, facts: list[Fact]) -> None:
    """expires_in is between 5 and 600 seconds, and what the profile declares, if it does."""
    answer = await answered(par)
    value = answer.expires_in
    if value is None:
        raise NotExercised("expires_in is missing or no number")
    facts.append(Fact(name="announced lifetime of a request_uri", value=f"{value:g}", unit="s"))
    declared = target.profile.limits.expires_in
    if declared is not None:
        expect.that(
            declared - 2 <= value <= declared,
            "not-as-declared",
            f"expires_in is {value:g}, the profile declares {declared}",
            expected=str(declared),
            received=f"{value:g}",
        )
    expect.that(
        5 <= value <= 600,
        "out-of-range",
        f"expires_in is {value:g} seconds",
        expected="5 to 600 seconds",
        received=f"{value:g}",
    )


@verifies("rfc9126-2.2-not-cacheable")
async def test_success_is_not_cacheable(par: Par) -> None:
    """The answer to a successful push says Cache-Control: no-store."""
    answer = await answered(par)
    said = ", ".join(answer.response.all("cache-control")) if answer.response else ""
    expect.that(
        "no-store" in said.lower(),
        "cacheable",
        "the answer may be stored by a cache",
        expected="Cache-Control: no-store",
        received=said or "no Cache-Control",
    )


async def series(par: Par, target: Target) -> list[str]:
    """The request_uris of many pushes, one after the other in small groups, in the order of their issue."""
    count, width = target.profile.limits.samples, 4
    values: list[str] = []
    for _ in range(0, count, width):
        answers = await asyncio.gather(*(par.send(par.ordinary()) for _ in range(width)))
        ordered = sorted(answers, key=lambda answer: answer.response.received if answer.response else 0)
        values += [answer.request_uri for answer in ordered if answer.request_uri]
    if len(values) < count * 3 // 4:
        raise NotExercised(f"only {len(values)} of {count} pushes brought a request_uri")
    return values


#: What other documents say of the same: neither too short nor regular.
UNGUESSABLE = (
    "rfc9101-10.2-request-uri-unguessable",
    "openid-core-6.2.1-request-uri-unguessable",
    "fapi2-security-profile-5.4.1-request-uri-unguessable",
)


def _judge_uniqueness(found: Estimate, values: list[str]) -> None:
    expect.that(
        found.repeated == 0,
        "repeated",
        f"{found.repeated} of {len(values)} request_uris came twice",
        "rfc9126-2.2-request-uri-unique",
        expected="every one new",
        received=f"{len(set(values))} different ones",
    )


def _judge_bits(found: Estimate, values: list[str]) -> None:
    if found.repeated > 0 or found.bits < PREDICTABLE_BITS:
        return  # worse than too short, and told as such
    short = {name: bits for name, bits in BITS.items() if found.bits < bits}
    expect.that(
        not short,
        "too-few-bits",
        f"about {found.bits:g} bits vary from one request_uri to the next",
        *short,
        *(UNGUESSABLE if found.bits < ENOUGH_BITS else ()),
        expected="at least 128, better 160 (RFC 6749 section 10.10); a random UUID's 122 will do for RFC 9126",
        received=f"{found.bits:g} bits in {len(found.varying)} signs, from {len(values)} samples",
    )


def _judge_prediction(found: Estimate, values: list[str]) -> None:
    expect.that(
        found.pattern is None,
        "pattern",
        f"the next request_uri can be predicted: {found.pattern}",
        "rfc9126-2.2-request-uri-unpredictable",
        *UNGUESSABLE,
        expected="no order",
        received=found.pattern,
    )
    expect.that(
        found.bits >= PREDICTABLE_BITS or found.repeated > 0,
        "predictable",
        f"only about {found.bits:g} bits vary from one request_uri to the next",
        "rfc9126-2.2-request-uri-unpredictable",
        *UNGUESSABLE,
        expected="at least 128 bits (RFC 6749 section 10.10)",
        received=f"{found.bits:g} bits, from {len(values)} samples",
    )


@verifies(
    "rfc9126-2.2-request-uri-unique",
    "rfc9126-2.2-request-uri-unpredictable",
    *BITS,
    *UNGUESSABLE,
)
async def test_request_uris_are_random(par: Par, target: Target, facts: list[Fact]) -> None:
    """Many pushes get different request_uris, without order, whose varying part has enough bits."""
    values = await series(par, target)
    found = estimate(values, par.wire.clock.now())
    facts.append(
        Fact(
            name="randomness of request_uri",
            value=f"{found.bits:g}",
            unit="bits",
            detail=f"{len(values)} samples, {found.repeated} repeated, {len(found.varying)} varying signs",
            samples=list(found.positions),
            picture="randomness" if found.positions else None,
        )
    )
    _judge_uniqueness(found, values)
    _judge_prediction(found, values)
    _judge_bits(found, values)


@verifies("rfc9126-2.2-request-uri-unpredictable", *UNGUESSABLE)
async def test_request_uri_does_not_follow_from_the_request(par: Par) -> None:
    """The same request, pushed again, gets another request_uri: to know the request is not to know its reference."""
    push = par.ordinary()
    same = [await par.send(push) for _ in range(3)]
    other = await par.accepted()
    if not all(answer.accepted for answer in same):
        raise NotApplicable(f"the same request is not accepted again: {same[-1].summary}")
    values = {answer.request_uri for answer in same}
    expect.that(
        len(values) > 1 or other.request_uri in values,
        "follows-from-request",
        f"the same request, pushed {len(same)} times, got the same request_uri each time",
        expected="a new request_uri",
        received=same[0].request_uri,
    )


@verifies("rfc9126-2.2-request-uri-opaque")
async def test_request_uri_shows_nothing_of_the_request(par: Par) -> None:
    """Nothing of what was pushed can be read out of the request_uri, encoded or not."""
    marker = "marker" + secrets.token_hex(12)
    answer = expect.accepted(await par.push(state=marker))
    value = answer.request_uri or ""
    readable = [value, *_decoded(value)]
    expect.that(
        not any(marker in text for text in readable),
        "readable",
        "the pushed state can be read out of the request_uri",
        expected="an opaque reference",
        received=value,
    )


def _decoded(value: str) -> list[str]:
    texts = []
    for part in re.split(r"[:/.?=&#~]", value):
        if len(part) >= 16:
            try:
                texts.append(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode("utf-8", "ignore"))
            except ValueError:
                continue
    texts += [
        bytes.fromhex(digits).decode("utf-8", "ignore") for digits in re.findall(r"(?:[0-9A-Fa-f]{2}){8,}", value)
    ]
    return texts


@verifies("rfc9126-2.2-request-uri-stands-for-request")
async def test_each_request_uri_stands_for_its_own_request(par: Par, authorization: Authorization) -> None:
    """Two request_uris stand for their own requests, opened in the other order."""
    first, second = await par.accepted(), await par.accepted()
    for answer in (second, first):
        outcome = await authorization.code(answer)
        pushed = answer.push.value("state")
        expect.that(
            outcome.parameters.get("state") == pushed,
            "other-request",
            "the authorization response belongs to another pushed request",
            expected=f"state={pushed}",
            received=f"state={outcome.parameters.get('state')}",
        )
