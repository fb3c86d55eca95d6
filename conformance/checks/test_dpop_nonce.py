"""Nonces that the server demands in DPoP proofs (RFC 9449 sections 8 and 11.3)."""

from __future__ import annotations

import re
from dataclasses import replace

from conformance import expect
from conformance.check import each, verifies
from conformance.checks.proofs import GARBAGE, proving, redeemed, sent
from conformance.checks.test_dpop_binding import one_signer
from conformance.engine import CheckClock
from conformance.http.message import Response, origin
from conformance.profile.model import Feature
from conformance.protocol.authorization import Authorization
from conformance.protocol.dpop import DpopKey, Fault
from conformance.protocol.par import Par, PushAnswer
from conformance.protocol.token import Token
from conformance.randomness import estimate
from conformance.verdict import NotApplicable, NotExercised, Violation

HEADER = "DPoP-Nonce"
#: A proof that leaves the nonce out on purpose.
WITHOUT = Fault(claims={"nonce": None})
#: RFC 9449 section 8.1.
_SYNTAX = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
#: How many periods are looked at, how often (seconds), and how long at most (seconds).
PERIODS, STEP, LONGEST = 3, 20, 360
#: Fewer bits than this can be guessed while a nonce lives.
FEWEST_BITS = 64


async def challenge(par: Par) -> PushAnswer:
    """The answer to a push whose proof has no nonce. NotApplicable where the server does not work with nonces."""
    answer = await par.send(proving(par, fault=WITHOUT), purpose="push without a DPoP nonce")
    if answer.error == "use_dpop_nonce" or nonces(answer.response):
        return answer
    usual = await par.send(proving(par))
    if not nonces(usual.response) and (answer.accepted or not usual.accepted):
        raise NotApplicable("the server does not work with DPoP nonces")
    return answer


async def refused_challenge(par: Par) -> PushAnswer:
    """The challenge, refused as it should be. NotApplicable where the server offers nonces without demanding them."""
    answer = await challenge(par)
    if answer.accepted:
        raise NotApplicable("the server does not demand the nonces that it offers")
    return answer


def nonces(response: Response | None) -> list[str]:
    """The nonces that an answer carries."""
    return response.all(HEADER) if response is not None else []


@verifies("rfc9449-11.3-proof-without-nonce-refused", needs=Feature.DPOP)
async def test_proof_without_a_nonce_is_refused(par: Par) -> None:
    """A proof without a nonce is refused once the server provided one."""
    await challenge(par)
    await sent(par, lambda: proving(par))
    expect.refused(await par.send(proving(par, fault=WITHOUT), control=lambda: proving(par)))


@verifies("rfc9449-8-nonce-challenge-error", needs=Feature.DPOP)
async def test_proof_without_a_nonce_is_told_use_dpop_nonce(par: Par) -> None:
    """A server that wants a nonce answers a proof without one by status 400 and the error use_dpop_nonce."""
    answer = await refused_challenge(par)
    expect.that(
        answer.error == "use_dpop_nonce",
        "other-code",
        f"the error code is {answer.error}",
        expected="use_dpop_nonce",
        received=answer.error,
    )
    expect.that(
        answer.status == 400,
        "other-status",
        f"the status is {answer.status}",
        expected="400",
        received=str(answer.status),
    )


@verifies("rfc9449-8-nonce-challenge-carries-nonce", needs=Feature.DPOP)
@each(endpoint=("par", "token"))
async def test_challenge_carries_a_nonce(par: Par, authorization: Authorization, token: Token, endpoint: str) -> None:
    """An answer with the error use_dpop_nonce carries a DPoP-Nonce header, at either endpoint."""
    answer = await refused_challenge(par)
    response, error = answer.response, answer.error
    if endpoint == "token":
        key = DpopKey()
        bound = await sent(par, lambda: replace(proving(par), dpop=key))
        tokens = await redeemed(authorization, token, bound, key, fault=WITHOUT)
        response, error = tokens.response, tokens.error
    if error != "use_dpop_nonce":
        raise NotApplicable(f"the answer is no demand for a nonce: its error code is {error}")
    expect.that(
        bool(nonces(response)),
        "no-nonce",
        "the demand for a nonce comes without one",
        expected=f"a {HEADER} header",
        received="none",
    )


