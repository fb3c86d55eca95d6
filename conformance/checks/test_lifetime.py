"""The lifetime of a request_uri (RFC 9126 sections 2.2 and 4)."""

from __future__ import annotations

from conformance import expect
from conformance.check import verifies
from conformance.engine import CheckClock
from conformance.profile.model import Feature
from conformance.protocol import jar
from conformance.protocol.authorization import Authorization
from conformance.protocol.par import Par, PushAnswer
from conformance.report.record import Fact
from conformance.verdict import NotApplicable, NotExercised

#: A server may count in whole seconds and may announce the rest of one second less than it grants.
GRACE = 2.0
#: Nearer to its end than this nothing is said about a request_uri (seconds).
SMALLEST = 0.5
#: A tolerance in proportion, for long lifetimes.
SHARE = 0.02
#: The measured fact that several checks come to together.
TRUE_LIFETIME = "true lifetime of a request_uri"


def lifetime_of(answer: PushAnswer) -> tuple[float, float]:
    """When the answer came (Unix seconds) and the announced lifetime (seconds)."""
    if answer.expires_in is None or answer.response is None:
        raise NotExercised("expires_in is missing or no number: nothing says how long to wait")
    if answer.expires_in <= 0:
        raise NotApplicable(f"expires_in is {answer.expires_in:g}, which is a finding of its own")
    return answer.response.received, answer.expires_in


def see_lifetime(facts: list[Fact], announced: float, age: float, *, alive: bool) -> None:
    """Measure the lifetime: whether a request_uri of an age (seconds) was alive, beside what is known already."""
    before = next((fact.samples for fact in facts if fact.name == TRUE_LIFETIME), [announced, 0.0])
    valid = max(before[1], age) if alive else before[1]
    end = min([*before[2:], *([] if alive else [age])], default=0.0)
    value = f">= {valid:g}" if end <= valid else f"{valid:g} to {end:g}" if valid else f"<= {end:g}"
    facts[:] = [fact for fact in facts if fact.name != TRUE_LIFETIME]
    facts.append(
        Fact(
            name=TRUE_LIFETIME,
            value=value,
            unit="s",
            detail=f"announced {announced:g} s",
            samples=[announced, valid, *([end] if end > valid else [])],
            picture="lifetime",
        )
    )


@verifies("rfc9126-4-expired-refused", waits=True)
async def test_expired_request_uri_brings_no_code(
    par: Par, authorization: Authorization, clock: CheckClock, facts: list[Fact]
) -> None:
    """A request_uri brings no code once its announced lifetime is over."""
    answer = await par.accepted()
    received, lifetime = lifetime_of(answer)
    await clock.until(received + lifetime + GRACE + lifetime * SHARE, "the lifetime of the request_uri to end")
    outcome = await authorization.open(answer)
    control = await authorization.open(await par.accepted())
    see_lifetime(facts, lifetime, lifetime + GRACE + lifetime * SHARE, alive=outcome.granted)
    expect.no_code(outcome, control=control)


@verifies("rfc9126-4-expired-refused", waits=True)
async def test_expired_request_uri_brings_no_code_after_a_visit(
    par: Par, authorization: Authorization, clock: CheckClock
) -> None:
    """A visit to the login page does not prolong the life of a request_uri: opened anew after its end it is dead."""
    answer = await par.accepted()
    received, lifetime = lifetime_of(answer)
    await clock.until(received + lifetime / 2, "the second half of the life of the request_uri")
    await authorization.open(answer, browser=authorization.new_browser(), stop="login")
    await clock.until(received + lifetime + GRACE + lifetime * SHARE, "the lifetime of the request_uri to end")
    outcome = await authorization.open(answer, browser=authorization.new_browser())
    control = await authorization.open(await par.accepted())
    expect.no_code(outcome, control=control)


@verifies("rfc9126-2.2-usable-for-lifetime", waits=True)
async def test_request_uri_is_usable_while_it_lives(
    par: Par, authorization: Authorization, clock: CheckClock, facts: list[Fact]
) -> None:
    """A request_uri still leads to a code shortly before its announced lifetime is over."""
    answer = await par.accepted()
    received, lifetime = lifetime_of(answer)
    margin = max(1.5, lifetime * 0.15)
    if lifetime <= 2 * margin:
        raise NotExercised(f"a lifetime of {lifetime:g} s is too short to be tried out")
    await clock.until(received + lifetime - margin, "the last moments of the request_uri")
    outcome = await authorization.open(answer)
    first = next(iter(outcome.responses), None)
    if not outcome.granted and (first is None or first.received > received + lifetime - SMALLEST):
        raise NotExercised("the authorization request was answered too late to show anything: the machine is busy")
    if outcome.granted:
        see_lifetime(facts, lifetime, lifetime - margin, alive=True)
    expect.code(outcome, control=await authorization.open(await par.accepted()))


@verifies("rfc9126-2.2-lifetime-not-set-by-client", needs=Feature.JAR)
async def test_request_object_does_not_prolong_the_lifetime(par: Par) -> None:
    """A request object that lives for a year does not give its request_uri a longer life than usual."""
    usual = lifetime_of(await par.accepted("signed"))[1]
    far = jar.Fault(claims={"exp": lambda now: int(now) + 31_536_000})
    answer = await par.send(par.object("signed", fault=far), control=lambda: par.object("signed"))
    if not answer.accepted:
        expect.refused(answer)
        return
    got = lifetime_of(answer)[1]
    expect.that(
        got <= max(usual + GRACE, 600),
        "lifetime-from-client",
        f"the request_uri lives {got:g} s because the request object says so",
        expected=f"{usual:g} s",
        received=f"{got:g} s",
    )