@verifies("rfc9449-8-one-nonce-header", needs=Feature.DPOP)
async def test_no_answer_has_two_nonces(par: Par, authorization: Authorization, token: Token) -> None:
    """No answer carries more than one DPoP-Nonce header: neither a challenge nor a success nor another error."""
    key = DpopKey()
    answers = [(await challenge(par)).response]
    answers.append((await par.send(proving(par, fault=GARBAGE))).response)
    success = await sent(par, lambda: replace(proving(par), dpop=key))
    answers += [success.response, (await redeemed(authorization, token, success, key)).response]
    most = max(answers, key=lambda response: len(nonces(response)))
    expect.that(
        len(nonces(most)) <= 1 and not any("," in nonce for nonce in nonces(most)),
        "several-nonces",
        f"an answer carries {len(nonces(most))} nonces",
        expected=f"one {HEADER} header",
        received=", ".join(nonces(most)),
    )


@verifies("rfc9449-8-retry-with-nonce-accepted", needs=Feature.DPOP)
async def test_push_is_accepted_with_the_nonce_of_the_challenge(par: Par) -> None:
    """The same push with a fresh proof that carries the nonce of the challenge is accepted."""
    answer = await refused_challenge(par)
    given = nonces(answer.response)
    if not given:
        raise NotApplicable("the challenge carries no nonce, which is a finding of its own")
    again = await par.send(replace(answer.push, dpop_fault=Fault(claims={"nonce": given[0]})))
    if not again.accepted:
        raise Violation(
            "refused",
            f"the push with the nonce of the challenge was refused: {again.summary}",
            expected="2xx with a request_uri",
            received=again.summary,
        )


@verifies("rfc9449-8-wrong-nonce-refused", needs=Feature.DPOP)
@each(nonce=("made-up", "one-sign-changed"))
async def test_nonce_that_was_never_issued_is_refused(par: Par, nonce: str) -> None:
    """A proof with a nonce that the server never issued is refused."""
    await refused_challenge(par)
    await sent(par, lambda: proving(par))
    real = par.nonces.get("par", "")
    false = "par-conformance-made-up" if nonce == "made-up" else ("b" if real[:1] == "a" else "a") + real[1:]
    push = proving(par, fault=Fault(claims={"nonce": false}))
    expect.refused(await par.send(push, control=lambda: proving(par)))


@verifies("rfc9449-8-challenge-spends-nothing-else", needs=(Feature.DPOP, Feature.JAR))
@each(client=one_signer)
async def test_challenge_does_not_spend_the_request_object(par: Par, client: str) -> None:
    """A push that was answered with use_dpop_nonce may be repeated with the same request object and a new proof."""
    push = replace(par.object(client), dpop=DpopKey(), dpop_fault=WITHOUT)
    first = await par.send(push)
    if first.error != "use_dpop_nonce":
        raise NotApplicable("the server does not demand a nonce of this push")
    again = await par.send(
        replace(push, dpop_fault=Fault()), control=lambda: replace(par.object(client), dpop=push.dpop)
    )
    expect.accepted(again)


@verifies("rfc9449-8-nonce-readable-for-browser-clients", needs=Feature.DPOP)
async def test_scripts_can_read_the_nonce(par: Par) -> None:
    """Where cross-origin requests are allowed, the answer exposes DPoP-Nonce."""
    await challenge(par)
    push = proving(par, fault=WITHOUT)
    # A server may keep a list of origins: that of the client's own pages stands in it, if any does.
    push = replace(push, headers=(("Origin", origin(push.client.redirect_uri)),))
    answer = await par.send(push)
    if answer.response is None or not nonces(answer.response):
        raise NotExercised("the answer to a request of a script carries no nonce")
    if answer.response.header("access-control-allow-origin") is None:
        raise NotApplicable("the endpoint allows no cross-origin requests")
    listed = ",".join(answer.response.all("access-control-expose-headers")).lower()
    exposed = {name.strip() for name in listed.split(",")}
    expect.that(
        bool({"*", HEADER.lower()} & exposed),
        "not-exposed",
        f"{HEADER} is not among the exposed headers",
        expected=HEADER,
        received=listed or "none",
    )


@verifies("rfc9449-8.1-nonce-syntax", needs=Feature.DPOP)
async def test_nonce_has_the_right_syntax(par: Par) -> None:
    """A nonce has at least one character, and only printable ASCII without space, quote and backslash."""
    given = nonces((await challenge(par)).response) or nonces((await par.send(proving(par))).response)
    if not given:
        raise NotExercised("no answer carried a nonce")
    expect.that(
        all(_SYNTAX.fullmatch(nonce) for nonce in given),
        "other-characters",
        f"the nonce is {given[0]!r}",
        expected="printable ASCII without space, quote and backslash",
        received=repr(given[0]),
    )


@verifies("rfc9449-8.2-new-nonce-from-success-accepted", needs=Feature.DPOP)
async def test_nonce_of_a_success_is_accepted(par: Par) -> None:
    """A nonce that came with a successful answer is accepted in the next proof."""
    await challenge(par)
    given = nonces((await sent(par, lambda: proving(par))).response)
    if not given:
        raise NotApplicable("successful answers carry no nonce")
    fault = Fault(claims={"nonce": given[0]})
    expect.accepted(await par.send(proving(par, fault=fault), control=lambda: proving(par)))


@verifies("rfc9449-8.2-nonce-answers-uncacheable", needs=Feature.DPOP)
async def test_answer_with_a_nonce_is_not_stored(par: Par) -> None:
    """An answer with a DPoP-Nonce header, success or challenge, is marked as not to be stored."""
    answers = [(await challenge(par)).response, (await par.send(proving(par))).response]
    carrying = [response for response in answers if response is not None and nonces(response)]
    if not carrying:
        raise NotExercised("no answer carried a nonce")
    for response in carrying:
        control = ",".join(response.all("cache-control")).lower()
        expect.that(
            "no-store" in control or "no-cache" in control,
            "cacheable",
            "an answer with a nonce may be stored",
            expected="Cache-Control: no-store",
            received=control or "no Cache-Control",
        )


@verifies("rfc9449-8-nonce-unpredictable", needs=Feature.DPOP, waits=True)
async def test_nonces_are_unpredictable(par: Par, clock: CheckClock) -> None:
    """The nonces of successive periods do not repeat, and follow no visible pattern."""
    await challenge(par)
    seen: list[str] = []
    started = clock.now()
    while True:
        answer = await par.send(proving(par, fault=WITHOUT), purpose="look at the nonce")
        given = nonces(answer.response) or nonces((await par.send(proving(par))).response)
        if given and given[0] not in seen[-1:]:
            seen.append(given[0])
        if len(seen) >= PERIODS or clock.now() >= started + LONGEST:
            break
        await clock.until(clock.now() + STEP, "the next nonce of the server")
    if len(seen) < 2:
        raise NotExercised(f"the nonce did not change within {LONGEST} s")
    found = estimate(seen, clock.now())
    pattern = found.pattern or rising(seen)
    expect.that(
        len(set(seen)) == len(seen),
        "repeated",
        "a nonce came back after another one had been given out",
        expected="a new nonce in each period",
        received=", ".join(seen),
    )
    expect.that(
        pattern is None,
        "predictable",
        f"the nonces can be foretold: {pattern}",
        expected="no pattern",
        received=", ".join(seen),
    )
    bits = widest_bits(seen)
    expect.that(
        bits >= FEWEST_BITS,
        "too-short",
        f"a nonce has room for about {bits:g} bits only",
        expected=f"at least {FEWEST_BITS} bits",
        received=", ".join(seen),
    )


def rising(seen: list[str]) -> str | None:
    """The word for nonces that are rising numbers: a counter or a clock."""
    numbers = [int(nonce) for nonce in seen if nonce.isdigit()]
    return "they are rising numbers" if len(numbers) == len(seen) and numbers == sorted(numbers) else None


def widest_bits(seen: list[str]) -> float:
    """The most bits that the signs in which nonces differ can carry; few samples show no more than that."""
    shortest = min(map(len, seen))
    varying = sum(len({nonce[i] for nonce in seen}) > 1 for i in range(shortest))
    alphabet = 3.3 if "".join(seen).isdigit() else 4 if re.fullmatch(r"[0-9a-fA-F-]+", "".join(seen)) else 6
    return varying * alphabet
